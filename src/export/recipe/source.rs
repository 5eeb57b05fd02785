//! A pass of a model, and what of it is exported.

use std::ops::Range;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use super::sink_rule;
use crate::attention::segments::{Cut, NamedSpans};
use crate::attention::{Ablation, Capture, ModelInfo, Texts};
use crate::export::subject::Subject;
use crate::vocabulary::Conversation;

/// What a model was given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// A text, byte for byte.
    Prompt(String),
    /// A conversation, which each model reads in its own chat template.
    Chat(Conversation),
    /// Token ids.
    Ids(Vec<u32>),
}

impl Input {
    /// In words: the text, what the user says and how the answer begins, or the ids.
    pub fn text(&self) -> String {
        match self {
            Self::Prompt(prompt) => prompt.clone(),
            Self::Chat(chat) => [&chat.user, chat.answer.as_str()].concat(),
            Self::Ids(ids) => format!("tokens {ids:?}"),
        }
    }
}

/// Reads what a model was given. An error says how it is spelled.
pub(super) fn read_input<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let wrong = |_| {
        D::Error::custom(
            "expected {\"prompt\": a text}, {\"chat\": {\"user\": a text}} or {\"ids\": [numbers]}",
        )
    };
    Input::deserialize(value).map_err(wrong)
}

/// Whether two passes read one text: the same input, in chat templates that write it alike.
pub fn texts([left, right]: [(&Capture, &Source); 2]) -> Texts {
    Texts::same_if(left.1.input == right.1.input && left.0.reads_the_text_of(right.0))
}

pub(super) fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A pass of a model, and what of it is exported.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
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
    #[serde(deserialize_with = "read_input")]
    pub input: Input,
    /// How many of the last tokens a model wrote: they are no part of the prompt.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generated: usize,
    /// Which bytes of a text each token is, where only ids are given: first, and the one after the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bytes: Vec<[usize; 2]>,
    /// The heads that were switched off.
    #[serde(rename = "without_heads", default, skip_serializing_if = "Ablation::is_empty")]
    pub ablation: Ablation,
    /// Whether it was pinned in the viewer, beside what ran after it.
    #[serde(rename = "pinned", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_pinned: bool,
    /// What of it is exported: `mean`, `layer:3`, `head:3.5` or `all`.
    #[serde(rename = "view")]
    pub subject: Subject,
    /// Whether it has sinks, so that rows sum to less than 1.
    #[serde(rename = "sink_rule", default, with = "sink_rule")]
    pub has_sinks: bool,
    /// The bytes of the prompt that segments are cut by, if a file named some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<NamedSpans>,
    /// The spans of tokens that are hidden, if somebody named some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Range<usize>>,
}

impl Source {
    /// The pass that `capture` is of, over `input`.
    pub fn new(capture: &Capture, input: Input, subject: impl Into<Subject>) -> Self {
        let subject = subject.into();
        let is_of_ids = matches!(input, Input::Ids(_));
        let has_bytes = capture.tokens.iter().any(|token| !token.span.is_empty());
        let bytes = capture.tokens.iter().map(|token| [token.span.start, token.span.end]);
        Self {
            generated: capture.tokens.len() - capture.prompt_tokens(),
            bytes: bytes.filter(|_| is_of_ids && has_bytes).collect(),
            has_sinks: subject.has_sinks(capture),
            device: if capture.computed.on_cpu { "cpu".to_owned() } else { capture.model.device.clone() },
            ..Self::to_run(&capture.model, input, capture.ablation.clone(), subject)
        }
    }

    /// A pass of a model that has not run yet: what it will say of its sinks is not known.
    pub fn to_run(model: &ModelInfo, input: Input, ablation: Ablation, subject: Subject) -> Self {
        Self {
            model: model.name.clone(),
            revision: model.revision.clone(),
            family: model.family.clone(),
            device: model.device.clone(),
            dtype: model.precision.clone(),
            input,
            generated: 0,
            bytes: Vec::new(),
            ablation,
            is_pinned: false,
            subject,
            has_sinks: false,
            segments: None,
            spans: Vec::new(),
        }
    }

    /// The same, with segments cut by bytes that somebody named.
    #[must_use]
    pub fn cut_by(self, cut: &Cut) -> Self {
        let named = if let Cut::Named(spans) = cut { Some(NamedSpans::clone(spans)) } else { None };
        Self { segments: named, ..self }
    }

    /// What the prompt is cut by, where segments are exported.
    pub fn cut(&self) -> Cut {
        match (&self.segments, self.subject.rule()) {
            (Some(spans), _) => Cut::Named(Arc::new(spans.clone())),
            (None, Some(rule)) => Cut::Rule(rule),
            (None, None) => Cut::default(),
        }
    }

    /// The text of the prompt; empty if it is in a conversation, or only ids are known.
    pub fn prompt(&self) -> &str {
        match &self.input {
            Input::Prompt(text) => text,
            Input::Chat(_) | Input::Ids(_) => "",
        }
    }
}
