//! A frame of the viewer on a terminal of 200×60: from the state to the bytes for the terminal, when every
//! cell of it changes. Matrices have 512 rows; the models are as large as gpt2 and gpt-oss-20b.

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
const TOKENS: usize = 512;

/// Both models have run a prompt of [`TOKENS`].
fn captured() -> State {
    let mut state = started();
    let words: Vec<String> = (0..TOKENS).map(|at| format!(" word{}", at % 97)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for (side, model) in
        [(Side::Left, model("gpt2", 12, 12, false)), (Side::Right, model("gpt-oss", 24, 64, true))]
    {
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
    let state = captured();
    let mut group = criterion.benchmark_group("frame");
    for (name, keys) in [
        ("cell by cell", ""),
        ("cell by cell, without the first token, logarithmic", "n n s"),
        ("overview", "0"),
        ("overview, without the first token, logarithmic", "0 n n s"),
        ("text", "T"),
        ("text, what is looked at", "T T"),
        ("head grid", "tab g"),
        ("help", "?"),
    ] {
        let mut state = state.clone();
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
