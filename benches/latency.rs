//! How long after a key its frame is on screen, while both models begin to run a long prompt: the real program in a
//! terminal of its own, from the keys' bytes to the screen that shows what they did.

#![allow(missing_docs, clippy::unwrap_used)]

use std::thread;
use std::time::{Duration, Instant};

use support::terminal::Terminal;

#[path = "../tests/support"]
mod support {
    pub mod patience;
    pub mod terminal;
}

/// Keys that are measured.
const KEYS: usize = 200;
/// Words of the prompt, each of which is a token or more.
const WORDS: usize = 600;
/// Longer than a pass takes.
const REST: Duration = Duration::from_millis(200);
/// The longest time after that until the next keys: spread, so that they meet every phase of a frame.
const PAUSE: Duration = Duration::from_millis(40);
/// Longer than any key takes.
const LONGEST: Duration = Duration::from_secs(20);
/// How often the screen is looked at.
const LOOK: Duration = Duration::from_micros(500);

fn main() {
    // Other models than the demos: `--left A --right B`, with `cargo bench --bench latency -- ...`.
    let models: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let models: Vec<&str> = models.iter().map(String::as_str).collect();
    let mut terminal = Terminal::new(env!("CARGO_BIN_EXE_attnscope"), &models, &[]);
    terminal.resize(60, 200);
    terminal.wait_for_both();
    terminal.keys("i\x15");
    terminal.wait_for("keep the text and leave");
    terminal.keys(&format!("\x1b[200~{}\x1b[201~\r", "the quick cat sat ".repeat(WORDS / 4)));
    terminal.wait_for_times("overview of", 2);
    terminal.wait_for_both();

    let mut times = Vec::new();
    let mut is_shorter = false;
    while times.len() < KEYS {
        thread::sleep(REST + PAUSE * (times.len() as u32 * 7 % 10) / 10);
        let before = color_map(&terminal);
        let start = Instant::now();
        // Both models run the prompt from another first word on, and all cells get other colours.
        terminal.keys(if is_shorter { "i\x1b[Hz\rc" } else { "i\x1b[H\x1b[3~\rc" });
        times.push(wait(start, &terminal, || color_map(&terminal) != before));
        is_shorter = !is_shorter;
    }
    print(
        &format!("from a key to its frame, 200×60, {KEYS} keys while both models begin to run {WORDS} words"),
        times,
    );

    // Both models run each letter as it is typed.
    terminal.keys("i\x1b[F\x14");
    terminal.wait_for("live");
    terminal.wait_until("nothing is under way", |screen| !screen.contents().contains("running"));
    let mut times = Vec::new();
    while times.len() < KEYS {
        thread::sleep(REST + PAUSE * (times.len() as u32 * 7 % 10) / 10);
        let more: Vec<usize> = tokens(&terminal).iter().map(|tokens| tokens + 1).collect();
        let start = Instant::now();
        // Each is a token of its own.
        terminal.keys(if times.len() % 2 == 0 { "," } else { "a" });
        times.push(wait(start, &terminal, || tokens(&terminal) == more));
    }
    print(
        &format!("from a letter behind {WORDS} words to both models' attention to it, {KEYS} letters"),
        times,
    );
    terminal.keys("\x1b");
    thread::sleep(REST);
    terminal.keys("q");
    terminal.wait_for_end();
}

/// The time from `start` until something is so on screen. Looks only when something was written: the screen is large, and
/// to look at it all the time would take a core from what is measured.
fn wait(start: Instant, terminal: &Terminal, is_so: impl Fn() -> bool) -> Duration {
    let mut seen = 0;
    loop {
        let written = terminal.raw.lock().unwrap().len();
        if written != seen && is_so() {
            return start.elapsed();
        }
        seen = written;
        assert!(start.elapsed() < LONGEST, "nothing came of a key");
        thread::sleep(LOOK);
    }
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    println!("{what}:");
    println!(
        "p50 {:.1} ms   p90 {:.1} ms   p99 {:.1} ms   max {:.1} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}

/// The tokens that each pane shows: `overview of 753`. What is beside them is of the same frame.
fn tokens(terminal: &Terminal) -> Vec<usize> {
    let screen = terminal.text();
    let counts = screen.split("overview of ").skip(1);
    counts.filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).collect()
}

/// The name of the colours, as the legend says it: `c viridis`.
fn color_map(terminal: &Terminal) -> Option<String> {
    let screen = terminal.text();
    let name = screen.rsplit_once(" c ")?.1.split_whitespace().next();
    name.map(ToOwned::to_owned)
}
