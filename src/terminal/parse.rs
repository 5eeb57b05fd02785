//! From the bytes that a terminal sends to what they say: cut into keys, sequences and pastes, whole or in pieces.
//!
//! A sequence may come in any number of pieces, and its beginning may be all that ever comes: [`Parser::deadline`]
//! says how long to wait for the rest, and [`Parser::expire`] what to make of it then. Nothing here grows with
//! what a terminal sends: what is too long is counted and let go.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::answers::{Answer, answer};
use super::decode::{self, Decoded};
use super::frame::{C1, ESC, Frame, frame};
use super::paste::Paste;
use super::report::Report;

/// Bytes of a sequence that are kept: answers are the longest, and are shorter.
const LONGEST_SEQUENCE: usize = 4096;
/// How long an ESC waits for the rest of its sequence: longer than a connection holds parts of one apart, shorter
/// than anyone notices.
const LONE_ESCAPE: Duration = Duration::from_millis(25);
/// How long the beginning of a sequence that can't be a key waits for its end, and an ESC that may begin an answer.
const HALF: Duration = Duration::from_millis(250);
/// How long the beginning of an answer waits for its end. What follows would be typed as text.
const HALF_ANSWER: Duration = Duration::from_secs(1);

/// Cuts what a terminal sends into reports.
#[derive(Debug, Default)]
pub struct Parser {
    /// The beginning of a sequence or of a character.
    pending: Vec<u8>,
    /// What was pasted so far, while a paste is under way.
    paste: Option<Paste>,
    /// When something came last.
    since: Option<Instant>,
    /// Whether the terminal still has to answer what it was asked.
    awaits_answer: bool,
    /// Whether more than [`LONE_ESCAPE`] lies between the pending ESC and what follows it.
    is_apart: bool,
    /// Whether the beginning of a character was dropped: what is left of it is no sequence.
    is_torn: bool,
}

impl Parser {
    /// Takes what was read at `now` and hands on what it says.
    pub fn feed(&mut self, mut bytes: &[u8], now: Instant, report: &mut impl FnMut(Report)) {
        self.since = Some(now);
        while let Some((&byte, rest)) = bytes.split_first() {
            if let Some(paste) = &mut self.paste {
                let Some((text, rest)) = paste.take(bytes, now) else { return };
                self.paste = None;
                report(Report::Event(Event::Paste(text)));
                bytes = rest;
                continue;
            }
            bytes = rest;
            self.take(byte, report);
        }
    }

    /// Notes whether the terminal still has to answer what it was asked. As long as it has, an ESC may begin an answer.
    pub fn awaits_answer(&mut self, awaits: bool) {
        self.awaits_answer = awaits;
    }

    /// Until when to wait for more before [`expire`](Self::expire); for ever if `None`.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.paste {
            Some(paste) => Some(paste.deadline()),
            None => Some(self.since? + self.patience()?),
        }
    }

    fn patience(&self) -> Option<Duration> {
        Some(match self.pending.as_slice() {
            [] => return None,
            [ESC] if !self.is_apart => LONE_ESCAPE,
            [ESC] if self.awaits_answer => HALF,
            [ESC, b'[' | b']' | b'P'] | [ESC, b'[', b'?', ..] if self.awaits_answer => HALF_ANSWER,
            [ESC] | [ESC, _] => LONE_ESCAPE,
            [ESC, b']' | b'P' | b'_', ..] => HALF_ANSWER,
            _ => HALF,
        })
    }

    /// Makes the best of a beginning that nothing follows: keys, if they can be, else nothing.
    pub fn expire(&mut self, report: &mut impl FnMut(Report)) {
        if let Some(paste) = self.paste.take() {
            let (said, rest) = paste.give_up();
            report(said);
            return rest.into_iter().for_each(|byte| self.take(byte, report));
        }
        if self.pending == [ESC] && self.awaits_answer && !self.is_apart {
            self.is_apart = true;
            return;
        }
        self.settle(report);
    }

    /// Takes what is pending for what it is.
    fn settle(&mut self, report: &mut impl FnMut(Report)) {
        let is_apart = std::mem::take(&mut self.is_apart);
        match std::mem::take(&mut self.pending).as_slice() {
            [ESC] => report(key(KeyCode::Esc, KeyModifiers::NONE)),
            [ESC, byte] if is_apart => {
                report(key(KeyCode::Esc, KeyModifiers::NONE));
                character(&[*byte], KeyModifiers::NONE, report);
            }
            [ESC, byte] => character(&[*byte], KeyModifiers::ALT, report),
            pending => self.is_torn = pending.first().is_some_and(|byte| *byte >= 0x80),
        }
    }

    fn take(&mut self, byte: u8, report: &mut impl FnMut(Report)) {
        match self.pending.as_slice() {
            // Most of all that is ever typed.
            [] if (0x20..0x7f).contains(&byte) => {
                self.is_torn = false;
                return character(&[byte], KeyModifiers::NONE, report);
            }
            [] if self.is_torn && (0x80..0xc0).contains(&byte) => return,
            [] => {
                self.is_torn = false;
                self.pending.extend(seven_bit(byte));
            }
            // A key, and after a while another; no answer.
            [ESC] if self.is_apart && !matches!(byte, b'[' | b']' | b'P') => {
                self.settle(report);
                return self.take(byte, report);
            }
            [C1] if (0x80..0xa0).contains(&byte) => {
                self.pending.clear();
                self.pending.extend(seven_bit(byte));
            }
            _ if self.pending.len() < LONGEST_SEQUENCE => self.pending.push(byte),
            _ => {
                // Only its end counts any more.
                self.pending[LONGEST_SEQUENCE - 2] = self.pending[LONGEST_SEQUENCE - 1];
                self.pending[LONGEST_SEQUENCE - 1] = byte;
            }
        }
        match frame(&self.pending) {
            Frame::More => {}
            Frame::Done => {
                let sequence = std::mem::take(&mut self.pending);
                self.is_apart = false;
                self.understand(&sequence, report);
            }
            Frame::Split(at) => {
                let rest = self.pending.split_off(at);
                // What is no beginning of a key is dropped.
                self.settle(report);
                rest.into_iter().for_each(|byte| self.take(byte, report));
            }
        }
    }

    fn understand(&mut self, sequence: &[u8], report: &mut impl FnMut(Report)) {
        match sequence {
            [ESC, b'[', ..] | [ESC, b'O', _] => match decode::sequence(sequence) {
                Some(Decoded::Event(event)) => report(Report::Event(event)),
                Some(Decoded::PasteBegins) => self.paste = self.since.map(Paste::new),
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
}

/// What begins a sequence in one byte, as ESC and a letter; any other byte as it is.
fn seven_bit(byte: u8) -> impl Iterator<Item = u8> {
    let letter = matches!(byte, 0x8f | 0x90 | 0x9b | 0x9d | 0x9f).then(|| byte - 0x40);
    letter.map(|_| ESC).into_iter().chain([letter.unwrap_or(byte)])
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

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
