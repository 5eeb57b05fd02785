//! What `compare` says, and the page it writes.

use serde_json::Value;

use crate::support::program::{Home, golden, text};

#[test]
fn two_models_are_compared_as_text_as_json_and_as_a_page() {
    let home = Home::new();
    let models = [golden("gpt2-tiny"), golden("gpt-oss-tiny")];
    let [left, right] = models.each_ref().map(|model| text(model));
    let asked = ["compare", "--model", left, "--model", right, "--prompt", "the cat <b> and the cat"];
    let with = |more: &[&str]| home.run(asked.iter().chain(more).copied());

    let ended = with(&["--json"]);
    let document: Value = serde_json::from_str(ended.text()).unwrap();
    let pieces = document["pieces"].as_array().unwrap();
    for piece in pieces {
        for side in [0, 1] {
            let row = piece["rows"][side].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
            let sum = row.sum::<f64>() + piece["sinks"][side].as_f64().unwrap_or(0.0);
            assert!((sum - 1.0).abs() < 1e-5, "{piece}");
        }
    }
    let mean = document["mean_divergence"].as_f64().unwrap();
    let of_rows: f64 = pieces.iter().map(|piece| piece["divergence"].as_f64().unwrap()).sum();
    assert!((mean - of_rows / pieces.len() as f64).abs() < 1e-6 && mean > 0.0);

    let ended = with(&[]);
    assert!(ended.text().contains(&format!("{mean:.3} nats on average")), "{}", ended.text());

    let page = home.path("report.html");
    assert_eq!(with(&["--words", "--view", "layer:1", "--report", text(&page)]).text(), "");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("View: layer:1, raw") && page.contains("the cat &lt;b&gt; and the cat"));
    assert!(page.contains("--words --report"), "the command that made it");
}

#[test]
fn two_prompts_of_one_model_are_compared_by_their_words() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let model = text(&model);
    let asked =
        ["compare", "--model", model, "--prompt", "the cat and the dog", "--prompt", "the old cat and a dog"];
    let with = |more: &[&str]| home.run(asked.iter().chain(more).copied());
    let document: Value = serde_json::from_str(with(&["--json"]).text()).unwrap();
    let prompts =
        [0, 1].map(|side: usize| document["models"][side]["recipe"]["input"]["prompt"].as_str().unwrap());
    assert_eq!(prompts, ["the cat and the dog", "the old cat and a dog"]);
    let pieces = document["pieces"].as_array().unwrap();
    for piece in pieces {
        for side in [0, 1] {
            let row = piece["rows"][side].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
            let of = |what: &str| piece[what][side].as_f64().unwrap();
            let sum = row.sum::<f64>() + of("sinks") + of("left_out");
            assert!((sum - 1.0).abs() < 1e-5, "{piece}");
        }
    }
    let tokens = |side: usize| document["models"][side]["tokens"].as_array().unwrap().len() as u64;
    for side in [0, 1] {
        let length = |run: &Value| run["tokens"][1].as_u64().unwrap() - run["tokens"][0].as_u64().unwrap();
        let left_over: u64 = document["left_over"][side].as_array().unwrap().iter().map(length).sum();
        let in_pieces: u64 = pieces
            .iter()
            .map(|piece| {
                piece["tokens"][side][1].as_u64().unwrap() - piece["tokens"][side][0].as_u64().unwrap()
            })
            .sum();
        assert_eq!(left_over + in_pieces, tokens(side));
        assert!(left_over > 0);
    }
    assert!(with(&[]).text().contains("only gpt-oss-tiny (left): 'the'"), "{}", with(&[]).text());

    let page = home.path("two.html");
    with(&["--report", text(&page)]).text();
    let page = std::fs::read_to_string(page).unwrap();
    for part in [
        "Left out of the difference",
        "gpt-oss-tiny (right): the old cat",
        "--prompt 'the cat and the dog' --prompt",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let heads: Value = serde_json::from_str(with(&["--heads", "--json"]).text()).unwrap();
    assert!(
        heads["heads"].as_array().unwrap().iter().any(|head| head["js_divergence"].as_f64().unwrap() > 0.0)
    );
    let both = ["compare", "--model", model, "--prompt", "the cat", "--prompt", "the cat", "--json"];
    let same: Value = serde_json::from_str(home.run(both).text()).unwrap();
    assert_eq!(
        (same["mean_divergence"].as_f64(), &same["left_over"]),
        (Some(0.0), &serde_json::json!([[], []]))
    );

    let three = ["compare", "--model", model, "--prompt", "a", "--prompt", "b", "--prompt", "c"];
    home.run(three).failed(2, &["--prompt twice"]);
    let print = ["print", "--model", model, "--prompt", "a", "--prompt", "b"];
    home.run(print).failed(2, &["2 times", "one text"]);
    let none = ["compare", "--model", model, "--prompt", "the cat", "--prompt", "my dog"];
    home.run(none).failed(1, &["no word in common"]);
}

