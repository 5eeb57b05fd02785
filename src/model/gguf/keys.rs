//! Typed reads of the keys that describe a model.

use super::{GgufError, Parts, Value};

/// Keys that begin with the same: with the name of the architecture, or that of the tokenizer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'p, 'a> {
    pub parts: &'p Parts<'a>,
    pub prefix: &'p str,
}

impl<'p, 'a> Keys<'p, 'a> {
    /// Those of the architecture.
    pub fn new(parts: &'p Parts<'a>) -> Result<Self, GgufError> {
        const KEY: &str = "general.architecture";
        let value = parts.get(KEY).ok_or_else(|| GgufError::Missing(KEY.to_owned()))?;
        let prefix = value.as_str().ok_or_else(|| GgufError::value(KEY, value, "a text"))?;
        Ok(Self { parts, prefix })
    }

    /// What `read` makes of a key, if it is there; `wanted` says what it may be.
    pub fn read<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        let key = format!("{}.{key}", self.prefix);
        let Some(value) = self.parts.get(&key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| GgufError::value(&key, value, wanted))
    }

    fn needed<T>(&self, key: &str, value: Option<T>) -> Result<T, GgufError> {
        value.ok_or_else(|| GgufError::Missing(format!("{}.{key}", self.prefix)))
    }

    /// A whole number, the same for all layers: newer files may have one for each.
    pub fn whole(&self, key: &str) -> Result<Option<u64>, GgufError> {
        self.read(key, "a whole number, the same for each layer", |value| match value.as_array() {
            None => value.as_u64(),
            Some(array) => {
                let mut all = array.iter().map(|value| value.as_u64());
                let first = all.next()??;
                all.all(|value| value == Some(first)).then_some(first)
            }
        })
    }

    /// The same, of a key that must be there.
    pub fn needed_whole(&self, key: &str) -> Result<u64, GgufError> {
        self.needed(key, self.whole(key)?)
    }

    pub fn real(&self, key: &str) -> Result<Option<f64>, GgufError> {
        self.read(key, "a number", |value| value.as_f64().filter(|value| value.is_finite()))
    }

    pub fn needed_real(&self, key: &str) -> Result<f64, GgufError> {
        self.needed(key, self.real(key)?)
    }

    pub fn flag(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.read(key, "true or false", Value::as_bool)
    }

    pub fn text(&self, key: &str) -> Result<Option<&'a str>, GgufError> {
        self.read(key, "a text", Value::as_str)
    }

    /// Rows of a table, or values of a row where `axis` counts from the end.
    pub fn size(&self, tensor: &str, axis_from_end: usize) -> Option<usize> {
        let (_, info) = self.parts.tensor(tensor)?;
        info.shape.iter().rev().nth(axis_from_end).copied()
    }
}
