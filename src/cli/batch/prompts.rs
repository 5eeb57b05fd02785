//! A file of many prompts: a line each, or a JSON object each.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::bounded;
use crate::cli::failure::Failure;

/// Bytes of a file of prompts, at most.
const MOST: u64 = 1 << 30;

/// A prompt of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What it is called: as the file says, else the number of its line.
    pub id: String,
    /// Its text.
    pub text: String,
}

/// A line that is no prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong, and what it should be.
    pub why: String,
}

/// An object of a line.
#[derive(Deserialize)]
struct Object {
    id: Option<Value>,
    text: String,
}

/// The prompts of a file, and the lines that are none; `-` is standard input. Empty lines say nothing.
///
/// # Errors
/// If the file can't be read, or has no prompt.
pub fn read(path: &Path) -> Result<(Vec<Prompt>, Vec<BadLine>), Failure> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let failed = |why: String| Failure::Failed(format!("--prompts {name}: {why}"));
    let bytes = match path == Path::new("-") {
        true => {
            let mut bytes = Vec::new();
            io::stdin().lock().take(MOST).read_to_end(&mut bytes).map(|_| bytes)
        }
        false => bounded::read(path, MOST),
    };
    let bytes = bytes.map_err(|error| failed(error.to_string()))?;
    let (prompts, bad) = parse(&bytes);
    match (prompts.is_empty(), bad.first()) {
        (true, None) => Err(failed("no prompts: write one on each line, or {\"text\": \"…\"}".to_owned())),
        (true, Some(BadLine { line, why })) => {
            Err(failed(format!("no line is a prompt: line {line}: {why}")))
        }
        _ => Ok((prompts, bad)),
    }
}

/// Where the first line that says something begins like an object, all lines are objects.
fn parse(bytes: &[u8]) -> (Vec<Prompt>, Vec<BadLine>) {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let is_json = lines.clone().next().is_some_and(|(_, line)| line.trim_ascii_start().starts_with(b"{"));
    let (mut prompts, mut bad, mut ids) = (Vec::new(), Vec::new(), HashSet::new());
    for (at, line) in lines {
        let line_number = at + 1;
        match prompt(line, line_number, is_json) {
            Ok(prompt) if ids.insert(prompt.id.clone()) => prompts.push(prompt),
            Ok(Prompt { id, .. }) => {
                let why = format!("an earlier line has the id {id:?} as well: give it another one");
                bad.push(BadLine { line: line_number, why });
            }
            Err(why) => bad.push(BadLine { line: line_number, why }),
        }
    }
    (prompts, bad)
}

/// What is wrong in a line: the parser has seen this line only, and counts it as the first one of a file.
fn in_its_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map_or(text.clone(), |why| format!("{why} at column {}", error.column()))
}

fn prompt(line: &[u8], number: usize, is_json: bool) -> Result<Prompt, String> {
    let line = str::from_utf8(line).map_err(|_| "this is no UTF-8".to_owned())?;
    if line.contains('\0') {
        return Err("this has a zero byte: write text".to_owned());
    }
    if !is_json {
        if serde_json::from_str::<Object>(line).is_ok() {
            let why =
                "this is a JSON object, and the first line is none: write all lines as objects, or none";
            return Err(why.to_owned());
        }
        return Ok(Prompt { id: number.to_string(), text: line.to_owned() });
    }
    let Object { id, text } = serde_json::from_str(line).map_err(|error| {
        format!("{}: write {{\"text\": \"…\"}}, with an \"id\" if you like", in_its_line(&error))
    })?;
    let id = match id {
        None | Some(Value::Null) => number.to_string(),
        Some(Value::String(id)) => id,
        Some(Value::Number(id)) => id.to_string(),
        Some(_) => return Err("\"id\" is a text or a number".to_owned()),
    };
    if text.is_empty() { Err("\"text\" is empty".to_owned()) } else { Ok(Prompt { id, text }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<(String, String)>, Vec<usize>) {
        let (prompts, bad) = parse(bytes);
        let prompts = prompts.into_iter().map(|prompt| (prompt.id, prompt.text)).collect();
        (prompts, bad.into_iter().map(|bad| bad.line).collect())
    }

    fn pair(id: &str, text: &str) -> (String, String) {
        (id.to_owned(), text.to_owned())
    }

    #[test]
    fn a_line_is_a_prompt_as_it_stands() {
        let found = read("\u{feff}one\r\n\n  two {\n\t\nthree".as_bytes());
        assert_eq!(found, (vec![pair("1", "one"), pair("3", "  two {"), pair("5", "three")], vec![]));
        assert_eq!(read(b"a\n\xff\nb"), (vec![pair("1", "a"), pair("3", "b")], vec![2]));
        assert_eq!(read(b"\n \n"), (vec![], vec![]));
        let mixed = read(b"a\n{\"text\": \"b\"}\nc\0\n{x}");
        assert_eq!(mixed, (vec![pair("1", "a"), pair("4", "{x}")], vec![2, 3]));
    }

    #[test]
    fn an_object_has_a_text_and_perhaps_an_id() {
        let file = r#"{"id": "a", "text": "one\ntwo", "more": 1}
{"text": "x"}
{"id": 7, "text": "y"}
{"id": "a", "text": "again"}
{"id": [], "text": "z"}
{"id": "b"}
{"text": ""}
text
{"text": 1}"#;
        let why = &parse(file.as_bytes()).1[2].why;
        assert!(why.contains("missing field `text` at column 11: write"), "one number of a line: {why}");
        let (prompts, bad) = read(file.as_bytes());
        assert_eq!(prompts, [pair("a", "one\ntwo"), pair("2", "x"), pair("7", "y")]);
        assert_eq!(bad, [4, 5, 6, 7, 8, 9]);
    }
}
