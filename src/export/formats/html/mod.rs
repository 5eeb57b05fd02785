//! A page that stands alone: matrices to point at, without a network. The page is `assets/export.html`; this fills
//! in what it shows, as JSON.

mod parts;
mod room;
mod text;

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::entry::{Format, Writer};
use super::problem::between;
use crate::attention::alignment::pieces;
use crate::attention::{Capture, CausalMatrix};
use crate::export::error::ExportError;
use crate::export::figure::{Content, Figure, inputs, source_title};
use crate::export::markup::{escape, fill, script, sha256_of};
use crate::export::omissions::Omissions;
use crate::export::printable;
use crate::export::recipe::{FigureStyle, Recipe, Source};
use crate::export::row_names;
use crate::export::rows::heads;
use crate::export::selection::Selection;
use crate::export::subject::Subject;
use crate::theme::{Ramp, Rgb};
use crate::vocabulary::{Background, ColorRange, Granularity, Normalisation, RowReading, View};
use parts::parts_of;
use room::{kept, left_out};

/// The page, with places for what it shows.
const PAGE: &str = include_str!("../../../../assets/export.html");
/// What is before the recipe in a page.
const RECIPE: &str = "<script type=\"application/json\" id=\"recipe\">";
/// Bytes that a page in HTML begins with.
const DOCTYPE: &[u8] = b"<!doctype html";

pub const FORMAT: Format = Format {
    write: Writer::Figure(|out, captures, recipe| {
        Ok(Omissions { left_out: write(out, captures, recipe)?, ..Omissions::default() })
    }),
    begins: |start| start.get(..DOCTYPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(DOCTYPE)),
    recipe: |file| Ok(serde_json::from_str(&between(file, RECIPE, "</script>")?)?),
};

/// What a page shows.
#[derive(Serialize)]
struct Data {
    title: String,
    caption: Vec<String>,
    panels: Vec<Panel>,
    /// For each background, colours from the lowest level to the highest.
    ramps: Ramps,
    /// Whether values may be below 0: differences, and push.
    signed: bool,
    /// Whether values are as they are shown, and can't be normalised otherwise.
    fixed: bool,
    /// Whether rows are named by what is predicted from them.
    predicting: bool,
    rule: &'static str,
    curve: &'static str,
    /// Where colours end, if that was asked for; and else whether at each panel's own top.
    top: Option<f32>,
    own: bool,
    /// How texts are coloured, if the page is of texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<text::Mode>,
    /// For each token of both sides, the index of its piece of the text.
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
    /// Which of its matrices the page has no room for.
    left_out: Option<String>,
    labels: Vec<String>,
    /// What rows are named by, where that is what is predicted from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<String>>,
    /// The text, if the page is of texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces: Option<Vec<text::Piece>>,
    /// What heads push through its tokens, if its colours say that.
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<text::Pushed>,
    views: Vec<Matrix>,
    /// Where the heads are among the views, if all of them are.
    heads: Option<Heads>,
}

