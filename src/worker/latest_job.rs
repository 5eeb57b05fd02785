//! The newest job wins: it takes the place of an older one of the same key that waits, and stops one that runs.
//!
//! [`LatestJobs`] has one place for each key, so that no queue grows. Whoever runs the jobs takes one, works on it,
//! looks at its [`Ticket`] now and then, and puts it back or finishes it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::model::Cancel;

/// How urgent a job is. The first one is the most urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The prompt that somebody has just written.
    Prompt,
    /// A question about a capture that is on screen.
    Question,
    /// Work that takes many passes.
    Background,
}

/// Says which jobs replace each other: those with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// How urgent the job is.
    pub rank: Rank,
    /// What it does: `view`.
    pub kind: &'static str,
    /// The number of whoever asked; 0 where there is only one.
    pub asker: usize,
}

/// Why a job is to stop. A stronger reason takes the place of a weaker one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Stop {
    /// A more urgent one goes first.
    Preempted = 1,
    /// Somebody wants it stopped.
    Cancelled,
    /// A newer one with the same key has taken its place: nobody waits for it.
    Superseded,
}

/// Tells a job that it is to stop, and those who run it why. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Ticket {
    cancel: Cancel,
    /// A [`Stop`], or 0 as long as there is no reason.
    reason: Arc<AtomicU8>,
}

impl Ticket {
    /// Raised as soon as the job is to stop, for whatever reason.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Whether the job is to stop for good.
    pub fn is_cancelled(&self) -> bool {
        self.reason.load(Ordering::Acquire) >= Stop::Cancelled as u8
    }

    /// Whether a newer job has taken its place.
    pub fn is_superseded(&self) -> bool {
        self.reason.load(Ordering::Acquire) == Stop::Superseded as u8
    }

    /// Whether a more urgent job goes first, and nothing stronger happened.
    pub fn is_preempted(&self) -> bool {
        self.reason.load(Ordering::Acquire) == Stop::Preempted as u8
    }

    /// Stops the job for good.
    pub fn stop(&self) {
        self.raise(Stop::Cancelled);
    }

    /// Stops the job, since a newer one takes its place: the ticket of that one.
    pub fn supersede(&mut self) -> Self {
        self.raise(Stop::Superseded);
        *self = Self::default();
        self.clone()
    }

    fn raise(&self, reason: Stop) {
        self.reason.fetch_max(reason as u8, Ordering::AcqRel);
        self.cancel.cancel();
    }
}

/// A job that somebody works on.
#[derive(Debug)]
pub struct Taken<J> {
    /// Says which jobs replace it.
    pub key: Key,
    /// What is to be done.
    pub job: J,
    /// Says when to stop.
    pub ticket: Ticket,
}

/// The newest job of each key.
#[derive(Debug)]
pub struct LatestJobs<J>(BTreeMap<Key, Place<J>>);

/// The place of a key.
#[derive(Debug)]
struct Place<J> {
    /// Of the newest job.
    ticket: Ticket,
    waiting: Option<J>,
    /// Whether somebody works on a job of this key, which may be an older one.
    is_running: bool,
}

impl<J> Default for LatestJobs<J> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<J> LatestJobs<J> {
    /// Takes a job in the place of an older one with the same key. Says whether somebody works on that key already.
    pub fn submit(&mut self, key: Key, job: J) -> bool {
        let empty = || Place { ticket: Ticket::default(), waiting: None, is_running: false };
        let place = self.0.entry(key).or_insert_with(empty);
        place.ticket.supersede();
        place.waiting = Some(job);
        place.is_running
    }

    /// Somebody is about to work on a key: takes what waits there, until nothing does.
    pub fn begin(&mut self, key: Key) {
        if let Some(place) = self.0.get_mut(&key) {
            place.is_running = true;
        }
    }

    /// Lets jobs that are less urgent stop for a moment, if one of them runs.
    pub fn preempt(&self, rank: Rank) {
        let less_urgent = self.0.iter().filter(|(key, place)| key.rank > rank && place.is_running);
        less_urgent.for_each(|(_, place)| place.ticket.raise(Stop::Preempted));
    }

