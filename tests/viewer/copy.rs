//! What the clipboard gets.

use attnscope::app::{Effect, State};

use crate::fixture::*;

fn copied(effects: &[Effect]) -> &str {
    match effects {
        [Effect::Copy(text)] => text,
        other => panic!("{other:?}"),
    }
}

/// Lines and their columns.
fn table(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split('\t').collect()).collect()
}

#[test]
fn a_row_is_copied_as_it_is_shown() {
    let mut state = captured();
    press(&mut state, "tab up up up up");
    let raw = press(&mut state, "y");
    let lines = table(copied(&raw));
    assert_eq!(lines.iter().map(|line| line[0]).collect::<Vec<_>>(), ["key", "sink", "write"]);
    assert_eq!(lines[0][1], "write");
    let sum: f32 = lines[1..].iter().map(|line| line[1].parse::<f32>().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5);
    assert_eq!(copied(&press(&mut state, "n y")), "key\twrite\nwrite\t1\n");
    assert!(press(&mut started(), "y").is_empty());
}

#[test]
fn a_matrix_is_copied_with_its_labels_and_nothing_for_the_future() {
    let mut state = captured();
    press(&mut state, "tab");
    let raw = press(&mut state, "Y");
    let lines = table(copied(&raw));
    assert_eq!(lines[0], ["query", "sink", "write", "a", "story", "about", "AI"]);
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [7; 6]);
    assert_eq!(lines.iter().map(|line| line[0]).collect::<Vec<_>>()[1..], lines[0][2..]);
    for (query, line) in lines[1..].iter().enumerate() {
        let sum: f32 = line[1..=query + 2].iter().map(|value| value.parse::<f32>().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{line:?}");
        assert!(line[query + 3..].iter().all(|value| value.is_empty()), "{line:?}");
    }
    let without_first = press(&mut state, "n n Y");
    let lines = table(copied(&without_first));
    assert_eq!((lines[0][1], &lines[1][1..]), ("write", &["", "", "", "", ""][..]));
    assert_eq!(state.note.as_deref(), Some("matrix sent to the terminal's clipboard"));
    assert!(press(&mut started(), "Y").is_empty());
}

#[test]
fn what_a_terminal_would_drop_is_not_sent() {
    let mut state: State = loaded();
    captured_as(&mut state, &["the"; 400], &["the"; 400]);
    assert!(press(&mut state, "Y").is_empty());
    let note = state.note.clone().unwrap();
    assert!(note.contains("too long") && note.contains("74.0 kB"), "{note}");
    assert!(!press(&mut state, "end y").is_empty());
}
