//! What floods, large files and waiting cost, and how soon the viewer ends. Prints a table, and holds nothing up: times
//! are those of the machine, and of a build without debug assertions if they are to say anything:
//!
//!     cargo build --release
//!     ATTNSCOPE=target/release/attnscope cargo test --test figures -- --ignored --nocapture

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::terminal::{BINARY, Terminal};

#[path = "support"]
mod support {
    pub mod patience;
    pub mod terminal;
}

const WORDS: &str = "lorem ipsum dolor ";
/// The answer to the last question that a terminal is asked, without delay.
const ANSWERS: [(&str, Duration, &str); 1] = [("\x1b[c", Duration::ZERO, "\x1b[?62;22c")];

/// A way out: its name, and what leads there.
type Way = (&'static str, fn(&mut Terminal));

fn binary() -> String {
    std::env::var("ATTNSCOPE").unwrap_or_else(|_| BINARY.to_owned())
}

fn viewer(arguments: &[&str]) -> Terminal {
    let terminal =
        Terminal::answering(&fs::canonicalize(binary()).unwrap().to_string_lossy(), arguments, &[], &ANSWERS);
    terminal.wait_for_both();
    terminal
}

/// Waits until the program computes nothing any more; returns how long it has computed since `before`.
fn settled(terminal: &Terminal, before: Duration) -> f64 {
    let mut last = terminal.cpu();
    loop {
        thread::sleep(Duration::from_millis(300));
        let now = terminal.cpu();
        if now.saturating_sub(last) <= Duration::from_millis(10) {
            return (now - before).as_secs_f64();
        }
        last = now;
    }
}

#[test]
#[ignore = "prints figures"]
fn pastes() {
    println!("paste, into, MB, CPU s, CPU s per MB, peak MB, Ctrl-C after it ms");
    for (place, keys, shown) in
        [("editor", "i\x15", "leave"), ("palette", ":", "do it"), ("picker", "M", "model for the left pane")]
    {
        for (kind, begin, end) in [("bracketed", "\x1b[200~", "\x1b[201~"), ("typed", "", "")] {
            for size in [200_000, 1_000_000, 10_000_000] {
                let mut terminal = viewer(&[]);
                terminal.keys(keys);
                terminal.wait_for(shown);
                let before = terminal.cpu();
                terminal.keys(&format!("{begin}{}{end}", WORDS.repeat(size / WORDS.len())));
                let seconds = settled(&terminal, before);
                let (peak, start) = (terminal.peak() >> 20, Instant::now());
                terminal.keys("\x03");
                assert_eq!(terminal.wait_for_end(), 0);
                let mb = size as f64 / 1e6;
                println!(
                    "{kind}, {place}, {mb}, {seconds:.2}, {:.3}, {peak}, {}",
                    seconds / mb,
                    start.elapsed().as_millis()
                );
            }
        }
    }
}

#[test]
#[ignore = "prints figures"]
fn prompt_files() {
    println!("file MB, how, s, exit code, CPU s of user and system, what is said");
    for mb in [1, 10, 50] {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), WORDS.repeat(mb * 1_000_000 / WORDS.len())).unwrap();
        let (path, binary) = (file.path().to_str().unwrap().to_owned(), fs::canonicalize(binary()).unwrap());
        let binary = binary.display();
        for (how, line) in [
            ("viewer --prompt-file", format!("{binary} --prompt-file {path}")),
            ("viewer, stdin", format!("cat {path} | {binary} --prompt-file -")),
            ("print --prompt-file", format!("{binary} print --model demo:gpt2 --prompt-file {path}")),
            ("print, stdin", format!("cat {path} | {binary} print --model demo:gpt2 --prompt-file -")),
        ] {
            let start = Instant::now();
            let script = format!("TIMEFORMAT='over, %U %S'; time {line}");
            let mut terminal = Terminal::answering("/bin/bash", &["-c", &script], &[], &ANSWERS);
            if mb == 1 && how.starts_with("viewer") {
                terminal.wait_for("lorem");
                terminal.keys("\x03");
            }
            let code = terminal.wait_for_end();
            terminal.wait_for("over, ");
            let seconds = start.elapsed().as_secs_f64();
            let text = terminal.text();
            let line_with = |word: &str| text.lines().find(|line| line.contains(word)).unwrap_or_default();
            let (said, cpu) = (line_with("attnscope:"), line_with("over, ").trim_start_matches("over, "));
            println!("{mb}, {how}, {seconds:.2}, {code}, {cpu}, {said}");
        }
    }
}

#[test]
#[ignore = "prints figures"]
fn waiting() {
    let terminal = viewer(&[]);
    thread::sleep(Duration::from_secs(2));
    let (before, written) = (terminal.cpu(), terminal.raw.lock().unwrap().len());
    thread::sleep(Duration::from_secs(20));
    let share = (terminal.cpu() - before).as_secs_f64() / 20.0 * 100.0;
    println!(
        "idle for 20 s: {share:.2} % CPU, {} bytes written",
        terminal.raw.lock().unwrap().len() - written
    );
}

#[test]
#[ignore = "prints figures"]
fn exits() {
    println!("way out, ms until the process is gone: each of five");
    let ways: [Way; 5] = [
        ("q", |terminal| terminal.keys("q")),
        ("Ctrl-C", |terminal| terminal.keys("\x03")),
        ("TERM", |terminal| terminal.signal(Signal::TERM)),
        ("HUP", |terminal| terminal.signal(Signal::HUP)),
        ("stalled, Ctrl-C", |terminal| terminal.keys("\x03")),
    ];
    for (name, leave) in ways {
        let took: Vec<u128> = (0..5)
            .map(|_| {
                let mut terminal = viewer(&[]);
                if name.starts_with("stalled") {
                    terminal.stall();
                    for key in ["\r", "m", "g", "\x1b", "c"].iter().cycle().take(60) {
                        terminal.keys(key);
                        thread::sleep(Duration::from_millis(10));
                    }
                }
                let start = Instant::now();
                leave(&mut terminal);
                terminal.wait_for_end();
                start.elapsed().as_millis()
            })
            .collect();
        println!("{name}, {took:?}");
    }
    let took: Vec<u128> = (0..5)
        .map(|_| {
            let terminal = viewer(&[]);
            let start = Instant::now();
            terminal.close().wait_for_end();
            start.elapsed().as_millis()
        })
        .collect();
    println!("closed window, {took:?}");
}
