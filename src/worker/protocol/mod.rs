//! What the front end asks of the worker, and what it hears back.
//!
//! A [`Request`] that takes a while holds a job, and the answer to it is an [`Event`]. Where a newer job of the same
//! kind and the same [`Asker`] comes before the answer, the older one is not answered any more.

mod event;
mod question;
mod request;
mod slot;

pub use super::error::WorkerError;
pub use crate::model::{
    Catalogue, Choice, ConfiguredPair, Download, Footprint, KnownModel, LoadEstimate, LoadProgress,
    MemoryFit, Place, Published, Sampling,
};
pub use event::{Event, LayerAnswer};
pub use question::{
    ActivationsJob, Asker, CompareJob, EffectJob, EstimateJob, JobId, LayerJob, LayerQuestion, LayerShift,
    LensJob, ListJob, LookedAtJob, PatchJob, PushJob, ReadJob, RowJob, ScoringJob, SegmentsFound,
    SegmentsJob, ShiftJob, SimilarJob, SinksJob, SweepJob, TokenRow, ViewJob, WriteJob,
};
pub use request::Request;
pub use slot::Slot;
