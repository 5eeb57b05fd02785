//! Hiding a span from what is behind it gives the same as a whole pass, though only what is behind it runs.

use std::sync::Arc;

use attnscope::attention::HiddenKeys;
use attnscope::model::{Cancel, Engine, Hooks, LoadOptions, Profile};
use safetensors::SafeTensors;

use super::{
    ATTENTION_TOLERANCE, LOGIT_TOLERANCE, all_heads, check_all, folder, golden, ids, largest_difference,
    load, on_cpu, relative_difference,
};

pub fn check(name: &str, options: &LoadOptions) {
    let file = std::fs::read(folder(name).join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&file).unwrap();
    let model = load(&golden(name), options);
    let cases = expected.names().iter().filter(|name| name.ends_with(".input_ids")).count();
    let ids = ids(&expected, &format!("case{}.input_ids", cases - 1));
    let tokens = || model.tokens_from_ids(&ids).unwrap();
    let count = ids.len();
    let capture = Arc::new(model.run(tokens(), &Cancel::new(), &mut |_| ()).unwrap());
    for span in [0..1, 1..count / 3, count / 2..count / 2 + 1, count / 3..count - 1] {
        let found = model.run_hiding(&capture, span.clone(), &Cancel::new(), &mut |_| ()).unwrap();
        let hidden = Some(HiddenKeys { start: span.start, end: span.end });
        let mut hooks = Hooks { hidden, ..Hooks::default() };
        let (profile, cancel) = (&mut Profile::default(), Cancel::new());
        let whole = model.run_hooked(tokens(), &mut hooks, profile, &cancel, &mut |_| ()).unwrap();
        let difference = largest_difference(&all_heads(&whole), all_heads(&found).into_iter());
        assert!(difference <= ATTENTION_TOLERANCE, "{name} {span:?}: attention is off by {difference}");
        let difference = largest_difference(&whole.mean.cells(), found.mean.cells().into_iter());
        assert!(difference <= ATTENTION_TOLERANCE, "{name} {span:?}: the mean is off by {difference}");
        if !whole.logits.is_empty() {
            let difference = relative_difference(&whole.logits, found.logits.iter().copied());
            assert!(difference <= LOGIT_TOLERANCE, "{name} {span:?}: logits are off by {difference}");
        }
        // Nothing of the span is seen behind it, everything in it and before it is as it was.
        let (before, tokens) = (all_heads(&capture), count);
        for (at, weight) in all_heads(&found).into_iter().enumerate() {
            let (query, key) = (at / tokens % tokens, at % tokens);
            if query < span.end {
                assert_eq!(weight, before[at], "{name} {span:?}: query {query}");
            } else if span.contains(&key) {
                assert_eq!(weight, 0.0, "{name} {span:?}: query {query} sees key {key}");
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
