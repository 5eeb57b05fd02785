//! Segments that somebody names: bytes of the prompt, from a file.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, MOST_SPANS};
use super::error::SegmentsError;
use super::stretch::{short, short_line};

/// A named stretch of the prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with name, start and end")]
pub struct NamedSpan {
    /// Stretches of one name are one segment.
    pub name: String,
    /// Its first byte.
    pub start: usize,
    /// The byte after its last one.
    pub end: usize,
}

/// Named stretches of a prompt that don't overlap, as they are given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<NamedSpan>", into = "Vec<NamedSpan>")]
pub struct NamedSpans(Vec<NamedSpan>);

impl NamedSpans {
    /// From JSON: `[{"name": "question", "start": 0, "end": 12}]`, in any order.
    ///
    /// # Errors
    /// What is wrong, at which entry, and what would be right.
    pub fn from_json(text: &str) -> Result<Self, SegmentsError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let spans: Vec<NamedSpan> = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| SegmentsError::NotRead(describe(&error)))?;
        reader.end().map_err(|error| SegmentsError::NotRead(error.to_string()))?;
        Self::try_from(spans)
    }

    /// Each with its number in the file, from 1, in the order of their bytes.
    pub fn in_order(&self) -> Vec<(usize, &NamedSpan)> {
        let mut spans: Vec<(usize, &NamedSpan)> = (1..).zip(&self.0).collect();
        spans.sort_by_key(|(_, span)| span.start);
        spans
    }
}

impl TryFrom<Vec<NamedSpan>> for NamedSpans {
    type Error = SegmentsError;

    fn try_from(spans: Vec<NamedSpan>) -> Result<Self, Self::Error> {
        if spans.is_empty() {
            return Err(SegmentsError::None);
        }
        if spans.len() > MOST_SPANS {
            return Err(SegmentsError::TooMany(spans.len()));
        }
        let spans = Self(spans);
        let in_order = spans.in_order();
        for (entry, span) in &in_order {
            if span.name.trim().is_empty() {
                return Err(SegmentsError::NoName { entry: *entry });
            }
            if span.start >= span.end {
                let (start, end) = (span.start, span.end);
                return Err(SegmentsError::Empty { entry: Entry::new(*entry, &span.name), start, end });
            }
        }
        for pair in in_order.windows(2) {
            let [(first, before), (second, after)] = pair else { continue };
            if after.start < before.end {
                let entries =
                    [(first, before), (second, after)].map(|(at, span)| Entry::new(*at, &span.name));
                return Err(SegmentsError::Overlap { entries, byte: after.start });
            }
        }
        Ok(spans)
    }
}

impl From<NamedSpans> for Vec<NamedSpan> {
    fn from(spans: NamedSpans) -> Self {
        spans.0
    }
}

/// What serde says, with the entry counted from 1, and its key.
fn describe(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    use serde_path_to_error::Segment;
    let mut place = String::new();
    for part in error.path() {
        match part {
            Segment::Seq { index } if place.is_empty() => place = format!("entry {}", index + 1),
            Segment::Map { key } => place = format!("{place}, \"{}\"", short(key)),
            _ => {}
        }
    }
    let what = short_line(&error.inner().to_string());
    if place.is_empty() { what } else { format!("{place}: {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(json: &str) -> String {
        NamedSpans::from_json(json).unwrap_err().to_string()
    }

    #[test]
    fn a_file_of_any_order_is_put_in_order() {
        let json = r#"[{"name": "b", "start": 4, "end": 6}, {"name": "a", "start": 0, "end": 4}]"#;
        let spans = NamedSpans::from_json(json).unwrap();
        let names: Vec<(usize, &str)> =
            spans.in_order().iter().map(|(at, span)| (*at, span.name.as_str())).collect();
        assert_eq!(names, [(2, "a"), (1, "b")]);
        let back = serde_json::to_string(&spans).unwrap();
        assert_eq!(NamedSpans::from_json(&back).unwrap(), spans);
    }

    #[test]
    fn what_is_wrong_names_the_entry_and_the_fix() {
        let of = |json: &str, says: &[&str]| {
            let error = wrong(json);
            assert!(says.iter().all(|part| error.contains(part)), "{error}");
            assert!(!error.contains('\n'), "{error}");
        };
        of("[]", &["names no segment", "write [{"]);
        of("{}", &["invalid type", "write [{"]);
        of("[1]", &["entry 1", "an object with name, start and end"]);
        of(r#"[{"name": "a", "start": NaN, "end": 2}]"#, &["entry 1, \"start\"", "expected value"]);
        of(r#"[{"name": "a", "start": -1, "end": 2}]"#, &["entry 1, \"start\"", "-1"]);
        of(r#"[{"name": "a", "start": 0.5, "end": 2}]"#, &["entry 1, \"start\"", "0.5"]);
        of(r#"[{"name": "a", "start": 0, "end": 1e99}]"#, &["entry 1, \"end\""]);
        of(r#"[{"name": "a", "start": 0}]"#, &["entry 1", "missing field `end`"]);
        of(r#"[{"name": "a", "start": 0, "end": 2, "last": 3}]"#, &["entry 1", "unknown field `last`"]);
        of(r#"[{"name": "a", "start": 0, "end": 2}] x"#, &["trailing characters"]);
        of(r#"[{"name": " ", "start": 0, "end": 2}]"#, &["entry 1 has no name"]);
        of(r#"[{"name": "a", "start": 3, "end": 3}]"#, &["entry 1 (\"a\")", "from byte 3 to 3"]);
        of(r#"[{"name": "a", "start": 4, "end": 3}]"#, &["entry 1 (\"a\")", "from byte 4 to 3"]);
        let overlap = r#"[{"name": "b", "start": 3, "end": 9}, {"name": "a", "start": 0, "end": 4}]"#;
        of(overlap, &["entry 2 (\"a\") and entry 1 (\"b\") overlap at byte 3"]);
        let entry = |at: usize| format!(r#"{{"name": "a", "start": {at}, "end": {}}}"#, at + 1);
        let many: Vec<String> = (0..=MOST_SPANS).map(entry).collect();
        of(&format!("[{}]", many.join(",")), &["1001 segments", "at most 1000"]);
        let long = format!(r#"[{{"name": "{}\u001b[2J", "start": 3, "end": 3}}]"#, "x".repeat(5000));
        assert!(wrong(&long).len() < 200 && !wrong(&long).contains('\u{1b}'));
    }
}
