//! The worker with real models: what it answers, in which order, and what one side's trouble does to the other.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use attnscope::attention::{Ablation, Capture, ModelInfo, View};
use attnscope::model::LoadOptions;
use attnscope::worker::protocol::{
    ConfiguredPair, Event, JobId, LensQuestion, Place, Request, Sampling, Side,
};
use attnscope::worker::{self, WorkerHandle};
use tokio::sync::mpsc::Receiver;

const PATIENCE: Duration = Duration::from_secs(60);

fn golden(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).display().to_string()
}

fn load(worker: &WorkerHandle, side: Side, reference: &str) {
    worker.send(Request::Load { side, reference: reference.to_owned() }).unwrap();
}

fn run(worker: &WorkerHandle, job: u64, prompt: &str) {
    let (sampling, ablations) = Default::default();
    worker.send(Request::Run { job: JobId(job), prompt: prompt.to_owned(), sampling, ablations }).unwrap();
}

/// Asks the left side for scores without each of these sets of heads.
fn score(model: &Arc<ModelInfo>, heads: &[&str]) -> Request {
    let ablation = |heads: &&str| if heads.is_empty() { Ablation::default() } else { heads.parse().unwrap() };
    let ablations = heads.iter().map(ablation).collect();
    Request::Score { side: Side::Left, model: Arc::clone(model), ablations }
}

/// Waits for an event that `pick` wants; others are passed over.
async fn wait_for<T>(events: &mut Receiver<Event>, mut pick: impl FnMut(Event) -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = pick(events.recv().await.expect("the worker is there")) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the event came in time")
}

fn captured(event: Event, of: Side, of_job: u64) -> Option<Arc<Capture>> {
    match event {
        Event::Captured { side, job, capture } if side == of && job == JobId(of_job) => Some(capture),
        _ => None,
    }
}

#[tokio::test]
async fn a_prompt_sent_while_both_load_runs_on_both() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    load(&worker, Side::Right, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story about AI");
    let mut captures = [None, None];
    let mut loaded = [false, false];
    wait_for(&mut events, |event| {
        match event {
            Event::Loaded { side, .. } => loaded[side.index()] = true,
            Event::Captured { side, capture, .. } => {
                assert!(loaded[side.index()], "a model is announced before its captures");
                captures[side.index()] = Some(capture);
            }
            Event::Loading { .. } | Event::Running { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
        captures.iter().all(Option::is_some).then_some(())
    })
    .await;
    let tokens = captures.map(|capture| capture.unwrap().tokens.len());
    assert_eq!(tokens, [7, 7]);
}

#[tokio::test]
async fn a_failed_side_leaves_the_other_alone() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, "./no/such/folder");
    load(&worker, Side::Right, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write");
    let error = wait_for(&mut events, |event| match event {
        Event::LoadFailed { side: Side::Left, error } => Some(error),
        _ => None,
    })
    .await;
    assert!(error.contains("no/such/folder"), "{error}");
    // It may have come before the failure, so ask again.
    run(&worker, 2, "write");
    wait_for(&mut events, |event| captured(event, Side::Right, 2)).await;
}

#[tokio::test]
async fn a_prompt_that_fails_leaves_the_model_resident() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    run(&worker, 1, "");
    let error = wait_for(&mut events, |event| match event {
        Event::RunFailed { job: JobId(1), error, .. } => Some(error),
        _ => None,
    })
    .await;
    assert!(error.contains("empty"), "{error}");
    run(&worker, 2, "write");
    wait_for(&mut events, |event| captured(event, Side::Left, 2)).await;
}

#[tokio::test]
async fn only_the_newest_prompt_is_run_to_its_end() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    wait_for(&mut events, |event| matches!(event, Event::Loaded { .. }).then_some(())).await;
    for job in 1..=30 {
        run(&worker, job, "write a story about AI and write it again, and again, and once more");
    }
    let mut finished = 0;
    wait_for(&mut events, |event| {
        finished += u32::from(matches!(event, Event::Captured { .. }));
        captured(event, Side::Left, 30)
    })
    .await;
    assert!(finished < 30, "older prompts were cancelled or dropped, {finished} ran");
}

