//! A paste that is under way. Its end may never come, and what the terminal reports meanwhile looks like a part of it.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::decode::{self, Decoded};
use super::frame::{CTRL_C, ESC, Frame, frame};
use super::report::Report;

/// Bytes of a paste that are kept; whoever takes it takes less.
pub const LONGEST_PASTE: usize = 4 << 20;
/// How long a Ctrl-C in a paste waits for the paste to go on, before it counts as typed.
const CTRL_C_PATIENCE: Duration = Duration::from_millis(50);
/// How long a paste waits for its next part, before what came of it counts as all.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of a report of the mouse, at most.
const LONGEST_REPORT: usize = 32;
const END: &[u8] = b"\x1b[201~";

/// What was pasted so far.
#[derive(Debug)]
pub struct Paste {
    bytes: Vec<u8>,
    /// How many of the bytes are surely pasted. After them the terminal reports the mouse or the focus, as it does when
    /// the end of the paste was lost.
    sure: usize,
    /// When the last of them came.
    since: Instant,
}

impl Paste {
    /// One that begins at `now`.
    pub fn new(now: Instant) -> Self {
        Self { bytes: Vec::new(), sure: 0, since: now }
    }

    /// Takes as much of `bytes` as is pasted. Returns the whole text, and the rest, once it has come to its end.
    pub fn take<'a>(&mut self, bytes: &'a [u8], now: Instant) -> Option<(String, &'a [u8])> {
        let (before, from) = (self.bytes.len(), self.bytes.len().saturating_sub(END.len() - 1));
        self.bytes.extend_from_slice(bytes);
        let Some(end) = find(&self.bytes[from..], END) else {
            self.note_progress(now);
            if self.bytes.len() > LONGEST_PASTE + END.len() {
                // Its end may be cut in two: the last bytes stay, and what is before them is enough to be too much.
                self.bytes.drain(LONGEST_PASTE..self.bytes.len() - END.len());
                self.sure = self.sure.min(self.bytes.len());
            }
            return None;
        };
        let end = from + end;
        let rest = (end + END.len()).saturating_sub(before);
        self.bytes.truncate(end);
        Some((text(std::mem::take(&mut self.bytes)), &bytes[rest..]))
    }

    /// Until when to wait for more of it.
    pub fn deadline(&self) -> Instant {
        self.since + if self.is_interrupted() { CTRL_C_PATIENCE } else { PATIENCE }
    }

    /// What it says if its end doesn't come, and what the terminal has sent after it.
    pub fn give_up(mut self) -> (Report, Vec<u8>) {
        let rest = self.bytes.split_off(self.sure);
        let event = if self.is_interrupted() {
            Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL))
        } else {
            Event::Paste(text(self.bytes))
        };
        (Report::Event(event), rest)
    }

    /// Whether Ctrl-C is the last of it.
    fn is_interrupted(&self) -> bool {
        self.bytes[..self.sure].last() == Some(&CTRL_C)
    }

    fn note_progress(&mut self, now: Instant) {
        let unsure = &self.bytes[self.sure..];
        let interrupted = unsure.iter().rposition(|byte| *byte == CTRL_C).map(|at| at + 1);
        if !are_reports(&unsure[interrupted.unwrap_or(0)..]) {
            (self.sure, self.since) = (self.bytes.len(), now);
        } else if let Some(at) = interrupted {
            (self.sure, self.since) = (self.sure + at, now);
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// Whether this is nothing but what terminals report by themselves; the last may be cut.
fn are_reports(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let is_more = |length: &usize| matches!(frame(&bytes[..*length]), Frame::More);
        let Some(length) = (1..=bytes.len().min(LONGEST_REPORT)).find(|length| !is_more(length)) else {
            return bytes.len() < LONGEST_REPORT && (bytes == [ESC] || bytes.starts_with(b"\x1b["));
        };
        match decode::sequence(&bytes[..length]) {
            Some(Decoded::Event(Event::Mouse(_) | Event::FocusGained | Event::FocusLost)) => {}
            _ => return false,
        }
        bytes = &bytes[length..];
    }
    true
}
