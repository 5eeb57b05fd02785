//! Ablation, the logit lens and value-weighted attention, as Hugging Face transformers computes it: `explain/compute.py` made the numbers.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use attnscope::attention::ablation::{moved_heads, next_changes, next_divergence};
use attnscope::attention::lens::Lens;
use attnscope::attention::{Ablation, Capture, View};
use attnscope::model::{Cancel, Control, Engine, LoadOptions, Model, Reference, Sweep};
use attnscope::vocabulary::Instead;
use serde_json::Value;

const EXPECTED: &str = include_str!("explain/expected.json");

/// Calls `check` with each checkpoint, each engine, and what is expected of it.
fn each_model(check: impl Fn(&Model, Engine, &Value)) {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        for engine in [Engine::Auto, Engine::Generic] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
            let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
            let options = LoadOptions { engine, ..LoadOptions::default() };
            let model = Model::load(&Reference::Folder(folder), &options, &mut control).unwrap();
            check(&model, engine, expected);
        }
    }
}

fn number(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(read).collect()
}

fn close(found: f32, expected: f32, tolerance: f32, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, expected {expected}");
}

fn run(model: &Model, ids: &Value, ablation: &Ablation) -> Capture {
    let ids = list(ids, |id| u32::try_from(id.as_u64().unwrap()).unwrap());
    let tokens = model.tokens_from_ids(&ids).unwrap();
    model.run_without(tokens, ablation, &Cancel::new(), &mut |_| ()).unwrap()
}

fn heads_off(expected: &Value) -> Ablation {
    let mut ablation = Ablation::default();
    for head in expected["heads"].as_array().unwrap() {
        let at = |part: usize| head[part].as_u64().unwrap() as usize;
        ablation.toggle(at(0), at(1));
    }
    ablation
}

#[test]
fn heads_that_are_off_move_the_others_and_the_next_tokens() {
    each_model(|model, engine, expected| {
        for (kind, instead) in [("ablation", Instead::Zero), ("mean_ablation", Instead::Mean)] {
            let ablation = heads_off(&expected[kind]).replaced_by(instead);
            check_ablation(model, engine, (&expected["ids"], &expected[kind]), &ablation);
        }
    });
}

fn check_ablation(model: &Model, engine: Engine, (ids, expected): (&Value, &Value), ablation: &Ablation) {
    let what = format!("{} {engine:?} {ablation}", model.info().name);
    let before = run(model, ids, &Ablation::default());
    let after = run(model, ids, ablation);
    assert_eq!(after.ablation, *ablation);
    {
        for layer in 0..model.info().layers {
            let moved = moved_heads(&before, &after, layer).unwrap();
            for (head, moved) in moved.iter().enumerate() {
                let what = format!("{what} {layer}.{head}");
                let matrix = after.matrix(View::Head { layer, head }).unwrap();
                for query in 0..matrix.size() {
                    for key in 0..=query {
                        let expected = &expected["attentions"][layer][head][query][key];
                        close(matrix.get(query, key).unwrap(), number(expected), 5e-5, &what);
                    }
                }
                let expected = &expected["moved"][layer * model.info().heads + head];
                close(moved.divergence, number(expected), 5e-5, &what);
            }
        }
        let logits = list(&expected["logits"], number);
        let largest = logits.iter().fold(0f32, |largest, logit| largest.max(logit.abs()));
        for (found, expected) in after.logits.iter().zip(&logits) {
            close(*found, *expected, 1e-4 * largest, &what);
        }
        close(next_divergence(&before, &after).unwrap() as f32, number(&expected["kl"]), 1e-4, &what);

        let changes = next_changes(&before, &after);
        for (next, find) in [(&before.next, 0), (&after.next, 1)] {
            for next in next {
                let change = changes.iter().find(|change| change.before.token == next.token).unwrap();
                close([change.before.probability, change.after][find], next.probability, 1e-6, &what);
            }
        }
    }
}