#[tokio::test]
async fn a_head_is_computed_on_demand() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Right, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story");
    let capture = wait_for(&mut events, |event| captured(event, Side::Right, 1)).await;
    let ask = |view| {
        let capture = Arc::clone(&capture);
        worker.send(Request::View { capture, view }).unwrap();
    };
    let wanted = View::Head { layer: 3, head: 2 };
    ask(wanted);
    let matrix = wait_for(&mut events, |event| match event {
        Event::Viewed { view, matrix, .. } if view == wanted => Some(matrix),
        _ => None,
    })
    .await;
    assert_eq!(*matrix, capture.matrix(wanted).unwrap());
    ask(View::Layer(9));
    let error = wait_for(&mut events, |event| match event {
        Event::ViewFailed { error, .. } => Some(error),
        _ => None,
    })
    .await;
    assert!(error.contains("layers 0 to 3"), "{error}");
}

#[tokio::test]
async fn a_next_token_is_drawn_by_the_rule_that_came_with_the_prompt() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    let mut drawn = Vec::new();
    for (job, seed) in [(1, 5), (2, 5), (3, 6), (4, 7), (5, 8)] {
        let sampling = Sampling { temperature: 9.0, top_p: 1.0, seed };
        let prompt = "write a story".to_owned();
        let ablations = Default::default();
        worker.send(Request::Run { job: JobId(job), prompt, sampling, ablations }).unwrap();
        let capture = wait_for(&mut events, |event| captured(event, Side::Left, job)).await;
        drawn.push(capture.drawn.clone().unwrap());
    }
    assert_eq!(drawn[0], drawn[1], "the same seed");
    assert!(drawn[2..].iter().any(|other| other.token != drawn[0].token), "other seeds: {drawn:?}");
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    let ablations = Default::default();
    worker.send(Request::Run { job: JobId(6), prompt: "write".to_owned(), sampling, ablations }).unwrap();
    let capture = wait_for(&mut events, |event| captured(event, Side::Left, 6)).await;
    let (drawn, likeliest) = (capture.drawn.as_ref().unwrap(), &capture.next[0]);
    assert_eq!(drawn.token, likeliest.token);
    assert!((drawn.probability - likeliest.probability).abs() < 1e-6);
}

#[tokio::test]
async fn a_cancelled_pass_says_so_and_the_model_stays() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    wait_for(&mut events, |event| matches!(event, Event::Loaded { .. }).then_some(())).await;
    run(&worker, 1, &"write a story about AI ".repeat(18));
    worker.send(Request::Cancel).unwrap();
    // Whether the pass or the cancellation is faster, there is one end.
    wait_for(&mut events, |event| match event {
        Event::Cancelled { job: JobId(1), .. } | Event::Captured { job: JobId(1), .. } => Some(()),
        Event::RunFailed { error, .. } => panic!("{error}"),
        _ => None,
    })
    .await;
    run(&worker, 2, "write");
    wait_for(&mut events, |event| captured(event, Side::Left, 2)).await;
}

#[tokio::test]
async fn a_model_is_swapped_while_the_other_side_stays() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    run(&worker, 1, "write a story");
    let first = wait_for(&mut events, |event| captured(event, Side::Left, 1)).await;
    load(&worker, Side::Left, &golden("gpt-oss-tiny"));
    // The newest prompt runs through the new model without being sent again.
    let second = wait_for(&mut events, |event| captured(event, Side::Left, 1)).await;
    assert_eq!((first.model.family.as_str(), second.model.family.as_str()), ("gpt2", "gpt_oss"));
}

#[tokio::test]
async fn a_swap_leaves_the_other_side_alone() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    load(&worker, Side::Right, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story");
    let mut sides = vec![Side::Left, Side::Right];
    wait_for(&mut events, |event| {
        sides.retain(|side| captured(event.clone(), *side, 1).is_none());
        sides.is_empty().then_some(())
    })
    .await;
    load(&worker, Side::Left, "demo:gpt2");
    let swapped = wait_for(&mut events, |event| match event {
        Event::Captured { side: Side::Left, capture, .. } => Some(capture),
        Event::Loading { side: Side::Left, .. }
        | Event::Loaded { side: Side::Left, .. }
        | Event::Running { side: Side::Left, .. } => None,
        other => panic!("unexpected {other:?}"),
    })
    .await;
    assert_eq!(swapped.model.name, "demo:gpt2");
    run(&worker, 2, "write");
    let right = wait_for(&mut events, |event| captured(event, Side::Right, 2)).await;
    assert_eq!(right.model.family, "gpt_oss");
}

