//! Maps of all heads: a cell for each, a row per layer.

use super::panel::{Content, Panel, Square, source_title};
use super::words::Words;
use crate::attention::{Ablation, Capture, Extent, HeadEntry, ModelInfo, Scale, Statistic, escape_controls};
use crate::export::error::ExportError;
use crate::export::recipe::{Recipe, Source};
use crate::export::shift::Shifted;
use crate::vocabulary::{ColorScale, nats, with_minus};

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

    /// How far each head is from the same one in another pass.
    pub(super) fn shift(shifted: &Shifted) -> Self {
        let [left, right] = &shifted.captures;
        let model = &left.model;
        let mut values = vec![None; model.layers * model.heads];
        for head in &shifted.heads {
            values[head.layer * model.heads + head.head] = Some(head.divergence);
        }
        let titles =
            shifted.recipes.each_ref().map(|recipe| source_title(&recipe.source.model, &recipe.source));
        let number = |value: f64| with_minus(&nats(value, 4));
        let next = shifted.next.map(|next| format!(" · next token: KL {} nats", number(next)));
        let panel = of_heads(model, values, [&left.ablation, &right.ablation]);
        Self {
            title: titles.join(" and "),
            subtitle: format!(
                "{} · how far apart: mean {}{}",
                panel.subtitle,
                number(shifted.mean.into()),
                next.unwrap_or_default()
            ),
            words: Words::of_cells(
                ["layer", "head"],
                "JS divergence (nats)".to_owned(),
                "Each cell is a head of both passes. Value: the Jensen-Shannon divergence of its rows, sinks included, the \
                 mean over queries; 0 where it looks at the same"
                    .to_owned(),
            ),
            ..panel
        }
    }
}

fn of_statistic(capture: &Capture, source: &Source, statistic: Statistic) -> Panel {
    let entries = HeadEntry::all(capture);
    let values: Vec<Option<f32>> = entries.iter().map(|entry| entry.value(statistic)).collect();
    let value = format!("Value: {} = {}", statistic.title(), statistic.explanation());
    let panel = of_heads(&capture.model, values, [&capture.ablation]);
    Panel {
        title: source_title(&source.model, source),
        subtitle: format!("{} · {}", panel.subtitle, statistic.title()),
        words: Words::of_cells(
            ["layer", "head"],
            format!("{} ({})", statistic.heading(), statistic.unit()),
            format!("Each cell is a head. {value}"),
        ),
        ..panel
    }
}

/// A cell for each head, layer by layer; those that are off are marked.
fn of_heads<'a>(
    model: &ModelInfo,
    values: Vec<Option<f32>>,
    ablations: impl IntoIterator<Item = &'a Ablation>,
) -> Panel {
    let numbers = |count: usize| (0..count).map(|at| at.to_string()).collect();
    let (layers, heads) = (model.layers, model.heads);
    let square = Square {
        row_labels: numbers(layers),
        column_labels: numbers(heads),
        sink: None,
        rows: values.chunks(heads.max(1)).map(<[_]>::to_vec).collect(),
        bin: 1,
    };
    let extent = Extent::of(values.into_iter().flatten());
    Panel {
        title: String::new(),
        subtitle: format!("{layers} layers × {heads} heads"),
        content: Content::Square(square),
        words: Words::of_cells(["layer", "head"], String::new(), String::new()),
        extent,
        scale: Scale::new(ColorScale::default(), extent),
        off: ablations.into_iter().flat_map(Ablation::heads).collect(),
    }
}

fn values(panel: &Panel) -> impl Iterator<Item = Option<f32>> + '_ {
    let square = if let Content::Square(square) = &panel.content { Some(square) } else { None };
    square.into_iter().flat_map(|square| square.rows.iter().flatten().copied())
}

fn has_no_value(panel: &Panel) -> bool {
    values(panel).all(|value| value.is_none())
}
