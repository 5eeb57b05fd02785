//! JSON as Python's `json` writes it: with `NaN`, `Infinity` and `-Infinity` where a number may stand.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// What such a literal becomes: a string that no other value is, so that a key that is read can be told from one
/// that nobody reads.
const MARK: char = '\u{0}';

/// The literals; the longer one first.
const LITERALS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// The same JSON with each literal that only Python knows as a marked string.
pub fn without_literals(json: &[u8]) -> Cow<'_, [u8]> {
    let (mut out, mut copied, mut at) = (Vec::new(), 0, 0);
    let mut in_string = false;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'N' | b'I' | b'-' if !in_string => {
                let rest = &json[at..];
                if let Some(literal) = LITERALS.iter().find(|literal| rest.starts_with(literal.as_bytes())) {
                    out.extend_from_slice(&json[copied..at]);
                    out.extend_from_slice(format!("\"\\u{:04x}{literal}\"", MARK as u32).as_bytes());
                    at += literal.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.extend_from_slice(&json[copied..]);
    Cow::Owned(out)
}

/// The literal that a string stands for, if it stands for one.
pub fn literal(text: &str) -> Option<&str> {
    text.strip_prefix(MARK).filter(|text| LITERALS.contains(text))
}

/// A JSON object with its keys as they are written: of tokens the order is their ids, of patterns which counts.
#[derive(Debug, Clone, Default)]
pub struct Ordered(pub Vec<(String, Value)>);

impl Ordered {
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Ordered;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_python_become_marked_strings() {
        let json = br#"{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" Infinity", "d": -1}"#;
        let value: Value = serde_json::from_slice(&without_literals(json)).unwrap();
        let marked = |value: &Value| literal(value.as_str().unwrap()).map(str::to_owned);
        assert_eq!(marked(&value["a"]).as_deref(), Some("NaN"));
        assert_eq!(marked(&value["b"][0]).as_deref(), Some("-Infinity"));
        assert_eq!(marked(&value["b"][1]).as_deref(), Some("Infinity"));
        assert_eq!((marked(&value["c"]), value["c"].as_str()), (None, Some("NaN \" Infinity")));
        assert_eq!(value["d"], -1);
    }

    #[test]
    fn what_has_none_is_left_as_it_is() {
        for json in ["{\"Infinity\": \"NaN\"}", "{\"a\\\\\": 1, \"\\\"NaN\": 2}", "", "\"NaN", "\"\\"] {
            assert!(matches!(without_literals(json.as_bytes()), Cow::Borrowed(_)), "{json}");
        }
    }
}
