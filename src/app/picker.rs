//! The model picker: the models that there are, a name that is typed, and what stands between choosing one and
//! loading it.

use super::loading::load;
use super::update::NO_WORKER;
use super::{Chooser, Effect, Popup, State};
use crate::worker::protocol::{
    Catalogue, EstimateJob, KnownModel, ListJob, LoadEstimate, MemoryFit, Request, Side,
};

/// The model picker.
#[derive(Debug, Clone)]
pub struct Picker {
    /// The pane that the model is for.
    pub side: Side,
    /// Its line and its list, which is of the catalogue's models and what was typed.
    pub chooser: Chooser,
    /// What there is.
    pub listing: Listing,
    /// What stands between choosing and loading.
    pub stage: Stage,
}

/// What there is to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// Not known yet.
    Awaited,
    /// These.
    Known(Catalogue),
    /// It can't be known: what, where, what to do.
    Failed(String),
}

/// What stands between choosing a model and loading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// None is chosen yet.
    Choosing,
    /// What this one takes is being found out.
    Appraising(String),
    /// Its download must be agreed to.
    Asking {
        /// Which.
        name: String,
        /// What it takes.
        statement: String,
        /// Whether there is memory for it even then.
        fit: MemoryFit,
    },
    /// There is no memory for it.
    TooLarge {
        /// Which.
        name: String,
        /// Bytes that it takes.
        needed: u64,
        /// Bytes that are free, or would be without the model it replaces.
        free: u64,
    },
    /// It can't be had: what, where, what to do.
    Failed {
        /// Which.
        name: String,
        /// What the worker says.
        error: String,
    },
}

impl Picker {
    fn new(side: Side) -> Self {
        Self { side, chooser: Chooser::taking_typed(), listing: Listing::Awaited, stage: Stage::Choosing }
    }

    /// What is known of the entry of that number; `None` of what was typed.
    pub fn model(&self, entry: usize) -> Option<&KnownModel> {
        match &self.listing {
            Listing::Known(catalogue) => catalogue.models.get(entry),
            Listing::Awaited | Listing::Failed(_) => None,
        }
    }

    /// The name that is chosen: of the list, else as it was typed.
    fn name(&self) -> Option<String> {
        let entry = self.chooser.entry()?;
        Some(self.model(entry).map_or_else(|| self.chooser.typed().to_owned(), |model| model.name.clone()))
    }

    /// Whether the worker is to answer something.
    pub(super) fn is_busy(&self) -> bool {
        self.listing == Listing::Awaited || matches!(self.stage, Stage::Appraising(_))
    }
}

/// Opens it for the focused pane.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    if !state.worker {
        state.note = Some(NO_WORKER.to_owned());
        return vec![];
    }
    state.popup = Some(Popup::Picker(Picker::new(state.focus)));
    vec![Effect::Send(Request::List(ListJob { pairs: state.pairs.clone() }))]
}

/// The worker has looked for models.
pub(super) fn listed(state: &mut State, models: Result<Catalogue, String>) {
    let Some(Popup::Picker(picker)) = &mut state.popup else { return };
    if let Ok(catalogue) = &models {
        picker.chooser.refill(catalogue.models.iter().map(|model| model.name.clone()).collect());
    }
    picker.listing = models.map_or_else(Listing::Failed, Listing::Known);
}

/// Nobody will answer any more: what is waited for has failed.
pub(super) fn give_up(state: &mut State, error: &str) {
    let Some(Popup::Picker(picker)) = &mut state.popup else { return };
    if picker.listing == Listing::Awaited {
        picker.listing = Listing::Failed(error.to_owned());
    }
    if let Stage::Appraising(name) = &picker.stage {
        picker.stage = Stage::Failed { name: name.clone(), error: error.to_owned() };
    }
}

/// Has the worker find out what the chosen model takes; once more, if it couldn't be had.
pub(super) fn submit(state: &mut State) -> Vec<Effect> {
    let Some(Popup::Picker(picker)) = &mut state.popup else { return vec![] };
    let name = match &picker.stage {
        Stage::Choosing => picker.name(),
        Stage::TooLarge { name, .. } | Stage::Failed { name, .. } => Some(name.clone()),
        Stage::Appraising(_) | Stage::Asking { .. } => None,
    };
    let Some(name) = name else { return vec![] };
    picker.stage = Stage::Appraising(name.clone());
    vec![Effect::Send(Request::Estimate(EstimateJob { name }))]
}

/// What a model takes is known: loads it, unless something is in the way.
pub(super) fn estimated(
    state: &mut State,
    name: String,
    answer: Result<LoadEstimate, String>,
) -> Vec<Effect> {
    let replaced = match &state.popup {
        Some(Popup::Picker(picker)) => state.replaced_bytes(picker.side),
        _ => return vec![],
    };
    let Some(Popup::Picker(picker)) = &mut state.popup else { return vec![] };
    // It may be about one that isn't wanted any more.
    if !matches!(&picker.stage, Stage::Appraising(wanted) if *wanted == name) {
        return vec![];
    }
    let obstacle = match answer {
        Ok(estimate) => obstacle(&name, &estimate, replaced),
        Err(error) => Some(Stage::Failed { name: name.clone(), error }),
    };
    match obstacle {
        Some(stage) => {
            picker.stage = stage;
            vec![]
        }
        None => begin(state, name),
    }
}

/// Loads what was asked about.
pub(super) fn agree(state: &mut State) -> Vec<Effect> {
    match &state.popup {
        Some(Popup::Picker(Picker { stage: Stage::Asking { name, .. }, .. })) => {
            let name = name.clone();
            begin(state, name)
        }
        _ => vec![],
    }
}

fn begin(state: &mut State, name: String) -> Vec<Effect> {
    let Some(Popup::Picker(picker)) = state.popup.take() else { return vec![] };
    state.resident_mut(picker.side).reference.clone_from(&name);
    vec![Effect::Send(Request::Agree { name }), load(state, picker.side)]
}

/// What keeps a model from being loaded at once. Memory that an unfinished download takes is only guessed at:
/// that is said, and doesn't stop anybody.
fn obstacle(name: &str, estimate: &LoadEstimate, replaced: u64) -> Option<Stage> {
    let (name, free) = (name.to_owned(), estimate.free_bytes);
    if let Some(download) = estimate.download.as_ref().filter(|download| download.is_large) {
        let fit = MemoryFit::of(Some(download.least_bytes), free, replaced);
        return Some(Stage::Asking { name, statement: download.statement.clone(), fit });
    }
    let (needed, free) = (estimate.footprint?.resident_bytes, free?);
    let too_large = MemoryFit::of(Some(needed), Some(free), replaced) == MemoryFit::No;
    too_large.then(|| Stage::TooLarge { name, needed, free: free.saturating_add(replaced) })
}
