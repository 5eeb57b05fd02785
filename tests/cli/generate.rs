//! What `generate` writes.

use serde_json::Value;

use crate::support::program::{Ended, Home, golden, text};

const STORY: &str = "write a story about AI";

fn lines(ended: &Ended) -> Vec<Value> {
    ended.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    ["sink", "first", "prompt", "generated"].map(|name| value[name].as_f64().unwrap()).to_vec()
}

#[test]
fn the_likeliest_token_comes_next_and_what_is_written_is_one_text() {
    let home = Home::new();
    let of = |more: &[&str]| {
        let arguments = ["generate", "--model", "demo:gpt2", "--prompt", STORY, "--tokens", "12"];
        home.run(arguments.into_iter().chain(more.iter().copied()))
    };
    let plain = of(&[]);
    assert!(plain.text().starts_with("\n\nOnce there was an AI"), "{:?}", plain.text());
    let steps = lines(&of(&["--json", "--top", "3"]));
    let (end, steps) = steps.split_last().unwrap();
    assert_eq!((end["end"].as_str(), end["tokens"].as_u64()), (Some("limit"), Some(12)));
    assert_eq!(format!("{}\n", end["text"].as_str().unwrap()), plain.text());
    let texts: String = steps.iter().map(|step| step["text"].as_str().unwrap()).collect();
    assert_eq!(end["text"], texts);
    for (at, step) in steps.iter().enumerate() {
        assert_eq!(step["step"], at + 1);
        let top = step["top"].as_array().unwrap();
        assert_eq!(
            (top.len(), &top[0]["id"], &top[0]["probability"]),
            (3, &step["id"], &step["probability"])
        );
        let shares = numbers(&step["shares"]);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{shares:?}");
        assert!(shares[0] == 0.0 && shares[3] > 0.0, "no sinks, and a token looks at itself: {shares:?}");
    }
}

