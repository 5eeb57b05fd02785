//! What push, effect and sweep take, in passes: `cargo bench --bench explain -- MODEL [TOKENS]`, with random token ids.

#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use attnscope::attention::Capture;
use attnscope::model::{Cancel, Control, Hooks, LoadOptions, Model, Profile, Sweep};
use attnscope::vocabulary::Instead;

/// How often each is timed, after once that isn't.
const REPEATS: usize = 7;
/// Segments that are hidden, all of one length.
const SEGMENTS: usize = 8;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let reference = arguments.next().unwrap_or_else(|| "demo:gpt2".to_owned()).parse().unwrap();
    let count: usize = arguments.next().map_or(128, |count| count.parse().unwrap());
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    let model = Model::load(&reference, &LoadOptions::default(), &mut control).unwrap();
    let count = count.min(model.info().context);
    let mut random = fastrand::Rng::with_seed(5);
    let ids: Vec<u32> = (0..count).map(|_| random.u32(0..model.info().vocabulary as u32)).collect();
    let cancel = Cancel::new();
    let pass = || -> Capture {
        let tokens = model.tokens_from_ids(&ids).unwrap();
        let (mut hooks, mut profile) = (Hooks::default(), Profile::default());
        model.run_hooked(tokens, &mut hooks, &mut profile, &cancel, &mut |_| ()).unwrap()
    };
    let capture = Arc::new(pass());
    let of_pass = median(|| drop(pass()));
    println!("a pass of {count} tokens: {:.1} ms", milliseconds(of_pass));
    let print = |what: &str, took: Duration| {
        let passes = took.as_secs_f64() / of_pass.as_secs_f64();
        println!("{what}: {:.1} ms, {passes:.2} of a pass", milliseconds(took));
    };
    let of_token = |query: usize| model.run_token(&capture, query, 10, &cancel).unwrap();
    print(
        "push, another token",
        median(|| drop(model.push(&capture, &of_token(count - 1), (None, None), &cancel))),
    );
    let token = of_token(count - 1);
    print(
        "push, another next token",
        median(|| drop(model.push(&capture, &token, (Some(1), None), &cancel))),
    );
    let segments = || {
        let size = count / SEGMENTS;
        for at in 0..SEGMENTS {
            model.run_hiding(&capture, at * size..(at + 1) * size, &cancel, &mut |_| ()).unwrap();
        }
    };
    let hidden = median(segments);
    print(&format!("effect of {SEGMENTS} segments"), hidden);
    println!(
        "which is {:.2} of a pass for each",
        hidden.as_secs_f64() / of_pass.as_secs_f64() / SEGMENTS as f64
    );
    let heads = model.info().layers * model.info().heads;
    let start = Instant::now();
    let (_, stream) =
        model.run_keeping(capture.tokens.to_vec(), &capture.ablation, &cancel, &mut |_| ()).unwrap();
    let mut sweep = Sweep::new(&capture, Instead::Zero);
    while !sweep.is_done() {
        sweep.step(&model, &stream, &cancel).unwrap();
    }
    let swept = start.elapsed();
    print(&format!("sweep of {heads} heads"), swept);
    println!("which is {:.2} of a pass for each", swept.as_secs_f64() / of_pass.as_secs_f64() / heads as f64);
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..=REPEATS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .skip(1)
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
