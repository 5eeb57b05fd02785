//! Typed reads of a config.json, with errors that name the file and the key.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::model::ModelError;

/// A config.json, or an object inside it.
pub struct Config {
    name: String,
    values: Map<String, Value>,
}

impl Config {
    /// Reads JSON; `name` is the file's, for messages.
    pub fn parse(json: &[u8], name: &str) -> Result<Self, ModelError> {
        match serde_json::from_slice(json) {
            Ok(Value::Object(values)) => Ok(Self { name: name.to_owned(), values }),
            Ok(_) => Err(ModelError::Invalid(format!("{name}: not a JSON object"))),
            Err(error) => Err(ModelError::Invalid(format!("{name}: not valid JSON: {error}"))),
        }
    }

    /// A sentence about this file.
    pub fn error(&self, what: impl std::fmt::Display) -> ModelError {
        ModelError::Invalid(format!("{}: {what}", self.name))
    }

    /// A key that must be there.
    pub fn required<T: DeserializeOwned>(&self, key: &str) -> Result<T, ModelError> {
        self.optional(key)?.ok_or_else(|| self.error(format!("the key \"{key}\" is missing")))
    }

    /// The first of several names of the same key that is there.
    pub fn required_alias<T: DeserializeOwned>(&self, key: &str, alias: &str) -> Result<T, ModelError> {
        match self.optional(alias)? {
            Some(value) if !self.values.contains_key(key) => Ok(value),
            _ => self.required(key),
        }
    }

    /// A key that may be absent or null.
    pub fn optional<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ModelError> {
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value)
                .map(Some)
                .map_err(|error| self.error(format!("the key \"{key}\" is {value}: {error}"))),
        }
    }

    /// Whether the key is there and null.
    pub fn is_null(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(Value::is_null)
    }

    /// An object under a key, unless it is absent or null.
    pub fn object(&self, key: &str) -> Result<Option<Self>, ModelError> {
        Ok(self
            .optional::<Map<String, Value>>(key)?
            .map(|values| Self { name: format!("{}: {key}", self.name), values }))
    }

    /// Whether it has no key at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
