//! Changes of a file: of its bytes, of its words, and of its values where it is JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Something that is done to a file.
#[derive(Debug, Clone)]
pub enum Change {
    /// A value of JSON becomes another one.
    Value {
        at: u16,
        to: u8,
    },
    /// A value of JSON becomes one of the same file.
    Move {
        at: u16,
        from: u16,
    },
    /// A value of JSON is left out.
    Leave {
        at: u16,
    },
    /// A word or number becomes another one.
    Word {
        at: u16,
        to: u8,
    },
    Flip {
        at: u32,
        bit: u8,
    },
    Insert {
        at: u32,
        bytes: Vec<u8>,
    },
    Remove {
        at: u32,
        count: u16,
    },
    Repeat {
        at: u32,
        count: u8,
        times: u8,
    },
    Cut {
        at: u32,
    },
}

/// Words that mean something somewhere.
const WORDS: [&str; 40] = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "0.5",
    "-0.0",
    "1e308",
    "1e-320",
    "-1e30",
    "65536",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "NaN",
    "nan",
    "inf",
    "Infinity",
    "null",
    "true",
    "false",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{0}",
    "é",
    "日本",
    "🙂",
    "\u{feff}",
    "\\u0000",
    "\\ud800",
    "#",
    "=",
    "\n",
    "head:0.0",
];

fn values() -> Vec<Value> {
    let mut values: Vec<Value> =
        vec![json!(null), json!([]), json!({}), json!([0]), json!([[]]), json!([null, "a", -1])];
    values.extend([true, false].map(|value| json!(value)));
    values.extend(
        [0, 1, 2, 3, 8, 65_536, 1 << 31, 1 << 32, 1 << 40, 1 << 53, 1 << 63, u64::MAX]
            .map(|value| json!(value)),
    );
    values.extend([-1, -2, i64::MIN].map(|value| json!(value)));
    values.extend([0.5, -0.5, 1.5, 1e-320, 1e-30, 1e30, 1e300, -1e300].map(|value| json!(value)));
    values.extend(
        [
            "",
            "x",
            "0",
            "-1",
            "1e400",
            "\u{1b}]52;c;eA==\u{7}",
            "\u{202e}",
            "a\u{0}b",
            "\n",
            "🙂",
            "▁",
            "<0x00>",
            "\\",
            "(",
            "(?!)+*",
        ]
        .map(|value| json!(value)),
    );
    values.push(json!("x".repeat(5000)));
    values.push((0..100).fold(json!(1), |inner, _| json!([inner])));
    values
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => any::<(u16, u8)>().prop_map(|(at, to)| Change::Value { at, to }),
        2 => any::<(u16, u16)>().prop_map(|(at, from)| Change::Move { at, from }),
        2 => any::<u16>().prop_map(|at| Change::Leave { at }),
        4 => any::<(u16, u8)>().prop_map(|(at, to)| Change::Word { at, to }),
        2 => any::<(u32, u8)>().prop_map(|(at, bit)| Change::Flip { at, bit }),
        1 => (any::<u32>(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Change::Insert { at, bytes }),
        1 => any::<(u32, u16)>().prop_map(|(at, count)| Change::Remove { at, count: count % 64 }),
        1 => any::<(u32, u8, u8)>().prop_map(|(at, count, times)| Change::Repeat { at, count, times: times % 32 }),
        1 => any::<u32>().prop_map(|at| Change::Cut { at }),
    ]
}

/// Some changes, at least one.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(change(), 1..6)
}

/// A file with these changes: first those of JSON, if it is some.
pub fn apply(changes: &[Change], seed: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    if let Ok(mut json) = serde_json::from_slice::<Value>(&bytes)
        && changes
            .iter()
            .any(|change| matches!(change, Change::Value { .. } | Change::Move { .. } | Change::Leave { .. }))
    {
        changes.iter().for_each(|change| apply_to_json(change, &mut json));
        bytes = serde_json::to_vec(&json).unwrap();
    }
    changes.iter().for_each(|change| apply_to_bytes(change, &mut bytes));
    bytes
}

fn apply_to_json(change: &Change, json: &mut Value) {
    let pointers = pointers(json);
    let pointer = |at: u16| pointers[usize::from(at) % pointers.len()].clone();
    match change {
        Change::Value { at, to } => {
            let values = values();
            *json.pointer_mut(&pointer(*at)).unwrap() = values[usize::from(*to) % values.len()].clone();
        }
        Change::Move { at, from } => {
            let value = json.pointer(&pointer(*from)).unwrap().clone();
            *json.pointer_mut(&pointer(*at)).unwrap() = value;
        }
        Change::Leave { at } => {
            let pointer = pointer(*at);
            let Some((parent, key)) = pointer.rsplit_once('/') else { return };
            match json.pointer_mut(parent).unwrap() {
                Value::Object(fields) => {
                    fields.remove(&key.replace("~1", "/").replace("~0", "~"));
                }
                Value::Array(values) => {
                    values.remove(key.parse().unwrap());
                }
                _ => unreachable!("only these have parts"),
            }
        }
        _ => {}
    }
}

/// Where every value is. Of long lists the first ones are enough.
fn pointers(json: &Value) -> Vec<String> {
    const LISTED: usize = 24;
    fn walk(value: &Value, path: String, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields.iter().take(LISTED) {
                    walk(value, format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
                }
            }
            Value::Array(values) => {
                for (at, value) in values.iter().enumerate().take(LISTED) {
                    walk(value, format!("{path}/{at}"), found);
                }
            }
            _ => {}
        }
        found.push(path);
    }
    let mut found = Vec::new();
    walk(json, String::new(), &mut found);
    found
}

fn apply_to_bytes(change: &Change, bytes: &mut Vec<u8>) {
    let place = |at: u32, len: usize| at as usize % (len + 1);
    match change {
        Change::Word { at, to } => {
            let words = words(bytes);
            if !words.is_empty() {
                let range = words[usize::from(*at) % words.len()].clone();
                bytes.splice(range, WORDS[usize::from(*to) % WORDS.len()].bytes());
            }
        }
        Change::Flip { at, bit } => {
            let at = place(*at, bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Change::Insert { at, bytes: new } => {
            let at = place(*at, bytes.len());
            bytes.splice(at..at, new.iter().copied());
        }
        Change::Remove { at, count } => {
            let at = place(*at, bytes.len());
            let end = bytes.len().min(at + usize::from(*count));
            bytes.drain(at..end);
        }
        Change::Repeat { at, count, times } => {
            let at = place(*at, bytes.len());
            let end = bytes.len().min(at + usize::from(*count));
            let repeated = bytes[at..end].repeat(usize::from(*times));
            bytes.splice(end..end, repeated);
        }
        Change::Cut { at } => bytes.truncate(place(*at, bytes.len())),
        Change::Value { .. } | Change::Move { .. } | Change::Leave { .. } => {}
    }
}

/// Where words and numbers are, those of the first bytes of a long file.
fn words(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut words: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, byte) in bytes.iter().enumerate().take(4096) {
        if byte.is_ascii_alphanumeric() || b"._-+".contains(byte) {
            match words.last_mut().filter(|word| word.end == at) {
                Some(word) => word.end += 1,
                None => words.push(at..at + 1),
            }
        }
    }
    words
}
