//! Every setting, its type and its spelling.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use toml::Table;

use super::keys::Keys;
use super::lines::Lines;
use super::origin::Origin;
use crate::vocabulary::{Background, ColorDepth, ColorMap, DeviceChoice, Engine, LongPrompts, Precision};

/// All settings. The keys are those of the embedded `config.toml`, which says what each is for.
///
/// The defaults of serde stand for what a user's file leaves out, so that such a file can be read, and
/// its errors placed, on its own. They never reach anybody: the embedded file sets every key.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the pair shown at start; one of `pairs`.
    pub pair: String,
    /// The prompt where none was given.
    pub prompt: String,
    /// Whether the prompt is put into each model's chat template.
    pub chat: bool,
    /// What the system says before the user there; empty if nothing.
    pub system: String,
    /// Where models run.
    pub device: DeviceChoice,
    /// What computes attention and experts.
    pub engine: Engine,
    /// How dense weights are held.
    pub dtype: Precision,
    /// Threads that compute.
    pub threads: Threads,
    /// Never ask the hub.
    pub offline: bool,
    /// Whether models keep what they ran last, so that a prompt costs only what is new in it.
    pub cache: bool,
    /// Folders of models that are listed.
    #[serde(rename = "model-folders")]
    pub model_folders: Vec<PathBuf>,
    /// Whether the viewer takes the mouse.
    pub mouse: bool,
    /// Whether prompts run as they are typed.
    pub live: bool,
    /// What a prompt is shown as at first of which the screen has no room for every cell.
    #[serde(rename = "long-prompts")]
    pub long_prompts: LongPrompts,
    /// How next tokens are drawn.
    pub sampling: Sampling,
    /// How texts are written.
    pub generation: Generation,
    /// What the viewer keeps of earlier prompts.
    pub history: History,
    /// How the viewer looks.
    pub theme: Theme,
    /// Which key does what in the viewer.
    pub keys: Keys,
    /// Pairs of models, by name.
    pub pairs: BTreeMap<String, Pair>,
    /// All of the above but `keys`, as it was laid together.
    #[serde(skip)]
    pub(super) values: Table,
    /// Where each key was set; asked by [`Config::origin`].
    #[serde(skip)]
    pub(super) origins: BTreeMap<String, Origin>,
    /// Where each key stands in the user's file.
    #[serde(skip)]
    pub(super) lines: Lines,
}

/// How next tokens are drawn.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sampling {
    /// Whether the prompt grows by them from the start.
    pub on: bool,
    /// What logits are divided by.
    pub temperature: f64,
    /// The probability of the tokens that are drawn from.
    pub top_p: f64,
    /// What chance begins with.
    pub seed: u64,
}

/// How texts are written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Generation {
    /// Tokens that are written at a time, at most.
    #[serde(deserialize_with = "tokens")]
    pub tokens: usize,
}

/// Tokens that are written at a time, at most: more is a slip.
pub const MOST_GENERATED: u64 = 1_000_000;

/// A number of tokens to write.
fn tokens<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let number = i64::deserialize(deserializer)?;
    let known = u64::try_from(number).ok().filter(|number| (1..=MOST_GENERATED).contains(number));
    known.map(|number| number as usize).ok_or_else(|| {
        de::Error::custom(format!(
            "{number} is no number of tokens: use a whole number from 1 to {MOST_GENERATED}"
        ))
    })
}

/// What the viewer keeps of earlier prompts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct History {
    /// Megabytes of captures.
    pub captures_mb: u32,
}

/// How the viewer looks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Theme {
    /// How values become colours.
    pub colormap: ColorMap,
    /// How many colours the terminal can show; the terminal is asked if not given.
    #[serde(deserialize_with = "unless_auto")]
    pub color: Option<ColorDepth>,
    /// What is behind its text; the terminal is asked if not given.
    #[serde(deserialize_with = "unless_auto")]
    pub background: Option<Background>,
}

/// A word of the vocabulary; nothing if it says `auto`.
fn unless_auto<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "auto" => Ok(None),
        text => text.parse().map(Some).map_err(|error| de::Error::custom(format!("{error}, or auto"))),
    }
}

/// Two models to look at side by side, or one alone, as they are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pair {
    /// The left pane's; empty if there is none.
    pub left: String,
    /// The right pane's; empty if there is none.
    pub right: String,
}

impl Pair {
    /// Its models, the left one first: one or two.
    pub fn models(&self) -> impl Iterator<Item = &String> {
        [&self.left, &self.right].into_iter().filter(|model| !model.is_empty())
    }
}

/// Threads that compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threads {
    /// A thread for each core.
    #[default]
    Auto,
    /// So many threads, at most [`Threads::MAX`].
    Count(NonZeroUsize),
}

impl Threads {
    /// More than this is taken for a slip.
    pub const MAX: usize = 1024;
}

impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threads::Auto => f.write_str("auto"),
            Threads::Count(count) => count.fmt(f),
        }
    }
}

/// A text that is no number of threads.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no number of threads: use a number from 1 to {max}, or auto", max = Threads::MAX)]
pub struct ParseThreadsError(String);

impl FromStr for Threads {
    type Err = ParseThreadsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(Threads::Auto);
        }
        let count = text.parse::<NonZeroUsize>().ok().filter(|count| count.get() <= Threads::MAX);
        count.map(Threads::Count).ok_or_else(|| ParseThreadsError(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Threads {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number of threads, or \"auto\"")]
        enum Spelling {
            Number(i64),
            Word(String),
        }
        let text = match Spelling::deserialize(deserializer)? {
            Spelling::Number(number) => number.to_string(),
            Spelling::Word(word) => word,
        };
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_a_number_or_auto() {
        assert_eq!("auto".parse(), Ok(Threads::Auto));
        assert_eq!("4".parse(), Ok(Threads::Count(NonZeroUsize::new(4).unwrap())));
        for text in ["0", "-1", "1025", "two", ""] {
            assert!(text.parse::<Threads>().is_err(), "{text}");
        }
    }

    #[test]
    fn threads_may_be_written_as_number_or_text() {
        for text in ["threads = 3", "threads = '3'"] {
            let config: Config = toml::from_str(text).unwrap();
            assert_eq!(config.threads, Threads::Count(NonZeroUsize::new(3).unwrap()));
        }
        let error = toml::from_str::<Config>("threads = 0").unwrap_err();
        assert!(error.message().contains("from 1 to 1024"), "{error}");
    }
}
