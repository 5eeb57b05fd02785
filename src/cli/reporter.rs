//! What is said beside the data: on standard error, and progress only where somebody watches.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::attention::escape_controls;
use crate::model::LoadProgress;
use crate::vocabulary::human_bytes;

/// Time between two lines of progress.
const PACE: Duration = Duration::from_millis(100);
/// Columns that a line of progress may take, so that it never wraps.
const WIDTH: usize = 78;

/// Characters of a line that are shown: its start, which names the file, and its end, which says what to do.
const SHOWN: (usize, usize) = (1200, 400);

/// A message as a line that is safe to print, without the middle if it is long: a value of a file may be.
pub fn one_line(message: &str) -> String {
    let line = escape_controls(&message.trim().replace('\n', " "));
    let count = line.chars().count();
    if count <= SHOWN.0 + SHOWN.1 {
        return line;
    }
    let start: String = line.chars().take(SHOWN.0).collect();
    let end: String = line.chars().skip(count - SHOWN.1).collect();
    format!("{start} … {end}")
}

/// Standard error, with one line that is written over and over while something takes long.
#[derive(Debug)]
pub struct Reporter {
    watched: bool,
    last: Option<Instant>,
    /// What lines of progress begin with.
    pub title: String,
}

impl Reporter {
    /// Progress is shown if standard error is a terminal.
    pub fn new() -> Self {
        Self { watched: io::stderr().is_terminal(), last: None, title: String::new() }
    }

    /// Replaces the line of progress, unless it was replaced a moment ago.
    pub fn progress(&mut self, text: &str) {
        if !self.watched || self.last.is_some_and(|last| last.elapsed() < PACE) {
            return;
        }
        self.last = Some(Instant::now());
        let text: String = escape_controls(&format!("{}{text}", self.title)).chars().take(WIDTH).collect();
        // Nobody can be told that standard error is gone.
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
    }

    /// Takes the line of progress away.
    pub fn clear(&mut self) {
        if self.last.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    /// Says a line that stays.
    pub fn say(&mut self, text: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{}", one_line(text));
    }

    /// Asks a question; anything but yes is no. `None` where nobody could answer.
    pub fn ask(&mut self, question: &str) -> Option<bool> {
        if !self.watched || !io::stdin().is_terminal() {
            return None;
        }
        self.clear();
        let _ = write!(io::stderr(), "{} [y/N] ", one_line(question));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A step of a load in words.
pub fn describe(name: &str, progress: &LoadProgress) -> String {
    match progress {
        LoadProgress::Resolving => format!("{name}: asking the hub"),
        LoadProgress::Waiting { seconds } => format!("{name}: waiting for the hub, {seconds} s"),
        LoadProgress::Downloading { file, done, total } => {
            format!("{name}: {file} {} of {}", human_bytes(*done), human_bytes(*total))
        }
        LoadProgress::Weights { done, total } => format!("{name}: tensor {done} of {total}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_has_its_start_and_its_end() {
        let message = format!("recipe.json: no curve '{}': take linear\n", "ä\u{1b}".repeat(100_000));
        let line = one_line(&message);
        assert!(line.starts_with("recipe.json: no curve 'ä\\u{1b}ä"), "{line}");
        assert!(line.ends_with("ä\\u{1b}': take linear") && line.chars().count() == 1603, "{line}");
        assert_eq!(one_line(" short:\nno file "), "short: no file");
    }

    #[test]
    fn steps_in_words() {
        let step = LoadProgress::Downloading {
            file: "w.safetensors".to_owned(),
            done: 5_000_000,
            total: 10_000_000,
        };
        assert_eq!(describe("a/b", &step), "a/b: w.safetensors 5.0 MB of 10.0 MB");
        assert_eq!(describe("a/b", &LoadProgress::Weights { done: 1, total: 9 }), "a/b: tensor 1 of 9");
    }
}
