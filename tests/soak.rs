//! Many prompts in one process: the memory it takes stays what it was. SOAK_PROMPTS says how many, 100 if nothing does:
//!
//!     SOAK_PROMPTS=10000 cargo test --test soak -- --nocapture

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Instant;

use attnscope::attention::{Ablation, Capture, View};
use attnscope::export::{self, Input, Recipe, Source, Subject};
use attnscope::model::{LoadOptions, ProcessMemory};
use attnscope::vocabulary::ExportFormat;
use attnscope::worker::protocol::{Asker, Event, JobId, Request, Slot, ViewJob};
use attnscope::worker::{self, WorkerHandle};
use patience::patience;
use tokio::sync::mpsc::Receiver;

#[path = "support/patience.rs"]
mod patience;

const PROMPTS: usize = 100;
/// Prompts after which everything that is kept has been made.
const WARM: usize = 30;
/// Bytes that the process may grow by. An allocator keeps some of what it was given back; a leak of every
/// capture would be far more within 10,000 prompts.
const MOST_GROWTH: u64 = 8 << 20;

/// A prompt of its own for every number, short and long ones.
fn prompt(number: usize) -> String {
    const WORDS: [&str; 8] = ["the", "cat", "sat", "on", "a", "mat", "and", "wrote"];
    let word = |at: usize| WORDS[(number / 3 + at * (1 + number % 5)) % WORDS.len()];
    let words: Vec<&str> = (0..2 + number % 20).map(word).collect();
    format!("{number} {}", words.join(" "))
}

async fn next(events: &mut Receiver<Event>) -> Event {
    tokio::time::timeout(patience(), events.recv()).await.expect("in time").expect("the worker is there")
}

/// What both models capture of a prompt, every second time without a head.
async fn captures(worker: &WorkerHandle, events: &mut Receiver<Event>, number: usize) -> Vec<Arc<Capture>> {
    let of = JobId(number as u64);
    let ablation = || if number.is_multiple_of(2) { Ablation::default() } else { "0.1".parse().unwrap() };
    let ablations = [ablation(), ablation()];
    let sampling = Default::default();
    worker
        .send(Request::Run {
            job: of,
            prompt: prompt(number),
            chat: None,
            sampling,
            ablations,
            is_kept: [false; 2],
        })
        .unwrap();
    let mut captures = Vec::new();
    while captures.len() < 2 {
        match next(events).await {
            Event::Captured { job, capture, .. } if job == of => captures.push(capture),
            Event::RunFailed { error, .. } | Event::LoadFailed { error, .. } => panic!("{error}"),
            _ => {}
        }
    }
    captures
}

/// Looks at a head of a capture, and writes it.
async fn look(worker: &WorkerHandle, events: &mut Receiver<Event>, capture: Arc<Capture>, number: usize) {
    let (layer, head) = (number % capture.model.layers, number % capture.model.heads);
    let view = View::Head { layer, head };
    worker.send(Request::View(ViewJob { asker: Asker(0), capture: capture.clone(), view })).unwrap();
    while !matches!(next(events).await, Event::Viewed { .. }) {}
    let source = Source::new(&capture, Input::Prompt(prompt(number)), "mean".parse::<Subject>().unwrap());
    export::write(&mut std::io::sink(), &[&capture], &Recipe::new(source, Some(ExportFormat::Json))).unwrap();
}

#[tokio::test]
async fn memory_stays_flat() {
    let prompts = std::env::var("SOAK_PROMPTS").map_or(PROMPTS, |prompts| prompts.parse().unwrap());
    assert!(prompts > WARM, "SOAK_PROMPTS: more than {WARM} tell something");
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    for (slot, model) in [(Slot::First, "demo:gpt2"), (Slot::Second, "demo:gpt-oss")] {
        worker.send(Request::Load { slot, reference: model.to_owned() }).unwrap();
        while !matches!(next(&mut events).await, Event::Loaded { .. }) {}
    }
    let started = Instant::now();
    let taken = || ProcessMemory::now().anon;
    let mut warm = None;
    for number in 0..prompts {
        if number == WARM {
            warm = taken();
        }
        for capture in captures(&worker, &mut events, number).await {
            look(&worker, &mut events, capture, number).await;
        }
        if number.is_multiple_of(prompts.div_ceil(10)) {
            report(number, started);
        }
    }
    report(prompts, started);
    // Only Linux tells.
    let (Some(warm), Some(now)) = (warm, taken()) else { return };
    assert!(now < warm + MOST_GROWTH, "{warm} bytes after {WARM} prompts, {now} after {prompts}");
}

fn report(prompts: usize, started: Instant) {
    let anon = ProcessMemory::now().anon.unwrap_or(0) as f64 / 1e6;
    println!("{prompts} prompts, {:.0} s: {anon:.1} MB", started.elapsed().as_secs_f64());
}
