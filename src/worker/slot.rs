//! A slot: what its thread is given to do, and which of its loads counts.

use tokio::sync::mpsc;

use super::error::WorkerError;
use super::job::SlotJob;
use super::jobs::load::{self, LoadEvent, LoadJob, LoadStage};
use super::jobs::run::RunJob;
use super::jobs::sweep;
use super::jobs::write;
use super::jobs::{effect, lens, patch, sinks, streams};
use super::latest_job::{Rank, Ticket};
use super::protocol::{Event, Slot};
use super::resident::Resident;
use crate::model::LoadOptions;

/// A slot as the coordinator sees it.
pub struct SlotState {
    slot: Slot,
    resident: Resident,
    /// Bytes that the resident model takes; 0 if there is none.
    resident_bytes: u64,
    /// Of the newest load.
    load: Ticket,
    /// The newest prompt, which also runs on every model that comes.
    newest: Option<RunJob>,
    /// Whether the newest prompt was stopped.
    is_stopped: bool,
    events: mpsc::Sender<Event>,
    loads: mpsc::Sender<LoadEvent>,
}

impl SlotState {
    /// Without a model.
    pub fn new(slot: Slot, events: mpsc::Sender<Event>, loads: mpsc::Sender<LoadEvent>) -> Self {
        Self {
            slot,
            resident: Resident::spawn(slot, events.clone()),
            resident_bytes: 0,
            load: Ticket::default(),
            newest: None,
            is_stopped: false,
            events,
            loads,
        }
    }

    /// Loads beside the resident model, in the place of an unfinished load.
    ///
    /// # Errors
    /// The answer, if the system gives no thread for it.
    pub fn load(&mut self, reference: String, options: &LoadOptions) -> Result<(), Event> {
        let job = LoadJob {
            slot: self.slot,
            reference,
            options: options.clone(),
            ticket: self.load.supersede(),
            replaced_bytes: self.resident_bytes,
        };
        // Whoever stopped everything and now loads again wants to see something of the model that comes.
        self.is_stopped = false;
        load::spawn(job, self.loads.clone(), self.events.clone())
            .map_err(|error| Event::LoadFailed { slot: self.slot, error })
    }

    /// Runs a prompt in the place of an older one, on the resident model and on each that comes; only on those if its
    /// capture is kept.
    pub fn run(&mut self, job: RunJob, is_kept: bool) {
        (self.newest, self.is_stopped) = (Some(job.clone()), false);
        self.stop_writing();
        // Nobody looks at the old prompt any more.
        self.stop_sweep();
        self.stop_patching();
        match is_kept {
            true => self.resident.stop(|key| key.rank == Rank::Prompt),
            false => self.submit(Box::new(job)),
        }
    }

    /// Goes on with no text any more.
    pub fn stop_writing(&self) {
        self.resident.stop(|key| key.kind == write::KIND);
    }

    /// Finds out no more what each head is worth.
    pub fn stop_sweep(&self) {
        self.resident.stop(|key| key.kind == sweep::KIND);
    }

    /// Gives the thread a job, in the place of an older one with the same key.
    pub fn submit(&self, job: Box<dyn SlotJob>) {
        self.resident.submit(job);
    }

    /// Hides no spans any more.
    pub fn stop_effect(&self) {
        self.resident.stop(|key| key.kind == effect::KIND);
    }

    /// Patches no places any more.
    pub fn stop_patching(&self) {
        self.resident.stop(|key| key.kind == patch::KIND);
    }

    /// Nobody looks at what flows between the layers any more.
    pub fn forget_lens(&self) {
        self.resident.stop(|key| key.kind == lens::KIND || key.kind == sinks::KIND);
        self.resident.tidy(streams::forget);
    }

    /// Handles that a load has come to where something is to be done.
    pub async fn handle(&mut self, LoadEvent { ticket, stage, .. }: LoadEvent) {
        if ticket.is_superseded() {
            return;
        }
        let error = match stage {
            LoadStage::Ended(Ok(model)) if !ticket.is_cancelled() => {
                self.resident_bytes = model.info().resident_bytes;
                let first = self.newest.clone().map(|job| Box::new(job) as Box<dyn SlotJob>);
                self.resident.replace(model, first);
                if self.is_stopped {
                    self.cancel_pass();
                }
                return;
            }
            LoadStage::NeedsRoom(promise) if !ticket.is_cancelled() => {
                self.resident.stop(|_| true);
                (self.resident_bytes, self.is_stopped) = (0, false);
                self.resident.unload(promise);
                return;
            }
            // The load hears of it by the promise that is dropped.
            LoadStage::NeedsRoom(_) => return,
            LoadStage::Ended(Ok(_)) => WorkerError::Cancelled,
            LoadStage::Ended(Err(error)) => error,
        };
        // Nobody may be listening any more.
        let _ = self.events.send(Event::LoadFailed { slot: self.slot, error }).await;
    }

