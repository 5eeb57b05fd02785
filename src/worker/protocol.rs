//! What the front end asks of the worker, and what it hears back.

use std::fmt;
use std::sync::Arc;

use crate::attention::ablation::MovedHead;
use crate::attention::lens::Lens;
use crate::attention::similar::Similarities;
use crate::attention::{Ablation, Capture, CausalMatrix, LayerPictures, ModelInfo, ScoresByHead, View};
pub use crate::model::{
    Catalogue, ConfiguredPair, Download, Footprint, KnownModel, LoadEstimate, LoadProgress, MemoryFit, Place,
    Published, Sampling,
};

/// One of the two models on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The left pane's.
    Left,
    /// The right pane's.
    Right,
}

impl Side {
    /// Both, left first.
    pub const BOTH: [Side; 2] = [Side::Left, Side::Right];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }

    /// 0 for left, 1 for right.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Left => "left",
            Side::Right => "right",
        })
    }
}

/// Names a prompt that was sent; a later one has a larger number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct JobId(pub u64);

/// What each layer of a model would predict after a token.
#[derive(Debug, Clone)]
pub struct LensQuestion {
    /// Who asks. A newer question of the same pane takes the place of an older one.
    pub pane: Side,
    /// Where the model is.
    pub side: Side,
    /// What the model has read, and without which heads.
    pub capture: Arc<Capture>,
    /// The number of the token.
    pub query: usize,
}

/// What is computed of a layer, away from the models' threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerQuestion {
    /// Small pictures, value-weighted.
    Pictures,
    /// How far its heads moved from what they did with all heads on, which the capture is to have beside it.
    Moved,
}

/// What was computed of a layer.
#[derive(Debug, Clone)]
pub enum LayerAnswer {
    /// Of its heads and of their mean.
    Pictures(Arc<LayerPictures>),
    /// In the order of the heads; none where the capture has nothing to compare with.
    Moved(Vec<MovedHead>),
}

/// What the front end asks for.
#[derive(Debug, Clone)]
pub enum Request {
    /// Load a model into a side. The one that is there stays until the new one is ready; where there is no memory
    /// for both, until the files of the new one are here.
    Load {
        /// Where to.
        side: Side,
        /// `org/name[@revision]`, a folder, `demo:gpt2`.
        reference: String,
    },
    /// Run a prompt through both models. A running older job is cancelled, a waiting one dropped; a
    /// model that is still loading takes the newest prompt when it is ready.
    Run {
        /// Larger than any before.
        job: JobId,
        /// Passed on unchanged.
        prompt: String,
        /// By which rule the capture's next token is drawn.
        sampling: Sampling,
        /// Left and right: heads that are off. A side with some runs with all first, unless it just did.
        ablations: [Ablation; 2],
    },
    /// Compute the matrix of a view, away from the models' threads.
    View {
        /// Where from; echoed, and what the answer is known by.
        capture: Arc<Capture>,
        /// Which.
        view: View,
    },
    /// Compute something of a layer, away from the models' threads.
    Layer {
        /// Where from; echoed.
        capture: Arc<Capture>,
        /// Which; echoed.
        layer: usize,
        /// What.
        question: LayerQuestion,
    },
    /// Score a model's heads on repeated random tokens, between passes; it is to be resident, or soon. Takes the place
    /// of an older request of the same side.
    Score {
        /// Where it is.
        side: Side,
        /// Which.
        model: Arc<ModelInfo>,
        /// Without which heads: each of these is scored by itself, in this order.
        ablations: Vec<Ablation>,
    },
    /// Compare all heads to one, away from the models' threads.
    Similar {
        /// Left and right, as far as they are there; echoed.
        captures: [Option<Arc<Capture>>; 2],
        /// Echoed: whose head it is.
        side: Side,
        /// Echoed: which head it is.
        head: View,
    },
    /// Say what each layer would predict. Takes a pass the first time, between those of prompts.
    Lens(LensQuestion),
    /// Nobody looks at what layers would predict any more: nothing is kept for it.
    ForgetLens,
    /// List the models that can be asked for, those of these pairs among them.
    List {
        /// As they are configured.
        pairs: Vec<ConfiguredPair>,
    },
    /// Somebody was told what loading a model takes, and wants it.
    Agree {
        /// As it was estimated.
        name: String,
    },
    /// Find out what loading a model would take. Asks the hub about one that is not here.
    Estimate {
        /// As it would be asked for; echoed.
        name: String,
    },
    /// Stop what is running: passes, loads and downloads. Resident models stay.
    Cancel,
    /// Stop passes, but no loads.
    CancelPasses,
}

