//! Jobs as the front end describes them. How they are done stands in the worker's `jobs`.

use std::sync::Arc;

use super::Slot;
use crate::attention::knockout::{HiddenSpan, KeyMeasures};
use crate::attention::segments::{Cut, Lookback, SegmentShares};
use crate::attention::shift::HeadShift;
use crate::attention::{Ablation, Capture, ModelInfo, Texts, View};
use crate::model::{Choice, ConfiguredPair, Patch, Sampling};
use crate::vocabulary::{Conversation, Granularity, Normalisation, Patched};

/// Names a prompt that was sent; a later one has a larger number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct JobId(pub u64);

/// Whoever asks, by a number that the front end chooses. An asker waits for the answer to its newest question only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Asker(pub usize);

/// Compute the matrix of a view.
#[derive(Debug, Clone)]
pub struct ViewJob {
    /// Whoever asks.
    pub asker: Asker,
    /// The capture to compute from; echoed, and what the answer is known by.
    pub capture: Arc<Capture>,
    /// The view to compute; echoed.
    pub view: View,
}

/// Compute one row of a view, token by token.
#[derive(Debug, Clone)]
pub struct RowJob {
    /// Whoever asks.
    pub asker: Asker,
    /// The capture to compute from.
    pub capture: Arc<Capture>,
    /// The view.
    pub view: View,
    /// The token that looks.
    pub query: usize,
}

impl RowJob {
    /// Whether both are about the very same row.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.capture, &other.capture) && (self.view, self.query) == (other.view, other.query)
    }
}

/// What a token gives to each token up to itself, and to no token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenRow {
    /// \[query + 1\]
    pub weights: Vec<f32>,
    /// What it gives to no token; nothing of a view without sinks.
    pub sink: Option<f32>,
}

/// Say how much each token is looked at in a view, from all of its rows.
#[derive(Debug, Clone)]
pub struct LookedAtJob {
    /// Whoever asks.
    pub asker: Asker,
    /// What is measured; echoed, and what the answer is known by.
    pub capture: Arc<Capture>,
    /// The view; echoed.
    pub view: View,
    /// How rows are divided; echoed.
    pub normalisation: Normalisation,
}

impl LookedAtJob {
    /// Whether both are about the very same capture, view and rules.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.capture, &other.capture)
            && (self.view, self.normalisation) == (other.view, other.normalisation)
    }
}

/// Compute something of a layer.
#[derive(Debug, Clone)]
pub struct LayerJob {
    /// Whoever asks.
    pub asker: Asker,
    /// The capture to compute from; echoed.
    pub capture: Arc<Capture>,
    /// The index of the layer; echoed.
    pub layer: usize,
    /// What to compute.
    pub question: LayerQuestion,
}

/// What is computed of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerQuestion {
    /// Small pictures, value-weighted.
    Pictures,
    /// How far its heads moved from what they did with all heads on. The capture holds that one beside it.
    Moved,
}

/// Compare two captures, on the pieces of text that both have whole tokens of.
#[derive(Debug, Clone)]
pub struct CompareJob {
    /// Left and right.
    pub captures: [Arc<Capture>; 2],
    /// The view of each.
    pub views: [View; 2],
    /// How finely the text is cut into pieces.
    pub granularity: Granularity,
    /// Whether both have read one text.
    pub texts: Texts,
}

impl CompareJob {
    /// Whether both are about the very same captures, their views, and pieces.
    pub fn is(&self, other: &Self) -> bool {
        let captures = self.captures.iter().zip(&other.captures);
        captures.into_iter().all(|(a, b)| Arc::ptr_eq(a, b))
            && (self.views, self.granularity, self.texts) == (other.views, other.granularity, other.texts)
    }
}

/// Say how far the heads of a layer of two models of one shape are apart.
#[derive(Debug, Clone)]
pub struct ShiftJob {
    /// Left and right; echoed, and what the answer is known by.
    pub captures: [Arc<Capture>; 2],
    /// The index of the layer; echoed.
    pub layer: usize,
}

/// How far two models of one shape are apart, as far as a layer says.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerShift {
    /// The heads of the layer, in order.
    pub heads: Vec<HeadShift>,
    /// KL(left ‖ right) of the next token, in nats; nothing without an output head.
    pub next: Option<f64>,
}

/// Compare all heads to one.
#[derive(Debug, Clone)]
pub struct SimilarJob {
    /// Two captures, as far as they are there.
    pub captures: [Option<Arc<Capture>>; 2],
    /// Which of the captures the head is of: 0 or 1.
    pub of: usize,
    /// The head.
    pub head: View,
}

/// Say how much the segments of a prompt give each other.
#[derive(Debug, Clone)]
pub struct SegmentsJob {
    /// Whoever asks.
    pub asker: Asker,
    /// What is measured; echoed, and what the answer is known by.
    pub capture: Arc<Capture>,
    /// The text of its prompt.
    pub prompt: Arc<str>,
    /// What it is cut by; echoed.
    pub cut: Cut,
    /// The view; echoed.
    pub view: View,
    /// What was found of the same capture, cut like this, in another view.
    pub known: Option<Arc<SegmentsFound>>,
}

/// How much the segments of a prompt give each other.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentsFound {
    /// In a view.
    pub shares: SegmentShares,
    /// How far each head looks back; nothing if there are no new tokens.
    pub lookback: Option<Arc<Lookback>>,
}

