//! What `ablate` shows.

use serde_json::Value;

use crate::support::program::{Home, golden, text};

#[test]
fn tables_of_next_tokens_and_of_the_heads_that_moved() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let ended = home.run(["ablate", "--model", text(&model), "--heads", "1.3,0.1,1.0", "--top", "3"]);
    let lines: Vec<&str> = ended.text().lines().collect();
    assert_eq!(lines[0], format!("# {} without 0.1, 1.0, 1.3", text(&model)));
    let number = |line: &str, from_end: usize| -> f32 {
        line.split_whitespace().rev().nth(from_end).unwrap().parse().unwrap()
    };
    let tokens: Vec<&&str> = lines.iter().filter(|line| line.starts_with('"')).collect();
    assert!(tokens.len() >= 10);
    for line in tokens {
        let [before, after, change] = [2, 1, 0].map(|at| number(line, at));
        assert!((after - before - change).abs() < 2e-4, "{line}");
    }
    assert!(ended.text().contains("before ‖ after: 0.4568 nats"), "{}", ended.text());
    let heads: Vec<&&str> =
        lines.iter().skip_while(|line| !line.starts_with("head")).skip(1).take(3).collect();
    let names: Vec<&str> = heads.iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["3.1", "2.3", "3.2"]);
    assert!(heads.windows(2).all(|pair| number(pair[0], 0) >= number(pair[1], 0)));
}

#[test]
fn all_numbers_as_json_with_a_recipe_that_names_the_heads() {
    let home = Home::new();
    let [left, right] = ["gpt2-tiny", "gpt-oss-tiny"].map(golden);
    let models = ["--model", text(&left), "--model", text(&right)];
    let ended =
        home.run(["ablate", "--heads", "1.2", "--ids", "1,2,3,4", "--json"].into_iter().chain(models));
    let document: Value = serde_json::from_str(ended.text()).unwrap();
    let [gpt2, gpt_oss] = document["models"].as_array().unwrap().as_slice() else { panic!() };
    for model in [gpt2, gpt_oss] {
        assert_eq!(model["recipe"]["without_heads"], "1.2");
        assert!(model["kl_divergence"].as_f64().unwrap() > 0.0);
        assert_eq!(model["heads"].as_array().unwrap().len(), 10);
        assert!(model["heads"][0]["layer"].as_u64().unwrap() >= 2, "only later layers move");
        let next = &model["next"][0];
        assert!(next["before"].is_number() && next["after"].is_number() && next["text"].is_string());
    }
}

#[test]
fn heads_that_are_none_are_refused() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let run = |heads| home.run(["ablate", "--model", text(&model), "--heads", heads]);
    run("5").failed(2, &["'5' is no head", "5.1,6.9"]);
    run("0.4").failed(1, &["--heads 0.4: ", "layers 0 to 2 and heads 0 to 3"]);
    home.run(["ablate", "--model", text(&model)]).failed(2, &["--heads"]);
}

#[test]
fn a_recipe_renders_without_the_heads_that_it_names() {
    let home = Home::new();
    let [whole, recipe, without, again] =
        ["whole.json", "recipe.json", "without.json", "again.json"].map(|name| home.path(name));
    let read =
        |path: &std::path::Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let (model, prompt) = (golden("gpt2-tiny"), "write a story");
    let input = ["--model", text(&model), "--prompt", prompt];
    let args = ["export", "--view", "head:2.1", "--format", "json", "--out", text(&whole)];
    assert_eq!(home.run(args.into_iter().chain(input)).code, 0);
    let mut of_without = read(&whole)["recipe"].take();
    of_without["without_heads"] = "0.1, 1.0".into();
    std::fs::write(&recipe, of_without.to_string()).unwrap();
    assert_eq!(home.run(["render", text(&recipe), "--out", text(&without)]).code, 0);
    assert_eq!(home.run(["render", text(&without), "--out", text(&again)]).code, 0);
    assert_eq!(std::fs::read(&without).unwrap(), std::fs::read(&again).unwrap());

    let (whole, without) = (read(&whole), read(&without));
    assert_ne!(whole["attention"], without["attention"]);
    let args = ["ablate", "--heads", "0.1,1.0", "--json"];
    let ablated: Value = serde_json::from_str(home.run(args.into_iter().chain(input)).text()).unwrap();
    let listed = ablated["models"][0]["next"].as_array().unwrap();
    let next = &without["next"][0];
    let same = listed.iter().find(|listed| listed["id"] == next["id"]).unwrap();
    let apart = same["after"].as_f64().unwrap() - next["probability"].as_f64().unwrap();
    assert!(apart.abs() < 1e-6, "{same} {next}");
}

