//! One of the two sides: its resident model, and which load and which pass of it count.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::lens::Asked;
use super::loader::{self, Load, News, Report};
use super::protocol::{Event, LensQuestion, Side};
use super::resident::{self, Job, Resident};
use super::scoring::Wanted;
use crate::attention::{Ablation, ModelInfo};
use crate::model::{Cancel, LoadOptions, ModelError};

/// One of the two sides.
pub struct SideState {
    side: Side,
    resident: Resident,
    /// Bytes that the resident model takes; 0 if there is none.
    resident_bytes: u64,
    load: Cancel,
    /// The number of the newest load.
    loads: u64,
    pass: Cancel,
    newest: Option<Job>,
    /// The scores that are asked for; a newer prompt stops them for the time of its pass.
    wanted: Option<Wanted>,
    /// Raised to stop what each pane asked of the layers.
    lens: [Cancel; 2],
    events: mpsc::Sender<Event>,
    reports: mpsc::Sender<Report>,
}

impl SideState {
    /// Without a model.
    pub fn new(side: Side, events: mpsc::Sender<Event>, reports: mpsc::Sender<Report>) -> Self {
        Self {
            side,
            resident: resident::spawn(side, events.clone()),
            resident_bytes: 0,
            load: Cancel::new(),
            loads: 0,
            pass: Cancel::new(),
            newest: None,
            wanted: None,
            lens: [Cancel::new(), Cancel::new()],
            events,
            reports,
        }
    }

    /// Loads beside the resident model. An unfinished load of this side is of no use any more.
    ///
    /// # Errors
    /// If the system gives no thread for it.
    pub fn load(&mut self, reference: String, options: &LoadOptions) -> Result<(), ModelError> {
        self.load.cancel();
        self.load = Cancel::new();
        self.loads += 1;
        let load = Load {
            side: self.side,
            number: self.loads,
            reference,
            options: options.clone(),
            cancel: self.load.clone(),
            replaced_bytes: self.resident_bytes,
        };
        loader::spawn(load, self.reports.clone(), self.events.clone())?;
        self.prepare();
        Ok(())
    }

    /// Only the newest prompt counts.
    pub fn run(&mut self, job: Job) {
        self.pass.cancel();
        self.pass = Cancel::new();
        let job = Job { cancel: self.pass.clone(), ..job };
        self.newest = Some(job.clone());
        self.lens.iter().for_each(Cancel::cancel);
        if let Some(wanted) = &self.wanted {
            wanted.give_way();
        }
        self.resident.run(job);
        if let Some(Wanted { model, ablations, .. }) = self.wanted.take() {
            self.score(model, ablations);
        }
    }

    /// Says what layers would predict, between passes. Only the newest question of a pane counts.
    pub fn look(&mut self, question: LensQuestion) {
        let cancel = Cancel::new();
        std::mem::replace(&mut self.lens[question.pane.index()], cancel.clone()).cancel();
        self.resident.look(Asked { question, cancel });
    }

    /// Nobody looks any more.
    pub fn forget_lens(&mut self) {
        self.lens.iter().for_each(Cancel::cancel);
        self.resident.forget_lens();
    }

    /// Scores the heads of a model, between passes, once for each set of heads that are off. What was asked for before
    /// is of no use any more.
    pub fn score(&mut self, model: Arc<ModelInfo>, ablations: Vec<Ablation>) {
        if let Some(wanted) = &self.wanted {
            wanted.give_way();
        }
        let wanted = Wanted::new(model, ablations);
        self.wanted = Some(wanted.clone());
        self.resident.score(wanted);
    }

    /// A load has come to where something is to be done. Nothing is, if a newer one took its place.
    pub async fn hear(&mut self, report: Report) {
        if report.number != self.loads {
            return;
        }
        let side = self.side;
        let event = match report.news {
            News::NeedsRoom(promise) => {
                if !self.load.is_cancelled() {
                    self.cancel_work();
                    self.prepare();
                    self.resident_bytes = 0;
                    self.resident.unload(promise);
                }
                return;
            }
            News::Ended(Ok(_) | Err(ModelError::Cancelled)) if self.load.is_cancelled() => {
                Event::LoadCancelled { side }
            }
            News::Ended(Ok(model)) => {
                self.resident_bytes = model.info().resident_bytes;
                // The info first: a capture is not to come from a model that nobody has heard of.
                let _ = self.events.send(Event::Loaded { side, model: model.info().clone() }).await;
                self.resident.replace(model);
                return;
            }
            News::Ended(Err(error)) => Event::LoadFailed { side, error: error.to_string() },
        };
        // Nobody may be listening any more.
        let _ = self.events.send(event).await;
    }

