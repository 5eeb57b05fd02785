//! The prompt as it is being written.

use tui_input::{Input, InputRequest};

use super::history::History;
use super::typed::{self, LONGEST_PROMPT};

/// The prompt as it is being written.
#[derive(Debug, Clone, Default)]
pub struct Editor {
    /// Its text; kept when the editor is left.
    pub draft: Input,
    /// Whether all of the text is selected: what is typed takes its place.
    pub is_selected: bool,
    /// Why what was typed or pasted last was not taken, if it wasn't.
    pub refused: Option<String>,
    /// Whether the text runs by itself when it is left alone.
    pub is_live: bool,
    /// Ticks until it does, if nothing more is written.
    pub pause: Option<usize>,
    /// The prompts of earlier.
    pub history: History,
}

impl Editor {
    /// The text.
    pub fn text(&self) -> &str {
        self.draft.value()
    }

    /// Puts another text into the place of all of it. What was cut can still be pasted.
    pub(in crate::app) fn replace(&mut self, text: String) {
        self.draft = std::mem::take(&mut self.draft).with_value(text);
    }

    /// Does what a key says. What types takes the place of a text that is selected, and what deletes empties it;
    /// whatever else keeps the text.
    ///
    /// # Errors
    /// If the text would be too long.
    pub(in crate::app) fn edit(&mut self, request: InputRequest) -> Result<(), String> {
        let is_selected = std::mem::take(&mut self.is_selected);
        match request {
            InputRequest::InsertChar(_) if is_selected => {
                self.replace(String::new());
                self.handle(request)
            }
            InputRequest::Yank if is_selected => {
                let before = self.text().to_owned();
                self.replace(String::new());
                self.draft.handle(request);
                if self.text().is_empty() {
                    self.replace(before);
                }
                Ok(())
            }
            InputRequest::DeletePrevChar | InputRequest::DeleteNextChar if is_selected => {
                self.handle(InputRequest::DeleteLine)
            }
            request => self.handle(request),
        }
    }

    /// Puts in characters that were typed one after the other, as many as there is room for.
    ///
    /// # Errors
    /// If there is no room for all of them.
    pub(in crate::app) fn insert(&mut self, text: &str) -> Result<(), String> {
        if std::mem::take(&mut self.is_selected) {
            self.replace(String::new());
        }
        typed::insert_fitting(&mut self.draft, text, LONGEST_PROMPT)
    }

    fn handle(&mut self, request: InputRequest) -> Result<(), String> {
        typed::handle(&mut self.draft, request, LONGEST_PROMPT).map(drop)
    }

    /// Adds a text that was pasted, its line ends as prompts have them. It takes the place of one that is selected.
    ///
    /// # Errors
    /// If the text would be too long; it stays as it was.
    pub(in crate::app) fn paste(&mut self, text: &str) -> Result<(), String> {
        let before = std::mem::take(&mut self.is_selected).then(|| self.draft.clone());
        if before.is_some() {
            self.replace(String::new());
        }
        // Measured first: no line end takes more than two bytes.
        let inserted = if text.len() > 2 * LONGEST_PROMPT {
            Err(typed::too_long(LONGEST_PROMPT))
        } else {
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            typed::insert(&mut self.draft, &text, LONGEST_PROMPT)
        };
        if let Some(before) = before.filter(|_| inserted.is_err()) {
            self.draft = before;
        }
        inserted
    }

    /// Puts another prompt of the history into the editor, if there is one.
    pub(in crate::app) fn recall(&mut self, step: fn(&mut History, &str) -> Option<String>) {
        self.is_selected = false;
        if let Some(text) = step(&mut self.history, self.draft.value()) {
            self.replace(text);
        }
    }

    /// Selects a text that was run, so that what is typed takes its place.
    pub(in crate::app) fn select(&mut self, is_selected: bool) {
        self.is_selected = is_selected;
        if is_selected {
            self.draft.handle(InputRequest::GoToEnd);
        }
    }
}
