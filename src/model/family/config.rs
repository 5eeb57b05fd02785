//! Typed reads of a config.json. Every value is held against its range before anybody computes with it; messages
//! name the file, the key, what it is and what it may be.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::model::ModelError;
use crate::model::files::foreign;
use crate::model::json;

/// Characters of a value that a message shows.
const SHOWN: usize = 60;

/// A config.json, or an object inside it.
pub struct Config {
    name: String,
    values: Map<String, Value>,
    /// Keys, and their other names, which win where both are there. Either is read by both.
    aliases: &'static [(&'static str, &'static str)],
}

impl Config {
    /// Reads JSON; `name` is the file's, for messages.
    pub fn parse(json: &[u8], name: &str) -> Result<Self, ModelError> {
        match serde_json::from_slice(&json::without_literals(json)) {
            Ok(Value::Object(values)) => Ok(Self { name: name.to_owned(), values, aliases: &[] }),
            Ok(_) => Err(ModelError::Invalid(format!("{name}: not a JSON object"))),
            Err(error) => Err(ModelError::Invalid(match foreign(json) {
                Some(what) => format!("{name} {what}"),
                None => format!("{name}: not valid JSON: {error}"),
            })),
        }
    }

    /// The same, with second names for some keys.
    pub fn with_aliases(self, aliases: &'static [(&'static str, &'static str)]) -> Self {
        Self { aliases, ..self }
    }

    /// A sentence about this file.
    pub fn error(&self, what: impl Display) -> ModelError {
        ModelError::Invalid(format!("{}: {what}", self.name))
    }

    /// What `quantization_config` says the weights are packed with, unless that is read: for messages, because the
    /// tensors decide. Fine-tunes keep the key after dequantising.
    pub fn quantization(&self) -> Option<String> {
        let packed = ["quantization_config", "compression_config"];
        let block = packed.into_iter().find_map(|key| self.object(key).ok().flatten())?;
        let method = block.text("quant_method").ok().flatten();
        let bits = ["load_in_4bit", "load_in_8bit"].map(|key| block.flag(key, false).unwrap_or(false));
        match method.as_deref() {
            Some("mxfp4") => None,
            Some(method) => Some(method.to_owned()),
            None if bits.contains(&true) => Some("bitsandbytes".to_owned()),
            None => Some("a method that it doesn't name".to_owned()),
        }
    }

    /// A whole number within `range`; `default` where the key is absent.
    pub fn whole(
        &self,
        key: &str,
        default: usize,
        range: RangeInclusive<usize>,
    ) -> Result<usize, ModelError> {
        let allowed = whole_numbers(&range);
        let number = self.read(key, default, &allowed, |value| as_whole(value, &range))?;
        // A default, too: it may not go with the rest of the file.
        if !range.contains(&number) {
            return Err(
                self.error(format!("\"{key}\" is missing and would be {default}; allowed: {allowed}"))
            );
        }
        Ok(number)
    }

    /// A whole number within `range`, unless the key is absent or null.
    pub fn optional_whole(
        &self,
        key: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<usize>, ModelError> {
        let allowed = format!("{}, or null", whole_numbers(&range));
        self.optional(key, &allowed, |value| as_whole(value, &range))
    }

    /// A number within `range`; `default` where the key is absent.
    pub fn real(&self, key: &str, default: f64, range: RangeInclusive<f64>) -> Result<f64, ModelError> {
        self.read(key, default, &numbers(&range), |value| as_real(value, &range))
    }

    /// A number within `range`, unless the key is absent or null.
    pub fn optional_real(&self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, ModelError> {
        self.optional(key, &format!("{}, or null", numbers(&range)), |value| as_real(value, &range))
    }

    /// `true` or `false`; `default` where the key is absent.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, ModelError> {
        self.read(key, default, &"true and false", Value::as_bool)
    }

    /// A text, unless the key is absent.
    pub fn text(&self, key: &str) -> Result<Option<String>, ModelError> {
        let text = |value: &Value| Some(Some(value.as_str()?.to_owned()));
        self.read(key, None, &"a text", text)
    }

    /// A text, unless the key is absent or null.
    pub fn optional_text(&self, key: &str) -> Result<Option<String>, ModelError> {
        self.optional(key, &"a text, or null", |value| Some(value.as_str()?.to_owned()))
    }

    /// Texts, unless the key is absent or null.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<String>>, ModelError> {
        let text = |value: &Value| Some(value.as_str()?.to_owned());
        self.optional(key, &"a list of texts, or null", |value| {
            value.as_array()?.iter().map(text).collect::<Option<Vec<_>>>()
        })
    }

