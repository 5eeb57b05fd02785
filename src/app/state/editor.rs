//! The prompt as it is being written.

use tui_input::{Input, InputRequest};

use super::editor_rows::EditorRows;
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
    /// Columns of its rows on screen, if there are several; else each line is a row.
    pub columns: Option<usize>,
    /// The column that moving by rows keeps to.
    pub(in crate::app) goal: Option<usize>,
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
        self.goal = None;
        match request {
            InputRequest::GoToStart | InputRequest::GoToEnd if !is_selected => {
                self.go_to_end_of_row(request == InputRequest::GoToEnd);
                Ok(())
            }
            InputRequest::DeleteTillEnd if !is_selected => {
                self.delete_till_end_of_line();
                Ok(())
            }
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

    /// The byte where one types.
    pub fn at(&self) -> usize {
        let (text, at) = (self.text(), self.draft.cursor());
        text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte)
    }

    /// Its rows around the place where one types.
    fn rows(&self) -> EditorRows {
        EditorRows::around(self.text(), self.at(), self.columns.unwrap_or(usize::MAX / 2), 1)
    }

    /// Goes to a byte.
    fn go_to(&mut self, byte: usize) {
        let characters = self.text()[..byte].chars().count();
        self.draft.handle(InputRequest::SetCursor(characters));
    }

    /// Goes a row up or down; false where there is none, and where all of the text is selected.
    pub(in crate::app) fn go_to_row(&mut self, down: bool) -> bool {
        let rows = self.rows();
        let to = if down { rows.at.checked_add(1) } else { rows.at.checked_sub(1) };
        let Some(to) = to.filter(|to| *to < rows.rows.len() && !self.is_selected) else { return false };
        let goal = self.goal.unwrap_or(rows.column);
        self.go_to(rows.byte_at(self.text(), to, goal));
        self.goal = Some(goal);
        true
    }

    fn go_to_end_of_row(&mut self, end: bool) {
        let rows = self.rows();
        let byte =
            if end { rows.byte_at(self.text(), rows.at, usize::MAX) } else { rows.rows[rows.at].start };
        self.go_to(byte);
    }

    /// Goes to the end of the first row, from which one goes on to earlier prompts.
    fn go_to_first_row(&mut self) {
        self.draft.handle(InputRequest::SetCursor(0));
        self.go_to_end_of_row(true);
    }

    /// Cuts what follows on the line; at its end, the end of the line.
    fn delete_till_end_of_line(&mut self) {
        let (text, at) = (self.text(), self.at());
        let rest = text[at..].find('\n').map_or(String::new(), |end| text[at + end..].to_owned());
        let before = self.draft.cursor();
        if rest.len() == text.len() - at {
            self.draft.handle(InputRequest::DeleteNextChar);
            return;
        }
        let line = text[..text.len() - rest.len()].to_owned();
        self.replace(line);
        self.draft.handle(InputRequest::SetCursor(before));
        self.draft.handle(InputRequest::DeleteTillEnd);
        let all = format!("{}{rest}", self.text());
        self.draft = std::mem::take(&mut self.draft).with_value(all).with_cursor(before);
    }

    /// Puts another prompt of the history into the editor, if there is one.
    pub(in crate::app) fn recall(&mut self, step: fn(&mut History, &str) -> Option<String>) {
        self.is_selected = false;
        if let Some(text) = step(&mut self.history, self.draft.value()) {
            self.replace(text);
        }
        self.goal = None;
    }

    /// The prompt before, at the end of its first row, so that one more step leads to the one before that.
    pub(in crate::app) fn recall_earlier(&mut self) {
        self.recall(History::earlier);
        self.go_to_first_row();
    }

    /// Selects a text that was run, so that what is typed takes its place.
    pub(in crate::app) fn select(&mut self, is_selected: bool) {
        self.is_selected = is_selected;
        if is_selected {
            self.draft.handle(InputRequest::GoToEnd);
        }
    }
}