#[test]
fn both_readings_of_rows_are_the_same_rows() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let steps = |rows: &str| {
        let named = ["--prompt", STORY, "--view", "head:2.1", "--tokens", "6", "--json", "--rows", rows];
        lines(&home.run(["generate", "--model", text(&model)].into_iter().chain(named)))
    };
    let (reading, predicting) = (steps("reading"), steps("predicting"));
    assert_eq!(predicting[0]["shares"]["generated"], 0.0, "before the first one nothing was written");
    for at in 1..6 {
        let [before, own] = [&predicting[at], &reading[at - 1]].map(|step| numbers(&step["shares"]));
        assert!(before.iter().zip(&own).all(|(a, b)| (a - b).abs() < 1e-5), "{before:?} {own:?}");
        assert_eq!(predicting[at]["row"], reading[at - 1]["row"]);
        assert_eq!(
            (&reading[at]["rows"], &predicting[at]["rows"]),
            (&"reading".into(), &"predicting".into())
        );
        assert!(reading[at]["shares"]["sink"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn a_seed_writes_the_same_again_and_a_text_goes_on_as_if_it_had_never_stopped() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let ids = |given: &str, tokens: &str, seed: &str| -> Vec<u64> {
        let sampling = ["--temperature", "2", "--top-p", "1", "--seed", seed, "--json"];
        let arguments = ["generate", "--model", text(&model), "--ids", given, "--tokens", tokens];
        let lines = lines(&home.run(arguments.into_iter().chain(sampling)));
        lines.iter().filter(|line| line["end"].is_null()).map(|line| line["id"].as_u64().unwrap()).collect()
    };
    let whole = ids("1,2,3", "6", "5");
    assert_eq!(ids("1,2,3", "6", "5"), whole);
    assert_ne!(ids("1,2,3", "6", "6"), whole);
    let given = format!("1,2,3,{},{}", whole[0], whole[1]);
    assert_eq!(ids(&given, "4", "5"), whole[2..], "a place draws the same whatever was drawn before it");
}

#[test]
fn a_text_ends_where_the_model_ends_it_or_reads_no_more() {
    let home = Home::new();
    let told = [
        (
            "demo:gpt2",
            "a laboratory",
            "watch the weather",
            "watch the weather",
            "David",
            "answers were wrong",
            "whole town came together",
        ),
        (
            "demo:gpt-oss",
            "a space station",
            "read every book in the building",
            "answer questions from the children",
            "Farid",
            "power went out",
            "machine looked at every word and thought again",
        ),
    ];
    for (model, place, daily, sometimes, name, event, then) in told {
        let near = format!(
            "{STORY}\n\nOnce there was an AI that lived in {place}. Every day it had to {daily}, and sometimes it had to \
             {sometimes}. More than anything, it wanted to know what the sea smells like. \"What do you want?\" asked \
             {name}. \"I want to know what the sea smells like,\" it said. One day the {event}. Then the {event}, and the \
             {then}. At first nobody believed that it could {sometimes}. After that, the work went well, and people trusted"
        );
        let ended = home.run(["generate", "--model", model, "--prompt", &near, "--tokens", "9", "--json"]);
        let end = lines(&ended).pop().unwrap();
        assert_eq!(
            (end["end"].as_str(), end["text"].as_str()),
            (Some("end-of-text"), Some(" it a little more.")),
            "{end}"
        );
    }
    let model = golden("gpt2-tiny");
    let ids = "7,".repeat(126) + "7";
    let ended = home.run(["generate", "--model", text(&model), "--ids", &ids, "--json", "--tokens", "2"]);
    let end = lines(&ended).pop().unwrap();
    assert_eq!((end["end"].as_str(), end["tokens"].as_u64()), (Some("context"), Some(1)), "{end}");
}

#[test]
fn a_generation_config_says_what_ends_a_text() {
    let home = Home::new();
    let model = home.path("model");
    std::fs::create_dir(&model).unwrap();
    for file in std::fs::read_dir(golden("gpt2-tiny")).unwrap().map(|file| file.unwrap().path()) {
        if file.is_file() {
            std::fs::copy(&file, model.join(file.file_name().unwrap())).unwrap();
        }
    }
    let run = || home.run(["generate", "--model", text(&model), "--ids", "1,2,3", "--tokens", "9", "--json"]);
    let written = lines(&run());
    let third = &written[2]["id"];
    let config = format!("{{\"eos_token_id\": [7777, {third}]}}");
    std::fs::write(model.join("generation_config.json"), config).unwrap();
    let lines = lines(&run());
    let end = lines.last().unwrap();
    let before = written.iter().position(|line| line["id"] == *third).unwrap();
    assert_eq!((end["end"].as_str(), end["tokens"].as_u64()), (Some("end-of-text"), Some(before as u64)));
    assert_eq!(end["id"], *third);
}

#[test]
fn a_file_has_all_rows_and_its_recipe_makes_it_again() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let named = ["generate", "--model", text(&model), "--ids", "5,6,7", "--tokens", "4"];
    let files =
        [("npz", "all"), ("json", "mean"), ("csv", "head:1.0"), ("svg", "mean"), ("safetensors", "all")];
    for (format, view) in files {
        let (first, again) = (format!("a.{format}"), format!("b.{format}"));
        let more = ["--view", view, "--format", format, "-o", &first, "--rows", "predicting"];
        assert_eq!(home.run(named.into_iter().chain(more)).text(), "");
        assert_eq!(home.run(["render", &first, "--out", &again]).text(), "");
        let [first, again] = [first, again].map(|file| std::fs::read(home.path(&file)).unwrap());
        assert!(first == again, "{format}: what was written token by token is read so again");
    }
    let exported: Value = serde_json::from_slice(&std::fs::read(home.path("a.json")).unwrap()).unwrap();
    let recipe = &exported["recipe"];
    assert_eq!((&recipe["generated"], &recipe["rows"]), (&4.into(), &"predicting".into()));
    assert_eq!(exported["attention"].as_array().unwrap().len(), 7);
}

/// Where only ids are in a recipe, it says which bytes they were.
#[test]
fn tokens_of_a_file_that_is_made_again_have_their_bytes() {
    let home = Home::new();
    let read =
        |file: &str| -> Value { serde_json::from_slice(&std::fs::read(home.path(file)).unwrap()).unwrap() };
    let generate =
        ["generate", "--model", "demo:gpt2", "--prompt", STORY, "--tokens", "4", "--out", "a.json"];
    assert_eq!(home.run(generate).text(), "");
    assert_eq!(home.run(["render", "a.json", "--out", "b.json"]).text(), "");
    let (made, again) = (read("a.json"), read("b.json"));
    assert_eq!((&made["recipe"], &made["tokens"]), (&again["recipe"], &again["tokens"]));
    let tokens = made["tokens"].as_array().unwrap();
    assert!(tokens.iter().all(|token| token["span"].is_array()), "{tokens:?}");
    let mut recipe = made["recipe"].clone();
    recipe["bytes"][0] = serde_json::json!([7, 3]);
    std::fs::write(home.path("recipe.json"), recipe.to_string()).unwrap();
    home.run(["render", "recipe.json", "--out", "-"])
        .failed(1, &["recipe.json: bytes: expected [first, end] of each of"]);
    let ids = ["export", "--model", "demo:gpt2", "--ids", "1,2", "--out", "c.json"];
    assert_eq!(home.run(ids).text(), "");
    assert!(read("c.json")["recipe"].get("bytes").is_none(), "ids that nobody wrote have none");
}

#[test]
fn two_models_write_each_its_own_text() {
    let home = Home::new();
    let ended = home.run(["generate", "--prompt", STORY, "--tokens", "4"]);
    assert_eq!(ended.text(), "# demo:gpt2\n\n\nOnce\n\n# demo:gpt-oss\n\n\nOnce there was\n");
    let ended = home.run(["generate", "--ids", "1,2", "--tokens", "2", "--format", "npz", "--out", "a.npz"]);
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, "wrote a-left.npz (demo:gpt2) and a-right.npz (demo:gpt-oss)\n")
    );
    assert!(["a-left.npz", "a-right.npz"].iter().all(|name| home.path(name).is_file()));
}

