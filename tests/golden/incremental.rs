//! A prompt that begins like the one before costs only what is new in it, and gives what a whole pass gives: every golden,
//! cut at every token; and random edits, one after the other.

use attnscope::attention::{Ablation, Capture, CausalMatrix, SharedMemory, Statistic, View, memory};
use attnscope::model::{Cancel, DemoModel, Engine, Hooks, LoadOptions, Model, Profile, Reference};
use proptest::prelude::*;
use safetensors::SafeTensors;

use super::{
    ATTENTION_TOLERANCE, LOGIT_TOLERANCE, all_heads, check_all, folder, golden, ids, largest_difference,
    load, on_cpu, relative_difference,
};

/// All tokens, whatever is known of them.
fn whole(model: &Model, ids: &[u32], ablation: &Ablation) -> Capture {
    let mut hooks = Hooks { head_mask: ablation.clone(), ..Hooks::default() };
    let tokens = model.tokens_from_ids(ids).unwrap();
    model.run_hooked(tokens, &mut hooks, &mut Profile::default(), &Cancel::new(), &mut |_| ()).unwrap()
}

fn run(model: &Model, ids: &[u32], ablation: &Ablation) -> Capture {
    model.run_without(model.tokens_from_ids(ids).unwrap(), ablation, &Cancel::new(), &mut |_| ()).unwrap()
}

fn near(what: &str, found: &CausalMatrix, expected: &CausalMatrix) {
    assert_eq!((found.bin(), found.size()), (expected.bin(), expected.size()), "{what}");
    let sides = |matrix: &CausalMatrix| {
        let first = (0..matrix.size()).map(|query| matrix.first_token(query));
        [matrix.cells(), matrix.sinks().unwrap_or_default().to_vec(), first.collect()].concat()
    };
    let difference = largest_difference(&sides(expected), sides(found).into_iter());
    assert!(difference <= ATTENTION_TOLERANCE, "{what} is off by {difference}");
}

/// Everything that a capture holds is what a whole pass gives.
fn same(what: &str, found: &Capture, expected: &Capture) {
    let difference = largest_difference(&all_heads(expected), all_heads(found).into_iter());
    assert!(difference <= ATTENTION_TOLERANCE, "{what}: attention is off by {difference}");
    let difference = relative_difference(&expected.logits, found.logits.iter().copied());
    assert!(
        expected.logits.is_empty() || difference <= LOGIT_TOLERANCE,
        "{what}: logits are off by {difference}"
    );
    near(what, &found.mean, &expected.mean);
    for (at, (found, expected)) in found.layers.iter().zip(&expected.layers).enumerate() {
        let what = format!("{what}, layer {at}");
        near(&what, &found.mean, &expected.mean);
        for (found, expected) in
            [(&found.value_norms, &expected.value_norms), (&found.log_sum_exp, &expected.log_sum_exp)]
        {
            assert_eq!(found.tokens(), expected.tokens(), "{what}");
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * b.abs().max(1.0);
            assert!(found.rows().flatten().zip(expected.rows().flatten()).all(close), "{what}");
        }
        for (found, expected) in found.heads.iter().zip(&expected.heads) {
            near(&what, &found.thumbnail, &expected.thumbnail);
            for statistic in Statistic::ALL {
                let (a, b) = (found.statistics.get(statistic), expected.statistics.get(statistic));
                let is_close = a.zip(b).map_or(a == b, |(a, b)| (a - b).abs() <= 1e-4 * b.abs().max(1.0));
                assert!(is_close, "{what}: {}: {a:?}, not {b:?}", statistic.id());
            }
        }
    }
}

/// The rows of the first tokens are the same bits in both.
fn shares(what: &str, longer: &Capture, shorter: &Capture, tokens: usize) {
    let views = (0..longer.model.layers).flat_map(|layer| {
        let heads = (0..longer.model.heads).map(move |head| View::Head { layer, head });
        heads.chain([View::Layer(layer)])
    });
    for view in views.chain([View::Mean]) {
        let [longer, shorter] = [longer, shorter].map(|capture| capture.matrix(view).unwrap());
        for query in 0..tokens {
            assert_eq!(longer.row(query), shorter.row(query), "{what}, {view}, row {query}");
            assert_eq!(longer.sink(query), shorter.sink(query), "{what}, {view}, row {query}");
        }
    }
}

