//! What was asked for and is not in a file.

use std::collections::BTreeSet;
use std::fmt;

/// What was asked for and is not in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Omissions {
    /// Characters that no font has.
    pub missing: MissingGlyphs,
    /// The matrices that a page has no room for, in words, an entry for each model.
    pub left_out: Vec<String>,
}

impl Omissions {
    /// Whether everything is there.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.left_out.is_empty()
    }
}

impl fmt::Display for Omissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = (!self.missing.is_empty()).then(|| self.missing.to_string());
        let all: Vec<String> = self.left_out.iter().cloned().chain(missing).collect();
        f.write_str(&all.join("; "))
    }
}

/// Characters that no font has, so that boxes stand for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingGlyphs(pub(super) BTreeSet<char>);

impl MissingGlyphs {
    /// Whether everything was drawn.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for MissingGlyphs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let shown = self.0.iter().take(SHOWN).map(|c| format!("{c} (U+{:04X})", *c as u32));
        write!(f, "no font here has {}", shown.collect::<Vec<_>>().join(", "))?;
        if self.0.len() > SHOWN {
            write!(f, " and {} more characters", self.0.len() - SHOWN)?;
        }
        f.write_str(": boxes stand for them; install one that has, or write svg")
    }
}
