//! A slot's thread: owns the resident model, and runs the jobs that need it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::caches::Caches;
use super::error::WorkerError;
use super::guard::{guarded, spawn_thread};
use super::job::{Progress, SlotJob, StepContext};
use super::latest_job::{Key, LatestJobs, Rank, Taken};
use super::protocol::{Event, Slot};
use crate::model::Model;

/// The way to a slot's thread, which ends when this is dropped.
pub struct Resident(Arc<Inbox>);

/// What waits for the thread. It has a place for one model and for one job of each key.
#[derive(Default)]
struct Inbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    swap: Option<Swap>,
    tidying: Option<Tidying>,
    jobs: LatestJobs<Box<dyn SlotJob>>,
    is_closed: bool,
}

/// What the slot is to hold from now on. The newest wish counts.
enum Swap {
    /// This model.
    In(Box<Model>),
    /// None. The promise is kept when the model is gone.
    Out(oneshot::Sender<()>),
}

/// Lets go of something that jobs keep of the model.
type Tidying = fn(&mut Caches);

/// What the thread does next.
enum Turn {
    Swap(Swap),
    Tidy(Tidying),
    Step(Taken<Box<dyn SlotJob>>),
}

impl Resident {
    /// Starts the thread of a slot.
    pub fn spawn(slot: Slot, events: mpsc::Sender<Event>) -> Self {
        let inbox = Arc::<Inbox>::default();
        let of_thread = inbox.clone();
        let spawned = spawn_thread(format!("attnscope-{slot}"), move || serve(slot, &of_thread, &events));
        if let Err(error) = spawned {
            tracing::error!("{error}");
        }
        Self(inbox)
    }

    /// Gives the thread another model, and a job to begin with. That the model is there is told by the thread, so that
    /// no answer of the model before comes later.
    pub fn replace(&self, model: Box<Model>, first: Option<Box<dyn SlotJob>>) {
        self.0.change(|waiting| {
            waiting.swap = Some(Swap::In(model));
            // Nobody is to wait for the end of a step that the model before is in.
            waiting.jobs.preempt(Rank::Prompt);
            if let Some(job) = first {
                waiting.submit(job);
            }
        });
    }

    /// Takes the thread's model from it, and keeps `promise` when that is gone.
    pub fn unload(&self, promise: oneshot::Sender<()>) {
        self.0.change(|waiting| waiting.swap = Some(Swap::Out(promise)));
    }

    /// Gives the thread a job, in the place of an older one with the same key. Less urgent ones give way to it.
    pub fn submit(&self, job: Box<dyn SlotJob>) {
        self.0.change(|waiting| waiting.submit(job));
    }

    /// Lets go of something that jobs keep of the model, before the next job.
    pub fn tidy(&self, tidying: Tidying) {
        self.0.change(|waiting| waiting.tidying = Some(tidying));
    }

    /// Stops jobs for good. Those that could begin are answered.
    pub fn stop(&self, is_meant: impl Fn(&Key) -> bool) {
        self.0.change(|waiting| waiting.jobs.stop(is_meant));
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        self.0.change(|waiting| {
            waiting.is_closed = true;
            waiting.jobs.stop(|_| true);
        });
    }
}

impl Waiting {
    fn submit(&mut self, job: Box<dyn SlotJob>) {
        let key = job.key();
        self.jobs.preempt(key.rank);
        self.jobs.submit(key, job);
    }
}

