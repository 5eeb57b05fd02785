//! How an export was made: enough to make it again, and to know what its numbers are.

mod find;
mod read;

pub use find::RecipeError;
pub use read::KeyError;

use serde::ser::{Serialize, Serializer};

use super::{Format, Look, Selection};
use crate::attention::alignment::Granularity;
use crate::attention::{Ablation, Capture, Normalisation};

/// This program and its version.
pub const PROGRAM: &str = concat!("attnscope ", env!("CARGO_PKG_VERSION"));
/// What rows and their sinks sum to, of a model that has sinks.
const SINK_RULE: &str = "the softmax runs over the keys and a learned sink: a row and its sink sum to 1";

/// What a model was given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// A text, byte for byte.
    Prompt(String),
    /// Tokens by number.
    Ids(Vec<u32>),
}

/// How an export was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The program and its version.
    pub program: String,
    /// What it is written as; nothing of what is no file that could be made again by itself.
    pub format: Option<Format>,
    /// The model and what of it.
    pub source: Source,
    /// Of a figure of two models, the one at the right.
    pub beside: Option<Source>,
    /// What was done to the rows: raw, which is nothing, but in figures.
    pub normalisation: Normalisation,
    /// How a figure looks.
    pub look: Option<Look>,
}

/// A pass of a model, and what of it is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As it was asked for.
    pub model: String,
    /// The commit of its files, if they came from the hub.
    pub revision: Option<String>,
    /// `gpt2` or `gpt_oss`.
    pub family: String,
    /// Where it ran: `cpu`, `cuda:0`.
    pub device: String,
    /// How its weights were held: `f32`, `mxfp4`.
    pub dtype: String,
    /// The text or the ids it was given.
    pub input: Input,
    /// Its heads that were off.
    pub ablation: Ablation,
    /// Whether it was pinned in the viewer, beside what ran after it.
    pub is_pinned: bool,
    /// Which matrix: `mean`, `layer:3`, `head:3.5` or `all`.
    pub selection: Selection,
    /// Whether it has sinks, so that rows sum to less than 1.
    pub has_sinks: bool,
}

impl Source {
    /// The pass that `capture` is of, over `input`.
    pub fn new(capture: &Capture, input: Input, selection: Selection) -> Self {
        let model = &capture.model;
        Self {
            model: model.name.clone(),
            revision: model.revision.clone(),
            family: model.family.clone(),
            device: model.device.clone(),
            dtype: model.precision.clone(),
            input,
            ablation: capture.ablation.clone(),
            is_pinned: false,
            selection,
            has_sinks: selection.has_sinks(capture),
        }
    }
}

impl Recipe {
    /// Of numbers of a pass, as the model computed them.
    pub fn new(source: Source, format: Option<Format>) -> Self {
        Self {
            program: PROGRAM.to_owned(),
            format,
            source,
            beside: None,
            normalisation: Normalisation::Raw,
            look: None,
        }
    }

    /// Of a figure, of one model or of two beside each other.
    pub fn of_figure(
        (left, right): (Source, Option<Source>),
        format: Format,
        normalisation: Normalisation,
        look: Look,
    ) -> Self {
        Self { beside: right, normalisation, look: Some(look), ..Self::new(left, Some(format)) }
    }

    /// The model, or both.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.source).chain(&self.beside)
    }
}

#[derive(serde::Serialize)]
struct RecipeFields<'a> {
    program: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(flatten)]
    source: SourceFields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beside: Option<SourceFields<'a>>,
    normalisation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<LookFields>,
}

#[derive(serde::Serialize)]
struct SourceFields<'a> {
    model: &'a str,
    revision: Option<&'a str>,
    family: &'a str,
    device: &'a str,
    dtype: &'a str,
    input: &'a Input,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_heads: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pinned: bool,
    view: String,
    sink_rule: Option<&'static str>,
}

#[derive(serde::Serialize)]
struct LookFields {
    curve: &'static str,
    range: String,
    pooling: &'static str,
    colors: &'static str,
    theme: &'static str,
    caption: bool,
    scale: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<&'static str>,
}

impl Serialize for Recipe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = RecipeFields {
            program: &self.program,
            format: self.format.map(Format::name),
            source: (&self.source).into(),
            beside: self.beside.as_ref().map(Into::into),
            normalisation: self.normalisation.name(),
            figure: self.look.as_ref().map(Into::into),
        };
        fields.serialize(serializer)
    }
}

impl<'a> From<&'a Source> for SourceFields<'a> {
    fn from(source: &'a Source) -> Self {
        Self {
            model: &source.model,
            revision: source.revision.as_deref(),
            family: &source.family,
            device: &source.device,
            dtype: &source.dtype,
            input: &source.input,
            without_heads: (!source.ablation.is_empty()).then(|| source.ablation.to_string()),
            pinned: source.is_pinned,
            view: source.selection.to_string(),
            sink_rule: source.has_sinks.then_some(SINK_RULE),
        }
    }
}

impl From<&Look> for LookFields {
    fn from(look: &Look) -> Self {
        Self {
            curve: look.curve.name(),
            range: look.range.to_string(),
            pooling: look.pooling.name(),
            colors: look.colors.name(),
            theme: look.theme.name(),
            caption: look.caption,
            scale: look.scale,
            difference: look.difference.map(Granularity::name),
        }
    }
}
