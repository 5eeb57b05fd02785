//! A page that stands alone: matrices to point at, without a network. The page is `assets/export.html`; this fills
//! in what it shows, as JSON.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::figure::{Content, Figure, inputs, view_name};
use super::markup::{escape, fill, script};
use super::{ColorRange, ExportError, Look, Recipe, Selection, Source, heads};
use crate::attention::alignment::{Granularity, pieces};
use crate::attention::{Capture, CausalMatrix, Normalisation, View};
use crate::theme::{Background, Ramp, Rgb};

/// The page, with places for what it shows.
const PAGE: &str = include_str!("../../assets/export.html");
/// What is before the recipe in a page.
pub const RECIPE: &str = "<script type=\"application/json\" id=\"recipe\">";
/// Bytes of matrices that a page may hold: more opens slowly, and is not for sharing.
const LARGEST: usize = 32 << 20;

/// What a page shows.
#[derive(Serialize)]
struct Data {
    title: String,
    caption: Vec<String>,
    panels: Vec<Panel>,
    /// By the background: colours from the lowest level to the highest.
    ramps: Ramps,
    /// Whether values are differences.
    signed: bool,
    /// Whether values are as they are shown, and can't be normalised otherwise.
    fixed: bool,
    rule: &'static str,
    curve: &'static str,
    /// Where colours end, if that was asked for; and else whether at each panel's own top.
    top: Option<f32>,
    own: bool,
    /// Of each token of both sides, its piece of the text.
    links: Option<[Vec<usize>; 2]>,
}

#[derive(Serialize)]
struct Ramps {
    light: Vec<String>,
    dark: Vec<String>,
}

#[derive(Serialize)]
struct Panel {
    title: String,
    /// Said after the view and the rule.
    note: String,
    labels: Vec<String>,
    views: Vec<Matrix>,
    /// Where the heads are among the views, if all of them are.
    heads: Option<Heads>,
}

#[derive(Serialize)]
struct Heads {
    layers: usize,
    heads: usize,
    first: usize,
}

/// A matrix: of each row its sink, if there is one, and its keys, as f32 in base 64.
#[derive(Serialize)]
struct Matrix {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    sink: bool,
    data: String,
}

/// Writes what a recipe says of the passes that it names.
///
/// # Errors
/// If a model has no such view, the page would be too large, or `out` refuses.
pub fn write(out: &mut impl Write, captures: &[&Capture], recipe: &Recipe) -> Result<(), ExportError> {
    let data = data(captures, recipe)?;
    let filled = [("title", escape(&data.title)), ("recipe", json(recipe)?), ("data", json(&data)?)];
    Ok(out.write_all(fill(PAGE, &filled).as_bytes())?)
}

fn data(captures: &[&Capture], recipe: &Recipe) -> Result<Data, ExportError> {
    let look = recipe.look.unwrap_or_default();
    check(captures, recipe)?;
    let signed = look.difference.is_some();
    let fixed = signed || captures.iter().any(|capture| capture.mean.bin() > 1);
    let panels = if signed {
        vec![difference(Figure::new(captures, recipe)?)]
    } else {
        let rule = if fixed { recipe.normalisation } else { Normalisation::Raw };
        let of = recipe.sources().zip(captures).map(|(source, capture)| panel(capture, source, rule));
        of.collect::<Result<_, _>>()?
    };
    let title = match panels.as_slice() {
        [left, right] => format!("{} and {}", left.title, right.title),
        panels => panels.iter().map(|panel| panel.title.clone()).collect(),
    };
    let caption = if look.caption { vec![inputs(recipe), format!("{}.", recipe.program)] } else { vec![] };
    Ok(Data {
        title: format!("Attention of {title}"),
        caption,
        ramps: ramps(&look),
        signed,
        fixed,
        rule: recipe.normalisation.name(),
        curve: look.curve.name(),
        top: match look.range {
            ColorRange::Top(top) => Some(top),
            ColorRange::Shared | ColorRange::Own => None,
        },
        own: look.range == ColorRange::Own,
        links: links(captures, recipe).filter(|_| !fixed),
        panels,
    })
}

/// Refuses what no page could hold.
fn check(captures: &[&Capture], recipe: &Recipe) -> Result<(), ExportError> {
    let bytes = |(source, capture): (&Source, &&Capture)| {
        let (size, model) = (capture.mean.size(), &capture.model);
        let views = match source.selection {
            Selection::One(_) => 1,
            Selection::All => 1 + model.layers + model.layers * model.heads,
        };
        // Four bytes become more than five letters.
        views * (size * (size + 3) / 2) * 4 * 4 / 3
    };
    let bytes: usize = recipe.sources().zip(captures).map(bytes).sum();
    if bytes > LARGEST { Err(ExportError::LargePage(bytes >> 20, LARGEST >> 20)) } else { Ok(()) }
}

fn panel(capture: &Capture, source: &Source, rule: Normalisation) -> Result<Panel, ExportError> {
    let one = |view: View, group: Option<String>| -> Result<Matrix, ExportError> {
        Ok(matrix(view_name(view), group, &capture.matrix(view)?, rule))
    };
    let layers = capture.model.layers;
    let views = match source.selection {
        Selection::One(view) => vec![one(view, None)?],
        Selection::All => {
            let means = std::iter::once(View::Mean).chain((0..layers).map(View::Layer));
            let means = means.map(|view| one(view, None));
            let of_heads =
                heads(capture).map(|view| one(view, view.layer().map(|layer| format!("layer {layer}"))));
            means.chain(of_heads).collect::<Result<_, _>>()?
        }
    };
    let has_heads = source.selection == Selection::All;
    let cells = match capture.mean.bin() {
        1 => String::new(),
        bin => format!(" · cells of {bin} tokens"),
    };
    Ok(Panel {
        title: crate::attention::escape_controls(&source.model),
        note: cells,
        labels: capture.labels(),
        views,
        heads: has_heads.then_some(Heads { layers, heads: capture.model.heads, first: 1 + layers }),
    })
}

