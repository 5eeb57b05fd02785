//! From the bytes that a terminal sends to what they say: cut into keys, sequences and pastes, whole or in pieces.
//!
//! A sequence may come in any number of pieces, and its beginning may be all that ever comes: [`Parser::patience`]
//! says how long to wait for the rest, and [`Parser::expire`] what to make of it then. Nothing here grows with
//! what a terminal sends: what is too long is counted and let go.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::answers::{Answer, answer};
use super::decode::{self, Decoded};

/// Bytes of a paste that are kept; whoever takes it takes less.
pub const LONGEST_PASTE: usize = 4 << 20;
/// Bytes of a sequence that are kept: answers are the longest, and are shorter.
const LONGEST_SEQUENCE: usize = 4096;
/// How long an ESC waits for the rest of its sequence: longer than a connection holds parts of one apart, shorter
/// than anyone notices.
const LONE_ESCAPE: Duration = Duration::from_millis(25);
/// How long the beginning of a sequence that can't be a key waits for its end.
const HALF: Duration = Duration::from_millis(250);
/// How long the beginning of an answer waits for its end. What follows would be typed as text.
const HALF_ANSWER: Duration = Duration::from_secs(1);
/// How long a Ctrl-C in a paste waits for the paste to go on, before it counts as typed.
const IN_PASTE: Duration = Duration::from_millis(50);

const ESC: u8 = 0x1b;
const CTRL_C: u8 = 0x03;
const PASTE_END: &[u8] = b"\x1b[201~";

/// What a terminal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// What its user does.
    Event(Event),
    /// What it answers to a question.
    Answer(Answer),
}

/// Cuts what a terminal sends into reports.
#[derive(Debug, Default)]
pub struct Parser {
    /// The beginning of a sequence or of a character.
    pending: Vec<u8>,
    /// What was pasted so far, while a paste is under way.
    paste: Option<Vec<u8>>,
}

/// How a sequence stands.
enum Frame {
    /// It goes on.
    More,
    /// It is whole.
    Done,
    /// It was none: its first bytes, so many of them, stand for themselves.
    Split(usize),
}

