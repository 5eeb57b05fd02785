//! What `heads` lists.

use serde_json::Value;

use crate::support::program::{Ended, Home, golden, text};

#[test]
fn heads_of_several_models_are_ranked_together() {
    let home = Home::new();
    let models = [golden("gpt2-tiny"), golden("gpt-oss-tiny")];
    let [gpt2, gpt_oss] = models.each_ref().map(|model| text(model));
    let ended = home.run(["heads", "--model", gpt2, "--model", gpt_oss]);
    let rows: Vec<Vec<&str>> =
        ended.text().lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    for model in [gpt2, gpt_oss] {
        assert!(rows.iter().any(|row| row[0] == model), "{model}");
    }
    let induction = |row: &Vec<&str>| row.last().unwrap().parse::<f32>().unwrap();
    assert!(rows.iter().all(|row| row.len() == 17));
    assert!(rows.windows(2).all(|pair| induction(&pair[0]) >= induction(&pair[1])), "{rows:?}");

    let ended = home.run(["heads", "--model", gpt_oss, "--sort", "sink", "--top", "1"]);
    let best: Vec<&str> = ended.text().lines().nth(2).unwrap().split_whitespace().collect();
    let sinks = rows.iter().filter(|row| row[0] == gpt_oss).map(|row| row[4].parse::<f32>().unwrap());
    assert_eq!(best[4].parse::<f32>().unwrap(), sinks.fold(0.0, f32::max));
    assert_eq!(ended.text().lines().count(), 3);
}

#[test]
fn filters_and_all_numbers_as_json() {
    let home = Home::new();
    let ended = home.run([
        "heads",
        "--model",
        text(&golden("gpt-oss-tiny")),
        "--prompt",
        "write a story about AI",
        "--layers",
        "sliding",
        "--kv-group",
        "1",
        "--sort",
        "head",
        "--json",
    ]);
    let document: Value = serde_json::from_str(ended.text()).unwrap();
    let heads = document["heads"].as_array().unwrap();
    let names: Vec<String> = heads.iter().map(|head| format!("{}.{}", head["layer"], head["head"])).collect();
    assert_eq!(names, ["0.2", "0.3", "2.2", "2.3"]);
    for head in heads {
        assert_eq!((head["layer_kind"].as_str(), head["kv_group"].as_u64()), (Some("sliding"), Some(1)));
        let sink = head["prompt"]["sink"].as_f64().unwrap();
        assert!(sink > 0.0 && sink < 1.0, "{sink}");
        assert!(head["repeated"]["induction"].is_number());
        assert!(head["push"].as_f64().unwrap() != 0.0);
        assert_eq!(head["prompt"]["local"], 1.0, "a window of 8 tokens");
        let delimiter = head["prompt"]["delimiter"].as_f64().unwrap();
        assert!((0.0..1.0).contains(&delimiter), "{delimiter}");
    }
    let model = &document["models"][0];
    assert_eq!(model["repeated"]["period"], 7, "one less than the window of 8");
    assert_eq!(model["recipe"]["input"]["prompt"], "write a story about AI");
    assert_eq!(heads[0]["model"], 0);
}

/// What a head adds to the logit of the likeliest next token is what `push` says.
#[test]
fn heads_are_sorted_by_what_they_push() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let list = home.run(["heads", "--model", text(&model), "--sort", "push", "--json"]);
    let list: Value = serde_json::from_str(list.text()).unwrap();
    let pushes: Vec<f64> =
        list["heads"].as_array().unwrap().iter().map(|head| head["push"].as_f64().unwrap()).collect();
    assert!(pushes.windows(2).all(|pair| pair[0] >= pair[1]), "{pushes:?}");
    let push = home.run(["push", "--model", text(&model), "--json"]);
    let push: Value = serde_json::from_str(push.text()).unwrap();
    for head in push["models"][0]["heads"].as_array().unwrap() {
        let own = list["heads"].as_array().unwrap().iter();
        let mut own = own.filter(|it| it["layer"] == head["layer"] && it["head"] == head["head"]);
        let own = own.next().unwrap()["push"].as_f64().unwrap();
        assert!((own - head["push"].as_f64().unwrap()).abs() < 1e-6, "{head}");
    }
}

/// The numbers of a map, layer after layer.
fn cells(map: &str) -> Vec<Vec<f32>> {
    let rows =
        map.lines().filter_map(|line| Some((line.get(..5)?.trim().parse::<usize>().ok()?, line.get(6..)?)));
    let row = |(_, row): (usize, &str)| row.split_whitespace().map(|cell| cell.parse().unwrap()).collect();
    rows.map(row).collect()
}

#[test]
fn a_map_has_the_numbers_of_the_list() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let list = home.run(["heads", "--model", text(&model), "--sort", "head", "--json"]);
    let document: Value = serde_json::from_str(list.text()).unwrap();
    let heads = document["heads"].as_array().unwrap();
    for (name, set, key) in [("induction", "repeated", "induction"), ("distance", "prompt", "distance")] {
        let map = home.run(["heads", "--model", text(&model), "--map", name]);
        assert!(!map.text().contains('\u{1b}'), "there are no colours in a pipe");
        let found = cells(map.text()).concat();
        let expected: Vec<f32> = heads.iter().map(|head| head[set][key].as_f64().unwrap() as f32).collect();
        assert_eq!(found.len(), expected.len(), "{}", map.text());
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 0.51e-3), "{found:?}, {expected:?}");
    }
    let default = home.run(["heads", "--model", text(&model), "--map"]);
    assert!(
        default.text().contains(": induction, on repeated random tokens (share)\n"),
        "{}",
        default.text()
    );
}

#[test]
fn a_map_of_both_models_is_coloured_where_colours_are_asked_for() {
    let home = Home::new();
    let ended = home
        .command(["heads", "--map", "sink"])
        .env("FORCE_COLOR", "3")
        .env("TERM", "xterm")
        .output()
        .unwrap();
    let ended = Ended::from(ended);
    let text = ended.text();
    assert!(text.contains("demo:gpt2: ") && text.contains("demo:gpt-oss: "), "{text}");
    assert!(text.contains("48;2;") && text.contains("\u{1b}["), "{text:?}");
    let gpt2 = text.split("demo:gpt-oss").next().unwrap();
    assert!(gpt2.lines().nth(2).unwrap().ends_with(" -"), "GPT-2 has no sinks: {gpt2:?}");
    home.run(["heads", "--map", "loudness"]).failed(2, &["--map", "'loudness' is no statistic", "induction"]);
    home.run(["heads", "--map", "--json"]).failed(2, &["--map", "--json"]);
}