#[test]
fn a_sweep_says_what_each_head_alone_is_worth() {
    each_model(|model, engine, expected| {
        let what = format!("{} {engine:?}", model.info().name);
        let capture = run(model, &expected["ids"], &Ablation::default());
        let mut swept = Vec::new();
        for (name, instead) in [("zero", Instead::Zero), ("mean", Instead::Mean)] {
            let tokens = capture.tokens.to_vec();
            let (_, stream) =
                model.run_keeping(tokens, &capture.ablation, &Cancel::new(), &mut |_| ()).unwrap();
            let mut sweep = Sweep::new(&capture, instead);
            while !sweep.is_done() {
                sweep.step(model, &stream, &Cancel::new()).unwrap();
            }
            let found: Vec<f32> = sweep.found().unwrap().divergences.concat();
            for (found, expected) in found.iter().zip(list(&expected["sweep"][name], number)) {
                close(*found, expected, 1e-5 + 1e-3 * expected, &format!("{what} {name}"));
            }
            assert!(found.iter().any(|value| *value > 1e-3), "{what}: {found:?}");
            swept.push((instead, found));
        }
        let again = run(model, &expected["ids"], &Ablation::default());
        assert_eq!(again.computed.from, capture.computed.from, "{what}: what is kept of the prompt stays");
        for (instead, found) in swept {
            for (at, found) in found.into_iter().enumerate() {
                let mut off = Ablation::default().replaced_by(instead);
                off.toggle(at / model.info().heads, at % model.info().heads);
                let whole = next_divergence(&capture, &run(model, &expected["ids"], &off)).unwrap();
                // The output head takes several rows at once, and adds up in another order.
                let off_by = (found - whole as f32).abs() / found.abs().max(1e-3);
                assert!(off_by < 1e-4, "{what} {off}: {found}, by a pass from the first layer on {whole}");
            }
        }
    });
}

/// The heads of the first layer that has one off, and all before, read what they always read.
#[test]
fn earlier_layers_do_not_move_and_nothing_off_changes_nothing() {
    each_model(|model, engine, expected| {
        let mut last = Ablation::default();
        last.toggle(model.info().layers - 1, 0);
        let before = run(model, &expected["ids"], &Ablation::default());
        let after = run(model, &expected["ids"], &last);
        for (before, after) in before.layers.iter().zip(&after.layers) {
            let [own, others] = [before, after].map(|layer| layer.qkv.get());
            assert_eq!((&own.query, &own.key), (&others.query, &others.key), "{engine:?}");
            assert_eq!(before.log_sum_exp, after.log_sum_exp);
        }
        assert_ne!(before.logits, after.logits);

        let again = run(model, &expected["ids"], &Ablation::default());
        assert_eq!((&before.logits, &before.next), (&again.logits, &again.next));
        assert_eq!(next_divergence(&before, &again), Some(0.0));
        for layer in 0..model.info().layers {
            let moved = moved_heads(&before, &again, layer).unwrap();
            assert!(moved.iter().all(|moved| moved.divergence == 0.0));
        }
    });
}

#[test]
fn a_head_that_is_not_there_is_refused() {
    each_model(|model, _, expected| {
        let ids = list(&expected["ids"], |id| id.as_u64().unwrap() as u32);
        let tokens = model.tokens_from_ids(&ids).unwrap();
        let ablation: Ablation = "0.0,0.4".parse().unwrap();
        let error = model.run_without(tokens, &ablation, &Cancel::new(), &mut |_| ()).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("head:0.4 can't be switched off") && error.contains("0 to 3"), "{error}");
    });
}