fn check(name: &str, options: &LoadOptions) {
    check_every(1, name, options);
}

/// Cut at every so many tokens.
pub fn check_every(step: usize, name: &str, options: &LoadOptions) {
    let model = load(&golden(name), options);
    let file = std::fs::read(folder(name).join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&file).unwrap();
    let cases = expected.names().iter().filter(|name| name.ends_with(".input_ids")).count();
    let ablations: [Ablation; 2] = [Ablation::default(), "0.0".parse().unwrap()];
    for case in 0..cases {
        let ids = ids(&expected, &format!("case{case}.input_ids"));
        for ablation in ablations.iter().take(1 + usize::from(case == 0)) {
            let expected = whole(&model, &ids, ablation);
            for cut in (1..=ids.len()).step_by(step) {
                let what = format!("{name} case {case} without {ablation}, cut at {cut}");
                // What is there before is of another prompt from `cut` on.
                let other = [&ids[..cut], &[ids[0] ^ 1, ids[0]]].concat();
                let other = &other[..other.len().min(model.info().context)];
                let before = run(&model, other, ablation);
                let after = run(&model, &ids, ablation);
                same(&what, &after, &expected);
                // LongRoPE turns prompts of other lengths by other factors.
                if after.computed.note.is_none() {
                    let known = cut.min(ids.len() - 1);
                    assert!(after.computed.from >= known && after.computed.from < ids.len(), "{what}");
                    if cut == ids.len() / 2 {
                        shares(&what, &after, &before, known);
                    }
                }
            }
        }
    }
}

on_each_engine!(check);

#[test]
fn the_other_families() {
    check_all("families", 52, Engine::Auto, check);
}

#[test]
fn the_other_families_in_tensor_operations() {
    check_all("families", 52, Engine::Generic, check);
}

#[test]
fn gguf_files() {
    check_all("gguf", 13, Engine::Auto, check);
}

#[test]
fn gguf_files_in_tensor_operations() {
    check_all("gguf", 13, Engine::Generic, check);
}

/// Long enough that cells stand for several tokens, and for more of them after a few tokens.
#[test]
fn long_prompts_go_on_too() {
    // On both sides of the length, and across it.
    let lengths = [(2_040, 2_050), (2_060, 2_047), (2_050, 2_051), (2_110, 2_071), (2_080, 2_079)];
    for (engine, lengths) in [(Engine::Auto, &lengths[..]), (Engine::Generic, &lengths[..2])] {
        let model = load(&Reference::Demo(DemoModel::GptOss), &on_cpu(engine));
        let ids: Vec<u32> = (0..2_110).map(|i| i * i % 37).collect();
        let none = Ablation::default();
        for &(before, now) in lengths {
            let what = format!("{engine:?}: {before} tokens, then {now}");
            run(&model, &ids[..before], &none);
            let after = run(&model, &ids[..now], &none);
            assert_eq!(after.computed.from, before.min(now - 1), "{what}");
            let expected = whole(&model, &ids[..now], &none);
            near(&what, &after.mean, &expected.mean);
            for (found, expected) in after.layers.iter().zip(&expected.layers) {
                near(&what, &found.mean, &expected.mean);
                for (found, expected) in found.heads.iter().zip(&expected.heads) {
                    near(&what, &found.thumbnail, &expected.thumbnail);
                }
            }
        }
    }
}

#[test]
fn the_same_prompt_again_is_known_and_a_model_may_keep_nothing() {
    let none = Ablation::default();
    let model = load(&golden("gpt2-tiny"), &on_cpu(Engine::Auto));
    let first = run(&model, &[1, 2, 3], &none);
    let again = run(&model, &[1, 2, 3], &none);
    assert_eq!(first.logits, again.logits);
    assert!(std::sync::Arc::ptr_eq(&first.layers[0], &again.layers[0]));
    // With other heads off, and between these two.
    let off: Ablation = "0.1".parse().unwrap();
    assert_eq!(run(&model, &[1, 2, 3, 4], &off).computed.from, 0);
    assert_eq!(run(&model, &[1, 2, 3, 4], &none).computed.from, 3);
    assert_eq!(run(&model, &[1, 2, 3, 4, 5], &off).computed.from, 4);
    let options = LoadOptions { no_cache: true, ..on_cpu(Engine::Auto) };
    let model = load(&golden("gpt2-tiny"), &options);
    run(&model, &[1, 2, 3], &none);
    assert_eq!(run(&model, &[1, 2, 3, 4], &none).computed.from, 0);
}

