//! How long the reducer takes for an action: two models that have read a prompt of 2,048 tokens, as large as gpt2 and
//! gpt-oss-20b in layers and heads. What the worker computes is not measured: it answers beforehand, as it does in the
//! viewer. No action may take more than [`MOST`], by the median of its runs; a slower one fails the benchmark.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use attnscope::app::{Action, Effect, Opened, Side, State, update};
use attnscope::attention::{Capture, MeasuredComparison, ModelInfo};
use attnscope::runtime::sync_layout;
use attnscope::worker::protocol::{Event, Request};
use ratatui::layout::Rect;

#[path = "../tests/viewer/fixture.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod fixture;
use fixture::*;

const SCREEN: Rect = Rect::new(0, 0, 200, 60);
const TOKENS: usize = 2048;
/// The longest that an action may take.
const MOST: Duration = Duration::from_millis(1);
/// Runs of each action.
const RUNS: usize = 15;

fn main() {
    // Heads are not computed from queries and keys here: a layer of each model stands for all of its layers.
    let words: Vec<String> = (0..TOKENS).map(|at| format!(" word{}", at % 97)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let captures = [("gpt2", 12, 12, false), ("gpt-oss", 24, 64, true)]
        .map(|(name, layers, heads, has_sinks)| repeated(model(name, layers, heads, has_sinks), &words));
    let mut state = started();
    for (side, (model, capture)) in Side::BOTH.into_iter().zip(&captures) {
        let job = state.run.job;
        hear(&mut state, Event::Loaded { slot: side.slot(), model: model.clone() });
        hear(&mut state, Event::Captured { slot: side.slot(), job, capture: capture.clone() });
    }
    sync_layout(&mut state, SCREEN);

    let mut slowest = (Duration::ZERO, "");
    for (name, before, keys) in [
        ("cursor", "", "up"),
        ("to a layer", "", "enter"),
        ("back to the mean", "enter", "esc"),
        ("the next layer", "enter", "]"),
        ("to a head", "enter", "enter"),
        ("normalisation", "", "n"),
        ("colour scale", "", "s"),
        ("a span", "", "space"),
        ("difference", "", "D"),
        ("difference by words", "D", "D"),
        ("cursor in the difference", "D", "up"),
        ("a layer in the difference", "D", "enter"),
        ("the head grid", "", "g"),
        ("the next head in the grid", "g", "right"),
        ("the list of heads", "", "o"),
        ("the next head in the list", "o", "down"),
        ("the list by another number", "o", "left"),
        ("heads like one", "o", "~"),
        ("the lens", "", "P"),
        ("pin", "", "p"),
        ("next token", "", "."),
        ("copy a matrix that is too long", "", "Y"),
    ] {
        let mut state = state.clone();
        press_and_wait(&mut state, before);
        let mut after = state.clone();
        let does = !press(&mut after, keys).is_empty() || seen(&after) != seen(&state);
        assert!(does, "{name}: {keys:?} does nothing");
        let time = median(&state, |state| drop(black_box(press(state, keys))));
        report(name, time, &mut slowest);
    }
    let (side, job) = (Side::Right, state.run.job);
    let mut waiting = state.clone();
    waiting.panes.both[side.index()].shown = None;
    let capture = captures[1].1.clone();
    let captured = || Action::Worker(Event::Captured { slot: side.slot(), job, capture: capture.clone() });
    report(
        "a pass is done",
        median(&waiting, |state| drop(black_box(update(state, captured())))),
        &mut slowest,
    );
    let mut compared = state.clone();
    let asked = press(&mut compared, "D");
    let answer: Vec<Event> = asked.into_iter().filter_map(compared_now).collect();
    assert_eq!(answer.len(), 1, "what is measured is a comparison");
    let time = median(&compared, |state| {
        for event in answer.clone() {
            drop(black_box(hear(state, event)));
        }
    });
    report("a comparison is done", time, &mut slowest);
    assert!(slowest.0 <= MOST, "{}: {:?} for an action is too slow", slowest.1, slowest.0);
}

/// What an action may change, but for what is computed.
fn seen(state: &State) -> String {
    let State { panes, screen, display, note, .. } = state;
    let panes =
        panes.both.each_ref().map(|pane| (pane.selection, pane.cursor, pane.span.clone(), pane.scroll));
    let difference =
        screen.difference.as_ref().map(|shown| (shown.arrangement, shown.granularity, shown.cursor));
    let list = (&screen.list.order, screen.list.row, screen.list.similarity.is_some());
    let grid = match screen.opened() {
        Opened::Grid(grid) => Some(grid.chosen),
        _ => None,
    };
    format!("{:?}", (panes, difference, list, grid, screen.mode(), display, note))
}

/// What the worker answers where two captures are to be compared.
fn compared_now(effect: Effect) -> Option<Event> {
    let Effect::Send(Request::Compare(question)) = effect else { return None };
    let captures = question.captures.each_ref().map(AsRef::as_ref);
    let found =
        MeasuredComparison::of_views(captures, question.views, question.granularity, question.texts).unwrap();
    Some(Event::Compared { question: Box::new(question), found: Ok(Arc::new(found)) })
}

/// The median time that an action takes on a state, which stays as it is.
fn median(state: &State, mut act: impl FnMut(&mut State)) -> Duration {
    let time = |_| {
        let mut state = state.clone();
        let start = Instant::now();
        act(&mut state);
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..RUNS).map(time).collect();
    times.sort();
    times[RUNS / 2]
}

fn report<'a>(name: &'a str, time: Duration, slowest: &mut (Duration, &'a str)) {
    println!("{name:<34} {:>8.3} ms", time.as_secs_f64() * 1e3);
    if time > slowest.0 {
        *slowest = (time, name);
    }
}

/// A pass of a model all of whose layers are like one of its layers, with what the worker prepares.
fn repeated(model: Arc<ModelInfo>, words: &[&str]) -> (Arc<ModelInfo>, Arc<Capture>) {
    let one = Arc::new(ModelInfo { layers: 1, windows: vec![None], ..(*model).clone() });
    let mut capture = (*capture(&one, words)).clone();
    capture.layers = vec![capture.layers.remove(0); model.layers];
    capture.model = model.clone();
    capture.prepare();
    (model, Arc::new(capture))
}
