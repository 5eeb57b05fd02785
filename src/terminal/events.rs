//! What the terminal reports, read on a thread of its own, and how that line stands.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::answers::Answer;
use super::inbox::{self, Inbox, Sender};
use super::report::Report;
use crate::config::keys::Key;

/// How long whoever leaves waits before it looks again whether anything came.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// What nothing comes for so long after is over: reports of the mouse come closer together.
const QUIET: Duration = Duration::from_millis(25);
/// How long after it was asked a terminal is waited for that has answered nothing, at the most.
const SLOWEST_ANSWER: Duration = Duration::from_millis(1500);
/// How long after it was asked an ESC may begin an answer.
const LATEST_ANSWER: Duration = Duration::from_secs(5);
/// How long a terminal is waited for beyond the time it took to answer, at the most.
const SLOWEST_REPORTS: Duration = Duration::from_millis(300);

/// How the line from the terminal stands, shared with the thread that reads it.
#[derive(Debug, Default)]
pub struct Line {
    state: Mutex<State>,
    /// Told when what comes is ours again.
    returned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// When something came last.
    read: Option<Instant>,
    /// When it was asked what it has not answered to the last yet.
    asked: Option<Instant>,
    /// How long it took to answer.
    round_trip: Option<Duration>,
    /// Whether what comes is thrown away.
    is_closed: bool,
    /// Whether what comes is left to another program.
    is_lent: bool,
    /// Whether whoever leaves is to leave now: the user has pressed a key that quits once more, or a signal came.
    is_urged: bool,
}

impl Line {
    /// The terminal is asked something now.
    pub fn asked(&self) {
        self.lock().asked = Some(Instant::now());
    }

    /// What comes is taken again.
    pub fn open(&self) {
        let mut state = self.lock();
        (state.is_closed, state.is_urged, state.is_lent) = (false, false, false);
        self.returned.notify_all();
    }

    /// What comes is left to another program until this is [opened](Self::open) again.
    pub fn lend(&self) {
        self.lock().is_lent = true;
    }

    /// Whether what comes is ours. If it is lent, waits until it is ours, and says that it was not.
    fn is_ours(&self) -> bool {
        let mut state = self.lock();
        let was_ours = !state.is_lent;
        while state.is_lent {
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        was_ours
    }

    /// Whether the terminal still has to answer what it was asked.
    fn awaits_answer(&self) -> bool {
        self.lock().asked.is_some_and(|asked| asked.elapsed() < LATEST_ANSWER)
    }

    /// Throws away what is still under way to us, so that whoever has the terminal next doesn't get it: reports of the
    /// mouse for as long as the terminal takes to hear that they are not wanted, and answers to what it was asked. A
    /// key that quits ends the wait.
    pub fn drain(&self, most: Duration) {
        let start = Instant::now();
        self.lock().is_closed = true;
        loop {
            let now = Instant::now();
            if now >= start + most || self.lock().is_quiet(start, now) {
                return;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Ends the wait of whoever [drains](Self::drain) it.
    pub fn urge(&self) {
        self.lock().is_urged = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something came.
    fn came(&self) {
        self.lock().read = Some(Instant::now());
    }

    /// Hands a report on, unless nothing is taken. Returns whether anyone still listens.
    fn hand_on(&self, report: Report, to: &Sender) -> bool {
        let mut state = self.lock();
        if report == Report::Answer(Answer::Last) {
            let round_trip = state.asked.take().map(|asked| asked.elapsed());
            state.round_trip = state.round_trip.or(round_trip);
        }
        if state.is_closed {
            state.is_urged |= to.quits(&report);
            return to.is_heard();
        }
        drop(state);
        to.put(report)
    }
}

impl State {
    /// Whether nothing is to be expected any more of what was under way at `start`.
    fn is_quiet(&self, start: Instant, now: Instant) -> bool {
        let last = self.read.map_or(start, |read| read.max(start));
        let way = self.round_trip.unwrap_or_default();
        if self.is_urged {
            return true;
        }
        if self.asked.is_some_and(|asked| now < asked + SLOWEST_ANSWER) {
            return false;
        }
        now >= last + QUIET && now >= start + way || now >= start + way + SLOWEST_REPORTS
    }
}

/// Reads on a thread of its own until what is returned is dropped, or the terminal is gone: then there is no more to
/// receive. `quits` says whether a key ends the program, whatever it is at.
///
/// # Errors
/// If there is no terminal to read from, or the thread can't be started.
pub fn reports(line: Arc<Line>, quits: impl Fn(Key) -> bool + Send + 'static) -> io::Result<Inbox> {
    let (sender, inbox) = inbox::inbox(quits);
    let device = super::device::Device::open()?;
    thread::Builder::new().name("terminal input".into()).spawn(move || {
        let take = |came: Option<Report>| {
            if came.is_none() {
                line.came();
            }
            came.is_none_or(|report| line.hand_on(report, &sender))
        };
        device.read(|| line.awaits_answer(), || line.is_ours(), take);
    })?;
    Ok(inbox)
}

#[cfg(test)]
mod tests {
    use crossterm::event::{Event, KeyEvent, KeyModifiers};

    use super::*;

    #[test]
    fn leaving_waits_for_what_is_under_way_and_no_longer() {
        let ms = Duration::from_millis;
        let start = Instant::now();
        let after = |state: &State, wait| state.is_quiet(start, start + ms(wait));
        let unasked = State::default();
        assert!(!after(&unasked, 10) && after(&unasked, 30));
        let slow = State { round_trip: Some(ms(100)), ..State::default() };
        assert!(!after(&slow, 90) && after(&slow, 110));
        let moving = State { read: Some(start + ms(110)), ..slow };
        assert!(!after(&moving, 120) && after(&moving, 140));
        let without_end = State { read: Some(start + ms(9000)), ..State::default() };
        assert!(!after(&without_end, 200) && after(&without_end, 400));
        let asked = State { asked: Some(start), ..State::default() };
        assert!(!after(&asked, 1400) && after(&asked, 1600));
    }

    #[test]
    fn who_leaves_gets_nothing_more_and_the_last_answer_is_heard() {
        let (line, (to, mut reports)) = (Line::default(), inbox::inbox(|_| false));
        line.asked();
        assert!(line.awaits_answer());
        assert!(line.hand_on(Report::Answer(Answer::Last), &to));
        assert!(line.lock().asked.is_none() && line.lock().round_trip.is_some() && !line.awaits_answer());
        line.drain(Duration::ZERO);
        assert!(line.hand_on(Report::Answer(Answer::TrueColor), &to));
        let next = |reports: &mut Inbox| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(reports.next(true))
        };
        assert_eq!(next(&mut reports), Some(Report::Answer(Answer::Last)));
        drop(to);
        assert_eq!(next(&mut reports), None);
    }

    #[test]
    fn who_leaves_and_is_impatient_does_not_wait_for_answers() {
        let (line, (to, _reports)) = (Line::default(), inbox::inbox(|key| key.ctrl));
        line.asked();
        line.lock().is_closed = true;
        let press = |c, modifiers| {
            let code = crossterm::event::KeyCode::Char(c);
            line.hand_on(Report::Event(Event::Key(KeyEvent::new(code, modifiers))), &to);
            line.lock().is_quiet(Instant::now(), Instant::now())
        };
        assert!(!press('x', KeyModifiers::NONE));
        assert!(press('c', KeyModifiers::CONTROL));
        line.open();
        assert!(!line.lock().is_urged);
    }
}
