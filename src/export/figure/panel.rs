//! One matrix of a figure, or all heads of a model: values by place, before they have colours.

use std::sync::Arc;

use super::bars::Bars;
use super::passage::Passage;
use super::words::Words;
use crate::attention::segments::{SegmentRow, SegmentShares, Segments};
use crate::attention::{
    Capture, CausalMatrix, Comparison, DifferenceRow, Extent, Pooled, Scale, escape_controls, named_by_next,
    short_name, short_names,
};
use crate::export::error::ExportError;
use crate::export::recipe::{Recipe, Source};
use crate::export::row_names;
use crate::export::selection::Selection;
use crate::export::subject::Subject;
use crate::export::text_subject::adding;
use crate::vocabulary::{ColorScale, Granularity, Pooling, RowReading, TextColoring};

/// Rows and columns up to which every cell is drawn; of longer prompts a pixel stands for several.
const MOST_CELLS: usize = 256;

/// Cells, along each axis, that a pixel of matrices of these captures stands for.
pub(super) fn bin(captures: &[&Capture]) -> usize {
    let longest = captures.iter().map(|capture| capture.mean.size()).max().unwrap_or(0);
    longest.div_ceil(MOST_CELLS).max(1)
}

/// A part of a figure with a title of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The model.
    pub title: String,
    /// What is shown of the model, and what rows are divided by.
    pub subtitle: String,
    /// What is drawn.
    pub content: Content,
    /// What its rows, columns and values are called.
    pub words: Words,
    /// What its colour scale is to show.
    pub extent: Extent,
    /// How high values are on the colour scale.
    pub scale: Scale,
    /// Where a panel has a place for each head: those that were off, by layer and head.
    pub off: Vec<(usize, usize)>,
}

/// What a panel shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A matrix.
    Square(Square),
    /// A small matrix of each head.
    Heads(Heads),
    /// A text.
    Passage(Passage),
    /// Bars.
    Bars(Bars),
}

/// A matrix, a row per query; or another table of values, whose rows and columns have labels of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Square {
    /// What rows stand for.
    pub row_labels: Vec<String>,
    /// What columns stand for.
    pub column_labels: Vec<String>,
    /// What each row gave to no token; `None` if there are no sinks, or they are left out.
    pub sink: Option<Vec<Option<f32>>>,
    /// The values of each row, of a matrix those up to the query; `None` where one is left out.
    pub rows: Vec<Vec<Option<f32>>>,
    /// Cells of the matrix, along each axis, that a cell of this stands for.
    pub bin: usize,
}

/// All heads of a model, raw.
#[derive(Debug, Clone, PartialEq)]
pub struct Heads {
    /// \[layers\]\[heads\]: the largest weight of each square of cells.
    pub layers: Vec<Vec<CausalMatrix>>,
}