/// What the worker reports. Events about a job that is no longer the newest are to be ignored.
#[derive(Debug, Clone)]
pub enum Event {
    /// A load has come further.
    Loading {
        /// Of which side.
        side: Side,
        /// How far.
        progress: LoadProgress,
    },
    /// A model is resident.
    Loaded {
        /// Of which side.
        side: Side,
        /// What it is.
        model: Arc<ModelInfo>,
    },
    /// A load failed; a model that was resident before still is.
    LoadFailed {
        /// Of which side.
        side: Side,
        /// What, where, what to do.
        error: String,
    },
    /// A load was cancelled; a model that was resident before still is.
    LoadCancelled {
        /// Of which side.
        side: Side,
    },
    /// There was no memory for two: the resident model is gone, and the load goes on.
    Unloaded {
        /// Of which side.
        side: Side,
    },
    /// The models that can be asked for.
    Listed {
        /// These; or what, where, what to do.
        models: Result<Catalogue, String>,
    },
    /// What loading a model would take.
    Estimated {
        /// Which.
        name: String,
        /// This; or what, where, what to do.
        estimate: Result<LoadEstimate, String>,
    },
    /// A pass has come further.
    Running {
        /// Of which side.
        side: Side,
        /// Which prompt.
        job: JobId,
        /// Layers that are done.
        layer: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// A pass is done.
    Captured {
        /// Of which side.
        side: Side,
        /// Which prompt.
        job: JobId,
        /// What was captured.
        capture: Arc<Capture>,
    },
    /// A pass failed; the model is still resident.
    RunFailed {
        /// Of which side.
        side: Side,
        /// Which prompt.
        job: JobId,
        /// What, where, what to do.
        error: String,
    },
    /// A pass was cancelled.
    Cancelled {
        /// Of which side.
        side: Side,
        /// Which prompt.
        job: JobId,
    },
    /// A view's matrix is ready.
    Viewed {
        /// Where it is from.
        capture: Arc<Capture>,
        /// Which view.
        view: View,
        /// Its matrix.
        matrix: Arc<CausalMatrix>,
    },
    /// Something of a layer is computed.
    Layer {
        /// Where it is from.
        capture: Arc<Capture>,
        /// Which layer.
        layer: usize,
        /// What it is.
        found: LayerAnswer,
    },
    /// So many draws of repeated random tokens are run.
    Scoring {
        /// By which side.
        side: Side,
        /// Without which heads.
        ablation: Ablation,
        /// How many.
        done: usize,
        /// Of how many.
        draws: usize,
    },
    /// The scores of a model's heads on repeated random tokens are known.
    Scored {
        /// Of which side.
        side: Side,
        /// Of which model.
        model: Arc<ModelInfo>,
        /// Without which heads.
        ablation: Ablation,
        /// Layer, then head.
        scores: Arc<ScoresByHead>,
    },
    /// They won't be: it went wrong, or was stopped.
    ScoringFailed {
        /// Of which side.
        side: Side,
        /// What, where, what to do.
        error: String,
    },
    /// All heads are compared to one.
    Similar {
        /// What was compared.
        captures: [Option<Arc<Capture>>; 2],
        /// Whose head it is.
        side: Side,
        /// Which head it is.
        head: View,
        /// Left and right, or why not.
        found: Result<[Option<Similarities>; 2], String>,
    },
    /// The pass that is needed to say what layers would predict has come further.
    LensRunning {
        /// For which pane.
        pane: Side,
        /// Layers that are done.
        layer: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// What each layer would predict.
    Lens {
        /// What was asked.
        question: LensQuestion,
        /// This; or what, where, what to do.
        found: Result<Arc<Lens>, String>,
    },
    /// A view can't be computed.
    ViewFailed {
        /// Where it was to be from.
        capture: Arc<Capture>,
        /// Which view.
        view: View,
        /// What, where, what to do.
        error: String,
    },
}

impl Event {
    /// Whether it only says how far something has come: such events are many, and none of them is waited for.
    pub fn is_progress(&self) -> bool {
        matches!(
            self,
            Self::Loading { .. } | Self::Running { .. } | Self::Scoring { .. } | Self::LensRunning { .. }
        )
    }
}