fn matrix(name: String, group: Option<String>, matrix: &CausalMatrix, rule: Normalisation) -> Matrix {
    let mut values = Vec::with_capacity(matrix.cells().len() + matrix.size());
    let mut sink = false;
    for query in 0..matrix.size() {
        let row = rule.row(matrix, query);
        sink |= row.sink().is_some();
        values.extend(row.sink());
        values.extend((0..=query).map(|key| row.get(key).unwrap_or(f32::NAN)));
    }
    Matrix { name, group, sink, data: encoded(&values) }
}

/// The one panel of a figure of a difference.
fn difference(figure: Figure) -> Panel {
    let mut panel =
        Panel { title: String::new(), note: String::new(), labels: vec![], views: vec![], heads: None };
    for part in figure.panels {
        let Content::Square(square) = part.content else { continue };
        let sinks = |row: usize| square.sink.as_ref().map(|sink| sink[row].unwrap_or(f32::NAN));
        let keys = |row: usize| square.rows[row].iter().map(|value| value.unwrap_or(f32::NAN));
        let values: Vec<f32> =
            (0..square.rows.len()).flat_map(|row| sinks(row).into_iter().chain(keys(row))).collect();
        let sink = square.sink.is_some();
        panel.title = part.title;
        panel.views.push(Matrix { name: part.subtitle, group: None, sink, data: encoded(&values) });
        panel.labels = square.labels;
    }
    panel
}

fn encoded(values: &[f32]) -> String {
    STANDARD.encode(values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

/// The pieces of the text that both sides read.
fn links(captures: &[&Capture], recipe: &Recipe) -> Option<[Vec<usize>; 2]> {
    let &[left, right] = captures else { return None };
    if recipe.beside.as_ref().is_none_or(|beside| beside.input != recipe.source.input) {
        return None;
    }
    let pieces = pieces(&left.tokens, &right.tokens, Granularity::Pieces);
    Some([0, 1].map(|side: usize| {
        let of_piece =
            |(at, piece): (usize, &crate::attention::alignment::Piece)| vec![at; piece.tokens[side].len()];
        pieces.iter().enumerate().flat_map(of_piece).collect()
    }))
}

fn ramps(look: &Look) -> Ramps {
    let hex = |ramp: Ramp| ramp.colors().iter().map(|color: &Rgb| color.hex()).collect();
    let of = |background| match look.difference {
        Some(_) => hex(Ramp::of_differences(background)),
        None => hex(Ramp::of_values(look.colors)),
    };
    Ramps { light: of(Background::Light), dark: of(Background::Dark) }
}

fn json(value: &impl Serialize) -> Result<String, ExportError> {
    Ok(script(&serde_json::to_string(value).map_err(io::Error::from)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{Format, example};

    fn of(captures: &[&Capture], selection: Selection, normalisation: Normalisation, look: Look) -> Data {
        let mut sources = captures.iter().map(|capture| example::source(capture, selection));
        let sides = (sources.next().unwrap(), sources.next());
        data(captures, &Recipe::of_figure(sides, Format::Html, normalisation, look)).unwrap()
    }

    fn values(matrix: &Matrix) -> Vec<f32> {
        let bytes = STANDARD.decode(&matrix.data).unwrap();
        bytes.chunks(4).map(|value| f32::from_le_bytes(value.try_into().unwrap())).collect()
    }

    #[test]
    fn values_are_exact_and_words_are_linked() {
        let (left, right) =
            (example::reading(&["ab", " c"], false), example::reading(&["a", "b", " c"], true));
        let mean = Selection::One(View::Mean);
        let data = of(&[&left, &right], mean, Normalisation::Renormalised, Look::default());
        assert_eq!(data.links, Some([vec![0, 1], vec![0, 0, 1]]));
        assert_eq!(values(&data.panels[0].views[0]), [0.5, 0.25, 0.5], "raw: the page normalises by itself");
        assert_eq!(values(&data.panels[1].views[0])[..4], [0.5, 0.5, 0.25, 0.25], "each row after its sink");
        assert_eq!((data.rule, data.fixed, data.top, data.own), ("renormalised", false, None, false));
    }

    #[test]
    fn what_a_page_cannot_normalise_is_normalised_before() {
        let mut capture = example::reading(&["a", " b"], true);
        capture.mean = CausalMatrix::zeros(4, 2, true);
        capture.mean.rows_mut().add_row(2, 0, &[0.25, 0.0, 0.25], 0.5, 1.0);
        let mean = Selection::One(View::Mean);
        let data = of(&[&capture], mean, Normalisation::WithoutFirst, Look::default());
        assert!(data.fixed);
        let values = values(&data.panels[0].views[0]);
        assert!(values[0].is_nan() && values[2] == 1.0, "{values:?}");
    }

    #[test]
    fn a_page_has_a_place_for_everything() {
        for place in ["{{title}}", "{{recipe}}", "{{data}}", RECIPE] {
            assert_eq!(PAGE.matches(place).count(), 1, "{place}");
        }
    }
}
