//! Maps of all heads: a cell for each, a row per layer.

use super::panel::{Content, Panel, Square, source_title};
use super::words::Words;
use crate::attention::{Capture, Extent, HeadEntry, Scale, Statistic, escape_controls};
use crate::export::error::ExportError;
use crate::export::recipe::{Recipe, Source};
use crate::vocabulary::ColorScale;

impl Panel {
    /// A statistic of all heads.
    ///
    /// # Errors
    /// If it is of sinks, and the only model has none.
    pub(super) fn map(
        capture: &Capture,
        source: &Source,
        recipe: &Recipe,
        statistic: Statistic,
    ) -> Result<Self, ExportError> {
        let panel = of_statistic(capture, source, statistic);
        if recipe.beside.is_none() && panel.extent == Extent::NONE && has_no_value(&panel) {
            let name = escape_controls(&source.model);
            return Err(ExportError::Unfit(format!("{name} has no sinks: choose another map")));
        }
        Ok(panel)
    }

    /// What heads give to the first token, and beside it what they give to their learned sinks, if they have some.
    pub(super) fn sinks(capture: &Capture, source: &Source) -> Vec<Self> {
        let learned = capture.model.has_sinks.then_some(Statistic::Sink);
        let of = [Statistic::FirstToken].into_iter().chain(learned);
        of.map(|statistic| {
            let panel = of_statistic(capture, source, statistic);
            let what = if statistic == Statistic::Sink { "the learned sink" } else { "the first token" };
            let values: Vec<f32> = values(&panel).flatten().collect();
            let mean = match values.len() {
                0 => "–".to_owned(),
                count => format!("{:.3}", values.iter().sum::<f32>() / count as f32),
            };
            let words = Words {
                quantity: "share of attention".to_owned(),
                values: "Each cell is a head. Value: the mean over its queries of what it gives to the first token (over \
                         queries after that), or to its learned sink"
                    .to_owned(),
                ..panel.words
            };
            Self { subtitle: format!("what heads give to {what} · mean {mean}"), words, ..panel }
        })
        .collect()
    }
}

fn of_statistic(capture: &Capture, source: &Source, statistic: Statistic) -> Panel {
    let entries = HeadEntry::all(capture);
    let values: Vec<Option<f32>> = entries.iter().map(|entry| entry.value(statistic)).collect();
    let numbers = |count: usize| (0..count).map(|at| at.to_string()).collect();
    let (layers, heads) = (capture.model.layers, capture.model.heads);
    let square = Square {
        row_labels: numbers(layers),
        column_labels: numbers(heads),
        sink: None,
        rows: values.chunks(heads.max(1)).map(<[_]>::to_vec).collect(),
        bin: 1,
    };
    let extent = Extent::of(values.into_iter().flatten());
    let value = format!("Value: {} = {}", statistic.title(), statistic.explanation());
    Panel {
        title: source_title(&source.model, source),
        subtitle: format!("{layers} layers × {heads} heads · {}", statistic.title()),
        content: Content::Square(square),
        words: Words::of_cells(
            ["layer", "head"],
            format!("{} ({})", statistic.heading(), statistic.unit()),
            format!("Each cell is a head. {value}"),
        ),
        extent,
        scale: Scale::new(ColorScale::default(), extent),
        off: capture.ablation.heads().collect(),
    }
}

fn values(panel: &Panel) -> impl Iterator<Item = Option<f32>> + '_ {
    let square = if let Content::Square(square) = &panel.content { Some(square) } else { None };
    square.into_iter().flat_map(|square| square.rows.iter().flatten().copied())
}

fn has_no_value(panel: &Panel) -> bool {
    values(panel).all(|value| value.is_none())
}
