//! What the front end hears of the worker.

use std::sync::Arc;
use std::time::Duration;

use super::{
    ActivationsJob, Asker, Catalogue, CompareJob, EffectJob, JobId, LayerShift, LensJob, LoadEstimate,
    LoadProgress, LookedAtJob, PatchJob, PushJob, RowJob, SegmentsFound, SegmentsJob, ShiftJob, SimilarJob,
    SinksJob, Slot, TokenRow, WorkerError,
};
use crate::attention::ablation::{MovedHead, Swept};
use crate::attention::knockout::SpanEffect;
use crate::attention::lens::Lens;
use crate::attention::patching::Patching;
use crate::attention::push::Push;
use crate::attention::similar::Similarities;
use crate::attention::sinks::{Sinks, StateActivations};
use crate::attention::{
    Ablation, Capture, CausalMatrix, LayerPictures, LookedAt, MeasuredComparison, ModelInfo, NextToken,
    ScoresByHead, TextEnding, View,
};

/// What was computed of a layer.
#[derive(Debug, Clone)]
pub enum LayerAnswer {
    /// Small pictures of its heads and of their mean.
    Pictures(Arc<LayerPictures>),
    /// How far each head moved; empty where the capture has nothing to compare with.
    Moved(Vec<MovedHead>),
}

