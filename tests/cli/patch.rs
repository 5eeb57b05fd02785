//! What `patch` says: how far parts of the pass over one prompt bring another.

use serde_json::Value;

use crate::support::program::{Home, golden, text};

#[test]
fn places_are_patched_as_a_table_a_map_json_and_csv() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let asked = [
        "patch",
        "--model",
        text(&model),
        "--prompt",
        "the cat and the dog",
        "--prompt",
        "the dog and the cat",
    ];
    let with = |more: &[&str]| home.run(asked.iter().chain(more).copied());
    for (what, heads) in [("heads", true), ("residual", false)] {
        let document: Value = serde_json::from_str(with(&["--what", what, "--json"]).text()).unwrap();
        let found = &document["models"][0];
        let rows = found["effects"].as_array().unwrap();
        let tokens = found["prompts"][1].as_array().unwrap().len();
        let heads = if heads { 4 } else { tokens };
        assert!(rows.iter().all(|row| row.as_array().unwrap().len() == heads), "{document}");
        assert_eq!(found["what"], what);
        assert_ne!(found["logit_differences"][0], found["logit_differences"][1]);
        if what == "residual" {
            let last = rows.last().unwrap().as_array().unwrap();
            assert!(
                (last[tokens - 1].as_f64().unwrap() - 1.0).abs() < 1e-3,
                "the last token decides: {last:?}"
            );
            assert!(
                last[..tokens - 1].iter().all(|effect| effect.as_f64().unwrap().abs() < 1e-4),
                "{last:?}"
            );
            assert!(rows.iter().all(|row| row[0].as_f64() == Some(0.0)), "both begin alike");
        }
        let csv = with(&["--what", what, "--csv"]);
        assert_eq!(csv.text().lines().count(), 1 + rows.len() * heads);
        let table = with(&["--what", what, "--top", "3"]);
        assert!(table.text().contains("first prompt, taken from:  the cat and the dog"), "{}", table.text());
        let map = with(&["--what", what, "--map"]);
        assert_eq!(map.text().lines().count(), 2 + rows.len(), "{}", map.text());
    }
}

/// What a head did before it was switched off is put back.
#[test]
fn one_prompt_without_a_head_is_patched_back() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let asked = [
        "patch",
        "--model",
        text(&model),
        "--prompt",
        "the cat and the cat",
        "--without",
        "none",
        "--without",
    ];
    let more = ["1.2", "--token", "5", "--versus", "6", "--json"];
    let ended = home.run(asked.into_iter().chain(more));
    let document: Value = serde_json::from_str(ended.text()).unwrap();
    let effects = &document["models"][0]["effects"];
    assert!((effects[1][2].as_f64().unwrap() - 1.0).abs() < 1e-3, "the head brings all of it: {effects}");
    assert_eq!(
        effects[0][0].as_f64().map(|effect| effect.abs() < 1e-3),
        Some(true),
        "what is before it, nothing: {effects}"
    );
}

#[test]
fn what_cannot_be_patched_says_why() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let patch = |prompts: &[&str], more: &[&str]| {
        let mut asked = vec!["patch", "--model", text(&model)];
        prompts.iter().for_each(|prompt| asked.extend(["--prompt", prompt]));
        asked.extend(more);
        home.run(asked)
    };
    patch(&["the cat"], &[]).failed(2, &["two prompts", "--prompt twice"]);
    patch(&["the cat", "the cat and the dog"], &[]).failed(1, &["equal length", "tokens"]);
    patch(&["the cat", "the dog"], &["--token", "5", "--versus", "5"]).failed(1, &["--token and --versus"]);
    patch(&["the cat", "the cat"], &["--token", "5", "--versus", "6"])
        .failed(2, &["both --prompt are the same: there is nothing to bring from one to the other"]);
    patch(&["the cat"], &["--without", "0.1", "--without", "0.1"])
        .failed(2, &["both --without are the same"]);
    patch(&["the cat", "the dog"], &["--what", "mlp"]).failed(2, &["heads", "residual"]);
    patch(&["the cat", "the dog"], &["--token", "no such token"]).failed(1, &["has no token"]);
}