/// What a capture takes is what was said before it ran, and one that goes on from another takes little more.
#[test]
fn memory_is_shared_and_foreseen() {
    let none = Ablation::default();
    let model = load(&golden("gpt2-tiny"), &on_cpu(Engine::Auto));
    let ids: Vec<u32> = (0..100).map(|i| i * i % 37).collect();
    let whole = run(&model, &ids, &none);
    let longer = run(&model, &[&ids[..], &[1]].concat(), &none);
    let other = run(&model, &[&[5], &ids[..]].concat(), &none);
    let alone = memory([&whole]);
    assert_eq!(memory([&whole, &whole]) - alone, 4 * whole.logits.len() as u64);
    let more = memory([&whole, &longer]) as f64 / alone as f64;
    assert!((1.0..1.6).contains(&more), "{more}");
    let more = memory([&whole, &other]) as f64 / alone as f64;
    assert!((1.9..2.1).contains(&more), "{more}");
    // However they come and go, what is left counts as if nothing else had been there.
    let mut kept = SharedMemory::default();
    for capture in [&whole, &longer, &other, &whole] {
        kept.add(capture);
    }
    assert_eq!(kept.bytes(), memory([&whole, &longer, &other, &whole]));
    kept.remove(&whole);
    assert_eq!(kept.bytes(), memory([&whole, &longer, &other]));
    kept.remove(&whole);
    assert_eq!(kept.bytes(), memory([&longer, &other]));
    kept.remove(&longer);
    kept.remove(&other);
    assert_eq!(kept.bytes(), 0);
}

#[test]
fn what_other_factors_turned_is_computed_again() {
    let model = load(&golden("families/phi3-long"), &on_cpu(Engine::Auto));
    let ids: Vec<u32> = (1..40).collect();
    let note = |tokens: usize| run(&model, &ids[..tokens], &Ablation::default()).computed.note;
    let notes: Vec<Option<&str>> = (1..40).map(note).collect();
    assert_eq!(notes.iter().filter(|note| note.is_some()).count(), 1, "where it switches: {notes:?}");
    assert!(notes.iter().flatten().next().unwrap().contains("whole prompt"));
}

#[test]
fn a_pass_that_is_stopped_leaves_what_was_there() {
    let model = load(&golden("gpt-oss-tiny"), &on_cpu(Engine::Auto));
    run(&model, &[1, 2, 3], &Ablation::default());
    let cancel = Cancel::new();
    let tokens = model.tokens_from_ids(&[1, 2, 5, 6]).unwrap();
    assert!(model.run(tokens, &cancel.clone(), &mut |_| cancel.cancel()).is_err());
    let after = run(&model, &[1, 2, 3, 4], &Ablation::default());
    assert_eq!(after.computed.from, 3);
    same("after a stop", &after, &whole(&model, &[1, 2, 3, 4], &Ablation::default()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Each prompt is the one before with some of its end replaced.
    #[test]
    fn random_edits(
        edits in prop::collection::vec((0..60usize, prop::collection::vec(0..60u32, 0..40)), 1..12),
        engine in prop::sample::select(vec![Engine::Auto, Engine::Generic]),
        name in prop::sample::select(vec!["gpt2-tiny", "gpt-oss-tiny"]),
    ) {
        let model = load(&golden(name), &on_cpu(engine));
        let none = Ablation::default();
        let mut ids: Vec<u32> = vec![7];
        for (kept, more) in edits {
            ids.truncate(kept.max(1));
            ids.extend(more);
            ids.truncate(model.info().context);
            let found = run(&model, &ids, &none);
            same(&format!("{name} {engine:?} {ids:?}"), &found, &whole(&model, &ids, &none));
        }
    }
}
