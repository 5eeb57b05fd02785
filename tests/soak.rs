//! Many prompts, and many tokens that models write, in one process: the memory it takes stays what it was. SOAK_PROMPTS
//! and SOAK_TOKENS say how many, 100 and 600 if nothing does:
//!
//!     SOAK_PROMPTS=10000 SOAK_TOKENS=10000 cargo test --test soak -- --nocapture

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use attnscope::attention::{Ablation, Capture, View};
use attnscope::export::{self, Input, Recipe, Source, Subject};
use attnscope::model::{LoadOptions, ProcessMemory};
use attnscope::vocabulary::ExportFormat;
use attnscope::worker::protocol::{
    Asker, Choice, Event, JobId, Request, Sampling, Slot, ViewJob, WorkerError, WriteJob,
};
use attnscope::worker::{self, WorkerHandle};
use patience::patience;
use tokio::sync::Mutex;
use tokio::sync::mpsc::Receiver;

#[path = "support/patience.rs"]
mod patience;

const PROMPTS: usize = 100;
/// Prompts after which everything that is kept has been made.
const WARM: usize = 30;
/// Bytes that the process may grow by. An allocator keeps some of what it was given back, in an arena for each of several
/// threads: models that wrote 10,000 tokens took 10 MB more than after the first texts, and 4 MB more after 100,000. With one
/// arena (MALLOC_ARENA_MAX=1) it was less than 1. A leak of every capture would be far more.
const MOST_GROWTH: u64 = 16 << 20;

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

/// One test at a time: what a process takes is that of all of them.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn memory_stays_flat() {
    let _alone = ALONE.lock().await;
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
    told(&format!("{prompts} prompts"), started);
}

fn told(what: &str, started: Instant) {
    let anon = ProcessMemory::now().anon.unwrap_or(0) as f64 / 1e6;
    println!("{what}, {:.0} s: {anon:.1} MB", started.elapsed().as_secs_f64());
}

const TOKENS: usize = 600;
/// Tokens of a text.
const TEXT: usize = 40;
/// Texts after which everything that is kept has been made.
const WARM_TEXTS: usize = 12;

/// Both models write a text each, and keep every step until it is over; in some texts somebody stops and begins them again
/// and again. In one of the first, another model is loaded meanwhile: later, threads that come and go would scatter what
/// is allocated. Returns the tokens that were written.
async fn write(
    worker: &WorkerHandle,
    events: &mut Receiver<Event>,
    number: usize,
    start: &[Arc<Capture>],
) -> usize {
    let id = JobId(number as u64 * 100);
    let job = |slot: Slot, id: JobId| {
        let sampling = Sampling { seed: number as u64, ..Sampling::default() };
        Request::Write(WriteJob {
            slot,
            id,
            capture: start[slot.index()].clone(),
            prompt_bytes: Some(prompt(number).len()),
            first: None,
            choice: Choice { sampling, is_drawn: true },
            limit: TEXT,
            written: 0,
        })
    };
    if number.is_multiple_of(4) {
        for storm in 1..30 {
            Slot::ALL.into_iter().for_each(|slot| worker.send(job(slot, JobId(id.0 + storm))).unwrap());
            worker.send(Request::StopWriting).unwrap();
            // Somebody who presses keys is slower than a queue is full.
            tokio::time::sleep(Duration::from_millis(storm % 5)).await;
        }
    }
    Slot::ALL.into_iter().for_each(|slot| worker.send(job(slot, id)).unwrap());
    if number == 1 {
        worker.send(Request::Load { slot: Slot::Second, reference: "demo:gpt-oss".to_owned() }).unwrap();
    }
    let (mut steps, mut ended, mut loaded) = (Vec::new(), 0, number != 1);
    while ended < 2 || !loaded {
        match next(events).await {
            Event::Written { job, capture, .. } if job == id => steps.push(capture),
            Event::WritingEnded { job, ended: why, .. } if job == id => {
                let is_expected = matches!(why, Ok(_) | Err(WorkerError::ModelGone(_)));
                assert!(is_expected, "{why:?}");
                ended += 1;
            }
            Event::Loaded { .. } => loaded = true,
            Event::LoadFailed { error, .. } => panic!("{error}"),
            _ => {}
        }
    }
    steps.len()
}

#[tokio::test]
async fn memory_stays_flat_while_models_write() {
    let _alone = ALONE.lock().await;
    let tokens = std::env::var("SOAK_TOKENS").map_or(TOKENS, |tokens| tokens.parse().unwrap());
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    for (slot, model) in [(Slot::First, "demo:gpt2"), (Slot::Second, "demo:gpt-oss")] {
        worker.send(Request::Load { slot, reference: model.to_owned() }).unwrap();
        while !matches!(next(&mut events).await, Event::Loaded { .. }) {}
    }
    let started = Instant::now();
    let (mut written, mut text, mut warm, mut reported) = (0, 0, None, 0);
    while written < tokens || text <= WARM_TEXTS {
        if text == WARM_TEXTS {
            warm = ProcessMemory::now().anon;
        }
        // Of models that may have been loaded again, in the order of their slots.
        let mut start = captures(&worker, &mut events, 2 * text).await;
        start.sort_by_key(|capture| capture.model.has_sinks);
        written += write(&worker, &mut events, text, &start).await;
        text += 1;
        if written >= reported {
            told(&format!("{written} tokens in {text} texts"), started);
            reported += tokens.div_ceil(10);
        }
    }
    told(&format!("{written} tokens in {text} texts"), started);
    let (Some(warm), Some(now)) = (warm, ProcessMemory::now().anon) else { return };
    assert!(now < warm + MOST_GROWTH, "{warm} bytes after {WARM_TEXTS} texts, {now} after {text}");
}