impl Inbox {
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    /// Waits until there is something to do; `None` when nobody is there any more.
    fn next(&self, model: Option<&Model>) -> Option<Turn> {
        let mut waiting = self.lock();
        loop {
            if waiting.is_closed {
                return None;
            }
            // A model first, whatever waits for it.
            if let Some(swap) = waiting.swap.take() {
                return Some(Turn::Swap(swap));
            }
            if let Some(tidying) = waiting.tidying.take() {
                return Some(Turn::Tidy(tidying));
            }
            if let Some(taken) = waiting.jobs.take(|_, job| job.is_ready(model)) {
                return Some(Turn::Step(taken));
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No job runs while they are locked, so that no panic leaves them half changed.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what waits, one thing after the other.
fn serve(slot: Slot, inbox: &Inbox, events: &mpsc::Sender<Event>) {
    let mut model: Option<Box<Model>> = None;
    let mut caches = Caches::default();
    while let Some(turn) = inbox.next(model.as_deref()) {
        match turn {
            Turn::Swap(swap) => {
                caches.clear();
                let event = match swap {
                    Swap::In(new) => {
                        let info = new.info().clone();
                        model = Some(new);
                        Event::Loaded { slot, model: info }
                    }
                    Swap::Out(promise) => {
                        model = None;
                        // Whoever waits for it may have given up.
                        let _ = promise.send(());
                        Event::Unloaded { slot }
                    }
                };
                let _ = events.blocking_send(event);
            }
            Turn::Tidy(tidying) => tidying(&mut caches),
            Turn::Step(mut taken) => {
                let cancel = taken.ticket.cancel().clone();
                let mut context =
                    StepContext { model: model.as_deref(), caches: &mut caches, cancel: &cancel, events };
                let done = match taken.ticket.is_cancelled() {
                    true => Err(WorkerError::Cancelled),
                    false => guarded(|| taken.job.step(&mut context)),
                };
                finish(taken, done, inbox, events);
            }
        }
    }
}

/// Puts a job back that is not over, and answers for one that has failed.
fn finish(
    taken: Taken<Box<dyn SlotJob>>,
    done: Result<Progress, WorkerError>,
    inbox: &Inbox,
    events: &mpsc::Sender<Event>,
) {
    let error = match done {
        Ok(Progress::Done) => None,
        Err(WorkerError::Cancelled) if taken.ticket.is_preempted() => {
            return inbox.lock().jobs.put_back(taken);
        }
        Ok(Progress::More) => return inbox.lock().jobs.put_back(taken),
        Err(error) => Some(error),
    };
    inbox.lock().jobs.finish(taken.key);
    if let Some(error) = error.filter(|_| !taken.ticket.is_superseded()) {
        // Nobody may be listening any more.
        let _ = events.blocking_send(taken.job.failed(error));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as std_mpsc;
    use std::time::Duration;

    use super::*;
    use crate::worker::job::Job;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// A job that tells of each step it begins, and then waits until somebody lets it go on.
    struct Told {
        key: Key,
        steps: usize,
        begun: std_mpsc::Sender<usize>,
        go_on: Arc<Mutex<std_mpsc::Receiver<()>>>,
    }

    impl Job for Told {
        fn key(&self) -> Key {
            self.key
        }

        fn failed(&self, error: WorkerError) -> Event {
            Event::ScoringFailed { slot: Slot::First, error }
        }
    }

    impl SlotJob for Told {
        fn is_ready(&self, _: Option<&Model>) -> bool {
            true
        }

        fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
            self.begun.send(self.steps).unwrap();
            if self.go_on.lock().unwrap().recv_timeout(PATIENCE).is_err() {
                panic!("by hand");
            }
            context.cancel.check()?;
            self.steps -= 1;
            Ok(if self.steps == 0 { Progress::Done } else { Progress::More })
        }
    }

    struct Scene {
        resident: Resident,
        begun: std_mpsc::Sender<usize>,
        has_begun: std_mpsc::Receiver<usize>,
        /// Lets the next step go on; dropped, it lets that panic.
        go_on: Option<std_mpsc::Sender<()>>,
        goes_on: Arc<Mutex<std_mpsc::Receiver<()>>>,
        outbox: mpsc::Receiver<Event>,
    }

    impl Scene {
        fn new() -> Self {
            let (events, outbox) = mpsc::channel(9);
            let (begun, has_begun) = std_mpsc::channel();
            let (go_on, goes_on) = std_mpsc::channel();
            let (go_on, goes_on) = (Some(go_on), Arc::new(Mutex::new(goes_on)));
            Self { resident: Resident::spawn(Slot::First, events), begun, has_begun, go_on, goes_on, outbox }
        }

        fn submit(&self, rank: Rank, steps: usize) {
            let (begun, go_on) = (self.begun.clone(), self.goes_on.clone());
            let key = Key { rank, kind: "told", asker: 0 };
            self.resident.submit(Box::new(Told { key, steps, begun, go_on }));
        }

        /// Steps that the job has left which has begun one.
        fn begun(&self) -> usize {
            self.has_begun.recv_timeout(PATIENCE).unwrap()
        }

        fn go_on(&self) {
            self.go_on.as_ref().unwrap().send(()).unwrap();
        }

        /// Why a job has failed.
        fn error(&mut self) -> WorkerError {
            match self.outbox.blocking_recv().unwrap() {
                Event::ScoringFailed { error, .. } => error,
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    #[test]
    fn a_prompt_interrupts_scores_which_go_on_where_they_were() {
        let scene = Scene::new();
        scene.submit(Rank::Background, 5);
        assert_eq!(scene.begun(), 5);
        scene.go_on();
        assert_eq!(scene.begun(), 4);
        scene.submit(Rank::Prompt, 1);
        scene.go_on();
        assert_eq!(scene.begun(), 1, "the prompt is next");
        scene.go_on();
        assert_eq!(scene.begun(), 4, "the step that was stopped is done again");
    }

    #[test]
    fn of_a_storm_the_newest_runs_and_only_what_is_stopped_is_answered() {
        let mut scene = Scene::new();
        scene.submit(Rank::Prompt, 1000);
        assert_eq!(scene.begun(), 1000);
        (1..1000).for_each(|steps| scene.submit(Rank::Prompt, steps));
        scene.go_on();
        assert_eq!(scene.begun(), 999);
        scene.resident.stop(|_| true);
        scene.go_on();
        assert_eq!(scene.error(), WorkerError::Cancelled);
        assert!(scene.outbox.is_empty() && scene.has_begun.try_recv().is_err());
    }

    #[test]
    fn a_job_that_panics_says_so_and_the_next_one_runs() {
        let mut scene = Scene::new();
        scene.submit(Rank::Prompt, 1);
        scene.begun();
        scene.go_on = None;
        assert_eq!(scene.error(), WorkerError::Internal("by hand".to_owned()));
        scene.submit(Rank::Prompt, 2);
        assert_eq!(scene.begun(), 2);
    }

    #[test]
    fn a_thread_whose_front_end_is_gone_goes_on_and_ends_with_its_handle() {
        let mut scene = Scene::new();
        scene.outbox.close();
        scene.submit(Rank::Prompt, 2);
        scene.begun();
        scene.resident.stop(|_| true);
        scene.go_on();
        scene.submit(Rank::Prompt, 1);
        assert_eq!(scene.begun(), 1, "an answer that nobody takes keeps nobody");
        let inbox = Arc::downgrade(&scene.resident.0);
        drop(scene);
        let begin = std::time::Instant::now();
        while inbox.strong_count() > 0 {
            assert!(begin.elapsed() < PATIENCE, "the thread doesn't end");
            std::thread::yield_now();
        }
    }
}
