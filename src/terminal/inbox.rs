//! What the terminal has reported and the loop has not taken yet. The reading thread never waits for the loop: it puts
//! together what belongs together (typed characters, moves of the mouse), and drops what is more than anyone types
//! ahead. So it reads a key that quits, however much was sent before it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossterm::event::{Event, MouseEvent, MouseEventKind};
use tokio::sync::Notify;

use super::key::key;
use super::paste::LONGEST_PASTE;
use super::report::Report;
use crate::config::keys::Key;

/// Events that may wait besides text: far more than anyone types ahead.
const MOST_EVENTS: usize = 4096;
/// Bytes of typed and pasted text that may wait: two of the longest pastes.
const MOST_BYTES: usize = 2 * LONGEST_PASTE;
/// How long a key that quits waits for the loop to take what was sent before it.
const COURTESY: Duration = Duration::from_millis(50);

/// Where the reading thread puts reports. Dropping it ends the input.
pub struct Sender {
    shared: Arc<Shared>,
    quits: Box<dyn Fn(Key) -> bool + Send>,
}

/// Where the loop takes reports from. Dropping it ends the reading.
pub struct Inbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// How many of those are no text.
    events: usize,
    /// Of all text.
    bytes: usize,
    /// The key that quits, and when it came. Nothing counts after it.
    last: Option<(Report, Instant)>,
    /// Nothing comes any more.
    is_over: bool,
    /// Nobody takes anything any more.
    is_left: bool,
}

enum Waiting {
    /// Typed characters, of which so many bytes are taken.
    Text(String, usize),
    Report(Report),
}

/// Both ends. `quits` says whether a key ends the program, whatever it is at.
pub fn inbox(quits: impl Fn(Key) -> bool + Send + 'static) -> (Sender, Inbox) {
    let shared = Arc::new(Shared::default());
    (Sender { shared: Arc::clone(&shared), quits: Box::new(quits) }, Inbox(shared))
}

impl Sender {
    /// Puts a report in, and returns at once. Returns whether anyone takes reports.
    pub fn put(&self, report: Report) -> bool {
        let quits = self.quits(&report);
        let mut state = self.shared.lock();
        if quits {
            state.last.get_or_insert((report, Instant::now()));
        } else if state.last.is_none() {
            state.put(report);
        }
        let is_left = state.is_left;
        drop(state);
        self.shared.changed.notify_one();
        !is_left
    }

    /// Whether a report is a key that quits.
    pub fn quits(&self, report: &Report) -> bool {
        pressed(report).is_some_and(|key| (self.quits)(key))
    }

    /// Whether anyone takes reports.
    pub fn is_heard(&self) -> bool {
        !self.shared.lock().is_left
    }
}

impl Inbox {
    /// The next report; `None` once the terminal is gone. Typed characters come all together if `whole`, else one by
    /// one: what the second means may depend on what the first did.
    pub async fn next(&mut self, whole: bool) -> Option<Report> {
        loop {
            let changed = self.0.changed.notified();
            {
                let mut state = self.0.lock();
                let report = state.take(whole);
                if report.is_some() || state.is_over {
                    return report;
                }
            }
            changed.await;
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_one();
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        (state.is_left, state.waiting) = (true, VecDeque::new());
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, report: Report) {
        if let Some(c) = pressed(&report).and_then(Key::typed) {
            if self.bytes + c.len_utf8() > MOST_BYTES {
                return;
            }
            self.bytes += c.len_utf8();
            match self.waiting.back_mut() {
                Some(Waiting::Text(text, _)) => text.push(c),
                _ => self.waiting.push_back(Waiting::Text(c.to_string(), 0)),
            }
            return;
        }
        if let Some(Waiting::Report(before)) = self.waiting.back_mut()
            && replaces(&report, before)
        {
            *before = report;
            return;
        }
        let bytes = size(&report);
        if self.bytes + bytes > MOST_BYTES || self.events >= MOST_EVENTS && matches!(report, Report::Event(_))
        {
            return;
        }
        self.bytes += bytes;
        self.events += 1;
        self.waiting.push_back(Waiting::Report(report));
    }

    fn take(&mut self, whole: bool) -> Option<Report> {
        if self.last.as_ref().is_some_and(|(_, at)| at.elapsed() >= COURTESY) {
            (self.waiting, self.events, self.bytes) = (VecDeque::new(), 0, 0);
        }
        let Some(waiting) = self.waiting.front_mut() else {
            return self.last.take().map(|(report, _)| report);
        };
        if let Waiting::Text(text, taken) = waiting {
            let rest = &text[*taken..];
            let length = rest.chars().next().filter(|_| !whole).map_or(rest.len(), char::len_utf8);
            let part = rest[..length].to_owned();
            *taken += length;
            self.bytes -= length;
            if *taken == text.len() {
                self.waiting.pop_front();
            }
            return Some(Report::Text(part));
        }
        let Some(Waiting::Report(report)) = self.waiting.pop_front() else { return None };
        self.events -= 1;
        self.bytes -= size(&report);
        Some(report)
    }
}

fn pressed(report: &Report) -> Option<Key> {
    match report {
        Report::Event(Event::Key(event)) => key(*event),
        _ => None,
    }
}

/// Bytes of text in a report.
fn size(report: &Report) -> usize {
    match report {
        Report::Event(Event::Paste(text)) => text.len(),
        _ => 0,
    }
}

/// Whether nobody needs the report before this one: the mouse went on.
fn replaces(report: &Report, before: &Report) -> bool {
    let (Report::Event(Event::Mouse(now)), Report::Event(Event::Mouse(then))) = (report, before) else {
        return false;
    };
    let way = |event: &MouseEvent| (event.kind, event.modifiers);
    matches!(now.kind, MouseEventKind::Moved | MouseEventKind::Drag(_)) && way(now) == way(then)
}

#[cfg(test)]
mod tests {
    use super::super::parse::Parser;
    use super::*;