impl Parser {
    /// Takes what was read and hands on what it says.
    pub fn feed(&mut self, mut bytes: &[u8], report: &mut impl FnMut(Report)) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.paste.is_some() {
                bytes = self.take_paste(bytes, report);
                continue;
            }
            bytes = rest;
            self.take(byte, report);
        }
    }

    /// How long to wait for more before [`expire`](Self::expire); for ever if `None`.
    pub fn patience(&self) -> Option<Duration> {
        match (&self.paste, self.pending.as_slice()) {
            (Some(text), _) => (text.last() == Some(&CTRL_C)).then_some(IN_PASTE),
            (None, []) => None,
            (None, [ESC] | [ESC, _]) => Some(LONE_ESCAPE),
            (None, [ESC, b']' | b'P' | b'_', ..]) => Some(HALF_ANSWER),
            (None, _) => Some(HALF),
        }
    }

    /// Makes the best of a beginning that nothing follows: keys, if they can be, else nothing.
    pub fn expire(&mut self, report: &mut impl FnMut(Report)) {
        if self.paste.take_if(|text| text.last() == Some(&CTRL_C)).is_some() {
            return report(key(KeyCode::Char('c'), KeyModifiers::CONTROL));
        }
        match std::mem::take(&mut self.pending).as_slice() {
            [ESC] => report(key(KeyCode::Esc, KeyModifiers::NONE)),
            [ESC, byte] => character(&[*byte], KeyModifiers::ALT, report),
            _ => {}
        }
    }

    fn take(&mut self, byte: u8, report: &mut impl FnMut(Report)) {
        if self.pending.len() < LONGEST_SEQUENCE {
            self.pending.push(byte);
        } else {
            // Only its end counts any more.
            self.pending[LONGEST_SEQUENCE - 2] = self.pending[LONGEST_SEQUENCE - 1];
            self.pending[LONGEST_SEQUENCE - 1] = byte;
        }
        match frame(&self.pending) {
            Frame::More => {}
            Frame::Done => {
                let sequence = std::mem::take(&mut self.pending);
                self.understand(&sequence, report);
            }
            Frame::Split(at) => {
                let rest = self.pending.split_off(at);
                // What is no beginning of a key is dropped.
                self.expire(report);
                rest.into_iter().for_each(|byte| self.take(byte, report));
            }
        }
    }

    fn understand(&mut self, sequence: &[u8], report: &mut impl FnMut(Report)) {
        match sequence {
            [ESC, b'[', ..] | [ESC, b'O', _] => match decode::sequence(sequence) {
                Some(Decoded::Event(event)) => report(Report::Event(event)),
                Some(Decoded::PasteBegins) => self.paste = Some(Vec::new()),
                Some(Decoded::Attributes) => report(Report::Answer(Answer::Last)),
                None => {}
            },
            [ESC, b']' | b'P' | b'_', ..] => {
                if let Some(answer) = answer(sequence) {
                    report(Report::Answer(answer));
                }
            }
            [ESC, rest @ ..] => character(rest, KeyModifiers::ALT, report),
            bytes => character(bytes, KeyModifiers::NONE, report),
        }
    }

    /// Takes as much of `bytes` as is pasted, and returns the rest.
    fn take_paste<'a>(&mut self, bytes: &'a [u8], report: &mut impl FnMut(Report)) -> &'a [u8] {
        let Some(text) = &mut self.paste else { return bytes };
        let (before, from) = (text.len(), text.len().saturating_sub(PASTE_END.len() - 1));
        text.extend_from_slice(bytes);
        let Some(end) = find(&text[from..], PASTE_END) else {
            if text.len() > LONGEST_PASTE + PASTE_END.len() {
                // Its end may be cut in two: the last bytes stay, and what is before them is enough to be too much.
                text.drain(LONGEST_PASTE..text.len() - PASTE_END.len());
            }
            return &[];
        };
        let end = from + end;
        let rest = (end + PASTE_END.len()).saturating_sub(before);
        text.truncate(end);
        let text = self.paste.take().unwrap_or_default();
        let text = String::from_utf8(text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        report(Report::Event(Event::Paste(text)));
        &bytes[rest..]
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Report {
    Report::Event(Event::Key(KeyEvent::new(code, modifiers)))
}

/// A key that sends its character, or nothing if the bytes are none.
fn character(bytes: &[u8], held: KeyModifiers, report: &mut impl FnMut(Report)) {
    if let Some((code, modifiers)) = decode::character(bytes) {
        report(key(code, modifiers | held));
    }
}

/// How far the bytes that begin with this are from being whole.
fn frame(bytes: &[u8]) -> Frame {
    let at = bytes.len() - 1;
    match bytes {
        [ESC] => Frame::More,
        // Not held together: an Esc, and what comes after it.
        [ESC, ESC | CTRL_C] => Frame::Split(1),
        [ESC, b'[', rest @ ..] => control(rest, at),
        [ESC, b'O'] | [ESC, b']' | b'P' | b'_'] => Frame::More,
        [ESC, b'O', 0x20..=0x7e] => Frame::Done,
        [ESC, b'O', _] => Frame::Split(at),
        [ESC, b']', b'0'..=b'9'] | [ESC, b'P', b'0'..=b'9' | b'>' | b'!' | b'+' | b'$' | b'|'] => Frame::More,
        [ESC, b'_', b'G'] => Frame::More,
        // Alt and a bracket, and then a key.
        [ESC, b']' | b'P' | b'_', _] => Frame::Split(at),
        [ESC, b']' | b'P' | b'_', .., ESC, b'\\'] => Frame::Done,
        [ESC, b']', .., 0x07] => Frame::Done,
        [ESC, b']' | b'P' | b'_', .., CTRL_C | 0x18 | 0x1a] => Frame::Split(at),
        [ESC, b']' | b'P' | b'_', .., ESC, _] => Frame::Split(at - 1),
        [ESC, b']' | b'P' | b'_', ..] => Frame::More,
        [ESC, rest @ ..] => whole_character(rest, at),
        rest => whole_character(rest, at),
    }
}

/// How a control sequence stands, by what comes after its `ESC [`.
fn control(rest: &[u8], at: usize) -> Frame {
    match rest {
        [] => Frame::More,
        // The mouse as it was in the beginning: three bytes of any value.
        [b'M', a, b, c] if [a, b, c].iter().all(|byte| **byte >= 0x20) => Frame::Done,
        [b'M', .., 0..0x20] => Frame::Split(at),
        [b'M', ..] if rest.len() < 4 => Frame::More,
        // Function keys of the Linux console.
        [b'['] => Frame::More,
        [b'[', 0x20..=0x7e] => Frame::Done,
        [.., 0x40..=0x7e] => Frame::Done,
        [.., 0x20..=0x3f] => Frame::More,
        _ => Frame::Split(at),
    }
}

fn whole_character(bytes: &[u8], at: usize) -> Frame {
    match std::str::from_utf8(bytes) {
        Ok(_) => Frame::Done,
        Err(error) if error.error_len().is_none() => Frame::More,
        // No character, and dropped; but the byte that shows it may begin the next.
        Err(_) if bytes.len() > 1 => Frame::Split(at),
        Err(_) => Frame::Done,
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