    /// Stops the pass.
    pub fn cancel_pass(&mut self) {
        self.is_stopped = true;
        self.resident.stop(|key| key.rank == Rank::Prompt);
    }

    /// Stops load, pass and everything else. The resident model stays.
    pub fn cancel(&mut self) {
        self.load.stop();
        self.is_stopped = true;
        self.resident.stop(|_| true);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::attention::Ablation;
    use crate::model::{Cancel, Control, Model, Reference, Sampling};
    use crate::worker::protocol::JobId;

    fn demo(name: &str) -> Box<Model> {
        let reference: Reference = name.parse().unwrap();
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        Box::new(Model::load(&reference, &LoadOptions::default(), &mut control).unwrap())
    }

    fn slot() -> (SlotState, mpsc::Receiver<Event>) {
        let (events, outbox) = mpsc::channel(99);
        (SlotState::new(Slot::First, events, mpsc::channel(9).0), outbox)
    }

    /// Tells a slot how its newest load stands.
    async fn handle(slot: &mut SlotState, stage: LoadStage) {
        let ticket = slot.load.clone();
        slot.handle(LoadEvent { slot: Slot::First, ticket, stage }).await;
    }

    /// The next event that is no progress.
    async fn next(outbox: &mut mpsc::Receiver<Event>) -> Event {
        loop {
            match outbox.recv().await.unwrap() {
                Event::Running { .. } | Event::Loading { .. } => {}
                event => return event,
            }
        }
    }

    #[tokio::test]
    async fn a_model_gives_way_and_the_newest_prompt_runs_on_the_one_that_comes() {
        let (mut slot, mut outbox) = slot();
        handle(&mut slot, LoadStage::Ended(Ok(demo("demo:gpt2")))).await;
        assert!(matches!(next(&mut outbox).await, Event::Loaded { .. }));
        assert!(slot.resident_bytes > 0);
        let sampling = Sampling::default();
        let (prompt, ablation) = ("the cat".into(), Ablation::default());
        slot.run(RunJob { slot: Slot::First, id: JobId(1), prompt, chat: None, sampling, ablation }, false);
        assert!(matches!(next(&mut outbox).await, Event::Captured { .. }));
        let (promise, gone) = oneshot::channel();
        handle(&mut slot, LoadStage::NeedsRoom(promise)).await;
        gone.await.unwrap();
        assert!(matches!(next(&mut outbox).await, Event::Unloaded { slot: Slot::First }));
        assert_eq!(slot.resident_bytes, 0);
        handle(&mut slot, LoadStage::Ended(Ok(demo("demo:gpt-oss")))).await;
        assert!(matches!(next(&mut outbox).await, Event::Loaded { .. }));
        let Event::Captured { job, capture, .. } = next(&mut outbox).await else { panic!() };
        assert_eq!((job, capture.model.name.as_str()), (JobId(1), "demo:gpt-oss"));
    }

    #[tokio::test]
    async fn a_load_that_was_stopped_or_overtaken_changes_nothing() {
        let (mut slot, mut outbox) = slot();
        let (promise, gone) = oneshot::channel();
        let older = slot.load.clone();
        slot.load.supersede();
        let event = |stage| LoadEvent { slot: Slot::First, ticket: older.clone(), stage };
        slot.handle(event(LoadStage::NeedsRoom(promise))).await;
        assert!(gone.await.is_err(), "nobody promises room to a load that was overtaken");
        slot.handle(event(LoadStage::Ended(Err(WorkerError::Refused("old".into()))))).await;
        slot.cancel();
        let (promise, gone) = oneshot::channel();
        handle(&mut slot, LoadStage::NeedsRoom(promise)).await;
        assert!(gone.await.is_err(), "nor to one that was stopped");
        handle(&mut slot, LoadStage::Ended(Ok(demo("demo:gpt2")))).await;
        assert!(
            matches!(next(&mut outbox).await, Event::LoadFailed { error: WorkerError::Cancelled, .. }),
            "done, but too late"
        );
        assert_eq!(slot.resident_bytes, 0);
    }
}
