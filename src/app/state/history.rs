//! The prompts of earlier, and a walk through them that loses nothing.

use std::collections::BTreeMap;

/// Prompts that are kept, the newest ones.
const KEPT: usize = 1_000;

/// The prompts that were run, and where among them the editor stands.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The oldest first, none of them twice in a row.
    prompts: Vec<String>,
    /// Which prompt the editor's text began as. After the last one: as none of them.
    at: usize,
    /// What the editor held at the other places that this walk came by.
    written: BTreeMap<usize, String>,
}

/// Bytes of a prompt that is remembered: one that is longer is a file's.
const LONGEST: usize = 64 << 10;

impl History {
    /// What is kept of `prompts`, the oldest first.
    pub fn new(prompts: impl IntoIterator<Item = String>) -> Self {
        let mut history = Self::default();
        for prompt in prompts {
            history.push(prompt);
        }
        history.at = history.prompts.len();
        history
    }

    /// The prompts that are kept, the oldest first.
    pub fn prompts(&self) -> &[String] {
        &self.prompts
    }

    /// Adds a prompt that is run and ends the walk. What was written on the walk and not run is put before it.
    /// Returns whether it wasn't the newest one already.
    pub(in crate::app) fn remember(&mut self, prompt: &str) -> bool {
        let mut unsent = std::mem::take(&mut self.written);
        unsent.retain(|at, text| self.prompts.get(*at) != Some(text));
        for text in unsent.into_values() {
            self.push(text);
        }
        let is_new = self.push(prompt.to_owned());
        self.at = self.prompts.len();
        is_new
    }

    /// The text before the one in the editor, which is kept in its place.
    pub(in crate::app) fn earlier(&mut self, edited: &str) -> Option<String> {
        let at = (0..self.at).rev().find(|at| self.differs(*at, edited))?;
        self.go(at, edited)
    }

    /// The text after the one in the editor, which is kept in its place.
    pub(in crate::app) fn later(&mut self, edited: &str) -> Option<String> {
        let end = self.prompts.len();
        let at = (self.at + 1..=end).find(|at| self.differs(*at, edited))?;
        // The newest prompt is often at the end as well, where what is made of it takes no prompt's place.
        let at = if at + 1 == end && self.text(at) == self.text(end) { end } else { at };
        self.go(at, edited)
    }

    /// Whether a step to this place would be seen.
    fn differs(&self, at: usize, edited: &str) -> bool {
        self.text(at).is_some_and(|text| text != edited)
    }

    fn text(&self, at: usize) -> Option<&str> {
        self.written.get(&at).or_else(|| self.prompts.get(at)).map(String::as_str)
    }

    fn go(&mut self, at: usize, edited: &str) -> Option<String> {
        self.written.insert(self.at, edited.to_owned());
        self.at = at;
        self.written.remove(&at).or_else(|| self.prompts.get(at).cloned())
    }

    /// Adds a prompt, unless it is empty or the newest one already.
    fn push(&mut self, prompt: String) -> bool {
        if prompt.is_empty() || prompt.len() > LONGEST || self.prompts.last() == Some(&prompt) {
            return false;
        }
        self.prompts.push(prompt);
        let surplus = self.prompts.len().saturating_sub(KEPT);
        self.prompts.drain(..surplus);
        true
    }
}
