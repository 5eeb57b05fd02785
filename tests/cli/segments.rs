//! What `segments` shows, and what it refuses.

use std::fs;

use serde_json::Value;

use crate::support::checkpoint;
use crate::support::program::{Home, golden, text};

const TEXT: &str = "once upon a time. The end is near.\n\nA new paragraph.";

fn models() -> [std::path::PathBuf; 2] {
    ["gpt2-tiny", "gpt-oss-tiny"].map(golden)
}

#[test]
fn both_models_side_by_side_and_rows_sum_to_one_with_the_sink() {
    let home = Home::new();
    let [left, right] = models();
    let arguments = ["segments", "--model", text(&left), "--model", text(&right), "--prompt", TEXT];
    let table = home.run(arguments).text().to_owned();
    assert_eq!(table.matches("segments by paragraphs").count(), 2, "{table}");
    assert!(table.contains("\n1 once upon a time. The") && table.contains("lookback ratio"), "{table}");
    let ended = home.run(arguments.into_iter().chain(["--json", "--by", "sentences", "--view", "layer:1"]));
    let json: Value = serde_json::from_str(ended.text()).unwrap();
    for (model, has_sinks) in json["models"].as_array().unwrap().iter().zip([false, true]) {
        assert_eq!(model["recipe"]["view"], "segments-sentences:layer:1");
        let segments = model["segments"].as_array().unwrap();
        assert_eq!(segments.len(), 3);
        let sum =
            |values: &Value| values.as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).sum::<f64>();
        for segment in segments {
            let sink = segment["sink"].as_f64();
            assert_eq!(sink.is_some(), has_sinks);
            assert!((sum(&segment["shares"]) + sink.unwrap_or(0.0) - 1.0).abs() < 1e-5, "{segment}");
            assert!((sum(&segment["expected"]) - 1.0).abs() < 1e-5, "{segment}");
        }
        for bar in model["strip"].as_array().unwrap() {
            let first = bar["first_token"].as_f64().unwrap() + bar["sink"].as_f64().unwrap_or(0.0);
            assert!((sum(&bar["shares"]) + first - 1.0).abs() < 1e-5, "{bar}");
        }
        let ratios = model["lookback"]["ratios"].as_array().unwrap();
        assert!(
            ratios
                .iter()
                .flat_map(|layer| layer.as_array().unwrap())
                .all(|ratio| (0.0..=1.0).contains(&ratio.as_f64().unwrap()))
        );
    }
}

#[test]
fn value_weighted_rows_sum_to_one_without_a_sink() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let view = "value-weighted:head:1.0";
    let ended = home.run(["segments", "--model", text(&model), "--prompt", TEXT, "--view", view, "--json"]);
    let json: Value = serde_json::from_str(ended.text()).unwrap();
    for segment in json["models"][0]["segments"].as_array().unwrap() {
        let sum: f64 = segment["shares"].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).sum();
        assert!(segment["sink"].is_null() && (sum - 1.0).abs() < 1e-5, "{segment}");
    }
    let csv = home.run(["segments", "--model", text(&model), "--prompt", TEXT, "--csv"]).text().to_owned();
    assert!(csv.lines().nth(1).unwrap().starts_with("model,from,to,"), "{csv}");
    assert!(csv.contains("\"(sink)\"") && csv.contains("\"(first token)\""), "{csv}");
}

