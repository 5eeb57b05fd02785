//! `model.safetensors.index.json`: which shards a model has.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::foreign;
use super::limits::{LONGEST_TOKENIZER, unreadable};
use crate::bounded;
use crate::model::ModelError;

/// The one file of weights.
pub(super) const SINGLE: &str = "model.safetensors";
/// The list of shards of a model that has several.
pub(super) const INDEX: &str = "model.safetensors.index.json";

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The shards named by the index at `path`, sorted, each once.
///
/// # Errors
/// If it can't be read, isn't an index, or names something that is no file beside it.
pub(super) fn shards(path: &Path) -> Result<Vec<String>, ModelError> {
    let text = bounded::read(path, LONGEST_TOKENIZER).map_err(|source| unreadable(path, source))?;
    parse(&text).map_err(|problem| {
        ModelError::Invalid(match foreign(&text) {
            Some(what) => format!("{} {what}", path.display()),
            None => format!("{}: {problem}", path.display()),
        })
    })
}

fn parse(text: &[u8]) -> Result<Vec<String>, String> {
    let index: Index =
        serde_json::from_slice(text).map_err(|error| format!("not an index of shards: {error}"))?;
    let mut shards: Vec<String> = index.weight_map.into_values().collect();
    shards.sort();
    shards.dedup();
    if shards.is_empty() {
        return Err("the index of shards is empty".to_owned());
    }
    match shards.iter().find(|name| !is_plain(name)) {
        Some(name) => Err(format!("the index names {name:?}, which is no safetensors file beside it")),
        None => Ok(shards),
    }
}

/// A name and no path: an index must not lead out of its folder.
fn is_plain(name: &str) -> bool {
    name.ends_with(".safetensors")
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_sorted_and_unique() {
        let text = br#"{"metadata": {"total_size": 3}, "weight_map": {
            "a": "model-00002-of-00002.safetensors", "b": "model-00001-of-00002.safetensors",
            "c": "model-00002-of-00002.safetensors"}}"#;
        let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        assert_eq!(parse(text).unwrap(), names);
    }

    #[test]
    fn an_index_stays_in_its_folder() {
        for name in ["../x.safetensors", "/x.safetensors", "original/x.safetensors", "x.bin", ".safetensors"]
        {
            let text = format!(r#"{{"weight_map": {{"a": "{name}"}}}}"#);
            assert!(parse(text.as_bytes()).unwrap_err().contains(name));
        }
    }

    #[test]
    fn what_is_no_index_is_said_to_be_none() {
        assert!(parse(b"[]").is_err());
        assert!(parse(b"{}").is_err());
        assert!(parse(br#"{"weight_map": {}}"#).unwrap_err().contains("empty"));
    }
}
