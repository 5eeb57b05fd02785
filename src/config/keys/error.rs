//! What can be wrong with a table `[keys]`, and where in it.

use std::collections::BTreeMap;

use super::{Key, ParseKeyError};

/// Why a table `[keys]` can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeysError {
    /// A name that no command has.
    #[error("[keys] has no action '{name}': {advice}")]
    UnknownAction {
        /// As written.
        name: String,
        /// The name that is most like it, or where all of them are.
        advice: String,
    },
    /// A text that is no key.
    #[error("[keys] {action}: {error}")]
    UnknownKey {
        /// The action.
        action: &'static str,
        /// Which, and what is possible.
        error: ParseKeyError,
    },
    /// A key that is given to two actions.
    #[error("[keys] gives '{key}' to both {first} and {second}")]
    GivenTwice {
        /// The key.
        key: String,
        /// One action.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// There would be no way out.
    #[error("[keys] quit: needs at least one key")]
    NoWayOut,
}

impl KeysError {
    /// The actions that it is about, each with the index in its list of keys if it is about a single key.
    pub(in crate::config) fn places(
        &self,
        table: &BTreeMap<String, Vec<String>>,
    ) -> Vec<(String, Option<usize>)> {
        let place = |action: &str, is_it: &dyn Fn(&str) -> bool| {
            let at = table.get(action).and_then(|keys| keys.iter().position(|key| is_it(key)));
            (action.to_owned(), at)
        };
        match self {
            Self::UnknownAction { name, .. } => vec![(name.clone(), None)],
            Self::UnknownKey { action, .. } => vec![place(action, &|key| key.parse::<Key>().is_err())],
            Self::GivenTwice { key, first, second } => {
                let is_it = |text: &str| text.parse::<Key>().is_ok_and(|parsed| parsed.to_string() == *key);
                vec![place(first, &is_it), place(second, &is_it)]
            }
            Self::NoWayOut => vec![("quit".to_owned(), None)],
        }
    }
}
