//! Vocabularies as their own files hold them: vocab.json with merges.txt, vocab.txt.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::source::Source;
use crate::model::ModelError;

/// Two pieces that become one.
pub type Merge = (String, String);

/// The pieces of a vocabulary.
#[derive(Debug, Clone)]
pub enum Pieces {
    /// Each with its id.
    Ids(Map<String, Value>),
    /// By id, each with its score.
    Scores(Vec<(String, f64)>),
}

impl Pieces {
    /// As a tokenizer.json writes them: an object, or a list of pieces with or without a score.
    pub fn read(vocabulary: Value) -> Option<Self> {
        match vocabulary {
            Value::Object(ids) => Some(Pieces::Ids(ids)),
            Value::Array(list) => {
                let scored = |entry: &Value| match entry {
                    Value::String(piece) => Some((piece.clone(), 0.0)),
                    entry => Some((entry.get(0)?.as_str()?.to_owned(), entry.get(1)?.as_f64()?)),
                };
                list.iter().map(scored).collect::<Option<_>>().map(Pieces::Scores)
            }
            _ => None,
        }
    }

    /// Each with its id, whatever else is known.
    pub fn into_ids(self) -> Map<String, Value> {
        match self {
            Pieces::Ids(ids) => ids,
            Pieces::Scores(scores) => {
                scores.into_iter().enumerate().map(|(id, (piece, _))| (piece, Value::from(id))).collect()
            }
        }
    }
}

/// A vocabulary, however it was kept.
#[derive(Debug, Default)]
pub struct Vocabulary {
    /// `None` where there is no file to read it from.
    pub pieces: Option<Pieces>,
    pub merges: Vec<Merge>,
    /// SentencePiece's rules to normalise by, in base64.
    pub charsmap: Option<String>,
    /// The piece of what is unknown, as SentencePiece has it.
    pub unknown: Option<u32>,
    /// What a tokenizer.json adds around a prompt.
    pub post_processor: Option<Value>,
}

/// vocab.json and merges.txt.
pub fn byte_pairs(source: &Source<'_>) -> Result<Vocabulary, ModelError> {
    let Some(ids) = source.json::<Map<String, Value>>("vocab.json")? else {
        return Ok(Vocabulary::default());
    };
    let Some(text) = source.text("merges.txt")? else {
        return Err(source.invalid("vocab.json", "merges.txt is missing beside it: copy it there"));
    };
    let mut merges = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with("#version")) {
        match line.split_once(' ') {
            Some((left, right)) if !right.contains(' ') => merges.push((left.to_owned(), right.to_owned())),
            _ => {
                let what = format!("line {}: {line:?} is no pair of pieces with a space between", at + 1);
                return Err(source.invalid("merges.txt", what));
            }
        }
    }
    let ids = ids.into_iter().filter(|(_, id)| id.is_number()).collect();
    Ok(Vocabulary { pieces: Some(Pieces::Ids(ids)), merges, ..Vocabulary::default() })
}

/// vocab.txt: a piece a line.
pub fn lines(source: &Source<'_>) -> Result<Vocabulary, ModelError> {
    let Some(text) = source.text("vocab.txt")? else { return Ok(Vocabulary::default()) };
    let lines = text.lines().enumerate();
    let ids = lines.map(|(id, line)| (line.trim_end().to_owned(), Value::from(id))).collect();
    Ok(Vocabulary { pieces: Some(Pieces::Ids(ids)), ..Vocabulary::default() })
}

/// Bytes of a piece that is put together from others, at most: SentencePiece makes none of more than a few dozen.
const LONGEST_PIECE: usize = 512;

/// The merges of a vocabulary that was kept without: every way to put a piece together from two others, by
/// the rank of the piece, then by the lengths and ids of its parts. A rank of `None` takes no part.
pub fn merges_by_rank<R: Ord + Copy>(pieces: &[String], rank: impl Fn(usize) -> Option<R>) -> Vec<Merge> {
    let ids: HashMap<&str, usize> = pieces
        .iter()
        .enumerate()
        .filter(|(id, piece)| piece.len() <= LONGEST_PIECE && rank(*id).is_some())
        .map(|(id, p)| (p.as_str(), id))
        .collect();
    let mut found = Vec::new();
    for (&piece, &id) in &ids {
        for (cut, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(cut);
            if let (Some(a), Some(b)) = (ids.get(left), ids.get(right)) {
                let lengths = (left.chars().count(), right.chars().count());
                found.push(((rank(id), id, lengths, *a, *b), (left.to_owned(), right.to_owned())));
            }
        }
    }
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, merge)| merge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_go_by_the_rank_of_what_they_make() {
        let pieces = ["a", "b", "c", "abc", "ab", "bc"].map(str::to_owned);
        let merges = merges_by_rank(&pieces, Some);
        let shown: Vec<String> = merges.iter().map(|(left, right)| format!("{left}+{right}")).collect();
        assert_eq!(shown, ["a+bc", "ab+c", "a+b", "b+c"]);
        assert_eq!(merges_by_rank(&pieces, |id| (id < 3).then_some(id)), []);
    }

    #[test]
    fn pieces_are_read_however_they_are_written() {
        let scores = Pieces::read(serde_json::json!([["a", -1.5], "b"])).unwrap();
        assert_eq!(serde_json::to_string(&scores.into_ids()).unwrap(), r#"{"a":0,"b":1}"#);
        assert!(Pieces::read(serde_json::json!([[1, 2]])).is_none());
        assert!(Pieces::read(Value::Null).is_none());
    }
}