impl Panel {
    /// The matrix, the text or the segments that `source` selects of a capture, in pixels of `bin` cells along each axis.
    /// Its scale ends where it would alone.
    pub(super) fn new(
        capture: &Capture,
        source: &Source,
        recipe: &Recipe,
        (pooling, bin): (Pooling, usize),
    ) -> Result<Self, ExportError> {
        let (subtitle, content, extent, words) = match source.subject {
            Subject::Matrices(Selection::One(view)) => {
                let (matrix, normalisation) = (capture.matrix(view)?, recipe.normalisation);
                let pooled = Pooled::new(&matrix, normalisation, pooling, bin);
                let subtitle = format!("{} · {}", view.title(), normalisation.title(capture.has_sinks(view)));
                let content = Content::Square(Square::new(capture, recipe.rows, &pooled, bin));
                let words = Words::of_matrix(recipe, capture, (pooling, bin));
                (subtitle, content, normalisation.extent(&matrix), words)
            }
            Subject::Matrices(Selection::All) => {
                let heads = |layer: &std::sync::Arc<crate::attention::LayerCapture>| {
                    layer.heads.iter().map(|head| head.thumbnail.clone()).collect()
                };
                let layers = capture.layers.iter().map(heads).collect();
                let subtitle =
                    format!("{} layers × {} heads · raw", capture.model.layers, capture.model.heads);
                let words = Words::of_heads(recipe, capture);
                (subtitle, Content::Heads(Heads { layers }), capture.heads_extent(), words)
            }
            Subject::Text(text) => {
                let (passage, extent) = Passage::new(capture, text, recipe)?;
                let rule = recipe.normalisation.title(capture.has_sinks(text.view));
                let subtitle = match text.coloring {
                    TextColoring::Push => format!("what {} through each token", adding(text.view)[1]),
                    TextColoring::LooksAt | TextColoring::LookedAt => {
                        format!("{} · {rule}", text.view.title())
                    }
                };
                (subtitle, Content::Passage(passage), extent, Words::of_text(recipe, capture, text))
            }
            Subject::Segments(view, _) => {
                let segments = segments(capture, source)?;
                let shares = SegmentShares::new(capture, Arc::new(segments), view, &|| false)
                    .map_err(|error| ExportError::Unfit(error.to_string()))?;
                let subtitle = format!("{} · {}", view.title(), shares.segments.cut_into());
                let square = Square::of_segments(&shares);
                let sinks = square.sink.iter().flatten().flatten().copied();
                let extent = Extent::of(square.rows.iter().flatten().flatten().copied().chain(sinks));
                (subtitle, Content::Square(square), extent, Words::of_segments(view, recipe))
            }
            Subject::Map(_) | Subject::Found(_) => {
                return Err(ExportError::Unfit(format!("{}: no matrix, text or segments", source.subject)));
            }
        };
        let title = source_title(&source.model, source);
        let scale = Scale::new(ColorScale::default(), extent);
        let off = match content {
            Content::Heads(_) => capture.ablation.heads().collect(),
            _ => vec![],
        };
        Ok(Self { title, subtitle, content, words, extent, scale, off })
    }

    /// What segments would give each other by length alone, beside what they give; nothing of other subjects.
    pub(super) fn expected(
        capture: &Capture,
        source: &Source,
        recipe: &Recipe,
    ) -> Result<Option<Self>, ExportError> {
        let Subject::Segments(view, _) = source.subject else { return Ok(None) };
        let segments = segments(capture, source)?;
        let Some(expected) = SegmentShares::expected(capture, &segments, view) else { return Ok(None) };
        let extent = Extent::of(expected.iter().flatten().copied());
        let row = |row: Vec<f32>| row.into_iter().map(|share| (share > 0.0).then_some(share)).collect();
        let square = Square {
            row_labels: segments.names().to_vec(),
            column_labels: segments.names().to_vec(),
            sink: None,
            rows: expected.into_iter().map(row).collect(),
            bin: 1,
        };
        Ok(Some(Self {
            title: source_title(&source.model, source),
            subtitle: "expected by the length of each segment alone".to_owned(),
            content: Content::Square(square),
            words: Words::of_segments(view, recipe),
            extent,
            scale: Scale::new(ColorScale::default(), extent),
            off: vec![],
        }))
    }

    /// Whether it has a colour for each value, and so a colour bar.
    pub fn has_colors(&self) -> bool {
        !matches!(self.content, Content::Bars(_))
    }

    /// Whether values may lie beyond the top of its colour scale: where the largest ones were left aside, or the scale
    /// was given.
    pub fn is_cut(&self) -> bool {
        !self.words.aside.is_empty() || self.extent.top > self.scale.top
    }