#[test]
fn a_comparison_takes_two_models_that_have_the_view() {
    let home = Home::new();
    let gpt2 = golden("gpt2-tiny");
    let model = ["--model", text(&gpt2)];
    home.run(["compare"].into_iter().chain(model)).failed(2, &["two models", "--pair"]);
    let both = ["compare", "--view", "layer:99"].into_iter().chain(model).chain(model);
    home.run(both).failed(1, &["layers 0 to"]);
}

#[test]
fn heads_are_compared_one_by_one_between_models_of_one_shape() {
    let home = Home::new();
    let base = golden("gpt2-tiny");
    let adapter = base.parent().unwrap().with_file_name("lora").join("attention");
    let adapted = format!("{}+{}", text(&base), text(&adapter));
    let compare = |other: &str, more: &[&str]| {
        let asked = [
            "compare",
            "--heads",
            "--model",
            text(&base),
            "--model",
            other,
            "--prompt",
            "the cat and the dog",
        ];
        home.run(asked.iter().chain(more).copied())
    };
    let ended = compare(&adapted, &["--json"]);
    let document: Value = serde_json::from_str(ended.text()).unwrap();
    let heads = document["heads"].as_array().unwrap();
    let moved: Vec<f64> = heads.iter().map(|head| head["js_divergence"].as_f64().unwrap()).collect();
    assert!(moved.is_sorted_by(|a, b| a >= b) && moved[0] > 0.0 && moved.len() == 12);
    assert!(heads.iter().all(|head| (0.0..=1.0).contains(&head["flips"].as_f64().unwrap())));
    assert!(document["kl_divergence"].as_f64().unwrap() > 0.0);
    assert_eq!(document["models"][1]["recipe"]["model"], adapted.as_str());
    let ended = compare(&adapted, &["--top", "2"]);
    let first = format!("{}.{} ", heads[0]["layer"], heads[0]["head"]);
    assert!(ended.text().lines().any(|line| line.starts_with(&first)), "{}", ended.text());
    assert_eq!(ended.text().lines().filter(|line| line.ends_with('%')).count(), 2);
    let itself: Value = serde_json::from_str(compare(text(&base), &["--json"]).text()).unwrap();
    assert_eq!(
        (itself["mean_js_divergence"].as_f64(), itself["kl_divergence"].as_f64()),
        (Some(0.0), Some(0.0))
    );
    // Far less than a thousandth of a nat is still something.
    let rounded = compare(&format!("{}~q8_0", text(&base)), &[]);
    let said = rounded.text();
    let mean = said.lines().find(|line| line.starts_with("JS divergence"));
    assert!(mean.is_some_and(|mean| mean.contains("e-")), "{said}");
    let other = golden("gpt-oss-tiny");
    compare(text(&other), &[]).failed(1, &["models of one shape"]);
    compare(&adapted, &["--words"]).failed(2, &["--heads", "--words"]);
}
