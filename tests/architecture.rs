//! Which room may use which: the table of the library's front page, held against the paths in the source. And within
//! a room, no two files use each other, by whatever way: what both want is a file of its own, named by what it holds.

#![allow(clippy::unwrap_used)]

#[path = "architecture/graph.rs"]
mod graph;
#[path = "architecture/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use graph::Graph;
use source::{Segments, Source, Tests};

/// The page with the table.
const MAP: &str = include_str!("../src/lib.rs");

/// Rooms, and the paths below the crate's root that each may use besides its own: the first and the last column.
static ROOMS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let rows: Vec<(&str, &str)> = MAP
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`")?.strip_suffix(" |"))
        .filter_map(|row| Some((row.split_once('`')?.0, row.rsplit_once("| ")?.1)))
        .collect();
    let all_but = |left: &str| rows.iter().map(|row| row.0.to_owned()).filter(|room| room != left).collect();
    let allowed = |uses: &str| match uses {
        "nothing of ours" => vec![],
        "all" => all_but(""),
        _ => match uses.strip_prefix("all but ") {
            Some(room) => all_but(room),
            None => uses.split(", ").map(str::to_owned).collect(),
        },
    };
    rows.iter().map(|(room, uses)| ((*room).to_owned(), allowed(uses))).collect()
});

/// Lines a file may have.
const LONGEST_FILE: usize = 400;

/// Files that may say `#[allow(unsafe_code)]`: they map files, talk to a driver, or name instructions of a processor.
const UNSAFE: [&str; 10] = [
    "gpu/copies.rs",
    "gpu/device.rs",
    "gpu/kernels.rs",
    "kernels/amx/x86.rs",
    "kernels/cache.rs",
    "kernels/matmul.rs",
    "kernels/mxfp4/int8_dot/x86.rs",
    "model/device.rs",
    "model/weights/memmap/lost.rs",
    "model/weights/memmap/mod.rs",
];

/// What of a file is against the table.
fn trespasses(graph: &Graph, source: &Source) -> Vec<String> {
    let room = &source.module[0];
    let Some(allowed) = ROOMS.get(room) else {
        return vec![format!("{room} is no room of the table")];
    };
    let is_forbidden = |path: &String| {
        let is_below = |room: &str| path == room || path.starts_with(&format!("{room}::"));
        let names_a_room = ROOMS.keys().any(|name| is_below(name));
        names_a_room && !is_below(room) && !allowed.iter().any(|allowed| is_below(allowed))
    };
    let paths = graph.paths(source, true);
    let paths = paths.iter().map(|path| path.join("::")).filter(is_forbidden);
    paths.map(|path| format!("{} uses {path}", source.module.join("::"))).collect()
}

/// One line per file on a circle: whom of the circle it uses.
fn describe(graph: &Graph) -> Vec<String> {
    let line = |(module, used): (&Segments, &BTreeSet<Segments>)| {
        let used: Vec<String> = used.iter().map(|module| module.join("::")).collect();
        format!("{} -> {}", module.join("::"), used.join(", "))
    };
    let circles = graph.circles();
    circles.iter().flat_map(|circle| circle.iter().map(line).collect::<Vec<_>>()).collect()
}

/// The crate of these files.
fn graph(files: &[(&str, &str)], tests: Tests) -> Graph {
    Graph::new(files.iter().map(|(path, text)| source::parse(Path::new(path), text, tests)).collect())
}

