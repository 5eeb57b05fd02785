//! What the front end asks of the worker.

use super::{
    ActivationsJob, CompareJob, EffectJob, EstimateJob, JobId, LayerJob, LensJob, ListJob, LookedAtJob,
    PatchJob, PushJob, ReadJob, RowJob, Sampling, ScoringJob, SegmentsJob, ShiftJob, SimilarJob, SinksJob,
    Slot, SweepJob, ViewJob, WriteJob,
};
use crate::attention::Ablation;
use crate::vocabulary::Conversation;

/// What the front end asks for.
#[derive(Debug, Clone)]
pub enum Request {
    /// Load a model into a slot. The one that is there stays until the new one is ready; where there is no memory
    /// for both, until the files of the new one are here.
    Load {
        /// The slot.
        slot: Slot,
        /// `org/name[@revision]`, a folder, `demo:gpt2`.
        reference: String,
    },
    /// Run a prompt through the models of both slots. An older prompt that runs is stopped, and one that waits is dropped. A model
    /// that is still loading takes the newest prompt when it is ready.
    Run {
        /// Larger than any before.
        job: JobId,
        /// The text, passed on unchanged.
        prompt: String,
        /// The same prompt as a turn of a conversation, if each model is to read it in its chat template.
        chat: Option<Conversation>,
        /// How the capture's next token is drawn.
        sampling: Sampling,
        /// Heads that are off, by slot. A slot with some runs the prompt with all heads first, unless it just did.
        ablations: [Ablation; 2],
        /// Slots whose capture is kept, so that only a model that comes later runs the prompt there.
        is_kept: [bool; 2],
    },
    /// Go on with a text, token after token, until it ends, a newer prompt comes, or the model goes.
    Write(WriteJob),
    /// Read what another model writes.
    Read(ReadJob),
    /// Write and read no more; passes of prompts go on.
    StopWriting,
    /// Compute the matrix of a view, away from the models' threads.
    View(ViewJob),
    /// Compute one row of a view, away from the models' threads.
    Row(RowJob),
    /// Say how much each token is looked at in a view, away from the models' threads.
    LookedAt(LookedAtJob),
    /// Nobody waits any more for how much tokens are looked at.
    StopLookedAt,
    /// Compute something of a layer, away from the models' threads.
    Layer(LayerJob),
    /// Score a model's heads on repeated random tokens, between passes.
    Score(ScoringJob),
    /// Say what each head alone is worth, between passes. A newer prompt stops it.
    Sweep(SweepJob),
    /// Sweep no more.
    StopSweeps,
    /// Compare all heads to one, away from the models' threads.
    Similar(SimilarJob),
    /// Compare what both panes show, away from the models' threads.
    Compare(CompareJob),
    /// Say how far the heads of a layer of two models are apart, away from the models' threads.
    Shift(ShiftJob),
    /// Say how much the segments of a prompt give each other, away from the models' threads.
    Segments(Box<SegmentsJob>),
    /// Nobody waits any more for what segments give each other.
    StopSegments,
    /// Say what each layer would predict. Takes a pass the first time, between those of prompts.
    Lens(LensJob),
    /// Say what each part of a pass adds to the logit of a next token. Takes as long as one token, between prompts.
    Push(PushJob),
    /// Say what hiding spans changes. Takes up to a pass for each, between prompts and questions.
    Effect(EffectJob),
    /// Hide no more spans.
    StopEffect,
    /// Say how far parts of the pass over one prompt bring another. Takes up to a pass for each, between prompts and questions; a
    /// newer prompt stops it.
    Patch(Box<PatchJob>),
    /// Patch no more places.
    StopPatching,
    /// Say what every head gives to each key, away from the models' threads.
    Sinks(SinksJob),
    /// Say what is large in the residual stream. Takes a pass the first time, between those of prompts.
    Activations(ActivationsJob),
    /// Nobody looks at what flows between layers any more: nothing is kept for it.
    ForgetLens,
    /// Nobody waits any more for what heads give to each key.
    StopSinks,
    /// List the models that can be asked for.
    List(ListJob),
    /// Somebody was told what loading a model takes, and wants it.
    Agree {
        /// The model as it was estimated.
        name: String,
    },
    /// Find out what loading a model would take. The hub is asked about one that is not here.
    Estimate(EstimateJob),
    /// Stop what is running: passes, loads and downloads. Resident models stay.
    Cancel,
    /// Stop passes, but no loads.
    CancelPasses,
}
