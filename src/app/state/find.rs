//! A text that is looked for in the text on screen, and where it is.

use std::ops::Range;
use std::sync::{Arc, Weak};

use tui_input::Input;

use crate::attention::{Capture, text};

/// A text that is looked for.
#[derive(Debug, Clone, Default)]
pub struct Find {
    /// As it is written.
    pub line: Input,
    /// The tokens of each place where it is, by side.
    pub found: [Vec<Range<usize>>; 2],
    /// The token that was marked when one began to look for it.
    pub(in crate::app) from: usize,
    /// What was looked for last, and in what.
    looked: (String, [Weak<Capture>; 2]),
}

impl Find {
    /// Nothing yet, from a token on.
    pub(in crate::app) fn from(token: usize) -> Self {
        Self { from: token, ..Self::default() }
    }

    /// Whether something is looked for.
    pub fn is_on(&self) -> bool {
        !self.line.value().is_empty()
    }

    /// Looks for it in what is on screen now, if that or it has changed.
    pub(in crate::app) fn refresh(&mut self, captures: [Option<&Arc<Capture>>; 2]) {
        let captures = captures.map(|capture| capture.map_or_else(Weak::new, Arc::downgrade));
        let is_same = captures.iter().zip(&self.looked.1).all(|(new, old)| Weak::ptr_eq(new, old));
        if is_same && self.looked.0 == self.line.value() {
            return;
        }
        let needle = self.line.value().to_owned();
        let found = |capture: &Weak<Capture>| match capture.upgrade() {
            Some(capture) if !needle.is_empty() => text::find(&capture.tokens, &needle),
            _ => Vec::new(),
        };
        self.found = captures.each_ref().map(found);
        self.looked = (needle, captures);
    }

    /// Which place is at a token of a side, counted from 1, and how many there are: `2 of 5`.
    pub fn says(&self, side: usize, token: usize) -> String {
        let places = &self.found[side];
        match places.iter().position(|place| place.contains(&token)) {
            _ if !self.is_on() => String::new(),
            _ if places.is_empty() => "not found".to_owned(),
            Some(at) => format!("{} of {}", at + 1, places.len()),
            None if places.len() == 1 => "1 place".to_owned(),
            None => format!("{} places", places.len()),
        }
    }
}
