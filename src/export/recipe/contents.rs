//! A recipe as a whole.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::sink_rule;
use super::source::{Input, Source};
use super::style::FigureStyle;
use crate::attention::Ablation;
use crate::attention::segments::NamedSpans;
use crate::export::subject::Subject;
use crate::vocabulary::{ExportFormat, Normalisation, RowReading};

/// This program and its version.
pub const PROGRAM: &str = concat!("attnscope ", env!("CARGO_PKG_VERSION"));

/// How an export was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Fields", from = "Fields")]
pub struct Recipe {
    /// The program and its version.
    pub program: String,
    /// What it is written as; nothing of what is no file that could be made again by itself.
    pub format: Option<ExportFormat>,
    /// The model, and what of it.
    pub source: Source,
    /// The model at the right, of a figure of two models.
    pub beside: Option<Source>,
    /// What was done to the rows: raw, which is nothing, but in figures.
    pub normalisation: Normalisation,
    /// How rows are named.
    pub rows: RowReading,
    /// How a figure looks; nothing of numbers.
    pub style: Option<FigureStyle>,
}

impl Recipe {
    /// The recipe of numbers of a pass, as the model computed them.
    pub fn new(source: Source, format: Option<ExportFormat>) -> Self {
        Self {
            program: PROGRAM.to_owned(),
            format,
            source,
            beside: None,
            normalisation: Normalisation::Raw,
            rows: RowReading::Reading,
            style: None,
        }
    }

    /// The recipe of a figure, of one model or of two beside each other.
    pub fn of_figure(
        (left, right): (Source, Option<Source>),
        format: ExportFormat,
        normalisation: Normalisation,
        style: FigureStyle,
    ) -> Self {
        Self { beside: right, normalisation, style: Some(style), ..Self::new(left, Some(format)) }
    }

    /// The model, or both.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.source).chain(&self.beside)
    }
}

/// A recipe as a file spells it: the fields of its source stand among its own. Serde cannot both lift them out
/// (`flatten`) and refuse unknown keys.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Fields {
    program: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<ExportFormat>,
    model: String,
    revision: Option<String>,
    family: String,
    device: String,
    dtype: String,
    #[serde(deserialize_with = "super::source::read_input")]
    input: Input,
    #[serde(default, skip_serializing_if = "super::source::is_zero")]
    generated: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bytes: Vec<[usize; 2]>,
    #[serde(default, skip_serializing_if = "Ablation::is_empty")]
    without_heads: Ablation,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pinned: bool,
    view: Subject,
    #[serde(default, with = "sink_rule")]
    sink_rule: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    segments: Option<NamedSpans>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spans: Vec<Range<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beside: Option<Source>,
    normalisation: Normalisation,
    #[serde(default)]
    rows: RowReading,
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<FigureStyle>,
}

impl From<Recipe> for Fields {
    fn from(recipe: Recipe) -> Self {
        let Recipe { program, format, source, beside, normalisation, rows, style: figure } = recipe;
        let Source { model, revision, family, device, dtype, input, generated, bytes, .. } = source;
        let (without_heads, pinned) = (source.ablation, source.is_pinned);
        let (view, sink_rule, segments, spans) =
            (source.subject, source.has_sinks, source.segments, source.spans);
        Self {
            program,
            format,
            model,
            revision,
            family,
            device,
            dtype,
            input,
            generated,
            bytes,
            without_heads,
            pinned,
            view,
            sink_rule,
            segments,
            spans,
            beside,
            normalisation,
            rows,
            figure,
        }
    }
}

impl From<Fields> for Recipe {
    fn from(fields: Fields) -> Self {
        let Fields { program, format, beside, normalisation, rows, figure: style, .. } = fields;
        let Fields { model, revision, family, device, dtype, input, generated, bytes, .. } = fields;
        let (ablation, is_pinned) = (fields.without_heads, fields.pinned);
        let (subject, has_sinks, segments, spans) =
            (fields.view, fields.sink_rule, fields.segments, fields.spans);
        let source = Source {
            model,
            revision,
            family,
            device,
            dtype,
            input,
            generated,
            bytes,
            ablation,
            is_pinned,
            subject,
            has_sinks,
            segments,
            spans,
        };
        Self { program, format, source, beside, normalisation, rows, style }
    }
}
