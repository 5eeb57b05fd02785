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
    let said = with(&[]).text().to_owned();
    for line in [
        "gpt-oss-tiny (left) reads: the cat and the dog\n",
        "gpt-oss-tiny (right) reads: the old cat and a dog\n",
        "only gpt-oss-tiny (left): 'the'",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let sides = |document: &Value| [0, 1].map(|side: usize| document["models"][side]["side"].clone());
    assert_eq!(sides(&document), ["left", "right"]);

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
    let listed = with(&["--heads"]).text().to_owned();
    assert!(
        listed.contains("left reads: the cat and the dog\nright reads: the old cat and a dog\n"),
        "{listed}"
    );
    let heads: Value = serde_json::from_str(with(&["--heads", "--json"]).text()).unwrap();
    assert_eq!(sides(&heads), ["left", "right"]);
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

/// Two models, each over a text of its own: what is left and right is what was named first and second, everywhere.
#[test]
fn two_models_read_two_texts_in_the_order_in_which_they_were_named() {
    let home = Home::new();
    let models = ["gpt2-tiny", "gpt-oss-tiny"].map(golden);
    let texts = ["the cat and the dog", "the old cat and a dog"];
    let mut asked = vec!["compare"];
    for (model, text_of_it) in models.iter().zip(texts) {
        asked.extend(["--model", text(model), "--prompt", text_of_it]);
    }
    let with = |more: &[&str]| home.run(asked.iter().chain(more).copied());
    let said = with(&[]).text().to_owned();
    let heading = said.lines().nth(4).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(heading, ["gpt2-tiny", "(left)", "gpt-oss-tiny", "(right)"], "{said}");
    assert!(said.contains("gpt2-tiny (left) reads: the cat and the dog\n"), "{said}");
    let document: Value = serde_json::from_str(with(&["--json"]).text()).unwrap();
    for (side, (model, text_of_it)) in models.iter().zip(texts).enumerate() {
        let found = &document["models"][side];
        assert_eq!(found["recipe"]["model"], text(model));
        let tokens = found["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap());
        assert_eq!(tokens.collect::<String>().replace('Ġ', " "), text_of_it, "what it ran");
    }
}

/// A page says how it was made: the command in it makes the same page.
#[test]
fn the_command_on_a_page_makes_it_again() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let pages = [home.path("report.html"), home.path("first.html")];
    for flags in [
        &["--prompt", "the cat's dog", "--without", "none", "--without", "mean:0.1", "--rows", "predicting"]
            [..],
        &["--prompt", "the cat and the dog", "--prompt", "a dog and the cat", "--without", "0.1", "--words"],
        &["--ids", "1,2,3", "--quantise", "q8_0"],
    ] {
        let asked = ["compare", "--model", text(&model), "--report", text(&pages[0])];
        assert_eq!(home.run(asked.iter().chain(flags).copied()).code, 0, "{flags:?}");
        std::fs::rename(&pages[0], &pages[1]).unwrap();
        let page = std::fs::read_to_string(&pages[1]).unwrap();
        let command = page.split("<code>attnscope compare").nth(1).unwrap().split("</code>").next().unwrap();
        let command =
            command.replace("&#39;", "'").replace("&quot;", "\"").replace("&lt;", "<").replace("&amp;", "&");
        let words = shell_words(&command);
        let again = home.run(["compare"].into_iter().chain(words.iter().map(String::as_str)));
        assert_eq!(again.code, 0, "{command}: {}", again.stderr);
        assert_eq!(std::fs::read_to_string(&pages[0]).unwrap(), page, "{command}");
    }
}

/// The words of a command, as a shell takes them: quotes are single ones.
fn shell_words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut rest = command.trim().chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => is_quoted = !is_quoted,
            '\\' if !is_quoted => word.extend(rest.next()),
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words
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
    // The recipe of both passes writes the same numbers.
    let [mut recipe, mut beside] = [0, 1].map(|side: usize| document["models"][side]["recipe"].clone());
    for of_all in ["program", "normalisation", "rows"] {
        beside.as_object_mut().unwrap().remove(of_all);
    }
    (recipe["format"], recipe["beside"]) = ("csv".into(), beside);
    let [from, to] = ["apart.json", "apart.csv"].map(|name| home.path(name));
    std::fs::write(&from, recipe.to_string()).unwrap();
    home.run(["render", text(&from), "--out", text(&to)]).text();
    let csv = std::fs::read_to_string(to).unwrap();
    let mut lines = csv.lines().skip(1);
    assert_eq!(lines.next(), Some("left,right,layer,head,js_divergence,flips"));
    let (listed, first) =
        (lines.collect::<Vec<_>>(), format!(",{},{},", heads[0]["layer"], heads[0]["head"]));
    assert!(listed.len() == 12 && listed[0].contains(&first), "{listed:?}");
    // Far less than a thousandth of a nat is still something.
    let rounded = compare(&format!("{}~q8_0", text(&base)), &[]);
    let said = rounded.text();
    let mean = said.lines().find(|line| line.starts_with("JS divergence"));
    assert!(mean.is_some_and(|mean| mean.contains("e-")), "{said}");
    let other = golden("gpt-oss-tiny");
    compare(text(&other), &[]).failed(1, &["models of one shape"]);
    compare(&adapted, &["--words"]).failed(2, &["--heads", "--words"]);
}