#[derive(Serialize)]
struct Heads {
    layers: usize,
    heads: usize,
    first: usize,
    /// Those that were off, by layer and head.
    off: Vec<(usize, usize)>,
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

/// Writes what a recipe says of the passes that it names. Returns which matrices the page has no room for.
///
/// # Errors
/// If a model has no such view, or `out` refuses.
fn write(out: &mut dyn Write, captures: &[&Capture], recipe: &Recipe) -> Result<Vec<String>, ExportError> {
    let data = data(captures, recipe)?;
    let page = parts_of(PAGE, recipe.source.subject);
    let filled = [
        ("title", escape(&data.title)),
        ("recipe", json(recipe)?),
        ("data", json(&data)?),
        ("style", sha256_of(PAGE, "<style>", "</style>")),
        ("script", sha256_of(PAGE, "<script>", "</script>")),
    ];
    out.write_all(fill(&page, &filled).as_bytes())?;
    let left_out = |panel: &Panel| Some(format!("{}: {}", panel.title, panel.left_out.as_ref()?));
    Ok(data.panels.iter().filter_map(left_out).collect())
}

fn data<'a>(captures: &[&'a Capture], recipe: &Recipe) -> Result<Data, ExportError> {
    let style = recipe.style.unwrap_or_default();
    let is_difference = style.difference.is_some();
    let is_push = recipe.source.subject.pushed().is_some();
    let signed = is_difference || is_push;
    let text = text::mode(captures, recipe)?;
    let fixed = signed || captures.iter().any(|capture| capture.mean.bin() > 1);
    let panels = if is_difference {
        vec![difference(Figure::new(captures, recipe)?)]
    } else {
        let rule = if fixed { recipe.normalisation } else { Normalisation::Raw };
        let side =
            |(source, capture): (&Source, &&'a Capture)| Ok((text::matrices(source.subject)?, *capture));
        let sides = recipe.sources().zip(captures).map(side).collect::<Result<Vec<_>, ExportError>>()?;
        let of = recipe.sources().zip(&sides).zip(kept(&sides));
        of.map(|((source, side), kept)| panel(*side, source, (rule, recipe.rows), kept))
            .collect::<Result<_, _>>()?
    };
    let title = match panels.as_slice() {
        [left, right] => format!("{} and {}", left.title, right.title),
        panels => panels.iter().map(|panel| panel.title.clone()).collect(),
    };
    let caption = if style.caption { vec![inputs(recipe), format!("{}.", recipe.program)] } else { vec![] };
    Ok(Data {
        title: format!("{} of {title}", if is_push { "Push" } else { "Attention" }),
        caption,
        ramps: ramps(&style, signed),
        signed,
        fixed,
        predicting: recipe.rows == RowReading::Predicting,
        rule: recipe.normalisation.name(),
        curve: style.curve.name(),
        top: match style.range {
            ColorRange::Top(top) => Some(top),
            ColorRange::Shared | ColorRange::Own => None,
        },
        own: style.range == ColorRange::Own,
        text,
        links: links(captures, recipe).filter(|_| !fixed || is_push),
        panels,
    })
}

/// The panel of a side with the first `kept` of its matrices.
fn panel(
    (selection, capture): (Selection, &Capture),
    source: &Source,
    (rule, rows): (Normalisation, RowReading),
    kept: usize,
) -> Result<Panel, ExportError> {
    let one = |view: View, group: Option<String>| -> Result<Matrix, ExportError> {
        Ok(matrix(view.title(), group, &capture.matrix(view)?, rule))
    };
    let layers = capture.model.layers;
    let push = text::pushed(capture, source.subject, rows)?;
    let views = match selection {
        // Its text has values of its own.
        _ if push.is_some() => vec![],
        Selection::One(view) => vec![one(view, None)?],
        Selection::All => {
            let means = std::iter::once(View::Mean).chain((0..layers).map(View::Layer));
            let all = means.map(|view| (view, None));
            let all = all
                .chain(heads(capture).map(|view| (view, view.layer().map(|layer| format!("layer {layer}")))));
            all.take(kept).map(|(view, group)| one(view, group)).collect::<Result<_, _>>()?
        }
    };
    let is_all = selection == Selection::All;
    let has_heads = is_all && kept > 1 + layers;
    let cells = match capture.mean.bin() {
        1 => String::new(),
        bin => format!(" · cells of {bin} tokens"),
    };
    Ok(Panel {
        title: source_title(&source.model, source),
        note: cells,
        left_out: left_out(capture, kept).filter(|_| is_all),
        labels: capture.labels(),
        rows: (rows == RowReading::Predicting).then(|| row_names::labels(capture, rows)),
        pieces: matches!(source.subject, Subject::Text(_)).then(|| text::pieces(capture)),
        push,
        views,
        heads: has_heads.then(|| Heads {
            layers,
            heads: capture.model.heads,
            first: 1 + layers,
            off: capture.ablation.heads().collect(),
        }),
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
    let mut panel = Panel {
        title: String::new(),
        note: String::new(),
        left_out: None,
        labels: vec![],
        rows: None,
        pieces: None,
        push: None,
        views: vec![],
        heads: None,
    };
    for part in figure.panels {
        let Content::Square(square) = part.content else { continue };
        let sinks = |row: usize| square.sink.as_ref().map(|sink| sink[row].unwrap_or(f32::NAN));
        let keys = |row: usize| square.rows[row].iter().map(|value| value.unwrap_or(f32::NAN));
        let values: Vec<f32> =
            (0..square.rows.len()).flat_map(|row| sinks(row).into_iter().chain(keys(row))).collect();
        let sink = square.sink.is_some();
        panel.title = part.title;
        panel.views.push(Matrix { name: part.subtitle, group: None, sink, data: encoded(&values) });
        panel.rows = (square.row_labels != square.column_labels).then_some(square.row_labels);
        panel.labels = square.column_labels;
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

fn ramps(style: &FigureStyle, is_signed: bool) -> Ramps {
    let hex = |ramp: Ramp| ramp.colors().iter().map(|color: &Rgb| color.hex()).collect();
    let of = |background| match is_signed {
        true => hex(Ramp::of_differences(background)),
        false => hex(Ramp::of_values(style.colors)),
    };
    Ramps { light: of(Background::Light), dark: of(Background::Dark) }
}

fn json(value: &impl Serialize) -> Result<String, ExportError> {
    Ok(script(&printable::json(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;
    use crate::vocabulary::ExportFormat;

    fn of(
        captures: &[&Capture],
        selection: Selection,
        normalisation: Normalisation,
        style: FigureStyle,
    ) -> Data {
        let mut sources = captures.iter().map(|capture| example::source(capture, selection));
        let sides = (sources.next().unwrap(), sources.next());
        data(captures, &Recipe::of_figure(sides, ExportFormat::Html, normalisation, style)).unwrap()
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
        let data = of(&[&left, &right], mean, Normalisation::Renormalised, FigureStyle::default());
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
        let data = of(&[&capture], mean, Normalisation::WithoutFirst, FigureStyle::default());
        assert!(data.fixed);
        let values = values(&data.panels[0].views[0]);
        assert!(values[0].is_nan() && values[2] == 1.0, "{values:?}");
    }

    #[test]
    fn a_page_has_a_place_for_everything() {
        for place in ["{{title}}", "{{recipe}}", "{{data}}", "{{style}}", "{{script}}", RECIPE] {
            assert_eq!(PAGE.matches(place).count(), 1, "{place}");
        }
    }

    /// A browser runs and applies what has one of the hashes, and nothing else.
    #[test]
    fn only_the_programs_own_script_runs() {
        let capture = example::capture();
        let source = example::source(&capture, Selection::All);
        let recipe =
            Recipe::of_figure((source, None), ExportFormat::Html, Normalisation::Raw, FigureStyle::default());
        let mut page = Vec::new();
        assert_eq!(write(&mut page, &[&capture], &recipe).unwrap(), [] as [&str; 0]);
        let page = String::from_utf8(page).unwrap();
        let policy =
            page.split_once("Content-Security-Policy\" content=\"").unwrap().1.split_once('"').unwrap().0;
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
        for tag in ["style", "script"] {
            let inner =
                page.split_once(&format!("<{tag}>")).unwrap().1.split_once(&format!("</{tag}>")).unwrap().0;
            let hash = STANDARD.encode(<sha2::Sha256 as sha2::Digest>::digest(inner));
            assert!(policy.contains(&format!("{tag}-src 'sha256-{hash}'")), "{tag} in {policy}");
        }
        assert!(!page.contains(" style=\"") && !page.contains(" onclick"), "an attribute has no hash");
    }

    #[test]
    fn a_panel_has_the_matrices_that_are_kept_and_names_the_others() {
        let capture = example::capture();
        let source = example::source(&capture, Selection::All);
        for kept in 1..7 {
            let panel =
                panel((Selection::All, &capture), &source, (Normalisation::Raw, RowReading::Reading), kept)
                    .unwrap();
            assert_eq!((panel.views.len(), panel.heads.is_some()), (kept, kept > 3));
            assert_eq!(panel.left_out, left_out(&capture, kept));
        }
    }
}