    /// Puts in what a terminal sends; Ctrl-C is the key that quits.
    fn filled(bytes: &[u8]) -> (Sender, Inbox) {
        let (sender, inbox) = inbox(|key| key.to_string() == "ctrl-c");
        Parser::default().feed(bytes, Instant::now(), &mut |report| {
            assert!(sender.put(report));
        });
        (sender, inbox)
    }

    /// What is there to be taken.
    fn taken(inbox: &Inbox, whole: bool) -> String {
        let mut said = Vec::new();
        while let Some(report) = inbox.0.lock().take(whole) {
            said.push(match &report {
                Report::Text(text) => text.clone(),
                Report::Event(Event::Paste(text)) => format!("<{}>", text.len()),
                Report::Event(Event::Mouse(event)) => format!("({})", event.column),
                report => pressed(report).map(|key| key.to_string()).unwrap_or_default(),
            });
        }
        said.join(" ")
    }

    #[test]
    fn typed_characters_come_together_or_one_by_one() {
        let sent = "añ日 \x1b[Ab\rC".as_bytes();
        assert_eq!(taken(&filled(sent).1, true), "añ日  up b enter C");
        assert_eq!(taken(&filled(sent).1, false), "a ñ 日   up b enter C");
    }

    #[test]
    fn of_a_moving_mouse_only_the_last_place_counts() {
        let moves =
            b"\x1b[<35;1;1M\x1b[<35;2;1M\x1b[<0;3;1M\x1b[<32;4;1M\x1b[<32;5;1M\x1b[<65;6;1M\x1b[<65;7;1M";
        assert_eq!(taken(&filled(moves).1, true), "(1) (2) (4) (5) (6)");
    }

    #[test]
    fn more_than_anyone_types_ahead_is_dropped_and_the_key_that_quits_is_not() {
        let (_sender, inbox) = filled(&b"\x1b[A\x1b[B".repeat(MOST_EVENTS));
        assert_eq!(inbox.0.lock().waiting.len(), MOST_EVENTS);
        let (sender, inbox) = filled(b"a");
        for _ in 0..5 {
            sender.put(Report::Event(Event::Paste("x".repeat(LONGEST_PASTE - 1))));
        }
        assert!(inbox.0.lock().bytes <= MOST_BYTES);
        Parser::default().feed(b"bcd\x03zzz", Instant::now(), &mut |report| {
            sender.put(report);
        });
        let pasted = format!("<{}>", LONGEST_PASTE - 1);
        assert_eq!(taken(&inbox, true), format!("a {pasted} {pasted} b ctrl-c"));
        let state = inbox.0.lock();
        assert_eq!((state.bytes, state.events), (0, 0));
    }

    #[test]
    fn the_key_that_quits_does_not_wait_for_long() {
        let (_sender, inbox) = filled(b"abc\x1b[A\x03");
        assert_eq!(inbox.0.lock().take(false), Some(Report::Text("a".into())));
        let ago = Instant::now().checked_sub(COURTESY).unwrap();
        if let Some((_, at)) = &mut inbox.0.lock().last {
            *at = ago;
        }
        assert_eq!(taken(&inbox, false), "ctrl-c");
    }

    #[tokio::test]
    async fn each_end_learns_that_the_other_is_gone() {
        let (sender, mut inbox) = filled(b"a");
        drop(sender);
        assert_eq!(inbox.next(true).await, Some(Report::Text("a".into())));
        assert_eq!(inbox.next(true).await, None);
        let (sender, inbox) = filled(b"a");
        drop(inbox);
        assert!(!sender.is_heard() && !sender.put(Report::Text("b".into())));
    }
}
