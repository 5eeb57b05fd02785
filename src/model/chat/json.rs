//! Values as Python's `json.dumps` writes them: templates show tools and contents in this way.

use std::fmt::Write as _;

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use super::bounds::count;

/// How deep lists and objects may lie in one another.
const DEEPEST: usize = 100;
/// Spaces of an indentation, at most.
const WIDEST: usize = 16;

/// How one is written.
#[derive(Debug)]
struct Style {
    ascii: bool,
    indent: Option<usize>,
    item: String,
    key: String,
    sorted: bool,
}

/// The filter `tojson`, with what transformers lets a template say.
pub fn tojson(state: &State<'_, '_>, value: Value, options: Kwargs) -> Result<String, Error> {
    let indent = options.get::<Option<usize>>("indent")?.map(|indent| indent.min(WIDEST));
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let (item, key) = match separators.as_deref() {
        Some([item, key]) => (item.clone(), key.clone()),
        Some(_) => return Err(invalid("tojson takes two separators")),
        None => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
    };
    let flag = |name| Ok::<_, Error>(options.get::<Option<bool>>(name)?.unwrap_or(false));
    let style = Style { ascii: flag("ensure_ascii")?, indent, item, key, sorted: flag("sort_keys")? };
    options.assert_all_used()?;
    count(state, &value)?;
    let mut out = String::new();
    write(state, &value, &style, 0, &mut out)?;
    Ok(out)
}

fn write(
    state: &State<'_, '_>,
    value: &Value,
    style: &Style,
    depth: usize,
    out: &mut String,
) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(invalid("tojson: too deep"));
    }
    let before = out.len();
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => out.push_str(&value.to_string()),
        ValueKind::String => write_text(value.as_str().unwrap_or_default(), style.ascii, out),
        ValueKind::Map => {
            let mut keys: Vec<Value> = value.try_iter()?.collect();
            if style.sorted {
                keys.sort();
            }
            write_items(state, ('{', '}'), keys, style, depth, out, |key, out| {
                write_text(&key.to_string(), style.ascii, out);
                out.push_str(&style.key);
                write(state, &value.get_item(key)?, style, depth + 1, out)
            })?;
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Vec<Value> = value.try_iter()?.collect();
            write_items(state, ('[', ']'), items, style, depth, out, |item, out| {
                write(state, item, style, depth + 1, out)
            })?;
        }
        kind => return Err(invalid(format!("tojson: {kind} is no JSON"))),
    }
    // What is written inside was charged for once per level, which bounds the depth as well.
    state.consume_fuel(1 + (out.len() - before) as u64 / 64)
}

fn write_items(
    state: &State<'_, '_>,
    (open, close): (char, char),
    items: Vec<Value>,
    style: &Style,
    depth: usize,
    out: &mut String,
    mut write: impl FnMut(&Value, &mut String) -> Result<(), Error>,
) -> Result<(), Error> {
    state.consume_fuel(items.len() as u64)?;
    let new_line = |depth: usize, out: &mut String| {
        if let Some(indent) = style.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    out.push(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(&style.item);
        }
        new_line(depth + 1, out);
        write(item, out)?;
    }
    if !items.is_empty() {
        new_line(depth, out);
    }
    out.push(close);
    Ok(())
}

fn write_text(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || ascii && !c.is_ascii() || ascii && c == '\u{7f}' => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a text never fails.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn invalid(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}
