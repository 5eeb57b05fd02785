//! The README's tour works literally: its steps are read from the README and typed into the real program.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use support::terminal::Terminal;

#[path = "support"]
mod support {
    pub mod patience;
    pub mod terminal;
}

const README: &str = include_str!("../README.md");

/// What a reader of a step does, or looks for.
#[derive(Debug, PartialEq)]
enum Part {
    /// Press a key: `` `Enter` ``.
    Press(String),
    /// Type a text: `*text*` after the word "type".
    Type(String),
    /// See this on the screen: `“text”`.
    See(String),
}

/// The steps of the tour, each as one line.
fn steps() -> Vec<String> {
    let tour = README.split("\n## Two minutes\n").nth(1).unwrap();
    let tour = tour.split("\n##").next().unwrap().split("\n![").next().unwrap();
    let mut steps: Vec<String> = Vec::new();
    for line in tour.lines().map(str::trim) {
        let number = line.split_once(". ").filter(|(number, _)| number.parse::<usize>().is_ok());
        match (number, steps.last_mut()) {
            (Some((_, text)), _) => steps.push(text.to_owned()),
            (None, Some(step)) => *step = format!("{step} {line}"),
            (None, None) => {}
        }
    }
    steps
}

/// A step's parts, in the order of the text.
fn parts(step: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = step;
    while let Some(at) = rest.find(['`', '*', '“']) {
        let (before, found) = rest.split_at(at);
        let mark = found.chars().next().unwrap();
        let end = if mark == '“' { '”' } else { mark };
        let (text, after) = found[mark.len_utf8()..].split_once(end).unwrap();
        match mark {
            '`' => parts.push(Part::Press(text.to_owned())),
            '“' => parts.push(Part::See(text.to_owned())),
            _ if before.to_lowercase().ends_with("type ") => parts.push(Part::Type(text.to_owned())),
            _ => {}
        }
        rest = after;
    }
    parts
}

/// What a terminal sends for a key as the README names it.
fn bytes(key: &str) -> &str {
    match key {
        "Enter" => "\r",
        "Esc" => "\x1b",
        "Space" => " ",
        "Tab" => "\t",
        "↑" => "\x1b[A",
        "↓" => "\x1b[B",
        "→" => "\x1b[C",
        "←" => "\x1b[D",
        key => {
            assert_eq!(key.chars().count(), 1, "the tour names a key {key:?} that this test can't press");
            key
        }
    }
}

#[test]
fn a_step_is_read_as_a_reader_does() {
    let step = "Press `i`. Type *a cat* and press `Enter`: “a cat” (the *query*).";
    let [press, see] = [Part::Press, Part::See];
    assert_eq!(
        parts(step),
        [press("i".into()), Part::Type("a cat".into()), press("Enter".into()), see("a cat".into())]
    );
}

#[test]
fn every_step_of_the_tour_does_what_it_says() {
    let steps = steps();
    assert!(steps.len() >= 6, "the README has a tour: {steps:?}");
    let seen = steps.iter().flat_map(|step| parts(step)).filter(|part| matches!(part, Part::See(_)));
    assert!(seen.count() >= 6, "the tour says what is to be seen: {steps:?}");
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    for step in &steps {
        for part in parts(step) {
            match part {
                Part::Press(key) if key == "q" => {
                    terminal.keys(bytes(&key));
                    assert_eq!(terminal.wait_for_end(), 0);
                    terminal.assert_restored();
                }
                Part::Press(key) => {
                    terminal.keys(bytes(&key));
                    // A lone Esc must not become the beginning of the next key.
                    if key == "Esc" {
                        terminal.wait_until_read();
                        std::thread::sleep(Duration::from_millis(150));
                    }
                }
                Part::Type(text) => {
                    terminal.keys(&text);
                    let written = format!("❯ {text}");
                    terminal.wait_until(&format!("{step}\nonly {text:?} is in the editor"), |screen| {
                        screen
                            .contents()
                            .lines()
                            .any(|line| line.trim_end_matches(['│', ' ']).ends_with(&written))
                    });
                }
                Part::See(text) => terminal.wait_until(&format!("{step}\n“{text}”"), |screen| {
                    let contents = screen.contents();
                    contents.contains(&text) && !contents.contains("running")
                }),
            }
        }
    }
    assert!(steps.last().unwrap().contains("`q`"), "the tour ends with q");
}