#[tokio::test]
async fn a_swap_that_is_stopped_leaves_the_model_that_was_there() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    run(&worker, 1, "write");
    wait_for(&mut events, |event| captured(event, Side::Left, 1)).await;
    load(&worker, Side::Left, "demo:gpt-oss");
    worker.send(Request::Cancel).unwrap();
    wait_for(&mut events, |event| match event {
        Event::LoadCancelled { side: Side::Left } => Some(()),
        Event::Loading { .. } => None,
        other => panic!("unexpected {other:?}"),
    })
    .await;
    run(&worker, 2, "write a story");
    let capture = wait_for(&mut events, |event| captured(event, Side::Left, 2)).await;
    assert_eq!(capture.model.family, "gpt2");
    // And is none the worse for it: the next one takes its place, and runs the newest prompt.
    load(&worker, Side::Left, "demo:gpt-oss");
    let capture = wait_for(&mut events, |event| captured(event, Side::Left, 2)).await;
    assert_eq!(capture.model.family, "gpt_oss");
}

#[tokio::test]
async fn models_are_listed_and_appraised_beside_everything_else() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    let pair = ConfiguredPair { name: "mine".into(), models: vec![golden("gpt2-tiny"), "./none".into()] };
    worker.send(Request::List { pairs: vec![pair] }).unwrap();
    let catalogue = wait_for(&mut events, |event| match event {
        Event::Listed { models } => Some(models.unwrap()),
        _ => None,
    })
    .await;
    let here = catalogue.models.iter().find(|model| model.name == golden("gpt2-tiny")).unwrap();
    assert_eq!((here.place, here.pairs.as_slice()), (Place::Folder, &["mine".to_owned()][..]));
    let mut estimates = Vec::new();
    for name in [&here.name, "./none"] {
        worker.send(Request::Estimate { name: name.to_owned() }).unwrap();
        let estimate = wait_for(&mut events, |event| match event {
            Event::Estimated { name: of, estimate } if of == name => Some(estimate),
            _ => None,
        })
        .await;
        estimates.push(estimate);
    }
    assert_eq!(estimates[0].as_ref().unwrap().footprint, here.footprint);
    assert!(estimates[1].as_ref().unwrap_err().contains("no such folder"), "{estimates:?}");
}

#[tokio::test]
async fn a_load_after_everything_was_stopped_runs_the_newest_prompt() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    run(&worker, 1, "write");
    worker.send(Request::Cancel).unwrap();
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    wait_for(&mut events, |event| captured(event, Side::Left, 1)).await;
}