/// What the worker reports. Events about a job that is no longer the newest are to be ignored.
#[derive(Debug, Clone)]
pub enum Event {
    /// A load has come further.
    Loading {
        /// The slot.
        slot: Slot,
        /// How far the load has come.
        progress: LoadProgress,
    },
    /// A model is resident.
    Loaded {
        /// The slot.
        slot: Slot,
        /// The model.
        model: Arc<ModelInfo>,
    },
    /// A load failed; a model that was resident before still is.
    LoadFailed {
        /// The slot.
        slot: Slot,
        /// What went wrong; [`WorkerError::Cancelled`] if it was stopped.
        error: WorkerError,
    },
    /// There was no memory for two: the resident model is gone, and the load goes on.
    Unloaded {
        /// The slot.
        slot: Slot,
    },
    /// The models that can be asked for.
    Listed {
        /// The models, or why they can't be listed.
        models: Result<Catalogue, WorkerError>,
    },
    /// What loading a model would take.
    Estimated {
        /// The model as it was asked for.
        name: String,
        /// What it would take, or why that is not known.
        estimate: Box<Result<LoadEstimate, WorkerError>>,
    },
    /// A pass has come further.
    Running {
        /// The slot.
        slot: Slot,
        /// Names the prompt.
        job: JobId,
        /// Layers that are done.
        layer: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// A pass is done.
    Captured {
        /// The slot.
        slot: Slot,
        /// Names the prompt.
        job: JobId,
        /// What was captured.
        capture: Arc<Capture>,
    },
    /// A pass failed; the model is still resident.
    RunFailed {
        /// The slot.
        slot: Slot,
        /// Names the prompt.
        job: JobId,
        /// What went wrong; [`WorkerError::Cancelled`] if it was stopped.
        error: WorkerError,
    },
    /// A text is a token longer.
    Written {
        /// The slot.
        slot: Slot,
        /// Names what is written.
        job: JobId,
        /// The pass over all of it.
        capture: Arc<Capture>,
        /// The token, with the probability that it had; nothing where another model wrote it.
        next: Option<Box<NextToken>>,
        /// How long choosing it and that pass took.
        took: Duration,
    },
    /// A text does not go on.
    WritingEnded {
        /// The slot.
        slot: Slot,
        /// Names what is written.
        job: JobId,
        /// Why; [`WorkerError::Cancelled`] if it was stopped.
        ended: Result<TextEnding, WorkerError>,
    },
    /// A view's matrix is ready.
    Viewed {
        /// The capture it is computed from.
        capture: Arc<Capture>,
        /// The view.
        view: View,
        /// The matrix of the view.
        matrix: Arc<CausalMatrix>,
    },
    /// A row of a view is ready.
    Row {
        /// What was asked.
        question: Box<RowJob>,
        /// The row, or why it is not known.
        row: Result<Arc<TokenRow>, WorkerError>,
    },
    /// It is known how much each token is looked at.
    LookedAt {
        /// What was asked.
        question: Box<LookedAtJob>,
        /// How much, token by token, or why that is not known.
        found: Result<Arc<LookedAt>, WorkerError>,
    },
    /// Something of a layer is computed.
    Layer {
        /// The capture it is computed from.
        capture: Arc<Capture>,
        /// The index of the layer.
        layer: usize,
        /// What was computed.
        found: LayerAnswer,
    },
    /// The run over repeated random tokens has come further.
    Scoring {
        /// The slot.
        slot: Slot,
        /// Heads that are off.
        ablation: Ablation,
        /// Draws that are done.
        done: usize,
        /// Draws of a run.
        draws: usize,
    },
    /// The scores of a model's heads on repeated random tokens are known.
    Scored {
        /// The slot.
        slot: Slot,
        /// The model.
        model: Arc<ModelInfo>,
        /// Heads that are off.
        ablation: Ablation,
        /// The scores, by layer and head.
        scores: Arc<ScoresByHead>,
    },
    /// The scores of a model's heads won't be known.
    ScoringFailed {
        /// The slot.
        slot: Slot,
        /// What went wrong; [`WorkerError::Cancelled`] if it was stopped.
        error: WorkerError,
    },
    /// A sweep has come further.
    Sweeping {
        /// The capture it is of.
        capture: Arc<Capture>,
        /// Heads that are done.
        done: usize,
        /// All heads.
        all: usize,
    },
    /// It is known what each head alone is worth.
    Swept {
        /// The capture it is of.
        capture: Arc<Capture>,
        /// What was found, or why that can't be said; [`WorkerError::Cancelled`] if it was stopped.
        found: Result<Arc<Swept>, WorkerError>,
    },
    /// All heads are compared to one.
    Similar {
        /// What was asked.
        question: SimilarJob,
        /// How similar the heads of the left and the right capture are to it, or why that can't be said.
        found: Result<[Option<Similarities>; 2], WorkerError>,
    },
    /// The heads of a layer of two models are compared.
    Shifted {
        /// What was asked.
        question: ShiftJob,
        /// How far they are apart, or why that can't be said.
        found: Result<Arc<LayerShift>, WorkerError>,
    },
    /// It is known how much the segments of a prompt give each other.
    Segments {
        /// What was asked.
        question: Box<SegmentsJob>,
        /// What they give, or why that can't be said.
        found: Result<Arc<SegmentsFound>, WorkerError>,
    },
    /// Two captures are compared.
    Compared {
        /// What was asked.
        question: Box<CompareJob>,
        /// The comparison, or why there is none.
        found: Result<Arc<MeasuredComparison>, WorkerError>,
    },
    /// The pass that is needed to say what layers would predict has come further.
    LensRunning {
        /// Whoever asked.
        asker: Asker,
        /// Layers that are done.
        layer: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// What each layer would predict.
    Lens {
        /// What was asked.
        question: LensJob,
        /// The predictions, or why there are none.
        found: Result<Arc<Lens>, WorkerError>,
    },
    /// What each part of a pass adds to the logit of a next token.
    Pushed {
        /// What was asked.
        question: Box<PushJob>,
        /// What each adds, or why that can't be said.
        found: Result<Arc<Push>, WorkerError>,
    },
    /// The pass with a span hidden has come further.
    EffectRunning {
        /// Whoever asked.
        asker: Asker,
        /// Spans that are done.
        done: usize,
        /// Layers that are done.
        layer: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// What hiding a span changes.
    Effect {
        /// What was asked, with the number of spans before this one.
        question: Box<EffectJob>,
        /// What it changes, or why that can't be said.
        found: Result<Arc<SpanEffect>, WorkerError>,
    },
    /// Another place was patched.
    Patching {
        /// What was asked, as far as it is done.
        question: Box<PatchJob>,
        /// The effects of the places that are done.
        found: Arc<Patching>,
    },
    /// All places are patched.
    Patched {
        /// What was asked.
        question: Box<PatchJob>,
        /// The effects of all, or why they are not known.
        found: Result<Arc<Patching>, WorkerError>,
    },
    /// It is known what every head gives to each key.
    Sinks {
        /// What was asked.
        question: SinksJob,
        /// What they give, or why that is not known.
        found: Result<Arc<Sinks>, WorkerError>,
    },
    /// It is known what is large in the residual stream.
    Activations {
        /// What was asked.
        question: ActivationsJob,
        /// After the embedding and after each layer, or why that is not known.
        found: Result<Arc<Vec<StateActivations>>, WorkerError>,
    },
    /// A view can't be computed.
    ViewFailed {
        /// The capture it was to be computed from.
        capture: Arc<Capture>,
        /// The view.
        view: View,
        /// What went wrong; [`WorkerError::Cancelled`] if it was stopped.
        error: WorkerError,
    },
}

impl Event {
    /// Whether it only says how far something has come: such events are many, and none of them is waited for.
    pub fn is_progress(&self) -> bool {
        matches!(
            self,
            Self::Loading { .. }
                | Self::Running { .. }
                | Self::Scoring { .. }
                | Self::Sweeping { .. }
                | Self::LensRunning { .. }
                | Self::EffectRunning { .. }
                | Self::Patching { .. }
        )
    }
}
