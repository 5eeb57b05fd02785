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
    run("0.4").failed(1, &["head:0.4 can't be switched off", "layers 0 to 2 and heads 0 to 3"]);
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