#[tokio::test]
async fn scores_are_computed_beside_prompts_and_stop_when_asked() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt-oss-tiny"));
    let model = wait_for(&mut events, |event| match event {
        Event::Loaded { model, .. } => Some(model),
        _ => None,
    })
    .await;
    let ask = || worker.send(score(&model, &[""])).unwrap();
    ask();
    run(&worker, 1, "write a story");
    let (mut captured, mut scored) = (false, None);
    let scores = wait_for(&mut events, |event| {
        match event {
            Event::Captured { .. } => captured = true,
            Event::Scored { side: Side::Left, model: of, scores, .. } => {
                assert!(Arc::ptr_eq(&of, &model));
                scored = Some(scores);
            }
            _ => {}
        }
        scored.clone().filter(|_| captured)
    })
    .await;
    assert_eq!((scores.len(), scores[0].len()), (model.layers, model.heads));
    assert!(scores.iter().flatten().all(|score| (0.0..=1.0).contains(&score.previous)));

    let of_another_load = Arc::new((*model).clone());
    worker.send(score(&of_another_load, &[""])).unwrap();
    ask();
    let again = wait_for(&mut events, |event| match event {
        Event::Scored { scores, .. } => Some(scores),
        _ => None,
    })
    .await;
    assert!(Arc::ptr_eq(&again, &scores), "they are kept");

    load(&worker, Side::Left, &golden("gpt2-tiny"));
    let next = wait_for(&mut events, |event| match event {
        Event::Loaded { model, .. } => Some(model),
        _ => None,
    })
    .await;
    worker.send(score(&next, &[""])).unwrap();
    worker.send(Request::Cancel).unwrap();
    // Whether the draws or the cancellation are faster, there is one end.
    wait_for(&mut events, |event| match event {
        Event::Scored { .. } => Some(()),
        Event::ScoringFailed { error, .. } => {
            assert_eq!(error, "stopped");
            Some(())
        }
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn heads_are_compared_across_models() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    load(&worker, Side::Right, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story");
    let mut captures = [None, None];
    wait_for(&mut events, |event| {
        if let Event::Captured { side, capture, .. } = event {
            captures[side.index()] = Some(capture);
        }
        captures.iter().all(Option::is_some).then_some(())
    })
    .await;
    let (side, head) = (Side::Right, View::Head { layer: 1, head: 2 });
    worker.send(Request::Similar { captures, side, head }).unwrap();
    let found = wait_for(&mut events, |event| match event {
        Event::Similar { found, .. } => Some(found.unwrap()),
        _ => None,
    })
    .await;
    let [left, right] = found.map(Option::unwrap);
    assert_eq!((left.len(), left[0].len(), right.len()), (3, 4, 4));
    assert!((right[1][2] - 1.0).abs() < 1e-5 && left[0][0] < 1.0);
}

/// The heads that are off come after a pass with all on, which is not run again for others.
#[tokio::test]
async fn a_pass_without_heads_brings_the_one_with_all() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    let run_without = |job, prompt: &str, heads: &str| {
        let ablations = [heads.parse().unwrap(), Ablation::default()];
        let (job, prompt, sampling) = (JobId(job), prompt.to_owned(), Sampling::default());
        worker.send(Request::Run { job, prompt, sampling, ablations }).unwrap();
    };
    run_without(1, "write a story", "0.1");
    let first = wait_for(&mut events, |event| captured(event, Side::Left, 1)).await;
    let before = first.before.clone().unwrap();
    assert_eq!((first.ablation.to_string().as_str(), before.ablation.is_empty()), ("0.1", true));
    assert!(first.logits != before.logits && first.drawn.is_some() && before.drawn.is_some());
    run_without(2, "write a story", "0.1,0.2");
    let second = wait_for(&mut events, |event| captured(event, Side::Left, 2)).await;
    assert!(Arc::ptr_eq(second.before.as_ref().unwrap(), &before), "run once");
    assert_ne!(second.logits, first.logits);
    run(&worker, 3, "write a story");
    let all = wait_for(&mut events, |event| captured(event, Side::Left, 3)).await;
    assert!(Arc::ptr_eq(&all, &before));
    run_without(4, "write", "0.1");
    let other = wait_for(&mut events, |event| captured(event, Side::Left, 4)).await;
    assert_eq!(other.before.as_ref().unwrap().tokens.len(), other.tokens.len());
    run_without(5, "write", "9.1");
    let error = wait_for(&mut events, |event| match event {
        Event::RunFailed { job: JobId(5), error, .. } => Some(error),
        _ => None,
    });
    assert!(error.await.contains("head:9.1 can't be switched off"));
}

/// One pass serves every token; a question after it is closed takes another one.
#[tokio::test]
async fn layers_say_what_they_would_predict() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story about AI");
    let capture = wait_for(&mut events, |event| captured(event, Side::Left, 1)).await;
    let ask = |query, capture: &Arc<Capture>| {
        let question = LensQuestion { pane: Side::Right, side: Side::Left, capture: capture.clone(), query };
        worker.send(Request::Lens(question)).unwrap();
    };
    let last = capture.tokens.len() - 1;
    let mut passes = 0;
    for query in [last, 0, 3] {
        ask(query, &capture);
        let found = wait_for(&mut events, |event| match event {
            Event::LensRunning { pane: Side::Right, layer: 1, .. } => {
                passes += 1;
                None
            }
            Event::Lens { question, found } if question.query == query => Some(found),
            _ => None,
        });
        let lens = found.await.unwrap();
        assert_eq!((lens.query, lens.rows.len()), (query, 5));
        if query == last {
            assert_eq!(lens.prediction().unwrap().token, capture.next[0].token);
        }
    }
    assert_eq!(passes, 1);
    worker.send(Request::ForgetLens).unwrap();
    ask(1, &capture);
    let again = wait_for(&mut events, |event| match event {
        Event::LensRunning { .. } => Some(true),
        Event::Lens { .. } => Some(false),
        _ => None,
    });
    assert!(again.await, "nothing was kept");
    let model = Arc::new(ModelInfo { name: "another".to_owned(), ..(*capture.model).clone() });
    let stranger = Arc::new(Capture { model, ..(*capture).clone() });
    ask(0, &stranger);
    let found = wait_for(&mut events, |event| match event {
        Event::Lens { question, found } if Arc::ptr_eq(&question.capture, &stranger) => Some(found),
        _ => None,
    });
    assert!(found.await.unwrap_err().contains("is not here any more"));
}

