//! How an export was made: enough to make it again, and to know what its numbers are.

use serde::Serialize;

use super::Selection;
use crate::attention::ModelCard;

/// What a model was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// A text, byte for byte.
    Prompt(String),
    /// Tokens by number.
    Ids(Vec<u32>),
}

/// How an export was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipe {
    /// The program and its version.
    pub program: String,
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
    /// Which matrix: `mean`, `layer:3`, `head:3.5` or `all`.
    pub view: String,
    /// What was done to the rows: `raw`, which is nothing.
    pub normalisation: &'static str,
    /// What rows and their sinks sum to, for a model that has sinks.
    pub sink_rule: Option<&'static str>,
}

impl Recipe {
    /// Of a pass of `model` over `input`.
    pub fn new(model: &ModelCard, input: Input, selection: Selection) -> Self {
        Self {
            program: concat!("attnscope ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: model.name.clone(),
            revision: model.revision.clone(),
            family: model.family.clone(),
            device: model.device.clone(),
            dtype: model.precision.clone(),
            input,
            view: selection.to_string(),
            normalisation: "raw",
            sink_rule: model
                .has_sinks
                .then_some("the softmax runs over the keys and a learned sink: a row and its sink sum to 1"),
        }
    }
}
