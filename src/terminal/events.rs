//! What the terminal reports, read on a thread of its own, and how that line stands.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use super::answers::Answer;
use super::parse::Report;
use crate::config::keys::{Key, KeyCode};

/// Reports that may wait; more than anyone types between two frames.
const WAITING: usize = 1024;
/// How long the reading thread waits before it looks again whether there is room for another.
const FULL: Duration = Duration::from_millis(2);
/// What nothing comes for so long after is over: reports of the mouse come closer together.
const QUIET: Duration = Duration::from_millis(25);
/// How long after it was asked a terminal is waited for that has answered nothing, at the most.
const SLOWEST_ANSWER: Duration = Duration::from_millis(1500);
/// How long a terminal is waited for beyond the time it took to answer, at the most.
const SLOWEST_REPORTS: Duration = Duration::from_millis(300);

/// How the line from the terminal stands, shared with the thread that reads it.
#[derive(Debug, Default)]
pub struct Line(Mutex<State>);

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
}

impl Line {
    /// The terminal is asked something now.
    pub fn asked(&self) {
        self.lock().asked = Some(Instant::now());
    }

    /// What comes is taken again.
    pub fn open(&self) {
        self.lock().is_closed = false;
    }

    /// Throws away what is still under way to us, so that whoever has the terminal next doesn't get it: reports of the
    /// mouse for as long as the terminal takes to hear that they are not wanted, and answers to what it was asked.
    pub fn drain(&self, most: Duration) {
        let start = Instant::now();
        self.lock().is_closed = true;
        loop {
            let now = Instant::now();
            if now >= start + most || self.lock().is_quiet(start, now) {
                return;
            }
            thread::sleep(FULL);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something came.
    fn came(&self) {
        self.lock().read = Some(Instant::now());
    }

    /// Hands a report on, unless nothing is taken. Returns whether anyone still listens.
    fn hand_on(&self, mut report: Report, to: &mpsc::Sender<Report>) -> bool {
        while self.takes(&report) {
            match to.try_send(report) {
                Ok(()) => return true,
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
                Err(mpsc::error::TrySendError::Full(again)) => report = again,
            }
            thread::sleep(FULL);
        }
        !to.is_closed()
    }

    /// Whether a report is to be handed on. Takes note of the last answer.
    fn takes(&self, report: &Report) -> bool {
        let mut state = self.lock();
        if *report == Report::Answer(Answer::Last) {
            let round_trip = state.asked.take().map(|asked| asked.elapsed());
            state.round_trip = state.round_trip.or(round_trip);
        }
        !state.is_closed
    }
}

impl State {
    /// Whether nothing is to be expected any more of what was under way at `start`.
    fn is_quiet(&self, start: Instant, now: Instant) -> bool {
        let last = self.read.map_or(start, |read| read.max(start));
        let way = self.round_trip.unwrap_or_default();
        if self.asked.is_some_and(|asked| now < asked + SLOWEST_ANSWER) {
            return false;
        }
        now >= last + QUIET && now >= start + way || now >= start + way + SLOWEST_REPORTS
    }
}

/// Reads on a thread of its own until the receiver is dropped, or the terminal is gone: then there is no more to
/// receive.
///
/// # Errors
/// If there is no terminal to read from, or the thread can't be started.
pub fn reports(line: Arc<Line>) -> io::Result<mpsc::Receiver<Report>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let device = super::device::Device::open()?;
    thread::Builder::new().name("terminal input".into()).spawn(move || {
        device.read(|came| {
            if came.is_none() {
                line.came();
            }
            came.is_none_or(|report| line.hand_on(report, &sender))
        });
    })?;
    Ok(receiver)
}

/// A key press in our own terms; nothing for a release, and for keys that nothing can be bound to.
pub fn key(event: KeyEvent) -> Option<Key> {
    use crossterm::event::KeyCode as Code;
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let held = |modifier| event.modifiers.contains(modifier);
    let mut key = Key {
        shift: held(KeyModifiers::SHIFT),
        ctrl: held(KeyModifiers::CONTROL),
        alt: held(KeyModifiers::ALT),
        code: KeyCode::Esc,
    };
    key.code = match event.code {
        Code::Char(c) => {
            key.shift = false;
            KeyCode::Char(if key.ctrl { c.to_ascii_lowercase() } else { c })
        }
        Code::BackTab => {
            key.shift = true;
            KeyCode::Tab
        }
        Code::F(number) => KeyCode::F(number),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::Tab => KeyCode::Tab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Insert => KeyCode::Insert,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        _ => return None,
    };
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(code: crossterm::event::KeyCode, modifiers: KeyModifiers) -> String {
        key(KeyEvent::new(code, modifiers)).unwrap().to_string()
    }

    #[test]
    fn shift_is_part_of_a_character() {
        assert_eq!(named(crossterm::event::KeyCode::Char('M'), KeyModifiers::SHIFT), "M");
        assert_eq!(
            named(crossterm::event::KeyCode::Char('C'), KeyModifiers::CONTROL | KeyModifiers::SHIFT),
            "ctrl-c"
        );
        assert_eq!(named(crossterm::event::KeyCode::BackTab, KeyModifiers::SHIFT), "shift-tab");
    }

    #[test]
    fn only_presses_count() {
        let release = KeyEvent::new_with_kind(
            crossterm::event::KeyCode::Enter,
            KeyModifiers::NONE,
            KeyEventKind::Release,
        );
        assert_eq!(key(release), None);
    }

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
        let (line, (to, mut reports)) = (Line::default(), mpsc::channel(1));
        line.asked();
        assert!(line.hand_on(Report::Answer(Answer::Last), &to));
        assert!(line.lock().asked.is_none() && line.lock().round_trip.is_some());
        line.drain(Duration::ZERO);
        assert!(line.hand_on(Report::Answer(Answer::TrueColor), &to), "there would be no room");
        assert_eq!(reports.try_recv().unwrap(), Report::Answer(Answer::Last));
        assert!(reports.try_recv().is_err());
        drop(reports);
        assert!(!line.hand_on(Report::Answer(Answer::Last), &to));
    }
}