    /// Stops jobs for good: one that runs, and one that waits. It is taken and answered like any other.
    pub fn stop(&self, is_meant: impl Fn(&Key) -> bool) {
        let meant = self.0.iter().filter(|(key, _)| is_meant(key));
        meant.for_each(|(_, place)| place.ticket.stop());
    }

    /// Takes the most urgent job that waits and that `is_ready` takes.
    pub fn take(&mut self, is_ready: impl Fn(&Key, &J) -> bool) -> Option<Taken<J>> {
        self.0.iter_mut().find_map(|(key, place)| {
            let job = place.waiting.take_if(|job| is_ready(key, job))?;
            place.is_running = true;
            Some(Taken { key: *key, job, ticket: place.ticket.clone() })
        })
    }

    /// Takes back a job that is to go on later; it goes if a newer one has taken its place.
    pub fn put_back(&mut self, Taken { key, job, ticket }: Taken<J>) {
        self.finish(key);
        if let Some(place) = self.0.get_mut(&key).filter(|_| !ticket.is_superseded()) {
            place.waiting = Some(job);
            if ticket.is_preempted() {
                place.ticket = Ticket::default();
            }
        }
    }

    /// Nobody works on a job of this key any more.
    pub fn finish(&mut self, key: Key) {
        if let Some(place) = self.0.get_mut(&key) {
            place.is_running = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: Key = Key { rank: Rank::Prompt, kind: "prompt", asker: 0 };
    const SCORES: Key = Key { rank: Rank::Background, kind: "scores", asker: 0 };

    fn take(jobs: &mut LatestJobs<u32>) -> Option<Taken<u32>> {
        jobs.take(|_, _| true)
    }

    #[test]
    fn the_newest_job_of_a_key_takes_the_place_of_one_that_waits_and_stops_one_that_runs() {
        let mut jobs = LatestJobs::default();
        assert!(!jobs.submit(PROMPT, 1));
        let first = take(&mut jobs).unwrap();
        assert!(jobs.submit(PROMPT, 2), "the first one runs");
        assert!(jobs.submit(PROMPT, 3));
        assert!(first.ticket.is_superseded() && first.ticket.cancel().is_cancelled());
        let newest = take(&mut jobs).unwrap();
        assert_eq!((newest.job, newest.ticket.is_cancelled()), (3, false));
        assert!(take(&mut jobs).is_none(), "the second one was never run");
        jobs.put_back(first);
        assert!(take(&mut jobs).is_none(), "an old job doesn't come back");
    }

    #[test]
    fn keys_and_askers_have_places_of_their_own_and_the_most_urgent_is_taken_first() {
        let mut jobs = LatestJobs::default();
        jobs.submit(SCORES, 1);
        jobs.submit(Key { asker: 1, ..PROMPT }, 2);
        jobs.submit(PROMPT, 3);
        let is_not_three = jobs.take(|_, job| *job != 3).unwrap();
        assert_eq!(is_not_three.job, 2, "one that isn't ready waits");
        assert_eq!(std::iter::from_fn(|| take(&mut jobs)).map(|taken| taken.job).collect::<Vec<_>>(), [3, 1]);
    }

    #[test]
    fn a_job_that_gives_way_goes_on_later_with_a_new_ticket() {
        let mut jobs = LatestJobs::default();
        jobs.submit(SCORES, 1);
        jobs.preempt(Rank::Prompt);
        let scores = take(&mut jobs).unwrap();
        assert!(!scores.ticket.is_preempted(), "what only waits has nothing to give way with");
        jobs.preempt(Rank::Background);
        assert!(!scores.ticket.is_preempted(), "it is as urgent");
        jobs.preempt(Rank::Prompt);
        assert!(scores.ticket.is_preempted() && scores.ticket.cancel().is_cancelled());
        jobs.put_back(scores);
        let again = take(&mut jobs).unwrap();
        assert!(!again.ticket.cancel().is_cancelled());
        // Whoever stops it in the meantime is not overheard.
        jobs.preempt(Rank::Prompt);
        jobs.stop(|key| key.rank == Rank::Background);
        assert!(again.ticket.is_cancelled() && !again.ticket.is_preempted());
        jobs.put_back(again);
        assert!(take(&mut jobs).unwrap().ticket.is_cancelled(), "it is taken to be answered");
    }
}
