//! The embedded pair is what its README says: the article's prompt is five whole words to both, and both have
//! learnt to look at the previous token and at what followed the same token before.

#![allow(clippy::unwrap_used)]

use attnscope::attention::ScoresByHead;
use attnscope::model::{Cancel, Control, DemoModel, LoadOptions, Model, Reference, RepeatRun};

/// What assets/demo/report.py measured with Hugging Face transformers, of other draws.
const REPORT: &str = include_str!("../assets/demo/report.json");

fn load(demo: DemoModel) -> Model {
    let mut progress = |_| ();
    let mut control = Control { cancel: Cancel::new(), progress: &mut progress };
    Model::load(&Reference::Demo(demo), &LoadOptions::default(), &mut control).unwrap()
}

#[test]
fn the_articles_prompt_is_five_words_to_both() {
    for demo in DemoModel::ALL {
        let tokens = load(demo).tokenize("write a story about AI").unwrap();
        let raw: Vec<&str> = tokens.iter().map(|token| token.raw.as_str()).collect();
        assert_eq!(raw, ["write", "Ġa", "Ġstory", "Ġabout", "ĠAI"], "{}", demo.name());
    }
}

/// The scores of every head, [layer][head].
fn scores(model: &Model) -> ScoresByHead {
    let mut run = RepeatRun::default();
    while run.scores().is_none() {
        run.step(model, &Cancel::new()).unwrap();
    }
    run.scores().unwrap()
}

#[test]
fn both_have_the_heads_that_the_report_found() {
    let report: serde_json::Value = serde_json::from_str(REPORT).unwrap();
    for demo in DemoModel::ALL {
        let reported = &report[demo.name()]["repeated_random_tokens"];
        let (mut best_previous, mut best_induction) = (0.0f32, 0.0f32);
        for (layer, heads) in scores(&load(demo)).iter().enumerate() {
            for (head, scores) in heads.iter().enumerate() {
                best_previous = best_previous.max(scores.previous);
                best_induction = best_induction.max(scores.induction);
                for (name, score) in [
                    ("previous", scores.previous),
                    ("duplicate", scores.duplicate),
                    ("induction", scores.induction),
                ] {
                    let there = reported[name][layer][head].as_f64().unwrap() as f32;
                    let place = format!("{} {layer}.{head} {name}", demo.name());
                    assert!((score - there).abs() < 0.1, "{place}: {score}, reported {there}");
                }
            }
        }
        assert!(
            best_previous > 0.4 && best_induction > 0.4,
            "{}: {best_previous}, {best_induction}",
            demo.name()
        );
    }
}