#[test]
fn a_file_names_segments_and_the_rest_is_one() {
    let home = Home::new();
    let (model, file) = (golden("gpt2-tiny"), home.path("parts.json"));
    fs::write(&file, r#"[{"name": "end", "start": 18, "end": 34}, {"name": "once", "start": 0, "end": 9}]"#)
        .unwrap();
    let arguments = ["segments", "--model", text(&model), "--prompt", TEXT, "--by", text(&file), "--json"];
    let json: Value = serde_json::from_str(home.run(arguments).text()).unwrap();
    let model = &json["models"][0];
    let names: Vec<&str> =
        model["segments"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["once", "rest", "end"]);
    assert_eq!(
        model["segments"][1]["tokens"].as_array().unwrap().len(),
        2,
        "the rest is what is left, in two parts"
    );
    assert_eq!(model["recipe"]["segments"][0]["name"], "end", "as the file has it");
    fs::write(&file, r#"[{"name": "rest", "start": 18, "end": 34}]"#).unwrap();
    let json: Value = serde_json::from_str(home.run(arguments).text()).unwrap();
    let names = ["(rest)", "rest"];
    for (at, name) in names.iter().enumerate() {
        assert_eq!(
            json["models"][0]["segments"][at]["name"], *name,
            "what a file calls so is not what is left"
        );
    }
}

#[test]
fn hostile_files_are_refused_in_one_line() {
    let home = Home::new();
    let (model, file) = (golden("gpt2-tiny"), home.path("parts.json"));
    let refused = |content: &[u8], says: &[&str]| {
        fs::write(&file, content).unwrap();
        let ended = home.run(["segments", "--model", text(&model), "--prompt", "aé b", "--by", text(&file)]);
        ended.failed(1, &[&["parts.json: "], says].concat());
    };
    refused(b"", &["EOF", "write [{"]);
    refused(b"[]", &["names no segment"]);
    refused(b"\xff\xfe", &["no UTF-8"]);
    refused(
        br#"[{"name": "x", "start": 0, "end": 9}]"#,
        &["entry 1 (\"x\") ends at byte 9: the prompt has 5 bytes"],
    );
    refused(br#"[{"name": "x", "start": 0, "end": 2}]"#, &["byte 2 is inside a character: use 1 or 3"]);
    refused(br#"[{"name": "x", "start": 0, "end": NaN}]"#, &["entry 1, \"end\""]);
    refused(
        br#"[{"name": "x", "start": 0, "end": 3}, {"name": "y", "start": 1, "end": 4}]"#,
        &["entry 1 (\"x\") and entry 2 (\"y\") overlap at byte 1"],
    );
    let entry = r#"{"name": "x", "start": 0, "end": 1},"#;
    refused(format!("[{}", entry.repeat(1_000_000)).as_bytes(), &["longer than 1 MB"]);
    refused(
        format!("[{}{}]", entry.repeat(2000), entry.trim_end_matches(',')).as_bytes(),
        &["2001 segments"],
    );
    refused("[".repeat(100_000).as_bytes(), &["parts.json"]);
    let ended = home.run(["segments", "--model", text(&model), "--by", "words"]);
    ended.failed(1, &["'words' is no rule for segments: use auto, chat, paragraphs, sentences, or a file"]);
    fs::write(&file, br#"[{"name": "x", "start": 0, "end": 1}]"#).unwrap();
    let ended = home.run(["segments", "--model", text(&model), "--ids", "1,2", "--by", text(&file)]);
    ended.failed(1, &["token ids"]);
    let ended = home.run(["segments", "--model", text(&model), "--prompt", "a", "--by", "chat"]);
    ended.failed(1, &["--chat"]);
    let ended = home.run(["segments", "--model", text(&model), "--prompt", "a", "--view", "head:9.9"]);
    ended.failed(1, &["head:9.9"]);
    let one = home.run(["segments", "--model", text(&model), "--prompt", "a"]).text().to_owned();
    assert!(one.contains("1.000/1.000") && !one.contains("lookback"), "{one}");
}

#[test]
fn a_figure_of_segments_is_made_again_from_its_recipe() {
    let home = Home::new();
    let [left, right] = models();
    let (out, again) = (home.path("a.svg"), home.path("b.svg"));
    let arguments = ["export", "--model", text(&left), "--model", text(&right), "--prompt", TEXT];
    let rest = ["--view", "segments-sentences:mean", "--format", "svg", "--out", text(&out)];
    home.run(arguments.into_iter().chain(rest)).text();
    home.run(["render", text(&out), "--out", text(&again)]).text();
    let svg = fs::read_to_string(&out).unwrap();
    assert_eq!(svg, fs::read_to_string(&again).unwrap());
    assert!(svg.contains("3 segments by sentences") && svg.contains("share of attention"), "{svg}");
    let ended =
        home.run(arguments.into_iter().chain(["--view", "segments:mean", "--format", "csv", "--out", "-"]));
    ended.failed(2, &["attnscope segments --json"]);
    // A file's names are in the recipe, and not its path.
    let file = home.path("parts.json");
    fs::write(&file, r#"[{"name": "the end", "start": 18, "end": 34}]"#).unwrap();
    let figure = ["--view", "segments:head:0.1", "--segments", text(&file), "--format", "svg"];
    let run = |out: &std::path::Path| {
        let rest = figure.into_iter().chain(["--out", text(out)]);
        home.run(arguments.into_iter().chain(rest)).text().to_owned()
    };
    run(&out);
    fs::remove_file(&file).unwrap();
    home.run(["render", text(&out), "--out", text(&again)]).text();
    let svg = fs::read_to_string(&out).unwrap();
    assert_eq!(svg, fs::read_to_string(&again).unwrap());
    assert!(svg.contains("the end") && svg.contains("2 segments by a file"), "{svg}");
    let rest = ["--view", "mean", "--segments", "chat", "--format", "svg", "--out", "-"];
    home.run(arguments.into_iter().chain(rest)).failed(2, &["--segments", "segments:mean"]);
    let rest = ["--view", "segments:mean", "--segments", "no.json", "--format", "svg", "--out", "-"];
    home.run(arguments.into_iter().chain(rest)).failed(1, &["no.json", "sentences"]);
}

#[test]
fn heads_that_are_off_are_named_and_give_nothing() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let without = ["--model", text(&model), "--prompt", TEXT, "--without", "1.0,1.1,1.2,1.3"];
    let table = home.run(["segments"].into_iter().chain(without)).text().to_owned();
    assert!(table.contains(" without 1.0, 1.1, 1.2, 1.3: mean of all"), "{table}");
    let sinks = home.run(["sinks"].into_iter().chain(without)).text().to_owned();
    assert!(sinks.contains(" without 1.0"), "{sinks}");
    let weighted = ["--view", "value-weighted:layer:1"];
    let table = home.run(["segments"].into_iter().chain(without).chain(weighted)).text().to_owned();
    assert!(table.contains('–'), "heads that are off add nothing: {table}");
}

#[test]
fn turns_of_a_chat_are_segments_and_the_users_is_cut_within_them() {
    let home = Home::new();
    let folder = checkpoint::copy(&golden("gpt-oss-tiny"), home.path("chatty"));
    checkpoint::edit_config(&folder, |config| {
        config.insert("max_position_embeddings".to_owned(), 2048.into());
    });
    let template = include_str!("../chat/templates/harmony.jinja");
    fs::write(folder.join("chat_template.jinja"), template).unwrap();
    let ask = |prompt: &str, more: &[&str]| {
        let chat =
            ["segments", "--model", text(&folder), "--prompt", prompt, "--system", "Be brief.", "--json"];
        let json: Value =
            serde_json::from_str(home.run(chat.into_iter().chain(more.iter().copied())).text()).unwrap();
        let segments = json["models"][0]["segments"].as_array().unwrap().clone();
        let names: Vec<String> = segments.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
        (names, json)
    };
    let (names, json) = ask("One. Two.", &[]);
    assert_eq!(names, ["template", "system", "developer", "user"]);
    assert_eq!(json["models"][0]["by"], "chat template");
    let parts = json["models"][0]["segments"][0]["tokens"].as_array().unwrap().len();
    assert!(parts >= 4, "the template is between all turns: {parts}");
    let (names, _) = ask("  One. Two.\n", &["--by", "sentences"]);
    assert_eq!(names, ["template", "system", "developer", "1 One.", "2 Two."]);
    let file = home.path("parts.json");
    fs::write(&file, r#"[{"name": "first", "start": 0, "end": 6}, {"name": "last", "start": 7, "end": 12}]"#)
        .unwrap();
    let (names, json) = ask("  One. Two.\n", &["--by", text(&file)]);
    assert_eq!(names, ["template", "system", "developer", "first", "last"], "blanks are taken away");
    let sum: f64 = json["models"][0]["segments"][4]["shares"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_f64().unwrap())
        .sum();
    let sink = json["models"][0]["segments"][4]["sink"].as_f64().unwrap();
    assert!((sum + sink - 1.0).abs() < 1e-5);
    let out = home.path("chat.svg");
    let figure =
        ["--system", "Be brief.", "--view", "segments:mean", "--segments", text(&file), "--format", "svg"];
    let arguments = ["export", "--model", text(&folder), "--prompt", "  One. Two.\n", "--out", text(&out)];
    home.run(arguments.into_iter().chain(figure)).text();
    let again = home.path("again.svg");
    home.run(["render", text(&out), "--out", text(&again)]).text();
    assert_eq!(fs::read_to_string(&out).unwrap(), fs::read_to_string(&again).unwrap());
}