/// What a prompt fails with.
async fn failure(events: &mut Receiver<Event>, of: u64) -> String {
    wait_for(events, |event| match event {
        Event::RunFailed { job, error, .. } if job == JobId(of) => Some(error),
        Event::Captured { job, .. } if job == JobId(of) => panic!("it runs"),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn weights_that_are_cut_while_they_are_in_use_are_named() {
    for model in ["gpt2-tiny", "gpt-oss-tiny"] {
        let folder = tempfile::tempdir().unwrap();
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            std::fs::copy(Path::new(&golden(model)).join(name), folder.path().join(name)).unwrap();
        }
        let weights = folder.path().join("model.safetensors");
        let (worker, mut events) = worker::spawn(LoadOptions::default());
        load(&worker, Side::Left, folder.path().to_str().unwrap());
        run(&worker, 1, "write a story");
        let capture = wait_for(&mut events, |event| captured(event, Side::Left, 1)).await;
        std::fs::File::options().write(true).open(&weights).unwrap().set_len(4096).unwrap();
        run(&worker, 2, "write another story");
        let error = failure(&mut events, 2).await;
        assert!(error.contains("model.safetensors: was cut from"), "{error}");
        assert!(error.contains("to 4096 bytes while it was in use"), "{error}");
        // What is asked between passes looks at them, too.
        let (side, pane) = (Side::Left, Side::Left);
        worker.send(Request::Lens(LensQuestion { pane, side, capture: capture.clone(), query: 0 })).unwrap();
        worker.send(score(&capture.model, &[""])).unwrap();
        let mut errors = Vec::new();
        wait_for(&mut events, |event| {
            match event {
                Event::Lens { found: Err(error), .. } | Event::ScoringFailed { error, .. } => {
                    errors.push(error)
                }
                _ => {}
            }
            (errors.len() == 2).then_some(())
        })
        .await;
        assert!(errors.iter().all(|error| error.contains("was cut from")), "{errors:?}");
        // The whole file, and a load, make it good.
        std::fs::copy(Path::new(&golden(model)).join("model.safetensors"), &weights).unwrap();
        load(&worker, Side::Left, folder.path().to_str().unwrap());
        wait_for(&mut events, |event| matches!(event, Event::Loaded { .. }).then_some(())).await;
        run(&worker, 3, "write a story");
        wait_for(&mut events, |event| captured(event, Side::Left, 3)).await;
    }
}

#[tokio::test]
async fn a_prompt_of_any_size_is_answered() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, &golden("gpt2-tiny"));
    wait_for(&mut events, |event| matches!(event, Event::Loaded { .. }).then_some(())).await;
    for (job, text) in (1..).zip(["a", " ", "write ", "\n", "<|endoftext|>", "é", "🙂"]) {
        run(&worker, job, &text.repeat(10_000_000 / text.len()));
        let error = failure(&mut events, job).await;
        assert!(error.contains("kB is more tokens than"), "{text:?}: {error}");
        assert!(error.contains("at most 128: shorten it"), "{text:?}: {error}");
    }
}

/// Expected: transformers 5 (eager, f32) on the same repeated random tokens, with the slice of head 0.1 zeroed before
/// `c_proj`; the mean of the diagonals at 23.
#[tokio::test]
async fn scores_are_those_of_the_model_without_the_heads_that_are_off() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Side::Left, "demo:gpt2");
    let model = wait_for(&mut events, |event| match event {
        Event::Loaded { model, .. } => Some(model),
        _ => None,
    })
    .await;
    // Without 0.2 nobody waits for any more: it gives way, and nobody is told that it was stopped.
    worker.send(score(&model, &["0.2"])).unwrap();
    worker.send(score(&model, &["", "0.1"])).unwrap();
    let mut found: Vec<(String, [f32; 2])> = Vec::new();
    wait_for(&mut events, |event| {
        match event {
            Event::Scored { ablation, scores, .. } => {
                found.push((ablation.to_string(), [scores[1][3].induction, scores[1][1].induction]));
            }
            Event::ScoringFailed { error, .. } => panic!("{error}"),
            _ => {}
        }
        found.iter().any(|(heads, _)| heads == "0.1").then_some(())
    })
    .await;
    found.retain(|(heads, _)| heads != "0.2");
    let names: Vec<&str> = found.iter().map(|(heads, _)| heads.as_str()).collect();
    assert_eq!(names, ["", "0.1"]);
    for ((heads, scores), expected) in found.iter().zip([[0.88815, 0.87671], [0.04525, 0.04143]]) {
        let near = scores.iter().zip(expected).all(|(score, expected)| (score - expected).abs() < 5e-5);
        assert!(near, "without {heads:?}: {scores:?}, not {expected:?}");
    }
}
