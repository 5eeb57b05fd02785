//! From the keys of a file to the config.json that the same model has on the hub.

use serde_json::Value;

use super::architecture::{self, Architecture};
use super::common::Made;
use super::keys::Keys;
use super::{GgufError, Parts};

/// What a file says of its model.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// As llama.cpp names it.
    pub architecture: &'static str,
    /// The config.json that the same model has on the hub.
    pub config: Value,
    /// What is no key of the file, and what was taken for it, a sentence each.
    pub notes: Vec<String>,
    /// Whether rotary positions turn neighbours, because q and k have their rows in that order.
    pub neighbours: bool,
    /// What the frequencies of rotary positions are divided by, one for each pair.
    pub divisors: Option<Vec<f32>>,
}

/// Describes the model of some files.
///
/// # Errors
/// If it is of an architecture that isn't supported, or a key is missing or not what it may be.
pub fn config(parts: &Parts<'_>) -> Result<Described, GgufError> {
    let keys = Keys::new(parts)?;
    let Some(Architecture { name, make, neighbours }) = architecture::named(keys.prefix) else {
        let name = keys.prefix.chars().take(60).collect();
        let known = architecture::names().collect::<Vec<_>>().join(", ");
        return Err(GgufError::Architecture { name, known });
    };
    let Made { values, notes } = make(&keys)?;
    let divisors = parts.numbers("rope_freqs.weight")?;
    Ok(Described {
        architecture: name,
        config: Value::Object(values),
        notes,
        neighbours: *neighbours,
        divisors,
    })
}