    /// Numbers within `range`, unless the key is absent or null.
    pub fn reals(&self, key: &str, range: RangeInclusive<f64>) -> Result<Option<Vec<f64>>, ModelError> {
        let real = |value: &Value| as_real(value, &range);
        self.optional(key, &format!("a list of {}, or null", numbers(&range)), |value| {
            value.as_array()?.iter().map(real).collect::<Option<Vec<_>>>()
        })
    }

    /// Whole numbers within `range`, unless the key is absent or null.
    pub fn wholes(&self, key: &str, range: RangeInclusive<usize>) -> Result<Option<Vec<usize>>, ModelError> {
        let whole = |value: &Value| as_whole(value, &range);
        self.optional(key, &format!("a list of {}, or null", whole_numbers(&range)), |value| {
            value.as_array()?.iter().map(whole).collect::<Option<Vec<_>>>()
        })
    }

    /// What `read` makes of the key, unless it is absent or null; `allowed` says what it may be.
    pub fn custom<T>(
        &self,
        key: &str,
        allowed: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, ModelError> {
        self.optional(key, &allowed, read)
    }

    /// Whether the key is there and null.
    pub fn is_null(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(Value::is_null)
    }

    /// An object under a key, unless it is absent or null.
    pub fn object(&self, key: &str) -> Result<Option<Self>, ModelError> {
        let values = self.optional(key, &"an object, or null", |value| value.as_object().cloned())?;
        let name = format!("{}: {key}", self.name);
        Ok(values.map(|values| Self { name, values, aliases: &[] }))
    }

    /// The keys that are there, and not null.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str())
    }

    /// Whether it has no key at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn read<T>(
        &self,
        key: &str,
        default: T,
        allowed: &impl Display,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, ModelError> {
        let Some((key, value)) = self.value(key) else { return Ok(default) };
        let known = read(value).filter(|_| literal(value).is_none());
        known.ok_or_else(|| self.error(format!("\"{key}\" is {}; allowed: {allowed}", shown(value))))
    }

    fn optional<T>(
        &self,
        key: &str,
        allowed: &impl Display,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, ModelError> {
        let or_null = |value: &Value| if value.is_null() { Some(None) } else { read(value).map(Some) };
        self.read(key, None, allowed, or_null)
    }

    /// What a key holds, and the name it is under.
    fn value<'a>(&'a self, key: &'a str) -> Option<(&'a str, &'a Value)> {
        let pair = self.aliases.iter().find(|names| names.0 == key || names.1 == key);
        let (name, other) = pair.copied().unwrap_or((key, key));
        [other, name].into_iter().filter_map(|name| Some((name, self.values.get(name)?))).next()
    }
}

fn whole_numbers(range: &RangeInclusive<usize>) -> String {
    format!("whole numbers from {} to {}", range.start(), range.end())
}

fn numbers(range: &RangeInclusive<f64>) -> String {
    format!("numbers from {} to {}", number(*range.start()), number(*range.end()))
}

/// `4294967295`, but `1e30`.
fn number(value: f64) -> String {
    if value.abs() < 1e12 { value.to_string() } else { format!("{value:e}") }
}

fn as_whole(value: &Value, range: &RangeInclusive<usize>) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok().filter(|number| range.contains(number))
}

fn as_real(value: &Value, range: &RangeInclusive<f64>) -> Option<f64> {
    value.as_f64().filter(|number| range.contains(number))
}

