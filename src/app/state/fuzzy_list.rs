//! A list, and the line that is typed to find something in it.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::{Input, InputRequest};

use super::step::step;
use super::typed::{self, LONGEST_LINE};

/// An entry that what was typed leaves in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its index among all entries.
    pub entry: usize,
    /// Indices of the graphemes of its text that were typed, in ascending order.
    pub match_indices: Vec<u32>,
}

/// A list, and the line that is typed to find something in it.
#[derive(Debug, Clone, Default)]
pub struct FuzzyList {
    /// What was typed.
    pub line: Input,
    /// What it leaves, the best first; everything in its own order as long as nothing was typed.
    pub found: Vec<Found>,
    /// Index of the chosen one in `found`.
    pub chosen: usize,
    /// Why what was typed or pasted last was not taken, if it wasn't.
    pub refused: Option<String>,
    texts: Vec<String>,
    takes_typed: bool,
}

impl FuzzyList {
    /// Over entries that are found by their texts.
    pub fn new(texts: Vec<String>) -> Self {
        let mut list = Self { texts, ..Self::default() };
        list.search();
        list
    }

    /// Without entries yet; what is typed is one itself, the last, unless it is among them.
    pub(in crate::app) fn taking_typed() -> Self {
        Self { takes_typed: true, ..Self::default() }
    }

    /// Gives it other entries; what was typed stays.
    pub(in crate::app) fn refill(&mut self, texts: Vec<String>) {
        self.texts = texts;
        self.search();
    }

    /// What was typed, without blanks around it.
    pub fn typed(&self) -> &str {
        self.line.value().trim()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The index of the chosen entry, beyond the last for what was typed; `None` if nothing is left.
    pub fn entry(&self) -> Option<usize> {
        self.found.get(self.chosen).map(|found| found.entry)
    }

    /// Edits the line. The best of what it then leaves is chosen.
    pub(in crate::app) fn edit(&mut self, request: InputRequest) {
        let changed = typed::handle(&mut self.line, request, LONGEST_LINE);
        if changed == Ok(true) {
            self.search();
        }
        self.refused = changed.err();
    }

    /// Puts characters into the line that were typed one after the other.
    pub(in crate::app) fn insert(&mut self, text: &str) {
        let before = self.line.value().len();
        self.refused = typed::insert_fitting(&mut self.line, text, LONGEST_LINE).err();
        if self.line.value().len() > before {
            self.search();
        }
    }

    /// Puts a text into the line.
    pub(in crate::app) fn paste(&mut self, text: &str) {
        self.refused = typed::paste(&mut self.line, text).err();
        if self.refused.is_none() {
            self.search();
        }
    }

    /// Chooses another entry, by so many rows; no further than to either end.
    pub(in crate::app) fn move_by(&mut self, rows: isize) {
        self.chosen = step(self.chosen, rows, self.found.len());
    }

    fn search(&mut self) {
        let mut found = search(self.line.value(), &self.texts);
        let typed = self.typed();
        if self.takes_typed && !typed.is_empty() && self.texts.iter().all(|text| text != typed) {
            found.push(Found { entry: self.texts.len(), match_indices: Vec::new() });
        }
        self.found = found;
        self.chosen = 0;
    }
}

/// The texts that hold every word of `query`, letter by letter and in order, the best match first. A capital
/// stands for itself alone.
fn search(query: &str, texts: &[String]) -> Vec<Found> {
    let pattern = Pattern::new(query, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut characters = Vec::new();
    let mut found: Vec<(u32, Found)> = Vec::new();
    for (entry, text) in texts.iter().enumerate() {
        let mut match_indices = Vec::new();
        let text = Utf32Str::new(text, &mut characters);
        if let Some(score) = pattern.indices(text, &mut matcher, &mut match_indices) {
            match_indices.sort_unstable();
            match_indices.dedup();
            found.push((score, Found { entry, match_indices }));
        }
    }
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, found)| found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, texts: &[&str]) -> Vec<usize> {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        search(query, &texts).into_iter().map(|found| found.entry).collect()
    }

    #[test]
    fn the_best_match_is_first_and_without_a_query_all_are_there() {
        let texts = ["previous-layer [", "next-layer ]", "mean m", "the extra lay"];
        assert_eq!(found("", &texts), [0, 1, 2, 3]);
        assert_eq!(found("next layer", &texts)[0], 1);
        assert_eq!(found("layer next", &texts)[0], 1, "words in any order");
        assert_eq!(found("]", &texts), [1]);
        assert_eq!(found("^z", &texts), [] as [usize; 0], "no letter has a meaning of its own");
        assert_eq!(found("M", &["m", "M"]), [1], "a capital is a capital");
    }

    #[test]
    fn what_was_typed_is_marked_by_graphemes() {
        let texts = vec!["cafe\u{301} ↑ up".to_owned()];
        assert_eq!(search("cup", &texts)[0].match_indices, [0, 7, 8]);
        assert_eq!(search("up p", &texts)[0].match_indices, [7, 8], "each once");
    }

    #[test]
    fn editing_chooses_the_best_and_walking_stays_in_the_list() {
        let mut list = FuzzyList::new(["a", "b", "ab"].map(String::from).to_vec());
        list.move_by(9);
        assert_eq!(list.entry(), Some(2));
        list.edit(InputRequest::InsertChar('b'));
        assert_eq!(list.entry(), Some(1));
        list.move_by(-1);
        assert_eq!(list.entry(), Some(1));
        list.edit(InputRequest::InsertChar('z'));
        assert_eq!((list.entry(), list.found.len()), (None, 0));
        list.move_by(1);
        list.edit(InputRequest::DeleteLine);
        assert_eq!(list.found.len(), 3);
    }
}
