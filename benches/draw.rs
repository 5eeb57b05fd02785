//! A frame of the viewer on a terminal of 200×60: from the state to the bytes for the terminal, when every
//! cell of it changes. The models are as large as gpt2 and gpt-oss-20b, but for the longest prompt, of which each has a
//! layer of two heads.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{self, BufWriter};

use attnscope::app::{Side, State};
use attnscope::runtime::sync_layout;
use attnscope::theme::{Background, ColorDepth, ColorMap, Theme};
use attnscope::ui;
use attnscope::worker::protocol::Event;
use criterion::{Criterion, criterion_group, criterion_main};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

#[path = "../tests/viewer/fixture.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod fixture;
use fixture::*;

const SCREEN: Rect = Rect::new(0, 0, 200, 60);
/// Layers and heads.
type Shape = (usize, usize);
const SHAPES: [Shape; 2] = [(12, 12), (24, 64)];
const SMALL: [Shape; 2] = [(1, 2); 2];

/// Both models have run a prompt of so many tokens.
fn captured(tokens: usize, [left, right]: [Shape; 2]) -> State {
    let mut state = started();
    let words: Vec<String> = (0..tokens).map(|at| format!(" word{}", at % 97)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for (side, model) in [
        (Side::Left, model("gpt2", left.0, left.1, false)),
        (Side::Right, model("gpt-oss", right.0, right.1, true)),
    ] {
        let (job, capture) = (state.run.job, capture(&model, &words));
        hear(&mut state, Event::Loaded { slot: side.slot(), model });
        hear(&mut state, Event::Captured { slot: side.slot(), job, capture });
    }
    sync_layout(&mut state, SCREEN);
    state
}

fn frames(criterion: &mut Criterion) {
    let themes = [ColorMap::Viridis, ColorMap::Magma]
        .map(|map| Theme::new(map, ColorDepth::TrueColor, Background::Dark));
    let states = [captured(512, SHAPES), captured(1000, SHAPES), captured(8192, SMALL)];
    let mut group = criterion.benchmark_group("frame");
    for (name, keys, state) in [
        ("cell by cell", "", 0),
        ("cell by cell, without the first token, logarithmic", "n n s", 0),
        ("overview", "0", 0),
        ("overview, without the first token, logarithmic", "0 n n s", 0),
        ("text of 1,000 tokens", "T", 1),
        ("text of 1,000 tokens, what is looked at", "T T", 1),
        ("text of 8,192 tokens", "T", 2),
        ("text of 8,192 tokens, what is looked at", "T T", 2),
        ("overview of 8,192 tokens", "0", 2),
        ("head grid", "tab g", 0),
        ("help", "?", 0),
    ] {
        let mut state = states[state].clone();
        press(&mut state, keys);
        let viewport = TerminalOptions { viewport: Viewport::Fixed(SCREEN) };
        let mut terminal = Terminal::with_options(
            CrosstermBackend::new(BufWriter::with_capacity(256 * 1024, io::sink())),
            viewport,
        )
        .unwrap();
        let mut turn = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                turn += 1;
                let layout = sync_layout(&mut state, SCREEN);
                terminal.draw(|frame| ui::draw(&state, &layout, &themes[turn % 2], frame)).unwrap();
            });
        });
    }
}

criterion_group!(benches, frames);
criterion_main!(benches);
