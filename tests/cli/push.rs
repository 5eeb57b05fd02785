//! What `push` shows.

use serde_json::Value;

use crate::support::program::{Home, golden, text};

#[test]
fn parts_by_what_they_add_and_their_sum() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let ended = home.run(["push", "--model", text(&model), "--query", "3", "--token", "7", "--top", "4"]);
    let lines: Vec<&str> = ended.text().lines().collect();
    assert!(lines[0].starts_with(&format!("# {} after token 3, ", text(&model))), "{}", lines[0]);
    assert!(lines[1].starts_with("logit of ") && lines[1].contains("less the mean of all"), "{}", lines[1]);
    assert!(lines[3].starts_with("parts sum to the logit: residual "), "{}", lines[3]);
    let pushes: Vec<f64> = lines[5..9].iter().map(|line| line[10..20].trim().parse().unwrap()).collect();
    assert!(pushes.windows(2).all(|pair| pair[0].abs() >= pair[1].abs()), "{pushes:?}");
    assert_eq!(lines[9..], ["direct effects only: later heads may undo them"]);
}

#[test]
fn json_and_csv_hold_every_part_and_they_are_complete() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let of = |more: &[&str]| {
        let begin = ["push", "--model", text(&model), "--ids", "1,2,3,4", "--token", "9", "--versus", "11"];
        home.run(begin.iter().copied().chain(more.iter().copied())).text().to_owned()
    };
    let json: Value = serde_json::from_str(&of(&["--json"])).unwrap();
    let pass = &json["models"][0];
    let heads = pass["heads"].as_array().unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let sum_of = |values: &Value| values.as_array().unwrap().iter().map(number).sum::<f64>();
    assert_eq!(heads.len(), 12);
    for head in heads {
        assert_eq!(head["keys"].as_array().unwrap().len(), 4);
        assert!((number(&head["push"]) - sum_of(&head["keys"])).abs() < 1e-5);
    }
    let heads: f64 = heads.iter().map(|head| number(&head["push"])).sum();
    assert!((heads - sum_of(&pass["by_key"])).abs() < 1e-5);
    let sum = heads + sum_of(&pass["mlps"]) + number(&pass["embedding"]) + number(&pass["biases"]);
    assert!((sum - number(&pass["logit"])).abs() <= 1e-4 * number(&pass["logit"]).abs());
    assert_eq!((&pass["target"]["id"], &pass["versus"]["id"]), (&9.into(), &11.into()));

    let csv = of(&["--csv"]);
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0].join(","), "model,query,target,versus,part,layer,head,key,key_token,push");
    assert!(rows.iter().all(|row| row.len() == 10), "{csv}");
    let parts = rows[1..].iter().filter(|row| row[7].is_empty() && row[4] != "residual");
    let total: f64 = parts.map(|row| row[9].parse::<f64>().unwrap()).sum();
    assert!((total - sum).abs() < 1e-5, "{total}, not {sum}");
    // 12 heads of 4 keys; 12 heads, 3 MLPs, embedding and biases; the residual; the heading.
    assert_eq!(rows.len(), 12 * 4 + 12 + 3 + 2 + 1 + 1);
}

/// A head that is off pushes nothing, and the others are those of that model.
#[test]
fn heads_that_are_off_push_nothing() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let ended = home.run(["push", "--model", text(&model), "--ids", "1,2,3,4", "--without", "1.2", "--json"]);
    let json: Value = serde_json::from_str(ended.text()).unwrap();
    let pass = &json["models"][0];
    let off = pass["heads"].as_array().unwrap().iter().find(|head| head["layer"] == 1 && head["head"] == 2);
    assert_eq!(off.unwrap()["push"], 0.0);
    let [residual, logit] = ["residual", "logit"].map(|key| pass[key].as_f64().unwrap());
    assert!(residual.abs() <= 1e-4 * logit.abs(), "{residual}");
}

/// What stands in the place of heads is told apart from biases, wherever push is written.
#[test]
fn means_of_heads_that_are_off_are_a_part() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let of = |more: &[&str]| {
        let begin = ["push", "--model", text(&model), "--prompt", "the cat and the dog", "--without"];
        home.run(begin.iter().copied().chain(more.iter().copied())).text().to_owned()
    };
    let json: Value = serde_json::from_str(&of(&["mean:1.2", "--json"])).unwrap();
    let pass = &json["models"][0];
    let [means, residual, logit] = ["means", "residual", "logit"].map(|key| pass[key].as_f64().unwrap());
    assert!(means != 0.0 && residual.abs() <= 1e-4 * logit.abs(), "{pass}");
    let csv = of(&["mean:1.2", "--csv"]);
    assert!(
        csv.lines().any(|line| line.contains(",means,,,,,") && line.ends_with(&means.to_string())),
        "{csv}"
    );
    assert!(of(&["mean:1.2"]).contains(&format!(", means of heads off {means:+.4}\n")));
    let svg = of(&["mean:1.2", "--format", "svg", "--out", "-"]);
    assert!(svg.contains(">means of heads off<"), "{svg}");
    let json: Value = serde_json::from_str(&of(&["1.2", "--json"])).unwrap();
    assert!(json["models"][0]["means"].is_null());
    assert!(!of(&["1.2"]).contains("means"));
    for format in ["svg", "html"] {
        let out = home.path("text");
        let text_by_push =
            ["export", "--model", text(&model), "--prompt", "the cat", "--view", "pushed:mean"];
        let more = ["--without", "mean:1.2", "--format", format, "--out", text(&out)];
        home.run(text_by_push.into_iter().chain(more)).text();
        let file = std::fs::read_to_string(&out).unwrap();
        // A figure breaks its lines.
        let texts = file.split('<').filter_map(|tag| tag.split_once('>')).map(|(_, text)| text);
        let words = texts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
        assert!(words.contains("means of heads off add "), "{words}");
    }
}

#[test]
fn tokens_are_named_by_text_too() {
    let home = Home::new();
    let named = |token: &str| home.run(["push", "--model", "demo:gpt2", "--token", token, "--json"]);
    let ended = named(" story");
    let json: Value = serde_json::from_str(ended.text()).unwrap();
    assert_eq!(json["models"][0]["target"]["text"], " story");
    named("no such token").failed(1, &["--token: ", "has no token \"no such token\"", "give its id"]);
    named("99999999").failed(1, &["has no token 99999999", "its tokens are 0 to"]);
}

#[test]
fn what_is_not_there_is_refused() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let begin = ["push", "--model", text(&model), "--ids", "1,2"];
    let fails = |more: &[&str], status, says: &[&str]| {
        home.run(begin.iter().copied().chain(more.iter().copied())).failed(status, says);
    };
    fails(&["--query", "2"], 1, &["--query 2: the prompt has 2 tokens, 0 to 1"]);
    fails(&["--token", "5", "--versus", "5"], 1, &["--token and --versus are both token 5", "name two"]);
    fails(&["--without", "9.9"], 1, &["--without 9.9: ", "layers 0 to 2 and heads 0 to 3"]);
    fails(&["--json", "--csv"], 2, &["--csv"]);
}