/// Score a model's heads on repeated random tokens.
#[derive(Debug, Clone)]
pub struct ScoringJob {
    /// Where the model is resident, or soon will be.
    pub slot: Slot,
    /// The model.
    pub model: Arc<ModelInfo>,
    /// Sets of heads that are off. The heads are scored without each of these sets, the first one first.
    pub ablations: Vec<Ablation>,
}

/// Say what each head alone is worth to the next token.
#[derive(Debug, Clone)]
pub struct SweepJob {
    /// Whoever asks.
    pub asker: Asker,
    /// Where the model is resident.
    pub slot: Slot,
    /// What the model has read, and without which heads; what the answer is known by.
    pub capture: Arc<Capture>,
    /// Of the heads that are done, layer after layer; none at first.
    pub done: Vec<f32>,
}

/// Say what each layer of a model would predict after a token.
#[derive(Debug, Clone)]
pub struct LensJob {
    /// Whoever asks.
    pub asker: Asker,
    /// Where the model is resident.
    pub slot: Slot,
    /// What the model has read, and without which heads.
    pub capture: Arc<Capture>,
    /// The index of the token.
    pub query: usize,
}

/// Say what every head gives to each key, and to its learned sink.
#[derive(Debug, Clone)]
pub struct SinksJob {
    /// Whoever asks.
    pub asker: Asker,
    /// What is measured; echoed, and what the answer is known by.
    pub capture: Arc<Capture>,
}

/// Say what is large in the residual stream.
#[derive(Debug, Clone)]
pub struct ActivationsJob {
    /// Whoever asks.
    pub asker: Asker,
    /// Where the model is resident.
    pub slot: Slot,
    /// What the model has read, and without which heads; echoed, and what the answer is known by.
    pub capture: Arc<Capture>,
}

/// Say what each part of a pass adds to the logit of a next token.
#[derive(Debug, Clone)]
pub struct PushJob {
    /// Whoever asks.
    pub asker: Asker,
    /// Where the model is resident.
    pub slot: Slot,
    /// What the model has read, and without which heads.
    pub capture: Arc<Capture>,
    /// The index of the token that the next one is predicted after.
    pub query: usize,
    /// The next token; without one, the likeliest.
    pub target: Option<u32>,
    /// The token whose logit is taken off, in place of the mean of all.
    pub versus: Option<u32>,
}

impl PushJob {
    /// Whether both are about the very same capture, token and next tokens.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.capture, &other.capture)
            && (self.query, self.target, self.versus) == (other.query, other.target, other.versus)
    }
}

/// Say what hiding spans of a prompt from what is behind them changes, span after span.
#[derive(Debug, Clone)]
pub struct EffectJob {
    /// Whoever asks.
    pub asker: Asker,
    /// Where the model is resident.
    pub slot: Slot,
    /// What the model has read, and without which heads.
    pub capture: Arc<Capture>,
    /// The spans, each of which is hidden alone.
    pub spans: Arc<[HiddenSpan]>,
    /// How many of them are done.
    pub done: usize,
    /// What keys are given, once that is known.
    pub keys: Option<Arc<KeyMeasures>>,
}

impl EffectJob {
    /// Whether both are about the very same capture and spans.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.capture, &other.capture) && Arc::ptr_eq(&self.spans, &other.spans)
    }
}

/// Say how far parts of the pass over one prompt bring another, place after place.
#[derive(Debug, Clone)]
pub struct PatchJob {
    /// Whoever asks.
    pub asker: Asker,
    /// Where the model is resident.
    pub slot: Slot,
    /// What is taken from, and what is changed: of one model.
    pub captures: [Arc<Capture>; 2],
    /// What is taken.
    pub what: Patched,
    /// How far it is, once it has begun.
    pub patch: Option<Box<Patch>>,
}

impl PatchJob {
    /// Whether both are about the very same captures, and the same parts of them.
    pub fn is(&self, other: &Self) -> bool {
        let captures = self.captures.iter().zip(&other.captures);
        captures.into_iter().all(|(a, b)| Arc::ptr_eq(a, b)) && self.what == other.what
    }
}

/// Go on with a text, token after token.
#[derive(Debug, Clone)]
pub struct WriteJob {
    /// Where the model is resident.
    pub slot: Slot,
    /// Names what is written; echoed.
    pub id: JobId,
    /// What the model has read, and without which heads.
    pub capture: Arc<Capture>,
    /// Bytes of the prompt's text.
    pub prompt_bytes: Option<usize>,
    /// The token to begin with, if it is not to be chosen.
    pub first: Option<u32>,
    /// How the others are chosen.
    pub choice: Choice,
    /// Tokens to write, at most.
    pub limit: usize,
    /// Tokens that are written.
    pub written: usize,
}

/// Read what another model writes, as far as that is.
#[derive(Debug, Clone)]
pub struct ReadJob {
    /// Where the model is resident.
    pub slot: Slot,
    /// Names what is written; echoed.
    pub id: JobId,
    /// The model.
    pub model: Arc<ModelInfo>,
    /// The prompt, and with its answer what is written.
    pub chat: Conversation,
    /// Whether it is read in the model's chat template.
    pub is_chat: bool,
    /// Bytes of the answer that another model wrote: its last ones.
    pub written: usize,
    /// How the capture's next token is drawn.
    pub sampling: Sampling,
    /// Heads that are off.
    pub ablation: Ablation,
}

/// List the models that can be asked for.
#[derive(Debug, Clone)]
pub struct ListJob {
    /// Configured pairs whose models are listed, too.
    pub pairs: Vec<ConfiguredPair>,
}

/// Find out what loading a model would take.
#[derive(Debug, Clone)]
pub struct EstimateJob {
    /// The model as it would be asked for; echoed.
    pub name: String,
}