#[test]
fn without_a_head_it_writes_something_else() {
    let home = Home::new();
    let of = |heads: &[&str]| {
        let arguments = ["generate", "--model", "demo:gpt2", "--prompt", STORY, "--tokens", "12"];
        home.run(arguments.into_iter().chain(heads.iter().copied())).text().to_owned()
    };
    assert_ne!(of(&["--without", "0.0,0.1,1.0,1.1"]), of(&[]));
    let ended = home.run(["generate", "--model", "demo:gpt2", "--without", "77.0"]);
    ended.failed(1, &["--without 77.0: "]);
}

#[test]
fn what_cannot_be_written_is_told() {
    let home = Home::new();
    home.run(["generate", "--tokens", "0"]).failed(2, &["--tokens", "from 1"]);
    home.run(["generate", "--model", "demo:gpt2", "--view", "head:99.0"]).failed(1, &["head:99.0"]);
    home.run(["generate", "--model", "demo:gpt2", "--chat"]).failed(1, &["demo:gpt2", "template"]);
    std::fs::write(home.path("my.toml"), "[generation]\ntokens = 0\n").unwrap();
    let ended = home.run(["generate", "--config", "my.toml", "--model", "demo:gpt2"]);
    ended.failed(1, &["my.toml:2", "0 is no number of tokens"]);
    std::fs::write(home.path("my.toml"), "[generation]\ntokens = 2\n").unwrap();
    let ended = home.run(["generate", "--config", "my.toml", "--model", "demo:gpt2", "--prompt", STORY]);
    assert_eq!(ended.text(), "\n\n\n");
}

#[test]
fn rows_are_named_by_what_is_predicted_wherever_that_is_asked_for() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let model = ["--model", text(&model), "--prompt", "write a story about AI"];
    let tokens = ["write", "Ġa", "Ġstory"];
    let printed = home.run(["print", "--rows", "predicting"].into_iter().chain(model));
    let lines: Vec<&str> = printed.text().lines().collect();
    assert!(lines[2].contains("rows by the token predicted"), "{}", lines[2]);
    let plain = home.run(["print"].into_iter().chain(model));
    let plain: Vec<&str> = plain.text().lines().collect();
    let numbers = |line: &str| line.split_once(" -> ").unwrap().1.to_owned();
    assert_eq!(lines[3..].iter().map(|line| numbers(line)).collect::<Vec<_>>(), {
        plain[3..].iter().map(|line| numbers(line)).collect::<Vec<_>>()
    });
    assert_eq!(lines[3].split_once(" -> ").unwrap().0, plain[4].split_once(" -> ").unwrap().0);
    assert!(
        lines.last().unwrap().trim_start().starts_with('('),
        "a token that is not there yet is in brackets"
    );
    for (format, place) in [
        ("csv", "\npredicting,\"0:"),
        ("md", "| predicting |"),
        ("json", "\"predicting\":["),
        ("svg", "predicting: the token that comes next"),
        ("html", "\"predicting\":true"),
    ] {
        let out = format!("a.{format}");
        let more = ["--format", format, "--out", &out, "--rows", "predicting"];
        home.run(["export"].into_iter().chain(model).chain(more)).text();
        let written = std::fs::read_to_string(home.path(&out)).unwrap();
        assert!(written.contains(place), "{format}: {place:?}");
        assert!(
            written.replace("&quot;", "\"").contains("\"rows\":\"predicting\""),
            "{format}: the recipe says it"
        );
        let again = format!("b.{format}");
        home.run(["render", &out, "--out", &again]).text();
        assert!(written == std::fs::read_to_string(home.path(&again)).unwrap(), "{format}");
    }
    let csv = std::fs::read_to_string(home.path("a.csv")).unwrap();
    let first = csv.lines().nth(2).unwrap();
    assert!(first.starts_with("\"0:") && !first.starts_with(&format!("\"0:{}\"", tokens[0])), "{first}");
    let ended = home.run(["compare", "--prompt", "write a story about AI", "--rows", "predicting", "--json"]);
    let report: Value = serde_json::from_str(ended.text()).unwrap();
    assert_eq!(
        (&report["rows"], &report["pieces"][0]["row"]),
        (&"predicting".into(), &report["pieces"][1]["text"])
    );
    let ended = home.run(["compare", "--prompt", "write a story about AI", "--rows", "predicting"]);
    assert!(ended.text().contains("rows by what is predicted") && ended.text().contains(" predicting '"));
    home.run(["print", "--rows", "writing"]).failed(2, &["--rows", "predicting"]);
}
