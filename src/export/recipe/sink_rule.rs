//! In a file it is said in words whether rows have sinks: what they then sum to.

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde::ser::{Serialize, Serializer};

/// What rows and their sinks sum to, of a model that has sinks.
const SINK_RULE: &str = "the softmax runs over the keys and a learned sink: a row and its sink sum to 1";

pub fn serialize<S: Serializer>(has_sinks: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    has_sinks.then_some(SINK_RULE).serialize(serializer)
}

/// Whatever the words are, there are sinks if there are words.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(deserializer)?.is_some())
}
