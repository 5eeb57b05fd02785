//! Which room may use which: the table of the library's front page, held against the paths in the source.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// A room, and the paths below the crate's root that it may use besides its own.
const ROOMS: [(&str, &[&str]); 13] = [
    ("bounded", &[]),
    ("kernels", &[]),
    ("attention", &["kernels"]),
    ("model", &["kernels", "attention", "bounded"]),
    ("worker", &["model", "attention"]),
    ("config", &["bounded"]),
    ("theme", &[]),
    ("app", &["attention", "worker::protocol", "config"]),
    ("ui", &["app", "attention", "config::keys", "theme", "worker::protocol"]),
    ("terminal", &["config::keys", "theme"]),
    (
        "runtime",
        &[
            "app",
            "attention",
            "bounded",
            "config",
            "export",
            "kernels",
            "model",
            "terminal",
            "theme",
            "ui",
            "worker",
        ],
    ),
    ("export", &["attention", "bounded", "theme"]),
    (
        "cli",
        &[
            "app",
            "attention",
            "bounded",
            "config",
            "export",
            "kernels",
            "model",
            "runtime",
            "terminal",
            "theme",
            "ui",
            "worker",
        ],
    ),
];

/// Lines a file may have.
const LONGEST_FILE: usize = 400;

/// Every file of `src` with its text.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_owned(), text)
    };
    found.into_iter().map(read).collect()
}

/// The module a file is: `["app", "state"]` for `app/state.rs`.
fn module(path: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// The paths from the crate's root that a source names, in `use` and elsewhere, groups taken apart.
fn paths(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap()).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        expand("", &code[at + "crate::".len()..], &mut found);
    }
    found
}

/// Reads one path of a `use` tree and returns what is behind it.
fn expand<'a>(prefix: &str, text: &'a str, found: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = expand(prefix, rest, found).trim_start();
            match rest.strip_prefix(',') {
                Some(next) if !next.trim_start().starts_with('}') => rest = next,
                Some(next) => return next.trim_start().strip_prefix('}').unwrap_or(next),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
    match rest.strip_prefix("::") {
        Some(deeper) => expand(&path, deeper, found),
        None => {
            found.push(path);
            rest
        }
    }
}

/// What of a file is against the table.
fn trespasses(module: &[String], text: &str) -> Vec<String> {
    let Some(room) = module.first() else { return Vec::new() };
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| name == room) else {
        return vec![format!("{room} is no room of the table")];
    };
    let mut found: Vec<String> = paths(text)
        .into_iter()
        .filter(|path| {
            let is_below = |room: &str| path == room || path.starts_with(&format!("{room}::"));
            let names_a_room = ROOMS.iter().any(|(name, _)| is_below(name));
            names_a_room && !is_below(room) && !allowed.iter().any(|allowed| is_below(allowed))
        })
        .map(|path| format!("{} uses {path}", module.join("::")))
        .collect();
    // From `a::b`, `super::super` is the crate's root.
    let to_root = format!("{}::", vec!["super"; module.len()].join("::"));
    for (other, _) in ROOMS {
        if other != room && text.contains(&format!("{to_root}{other}")) {
            found.push(format!(
                "{} leaves its room by {to_root}{other}: name it from crate::",
                module.join("::")
            ));
        }
    }
    found
}

#[test]
fn rooms_use_what_the_table_allows() {
    let found: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| path.components().count() > 1)
        .flat_map(|(path, text)| trespasses(&module(path), text))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_folder_is_a_room_and_every_room_is_there() {
    let mut rooms: Vec<String> = sources()
        .iter()
        .map(|(path, _)| module(path))
        .filter(|module| module.len() > 1)
        .map(|m| m[0].clone())
        .collect();
    rooms.sort();
    rooms.dedup();
    let mut table: Vec<&str> = ROOMS.iter().map(|(name, _)| *name).collect();
    table.sort_unstable();
    assert_eq!(rooms, table);
}

#[test]
fn no_file_does_the_work_of_two() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
    }
}

#[test]
fn a_trespass_is_found_however_it_is_written() {
    let in_app = ["app".to_owned(), "state".to_owned()];
    for (text, expected) in [
        ("use crate::ui;", "app::state uses ui"),
        ("use crate::{attention::View, theme::{Theme, Rgb}};", "app::state uses theme::Theme"),
        ("use crate::{\n    config,\n    model::Model,\n};", "app::state uses model::Model"),
        ("fn f() { crate::terminal::draw() }", "app::state uses terminal::draw"),
        ("use crate::worker::spawn;", "app::state uses worker::spawn"),
        ("use crate::worker::{protocol::Side, coordinator};", "app::state uses worker::coordinator"),
    ] {
        let found = trespasses(&in_app, text);
        assert_eq!(found.first().map(String::as_str), Some(expected), "{text}");
    }
    assert_eq!(trespasses(&in_app, "use super::super::ui::draw;").len(), 1);
    assert_eq!(trespasses(&["app".to_owned()], "use super::ui;").len(), 1);
    assert_eq!(trespasses(&["attic".to_owned()], "").len(), 1);
}

#[test]
fn what_is_allowed_is_not_found() {
    let in_app = ["app".to_owned(), "state".to_owned()];
    let text = "use crate::worker::protocol::{Event, Side};\nuse crate::{app::Action, attention};\n\
                // crate::ui is only talked about\nuse super::super::app::x;";
    assert_eq!(trespasses(&in_app, text), Vec::<String>::new());
}