fn literal(value: &Value) -> Option<&str> {
    value.as_str().and_then(json::literal)
}

/// A text of a file as a message shows it: quoted, its control characters escaped, cut if it is long.
pub fn quoted(text: &str) -> String {
    cut(&format!("{text:?}"))
}

/// A value as a message shows it: as it is written, if that is short.
fn shown(value: &Value) -> String {
    cut(&literal(value).map_or_else(|| value.to_string(), str::to_owned))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Config {
        Config::parse(json.as_bytes(), "config.json").unwrap()
    }

    fn complaint<T: std::fmt::Debug>(read: Result<T, ModelError>) -> String {
        read.unwrap_err().to_string()
    }

    #[test]
    fn a_value_outside_its_range_is_named_with_it() {
        for (value, said) in [
            ("4294967296", "4294967296"),
            ("0", "0"),
            ("-1", "-1"),
            ("2.0", "2.0"),
            ("1e30", "1e+30"),
            ("null", "null"),
            ("\"12\"", "\"12\""),
            ("NaN", "NaN"),
            ("[]", "[]"),
        ] {
            let config = config(&format!("{{\"n_layer\": {value}}}"));
            let wanted =
                format!("config.json: \"n_layer\" is {said}; allowed: whole numbers from 1 to 10000");
            assert_eq!(complaint(config.whole("n_layer", 12, 1..=10_000)), wanted);
        }
        let config = config(r#"{"eps": -1e30, "inf": Infinity, "flag": 1, "text": NaN}"#);
        let real = |key| complaint(config.real(key, 0.0, 0.0..=1e30));
        assert_eq!(real("eps"), "config.json: \"eps\" is -1e+30; allowed: numbers from 0 to 1e30");
        assert!(real("inf").contains("\"inf\" is Infinity"));
        assert!(complaint(config.flag("flag", true)).contains("true and false"));
        assert!(complaint(config.text("text")).contains("\"text\" is NaN"));
        assert!(complaint(config.texts("text")).contains("\"text\" is NaN"));
    }

    #[test]
    fn an_absent_key_has_its_default_and_some_may_be_null() {
        let config = config(r#"{"n_inner": null, "types": ["a"], "x": NaN}"#);
        assert_eq!(config.whole("n_layer", 12, 1..=20).unwrap(), 12);
        let unfit = complaint(config.whole("n_layer", 12, 1..=2));
        assert_eq!(
            unfit,
            "config.json: \"n_layer\" is missing and would be 12; allowed: whole numbers from 1 to 2"
        );
        assert_eq!(config.optional_whole("n_inner", 1..=9).unwrap(), None);
        assert_eq!(config.texts("types").unwrap(), Some(vec!["a".to_owned()]));
        assert_eq!((config.text("absent").unwrap(), config.is_null("n_inner")), (None, true));
    }

    #[test]
    fn another_name_of_a_key_wins() {
        let config = config(r#"{"n_embd": 1, "hidden_size": 2, "n_head": 3}"#)
            .with_aliases(&[("n_embd", "hidden_size"), ("n_head", "num_attention_heads")]);
        assert_eq!(config.whole("n_embd", 0, 1..=9).unwrap(), 2);
        assert_eq!(config.whole("hidden_size", 0, 1..=9).unwrap(), 2);
        assert_eq!(config.whole("num_attention_heads", 0, 1..=9).unwrap(), 3);
        assert_eq!(config.whole("n_head", 0, 1..=9).unwrap(), 3);
        assert!(complaint(config.whole("n_embd", 0, 5..=9)).contains("hidden_size"));
    }

    #[test]
    fn long_values_are_cut_and_pointers_are_known() {
        let long = config(&format!("{{\"a\": \"{}\"}}", "ä".repeat(10_000)));
        assert!(complaint(long.flag("a", true)).len() < 300);
        let pointer = Config::parse(b"version https://git-lfs.github.com/spec/v1\noid", "config.json");
        assert!(pointer.err().is_some_and(|error| error.to_string().contains("Git LFS")));
    }
}