#[test]
fn rooms_use_what_the_table_allows() {
    let graph = Graph::new(source::read_all(Tests::Included));
    let found: Vec<String> = graph.sources().flat_map(|source| trespasses(&graph, source)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_table_is_read() {
    let uses = |room: &str| ROOMS[room].join(" ");
    assert_eq!(
        (uses("kernels"), uses("terminal")),
        (String::new(), "config::keys theme vocabulary".to_owned())
    );
    assert_eq!((ROOMS["cli"].len(), ROOMS["runtime"].len()), (ROOMS.len(), ROOMS.len() - 1));
    let declared = MAP.lines().filter(|line| line.starts_with("pub mod ")).count();
    assert_eq!(ROOMS.len(), declared);
}

#[test]
fn every_room_of_the_table_is_there() {
    let sources = source::read_all(Tests::Included);
    for room in ROOMS.keys() {
        assert!(sources.iter().any(|source| source.module[0] == *room), "there is no room {room}");
    }
}

#[test]
fn no_file_does_the_work_of_two() {
    for source in source::read_all(Tests::Included) {
        assert!(source.lines <= LONGEST_FILE, "{} has {} lines", source.path.display(), source.lines);
    }
}

#[test]
fn unsafe_code_is_where_the_list_says() {
    let sources = source::read_all(Tests::Included);
    let found = sources.iter().filter(|source| source.allows_unsafe);
    let found: Vec<String> = found.map(|source| source.path.display().to_string()).collect();
    assert_eq!(found, UNSAFE);
}

#[test]
fn no_files_use_each_other() {
    let lines = describe(&Graph::new(source::read_all(Tests::Left)));
    assert!(lines.is_empty(), "these files are on a circle, each with whom it uses:\n{}", lines.join("\n"));
}

#[test]
fn a_trespass_is_found_however_it_is_written() {
    for (text, expected) in [
        ("use crate::ui;", "app::state uses ui"),
        ("use crate::{attention::View, theme::{Theme, Rgb}};", "app::state uses theme::Theme"),
        ("use crate::{\n    config,\n    model::Model,\n};", "app::state uses model::Model"),
        ("fn f() { crate::terminal::draw() }", "app::state uses terminal::draw"),
        ("fn f() { println!(\"{}\", crate::terminal::width()) }", "app::state uses terminal::width"),
        ("#[arg(value_parser = crate::cli::parse)]\nstruct Size;", "app::state uses cli::parse"),
        ("use crate::worker::spawn;", "app::state uses worker::spawn"),
        ("pub use crate::worker::{protocol::Slot, coordinator};", "app::state uses worker::coordinator"),
        ("use super::super::ui::draw;", "app::state uses ui::draw"),
        ("#[cfg(test)]\nmod tests { use crate::ui::draw; }", "app::state uses ui::draw"),
    ] {
        let graph = graph(&[("app/state.rs", text)], Tests::Included);
        let found: Vec<String> = graph.sources().flat_map(|source| trespasses(&graph, source)).collect();
        assert_eq!(found.first().map(String::as_str), Some(expected), "{text}");
    }
    let outside = graph(&[("app/mod.rs", "use super::ui;"), ("attic.rs", "")], Tests::Included);
    assert!(outside.sources().all(|source| trespasses(&outside, source).len() == 1));
}

#[test]
fn what_is_allowed_is_not_found() {
    let text = "use crate::worker::protocol::{Event, Slot};\nuse crate::{app::Action, attention};\n\
                // crate::ui is only talked about\nuse super::super::app::x;\n\
                /// As crate::ui does.\nconst NAME: &str = \"crate::ui\";";
    let graph = graph(&[("app/state.rs", text)], Tests::Included);
    assert!(graph.sources().all(|source| trespasses(&graph, source).is_empty()));
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let (a, b) = ("pub struct A;\nuse super::b::B;", "pub struct B;");
    for back in [
        "use super::a::A;",
        "use crate::app::a::A as Other;",
        "use crate::{app::{a::{self}}};\nfn f() -> a::A { a::A }",
        "use super::*;\nfn f(_: A) {}\nuse super::a::*;",
        "fn f() { println!(\"{}\", super::a::A::NAME) }",
        "fn f(_: Vec<super::a::A>) {}",
        "use super::A;",
        "use super::Renamed;",
        "mod inner { use super::super::a::A; }",
        "pub use super::a::A;\nfn f(_: A) {}",
        "use super::c::C;",
    ] {
        let root = "mod a;\nmod b;\nmod c;\npub use a::A;\npub use a::A as Renamed;";
        let files = [
            ("app/mod.rs", root),
            ("app/a.rs", a),
            ("app/b.rs", &format!("{b}\n{back}")),
            ("app/c.rs", "pub struct C;\nuse super::a::A;"),
        ];
        let circles = graph(&files, Tests::Left).circles();
        assert_eq!(circles.len(), 1, "{back}");
        let members: Vec<String> = circles[0].keys().map(|module| module.join("::")).collect();
        assert!(members.starts_with(&["app::a".to_owned(), "app::b".to_owned()]), "{back}: {members:?}");
    }
}

#[test]
fn what_is_no_circle_is_not_found() {
    for (parent, child) in [
        // A folder's front hands its children's things on, and a child takes its brother's from there.
        ("mod child;\nmod other;\npub use child::Child;\npub use other::Thing;", "use super::Thing;"),
        ("mod child;\nmod other;\npub use child::*;\npub use other::*;", "use super::Thing;"),
        // Only tests look back.
        (
            "mod child;\npub fn f() {}\nfn g(_: child::Child) {}",
            "#[cfg(test)]\nmod tests { use super::super::f; }",
        ),
        ("mod child;\npub fn f() {}\nfn g(_: child::Child) {}", "#[cfg(test)]\nmod tests;"),
        // A local variable has the name of an import.
        ("mod child;\npub struct Top;\npub use child::run;\nfn f(run: u8) -> u8 { run }", "use super::Top;"),
        ("mod child;\npub struct Top;\nuse child::Child;\nfn f(_: Child) {}", "// use super::Top;"),
    ] {
        let files = [
            ("app/mod.rs", parent),
            ("app/child.rs", &format!("pub struct Child;\npub fn run() {{}}\n{child}")),
            ("app/child/tests.rs", "use super::super::f;"),
            ("app/other.rs", "pub struct Thing;"),
        ];
        let graph = graph(&files, Tests::Left);
        assert_eq!(describe(&graph), Vec::<String>::new(), "{parent}\n{child}");
    }
}