    /// Stops the pass.
    pub fn cancel_pass(&self) {
        self.pass.cancel();
    }

    /// Stops load, pass and scores. The resident model stays.
    pub fn cancel(&mut self) {
        self.load.cancel();
        self.cancel_work();
    }

    fn cancel_work(&mut self) {
        self.pass.cancel();
        self.lens.iter().for_each(Cancel::cancel);
        if let Some(wanted) = self.wanted.take() {
            wanted.cancel.cancel();
        }
    }

    /// Whoever stopped everything and now loads again wants to see something of the model that comes.
    fn prepare(&mut self) {
        if self.pass.is_cancelled()
            && let Some(job) = self.newest.clone()
        {
            self.pass = Cancel::new();
            self.resident.prepare(Job { cancel: self.pass.clone(), ..job });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::model::{Control, Model, Reference, Sampling};
    use crate::worker::protocol::JobId;

    fn demo(name: &str) -> Box<Model> {
        let reference: Reference = name.parse().unwrap();
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        Box::new(Model::load(&reference, &LoadOptions::default(), &mut control).unwrap())
    }

    fn side() -> (SideState, mpsc::Receiver<Event>) {
        let (events, outbox) = mpsc::channel(99);
        (SideState::new(Side::Left, events, mpsc::channel(9).0), outbox)
    }

    async fn hear(side: &mut SideState, number: u64, news: News) {
        side.hear(Report { side: Side::Left, number, news }).await;
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
        let (mut side, mut outbox) = side();
        hear(&mut side, 0, News::Ended(Ok(demo("demo:gpt2")))).await;
        assert!(matches!(next(&mut outbox).await, Event::Loaded { .. }));
        assert!(side.resident_bytes > 0);
        let sampling = Sampling::default();
        let (prompt, ablation) = ("the cat".into(), Ablation::default());
        side.run(Job { id: JobId(1), prompt, sampling, ablation, cancel: Cancel::new() });
        assert!(matches!(next(&mut outbox).await, Event::Captured { .. }));
        let (promise, gone) = oneshot::channel();
        hear(&mut side, 0, News::NeedsRoom(promise)).await;
        gone.await.unwrap();
        assert!(matches!(next(&mut outbox).await, Event::Unloaded { side: Side::Left }));
        assert_eq!(side.resident_bytes, 0);
        hear(&mut side, 0, News::Ended(Ok(demo("demo:gpt-oss")))).await;
        assert!(matches!(next(&mut outbox).await, Event::Loaded { .. }));
        let Event::Captured { job, capture, .. } = next(&mut outbox).await else { panic!() };
        assert_eq!((job, capture.model.name.as_str()), (JobId(1), "demo:gpt-oss"));
    }

    #[tokio::test]
    async fn a_load_that_was_stopped_or_overtaken_changes_nothing() {
        let (mut side, mut outbox) = side();
        let (promise, gone) = oneshot::channel();
        hear(&mut side, 7, News::NeedsRoom(promise)).await;
        assert!(gone.await.is_err(), "nobody promises room to a load that was overtaken");
        hear(&mut side, 7, News::Ended(Err(ModelError::Invalid("old".into())))).await;
        side.cancel();
        let (promise, gone) = oneshot::channel();
        hear(&mut side, 0, News::NeedsRoom(promise)).await;
        assert!(gone.await.is_err(), "nor to one that was stopped");
        hear(&mut side, 0, News::Ended(Ok(demo("demo:gpt2")))).await;
        assert!(matches!(next(&mut outbox).await, Event::LoadCancelled { .. }), "done, but too late");
        assert_eq!(side.resident_bytes, 0);
    }
}
