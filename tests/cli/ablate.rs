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
