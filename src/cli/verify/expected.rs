//! Published numbers, as `assets/verify.toml` lists them.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};

use crate::attention::{RepeatScores, View};

const PUBLISHED: &str = include_str!("../../../assets/verify.toml");

/// What is known of some models.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Each model's own.
    pub models: Vec<ExpectedModel>,
}

/// What is known of a model.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedModel {
    /// What it is asked for by.
    pub reference: String,
    /// How large it is, for people.
    pub download: String,
    /// Attention over prompts.
    #[serde(default)]
    pub matrices: Vec<ExpectedMatrix>,
    /// What heads do on repeated random tokens.
    #[serde(default)]
    pub heads: Vec<ExpectedHeads>,
    /// What it writes next.
    #[serde(default)]
    pub continuations: Vec<ExpectedContinuation>,
}

/// Some rows of a matrix.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedMatrix {
    /// Who published it.
    pub source: String,
    /// Over which text.
    pub prompt: String,
    /// Its tokens, if they were published.
    pub ids: Option<Vec<u32>>,
    /// Which matrix.
    #[serde(deserialize_with = "from_text")]
    pub view: View,
    /// Largest difference that passes.
    pub tolerance: f64,
    /// Query of the first row.
    #[serde(default)]
    pub first_query: usize,
    /// The keys up to the query, row after row.
    pub rows: Vec<Vec<f64>>,
}

/// Heads that do one thing.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedHeads {
    /// What they do.
    pub pattern: Pattern,
    /// A score that passes is above.
    pub above: f32,
    /// Which they are.
    #[serde(deserialize_with = "all_from_text")]
    pub heads: Vec<View>,
}

/// What a head looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pattern {
    /// The token before.
    Previous,
    /// The earlier copy of the token.
    Duplicate,
    /// The token after the earlier copy.
    Induction,
}

/// What a model writes if it takes the likeliest token each time.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedContinuation {
    /// Who published it.
    pub source: String,
    /// What it reads.
    pub input: TextOrIds,
    /// What it writes.
    pub continues: TextOrIds,
}

/// Text, or tokens by number.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(untagged)]
pub enum TextOrIds {
    /// Text.
    Text(String),
    /// Tokens.
    Ids(Vec<u32>),
}

impl Expected {
    /// The numbers that come with the program.
    pub fn published() -> Self {
        toml::from_str(PUBLISHED).expect("a test reads the embedded numbers")
    }
}

impl Pattern {
    /// A head's score for it.
    pub fn score(self, scores: &RepeatScores) -> f32 {
        match self {
            Self::Previous => scores.previous,
            Self::Duplicate => scores.duplicate,
            Self::Induction => scores.induction,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Previous => "previous",
            Self::Duplicate => "duplicate",
            Self::Induction => "induction",
        })
    }
}

impl fmt::Display for TextOrIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Ids(ids) => write!(f, "{ids:?}"),
        }
    }
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<View, D::Error> {
    View::from_str(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn all_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<View>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_numbers_are_whole() {
        let expected = Expected::published();
        let names: Vec<&str> = expected.models.iter().map(|model| model.reference.as_str()).collect();
        assert_eq!(names, ["openai-community/gpt2", "openai/gpt-oss-20b"]);
        for matrix in expected.models.iter().flat_map(|model| &model.matrices) {
            for (query, row) in (matrix.first_query..).zip(&matrix.rows) {
                assert_eq!(row.len(), query + 1, "{}", matrix.prompt);
            }
        }
        let heads: usize = expected.models[0].heads.iter().map(|heads| heads.heads.len()).sum();
        assert_eq!(heads, 10);
    }
}
