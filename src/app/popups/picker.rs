//! The model picker: the models that there are, a name that is typed, and what stands between choosing one and
//! loading it.

use crate::app::state::fuzzy_list::FuzzyList;
use crate::app::state::side::Side;
use crate::worker::protocol::{
    Catalogue, EstimateJob, KnownModel, LoadEstimate, MemoryFit, Request, WorkerError,
};

/// The model picker.
#[derive(Debug, Clone)]
pub struct Picker {
    /// The pane that the model is for.
    pub side: Side,
    /// The line that is typed and what it finds: the list is of the catalogue's models and what was typed.
    pub list: FuzzyList,
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
    /// All of these.
    Known(Catalogue),
    /// It can't be known.
    Failed(WorkerError),
}

/// What stands between choosing a model and loading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// None is chosen yet.
    Choosing,
    /// What the model of this name takes is being found out.
    Estimating(String),
    /// Its download must be agreed to.
    Asking {
        /// Its name.
        name: String,
        /// What it takes, in a sentence.
        statement: String,
        /// Whether there is memory for it even then.
        fit: MemoryFit,
    },
    /// There is no memory for it.
    TooLarge {
        /// Its name.
        name: String,
        /// Bytes that it takes.
        needed: u64,
        /// Bytes that are free, or would be without the model it replaces.
        free: u64,
        /// What helps.
        way_out: &'static str,
    },
    /// It can't be had: what, where, what to do.
    Failed {
        /// Its name.
        name: String,
        /// What the worker says.
        error: WorkerError,
    },
}

impl Picker {
    /// For the model of a side, with nothing listed yet.
    pub(in crate::app) fn new(side: Side) -> Self {
        Self { side, list: FuzzyList::taking_typed(), listing: Listing::Awaited, stage: Stage::Choosing }
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
        let entry = self.list.entry()?;
        Some(self.model(entry).map_or_else(|| self.list.typed().to_owned(), |model| model.name.clone()))
    }

    /// Whether the worker is to answer something.
    pub(in crate::app) fn is_busy(&self) -> bool {
        self.listing == Listing::Awaited || matches!(self.stage, Stage::Estimating(_))
    }

    /// The worker has looked for models.
    pub(in crate::app) fn listed(&mut self, models: Result<Catalogue, WorkerError>) {
        if let Ok(catalogue) = &models {
            self.list.refill(catalogue.models.iter().map(|model| model.name.clone()).collect());
        }
        self.listing = models.map_or_else(Listing::Failed, Listing::Known);
    }

    /// Nobody will answer any more: what is waited for has failed.
    pub(in crate::app) fn give_up(&mut self, error: &WorkerError) {
        if self.listing == Listing::Awaited {
            self.listing = Listing::Failed(error.clone());
        }
        if let Stage::Estimating(name) = &self.stage {
            self.stage = Stage::Failed { name: name.clone(), error: error.clone() };
        }
    }

    /// Has the worker find out what the chosen model takes; once more, if it couldn't be had.
    pub(in crate::app) fn submit(&mut self) -> Option<Request> {
        let name = match &self.stage {
            Stage::Choosing => self.name(),
            Stage::TooLarge { name, .. } | Stage::Failed { name, .. } => Some(name.clone()),
            Stage::Estimating(_) | Stage::Asking { .. } => None,
        }?;
        self.stage = Stage::Estimating(name.clone());
        Some(Request::Estimate(EstimateJob { name }))
    }

    /// What a model takes is known, in the place of `replaced` bytes: whether it is to be loaded at once.
    pub(in crate::app) fn estimated(
        &mut self,
        name: &str,
        answer: Result<LoadEstimate, WorkerError>,
        replaced: u64,
    ) -> bool {
        // It may be about one that isn't wanted any more.
        if !matches!(&self.stage, Stage::Estimating(wanted) if wanted == name) {
            return false;
        }
        let obstacle = match answer {
            Ok(estimate) => obstacle(name, &estimate, replaced),
            Err(error) => Some(Stage::Failed { name: name.to_owned(), error }),
        };
        match obstacle {
            Some(stage) => {
                self.stage = stage;
                false
            }
            None => true,
        }
    }

    /// The model whose download is asked about.
    pub(in crate::app) fn asked(&self) -> Option<String> {
        match &self.stage {
            Stage::Asking { name, .. } => Some(name.clone()),
            _ => None,
        }
    }
}

/// What keeps a model from being loaded at once. Memory that an unfinished download takes is only guessed at:
/// that is said, and doesn't stop anybody.
fn obstacle(name: &str, estimate: &LoadEstimate, replaced: u64) -> Option<Stage> {
    let (name, free) = (name.to_owned(), estimate.free_bytes);
    if let Some(download) = estimate.download.as_ref().filter(|download| download.is_large) {
        let fit = MemoryFit::of(Some(download.least_bytes), free, replaced);
        return Some(Stage::Asking { name, statement: download.statement.clone(), fit });
    }
    let (needed, free) = (estimate.footprint?.needed_bytes(), free?);
    let too_large = MemoryFit::of(Some(needed), Some(free), replaced) == MemoryFit::No;
    let (free, way_out) = (free.saturating_add(replaced), estimate.way_out);
    too_large.then_some(Stage::TooLarge { name, needed, free, way_out })
}