#[test]
fn each_layer_predicts_what_it_would() {
    each_model(|model, engine, expected| {
        let ids = list(&expected["ids"], |id| id.as_u64().unwrap() as u32);
        let tokens = model.tokens_from_ids(&ids).unwrap();
        let on = Ablation::default();
        let (capture, stream) = model.run_keeping(tokens.clone(), &on, &Cancel::new(), &mut |_| ()).unwrap();
        // Without keeping, the last layer goes on with the last token only: other sums, in another order.
        let without = run(model, &expected["ids"], &on);
        assert_eq!(capture.mean, without.mean, "keeping changes no attention");
        for (kept, without) in capture.logits.iter().zip(&without.logits) {
            assert!((kept - without).abs() < 1e-4, "{kept} is not {without}");
        }
        for (query, expected) in expected["lens"].as_array().unwrap().iter().enumerate() {
            let lens = model.lens(&stream, query, 3).unwrap();
            assert_eq!((lens.query, lens.rows.len()), (query, model.info().layers + 1));
            for (at, row) in lens.rows.iter().enumerate() {
                let what = format!("{} {engine:?} token {query}, {}", model.info().name, Lens::name(at));
                assert_eq!(row.next.len(), 3);
                assert_eq!(
                    u64::from(row.next[0].token.id),
                    expected["tokens"][at].as_u64().unwrap(),
                    "{what}"
                );
                close(row.next[0].probability, number(&expected["probabilities"][at]), 2e-5, &what);
                close(row.of_last, number(&expected["of_last"][at]), 2e-5, &what);
            }
        }
        let last = model.lens(&stream, ids.len() - 1, 10).unwrap();
        for (own, seen) in capture.next.iter().zip(&last.rows.last().unwrap().next) {
            assert_eq!(own.token, seen.token);
            close(own.probability, seen.probability, 1e-6, "the last row is the model's own prediction");
        }
        assert!(model.lens(&stream, ids.len(), 1).unwrap_err().to_string().contains("there is no token"));
        let off = heads_off(&expected["ablation"]);
        let (without, stream) = model.run_keeping(tokens, &off, &Cancel::new(), &mut |_| ()).unwrap();
        let last = model.lens(&stream, ids.len() - 1, 1).unwrap();
        assert_eq!(
            last.prediction().unwrap().token,
            without.next[0].token,
            "heads that are off are off here too"
        );
    });
}

#[test]
fn attention_is_weighted_by_what_values_add() {
    each_model(|model, engine, expected| {
        let capture = run(model, &expected["ids"], &Ablation::default());
        let tokens = capture.tokens.len();
        let mut means = vec![vec![0.0; tokens]; tokens];
        for layer in 0..model.info().layers {
            let mut mean = vec![vec![0.0; tokens]; tokens];
            for head in 0..model.info().heads {
                let what = format!("{} {engine:?} {layer}.{head}", model.info().name);
                let norms = list(&expected["value_norms"][layer][head], number);
                let found = capture.layers[layer].value_norms.rows().map(|row| row[head]);
                for (found, expected) in found.zip(&norms) {
                    close(found, *expected, 1e-4 * expected, &what);
                }
                let view = View::Head { layer, head };
                let [attention, weighted] =
                    [view, view.value_weighted().unwrap()].map(|view| capture.matrix(view).unwrap());
                assert!(weighted.sinks().is_none(), "what goes to a sink adds nothing");
                for (query, mean) in mean.iter_mut().enumerate() {
                    for (key, (norm, mean)) in norms.iter().zip(mean).enumerate().take(query + 1) {
                        let expected = attention.get(query, key).unwrap() * norm;
                        close(weighted.get(query, key).unwrap(), expected, 1e-4 * norm, &what);
                        *mean += expected / model.info().heads as f32;
                    }
                }
            }
            check_rows(&capture, View::Layer(layer), &mean);
            for (sum, mean) in means.iter_mut().flatten().zip(mean.iter().flatten()) {
                *sum += mean / model.info().layers as f32;
            }
        }
        check_rows(&capture, View::Mean, &means);
        let off = run(model, &expected["ids"], &heads_off(&expected["ablation"]));
        assert!(off.layers[0].value_norms.rows().all(|row| row[1] == 0.0), "0.1 is off");
    });
}

/// A view value-weighted, as a matrix and row by row.
fn check_rows(capture: &Capture, view: View, expected: &[Vec<f32>]) {
    let view = view.value_weighted().unwrap();
    let matrix = capture.matrix(view).unwrap();
    let largest = expected.iter().flatten().fold(0f32, |largest, value| largest.max(*value));
    for (query, expected) in expected.iter().enumerate() {
        let (row, sink) = capture.row(view, query).unwrap();
        assert_eq!((row.len(), sink), (query + 1, None));
        for (found, expected) in matrix.row(query).iter().zip(expected).chain(row.iter().zip(expected)) {
            close(*found, *expected, 1e-4 * largest, &view.to_string());
        }
    }
}