    /// Left minus right.
    pub(super) fn difference(
        comparison: &Comparison,
        left_capture: &Capture,
        recipe: &Recipe,
        granularity: Granularity,
    ) -> Self {
        let beside = recipe.beside.as_ref().unwrap_or(&recipe.source);
        let names = [recipe.source.model.as_str(), &beside.model];
        // Of two prompts the one that is pinned is called so: their places say nothing more.
        let names = match recipe.sources().any(|source| source.is_pinned) {
            true => names.map(|name| short_name(name).to_owned()),
            false => short_names(names),
        };
        let titles = [(&names[0], &recipe.source), (&names[1], beside)]
            .map(|(name, source)| source_title(name, source));
        let [left, right] = &titles;
        let views: Vec<String> = recipe.sources().map(|source| source.subject.title()).collect();
        let view = if views[0] == views[1] { views[0].clone() } else { views.join(" − ") };
        let pieces = match granularity {
            Granularity::Pieces => "shared pieces of text",
            Granularity::Words => "whole words",
        };
        let rule = recipe.normalisation.title(recipe.sources().any(|source| source.has_sinks));
        let rows: Vec<DifferenceRow> = (0..comparison.pieces().len())
            .map(|query| comparison.difference(recipe.normalisation, query))
            .collect();
        let has_sink = rows.iter().any(|row| row.sink.is_some());
        let labels: Vec<String> = comparison.pieces().iter().map(|piece| piece.label.clone()).collect();
        let square = Square {
            row_labels: match recipe.rows {
                RowReading::Reading => labels.clone(),
                RowReading::Predicting => named_by_next(&labels, None),
            },
            column_labels: labels,
            sink: has_sink.then(|| rows.iter().map(|row| row.sink).collect()),
            rows: rows.into_iter().map(|row| row.keys).collect(),
            bin: 1,
        };
        let extent = comparison.extent(recipe.normalisation);
        Self {
            title: format!("{left} − {right}"),
            subtitle: format!("{view} · {rule} · {pieces}"),
            content: Content::Square(square),
            words: Words {
                left_over: comparison.left_over_sentence(&titles),
                ..Words::of_difference(recipe, left_capture)
            },
            extent,
            scale: Scale::new(ColorScale::default(), extent),
            off: vec![],
        }
    }
}

impl Square {
    /// What segments give each other; nothing of those that a query can't see.
    fn of_segments(shares: &SegmentShares) -> Self {
        let names = shares.segments.names();
        let cell = |(row, to): (&SegmentRow, usize)| {
            let is_seen = row.expected.as_ref().is_none_or(|expected| expected[to] > 0.0);
            (row.queries > 0 && is_seen).then_some(row.shares[to])
        };
        let sinks = || shares.rows.iter().map(|row| (row.queries > 0).then_some(row.sink)).collect();
        Self {
            row_labels: names.to_vec(),
            column_labels: names.to_vec(),
            sink: shares.has_sinks.then(sinks),
            rows: shares
                .rows
                .iter()
                .map(|row| (0..names.len()).map(|to| cell((row, to))).collect())
                .collect(),
            bin: 1,
        }
    }

    fn new(capture: &Capture, rows: RowReading, pooled: &Pooled, bin: usize) -> Self {
        let sinks: Vec<_> = (0..pooled.size()).map(|row| pooled.sink(row)).collect();
        let cell_tokens = capture.mean.bin();
        // Of a pixel, its first token with its number; of many tokens, only that.
        let label = |(at, label): (usize, String)| match (bin, cell_tokens) {
            (1, _) => label,
            (_, 1) => format!("{} {label}", at * bin),
            _ => (at * bin * cell_tokens).to_string(),
        };
        let labels =
            |labels: Vec<String>| labels.into_iter().step_by(bin).enumerate().map(label).collect::<Vec<_>>();
        Self {
            row_labels: labels(row_names::labels(capture, rows)),
            column_labels: labels(capture.labels()),
            sink: sinks.iter().any(Option::is_some).then_some(sinks),
            rows: (0..pooled.size()).map(|row| (0..=row).map(|key| pooled.get(row, key)).collect()).collect(),
            bin,
        }
    }
}

/// The segments that a source says.
fn segments(capture: &Capture, source: &Source) -> Result<Segments, ExportError> {
    let segments = Segments::new(capture, source.prompt(), &source.cut());
    segments.map_err(|error| ExportError::Unfit(error.to_string()))
}

/// Ablated heads that a title names; of more it says how many there are.
const NAMED_HEADS: usize = 6;

/// The name of a model as the title of what it did: without which heads, how many tokens it wrote, and whether that was
/// pinned.
pub fn source_title(name: &str, source: &Source) -> String {
    let mut title = escape_controls(name);
    let heads: Vec<String> = source.ablation.heads().map(|(layer, head)| format!("{layer}.{head}")).collect();
    if !heads.is_empty() {
        let mut named = heads[..heads.len().min(NAMED_HEADS)].join(", ");
        match heads.len().saturating_sub(NAMED_HEADS) {
            0 => {}
            1 => named += " and 1 more head",
            more => named += &format!(" and {more} more heads"),
        }
        title += &format!(" {}", source.ablation.words_about(&named));
    }
    if source.generated > 0 {
        title += &format!(" (step {})", source.generated);
    }
    if source.is_pinned { title + " (pinned)" } else { title }
}