#[test]
fn heads_are_off_in_every_command() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let run = |command: &[&str], more: &[&str]| {
        let ended = home.run(command.iter().chain(&["--model", text(&model)]).chain(more).copied());
        assert_eq!(ended.code, 0, "{command:?}: {}", ended.stderr);
        ended.text().to_owned()
    };
    for command in [
        &["print"][..],
        &["heads", "--json"],
        &["heads", "--map", "sink"],
        &["lens"],
        &["generate", "--tokens", "4"],
    ] {
        let [whole, zero, mean] =
            [&[][..], &["--without", "0.1"], &["--without", "mean:0.1"]].map(|more| run(command, more));
        assert!(whole != zero && zero != mean && whole != mean, "{command:?}");
        assert_eq!(run(command, &["--without", "none"]), whole, "{command:?}");
        if command != ["lens"] {
            let at_mean = if command.contains(&"--json") { "mean: 0.1" } else { "with 0.1 at its mean" };
            assert!(zero.contains("0.1") && mean.contains(at_mean), "{command:?}: {mean}");
        }
    }
    // One model beside itself.
    let twice = ["--without", "none", "--without", "0.1"];
    let compared = run(&["compare", "--json"], &twice);
    let compared: Value = serde_json::from_str(&compared).unwrap();
    assert!(compared["mean_divergence"].as_f64().unwrap() > 1e-4);
    assert_eq!(compared["models"][1]["recipe"]["without_heads"], "0.1");
    let same = run(&["compare", "--json"], &["--without", "0.1", "--without", "0.1"]);
    assert_eq!(serde_json::from_str::<Value>(&same).unwrap()["mean_divergence"], 0.0);
    let figure = run(&["export", "--format", "svg", "--out", "-"], &twice);
    assert!(figure.contains("without 0.1") && figure.contains("without head 0.1"));
    let three = ["--without", "0.1", "--without", "0.2", "--without", "0.3"];
    let two = ["print", "--model", text(&model), "--model", text(&model)];
    home.run(two.into_iter().chain(three)).failed(2, &["3 times for 2 models"]);
}

#[test]
fn a_sweep_lists_what_each_head_is_worth() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let run = |more: &[&str]| home.run(["sweep", "--model", text(&model)].iter().chain(more).copied());
    let found: Value = serde_json::from_str(run(&["--json"]).text()).unwrap();
    let worth = |layer: usize, head: usize| {
        let heads = found["models"][0]["heads"].as_array().unwrap();
        heads.iter().find(|it| it["layer"] == layer && it["head"] == head).unwrap()["kl_divergence"]
            .as_f64()
            .unwrap()
    };
    let ablated = home.run(["ablate", "--model", text(&model), "--heads", "1.2", "--json"]);
    let ablated: Value = serde_json::from_str(ablated.text()).unwrap();
    let expected = ablated["models"][0]["kl_divergence"].as_f64().unwrap();
    assert!((worth(1, 2) - expected).abs() < 1e-5 * (1.0 + expected), "{} {expected}", worth(1, 2));
    let listed = run(&["--top", "3"]);
    let lines: Vec<&str> = listed.text().lines().collect();
    assert_eq!(lines.len(), 2 + 3 + 1, "{}", listed.text());
    assert!(run(&["--map"]).text().contains("next token without it, on this prompt (nats)"));
    // Where others are off, the one that is swept gets what they get, and the output says so.
    let mean = run(&["--without", "mean:0.1", "--json"]);
    let mean: Value = serde_json::from_str(mean.text()).unwrap();
    let of_mean = &mean["models"][0];
    assert_eq!((&of_mean["by"], &of_mean["recipe"]["without_heads"]), (&"mean".into(), &"mean: 0.1".into()));
    let pair = run(&["--without", "mean:0.1,1.2", "--json"]);
    let pair: Value = serde_json::from_str(pair.text()).unwrap();
    assert_eq!(pair["models"][0]["heads"][6]["kl_divergence"], 0.0, "1.2 is off already");
    let listed = run(&["--without", "mean:0.1"]);
    let says = "in its place what it gives on average over the prompt, as for those that are off";
    assert!(listed.text().contains(says), "{}", listed.text());
    run(&["--without", "mean:0.1", "--by", "zero"])
        .failed(2, &["--by zero", "'mean: 0.1'", "leave --by away"]);
    run(&["--without", "0.1", "--by", "mean"]).failed(2, &["--by mean", "'0.1'"]);
    assert_eq!(run(&["--without", "mean:0.1", "--by", "mean", "--json"]).code, 0);
    let sorted = home.run(["heads", "--model", text(&model), "--sort", "off", "--top", "1"]);
    let first = lines[2].split_whitespace().next().unwrap();
    assert!(sorted.text().lines().nth(2).unwrap().contains(&format!(" {first} ")), "{}", sorted.text());
    let svg =
        home.run(["export", "--model", text(&model), "--view", "map:off", "--format", "svg", "--out", "-"]);
    assert!(svg.text().contains("next token without it"), "{}", svg.stderr);
}
