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
const KEYS: usize = 300;
/// Words of the prompt, each of which is a token or more.
const WORDS: usize = 600;
/// Longer than a pass takes.
const REST: Duration = Duration::from_millis(80);
/// The longest time after that until the next keys: spread, so that they meet every phase of a frame.
const PAUSE: Duration = Duration::from_millis(40);

fn main() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.resize(60, 200);
    terminal.wait_for_both();
    terminal.keys("i\x15");
    terminal.wait_for("keep the text and leave");
    terminal.keys(&format!("\x1b[200~{}\x1b[201~\r", "the quick cat sat ".repeat(WORDS / 4)));
    terminal.wait_for("keys 1–");
    terminal.wait_for_both();

    let mut times = Vec::new();
    // The cursor is on the last row.
    let mut down = false;
    while times.len() < KEYS {
        thread::sleep(REST + PAUSE * (times.len() as u32 * 7 % 10) / 10);
        let before = cursor_row(&terminal);
        let start = Instant::now();
        // Both models run the prompt again, and the cursor moves.
        terminal.keys(if down { "i\rj" } else { "i\rk" });
        while cursor_row(&terminal) == before {
            thread::sleep(Duration::from_micros(500));
        }
        times.push(start.elapsed());
        down = !down;
    }
    terminal.keys("q");
    terminal.wait_for_end();

    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    println!("from a key to its frame, 200×60, {KEYS} keys while both models begin to run {WORDS} words:");
    println!(
        "p50 {:.1} ms   p90 {:.1} ms   p99 {:.1} ms   max {:.1} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}

/// The row of the screen with the cursor's mark.
fn cursor_row(terminal: &Terminal) -> Option<usize> {
    let screen = terminal.screen.lock().unwrap();
    screen.screen().rows(0, 40).position(|row| row.contains('▸'))
}
