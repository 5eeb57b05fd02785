//! Runs the jobs that need no model, away from the models' threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::guard::guarded;
use super::job::PoolJob;
use super::latest_job::{Key, LatestJobs, Taken};
use super::protocol::Event;
use crate::model::LoadOptions;

type Jobs = LatestJobs<Box<dyn PoolJob>>;

/// One thread for each key of which there is a job.
pub struct Pool {
    jobs: Arc<Mutex<Jobs>>,
    options: LoadOptions,
    events: mpsc::Sender<Event>,
}

impl Pool {
    /// Without jobs.
    pub fn new(options: LoadOptions, events: mpsc::Sender<Event>) -> Self {
        Self { jobs: Arc::default(), options, events }
    }

    /// Runs a job in the place of an older one with the same key. To be called on a tokio runtime.
    ///
    /// # Errors
    /// The answer, if the system gives no thread for it.
    pub fn submit(&self, job: Box<dyn PoolJob>) -> Result<(), Event> {
        let key = job.key();
        let mut jobs = lock(&self.jobs);
        if jobs.submit(key, job) {
            // The thread that runs the older one goes on with this one.
            return Ok(());
        }
        jobs.begin(key);
        drop(jobs);
        let (jobs, options, events) = (self.jobs.clone(), self.options.clone(), self.events.clone());
        let spawned = guarded(|| {
            tokio::task::spawn_blocking(move || run(key, &jobs, &options, &events));
            Ok(())
        });
        let Err(error) = spawned else { return Ok(()) };
        let mut jobs = lock(&self.jobs);
        let left = next(key, &mut jobs);
        jobs.finish(key);
        left.map_or(Ok(()), |left| Err(left.job.failed(error)))
    }

    /// Stops the jobs of a kind.
    pub fn stop_kind(&self, kind: &'static str) {
        lock(&self.jobs).stop(|key| key.kind == kind);
    }

    /// Stops everything.
    pub fn stop(&self) {
        lock(&self.jobs).stop(|_| true);
    }
}

/// Runs the jobs of a key until none waits.
fn run(key: Key, jobs: &Mutex<Jobs>, options: &LoadOptions, events: &mpsc::Sender<Event>) {
    loop {
        let Some(Taken { job, ticket, .. }) = next(key, &mut lock(jobs)) else { return };
        let answer = match guarded(|| job.run(options, ticket.cancel())) {
            // What is known is told, even if something newer was asked since.
            Ok(answer) => answer,
            Err(_) if ticket.is_superseded() => continue,
            Err(error) => job.failed(error),
        };
        // Nobody may be listening any more.
        let _ = events.blocking_send(answer);
    }
}

/// The job of a key that waits. If there is none, nobody works on the key any more.
fn next(key: Key, jobs: &mut Jobs) -> Option<Taken<Box<dyn PoolJob>>> {
    let taken = jobs.take(|of, _| *of == key);
    if taken.is_none() {
        jobs.finish(key);
    }
    taken
}

/// No job runs while the jobs are locked, so that no panic leaves them half changed.
fn lock(jobs: &Mutex<Jobs>) -> MutexGuard<'_, Jobs> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as std_mpsc;

    use super::*;
    use crate::model::Cancel;
    use crate::worker::error::WorkerError;
    use crate::worker::job::Job;
    use crate::worker::latest_job::Rank;

    const KEY: Key = Key { rank: Rank::Question, kind: "test", asker: 0 };

    /// Says its number when it is done.
    struct Numbered(usize, Work);

    enum Work {
        Answer,
        Panic,
        /// Says that it has begun, and waits until it is told to go on, or stopped.
        Hang(std_mpsc::Sender<()>, std_mpsc::Receiver<()>),
    }

    fn numbered(number: usize, outcome: Result<(), WorkerError>) -> Event {
        let estimate = outcome.and_then(|()| Err(WorkerError::Refused("done".to_owned())));
        Event::Estimated { name: number.to_string(), estimate: Box::new(estimate) }
    }

    impl Job for Numbered {
        fn key(&self) -> Key {
            KEY
        }

        fn failed(&self, error: WorkerError) -> Event {
            numbered(self.0, Err(error))
        }
    }

    impl PoolJob for Numbered {
        fn run(&self, _: &LoadOptions, cancel: &Cancel) -> Result<Event, WorkerError> {
            match &self.1 {
                Work::Answer => {}
                Work::Panic => panic!("by hand"),
                Work::Hang(begun, go_on) => {
                    begun.send(()).unwrap();
                    let _ = go_on.recv();
                    cancel.check()?;
                }
            }
            Ok(numbered(self.0, Ok(())))
        }
    }

    async fn next_answer(outbox: &mut mpsc::Receiver<Event>) -> (String, String) {
        match outbox.recv().await.unwrap() {
            Event::Estimated { name, estimate } => (name, estimate.unwrap_err().to_string()),
            other => panic!("unexpected {other:?}"),
        }
    }

    fn pool() -> (Pool, mpsc::Receiver<Event>) {
        let (events, outbox) = mpsc::channel(9);
        (Pool::new(LoadOptions::default(), events), outbox)
    }

    #[tokio::test]
    async fn of_a_storm_the_newest_is_answered_and_what_runs_is_stopped() {
        let (pool, mut outbox) = pool();
        let (begun, has_begun) = std_mpsc::channel();
        let (go_on, goes_on) = std_mpsc::channel();
        pool.submit(Box::new(Numbered(0, Work::Hang(begun, goes_on)))).unwrap();
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        for number in 1..=1000 {
            pool.submit(Box::new(Numbered(number, Work::Answer))).unwrap();
        }
        go_on.send(()).unwrap();
        assert_eq!(next_answer(&mut outbox).await, ("1000".to_owned(), "done".to_owned()));
        assert!(outbox.is_empty());
    }

    #[tokio::test]
    async fn a_panic_answers_whoever_asked_and_the_next_job_runs() {
        let (pool, mut outbox) = pool();
        pool.submit(Box::new(Numbered(1, Work::Panic))).unwrap();
        let (number, error) = next_answer(&mut outbox).await;
        assert_eq!((number.as_str(), error.as_str()), ("1", "internal error: by hand: please report it"));
        pool.submit(Box::new(Numbered(2, Work::Answer))).unwrap();
        assert_eq!(next_answer(&mut outbox).await.0, "2");
    }

    #[tokio::test]
    async fn a_job_that_is_stopped_says_so() {
        let (pool, mut outbox) = pool();
        let (begun, has_begun) = std_mpsc::channel();
        let (go_on, goes_on) = std_mpsc::channel();
        pool.submit(Box::new(Numbered(1, Work::Hang(begun, goes_on)))).unwrap();
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        pool.stop();
        drop(go_on);
        assert_eq!(next_answer(&mut outbox).await, ("1".to_owned(), "stopped".to_owned()));
    }

    #[tokio::test]
    async fn jobs_end_when_nobody_listens() {
        let (pool, outbox) = pool();
        drop(outbox);
        for number in 0..9 {
            pool.submit(Box::new(Numbered(number, Work::Answer))).unwrap();
        }
        let waits = Arc::downgrade(&pool.jobs);
        drop(pool);
        // The last thread lets go of the jobs.
        let over = async {
            while waits.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), over).await.unwrap();
    }
}
