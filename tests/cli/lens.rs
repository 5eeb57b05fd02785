//! What `lens` shows.

use serde_json::Value;

use crate::support::program::{Home, golden, text};

#[test]
fn a_row_for_the_embedding_and_for_each_layer() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let ended = home.run(["lens", "--model", text(&model), "--token", "2", "--top", "2"]);
    let lines: Vec<&str> = ended.text().lines().collect();
    assert!(lines[0].starts_with(&format!("# {} after token 2, ", text(&model))), "{}", lines[0]);
    let names: Vec<&str> = lines[2..].iter().map(|line| line[..10].trim()).collect();
    assert_eq!(names, ["embedding", "layer 0", "layer 1", "layer 2"]);
    assert_eq!(lines[5].matches('"').count(), 4, "two tokens: {}", lines[5]);
}

#[test]
fn the_last_row_is_what_the_model_predicts() {
    let home = Home::new();
    let [left, right] = ["gpt2-tiny", "gpt-oss-tiny"].map(golden);
    let models = ["--model", text(&left), "--model", text(&right), "--json"];
    let ended = home.run(["lens"].into_iter().chain(models));
    let lens: Value = serde_json::from_str(ended.text()).unwrap();
    let ended = home.run(["ablate", "--heads", "0.0"].into_iter().chain(models));
    let ablate: Value = serde_json::from_str(ended.text()).unwrap();
    for (at, layers) in [(0, 3), (1, 4)] {
        let model = &lens["models"][at];
        let rows = model["rows"].as_array().unwrap();
        assert_eq!(rows.len(), layers + 1);
        assert_eq!(rows[0]["after"], "embedding");
        let last = rows.last().unwrap();
        assert_eq!(last["next"][0], model["prediction"]);
        assert_eq!(last["of_prediction"], model["prediction"]["probability"]);
        let likeliest = ablate["models"][at]["next"].as_array().unwrap();
        let own = likeliest.iter().find(|next| next["id"] == model["prediction"]["id"]).unwrap();
        let [own, seen] = [&own["before"], &last["of_prediction"]].map(|value| value.as_f64().unwrap());
        assert!((own - seen).abs() < 1e-5, "{own}, {seen}");
    }
}

#[test]
fn a_token_that_is_not_there_is_refused() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let ended = home.run(["lens", "--model", text(&model), "--ids", "1,2", "--token", "2"]);
    ended.failed(1, &["--token 2: the prompt has 2 tokens, 0 to 1"]);
    home.run(["lens", "--model", text(&model), "--top", "0"]).failed(2, &["--top"]);
}
