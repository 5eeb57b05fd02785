//! What `sinks` shows.

use serde_json::Value;

use crate::support::program::{Home, golden, text};

#[test]
fn both_models_with_their_heads_keys_and_residual_streams() {
    let home = Home::new();
    let [left, right] = ["gpt2-tiny", "gpt-oss-tiny"].map(golden);
    let arguments = ["sinks", "--model", text(&left), "--model", text(&right)];
    let table = home.run(arguments).text().to_owned();
    assert_eq!(table.matches("learned sinks: mean").count(), 1, "{table}");
    assert_eq!(table.matches("first token: mean").count(), 2, "{table}");
    assert_eq!(table.matches("\nembedding ").count(), 2, "{table}");
    assert_eq!(table.matches("the first token, then by heads and share; those that fewer than 8").count(), 2);
    let json: Value = serde_json::from_str(home.run(arguments.into_iter().chain(["--json"])).text()).unwrap();
    for (model, (layers, heads)) in json["models"].as_array().unwrap().iter().zip([(3, 4), (4, 4)]) {
        assert_eq!(model["heads"].as_array().unwrap().len(), layers * heads);
        assert_eq!(model["residual"].as_array().unwrap().len(), layers + 1);
        let keys = model["keys"].as_array().unwrap();
        assert_eq!(keys.last().unwrap()["queries"], 1);
        assert!(keys.iter().all(|key| (0.0..=1.0).contains(&key["sink_rate"].as_f64().unwrap())));
    }
    assert!(json["models"][0]["learned_sink_rate"].is_null());
    home.run(["sinks", "--model", text(&left), "--prompt", ""]).failed(1, &["the prompt is empty"]);
    let one = home.run(["sinks", "--model", text(&left), "--ids", "5"]).text().to_owned();
    assert!(one.contains("first token: nothing is behind it"), "{one}");
    assert!(!one.contains('%') && !one.contains("0.000"), "no mean over no rows: {one}");
    let one = home.run(["sinks", "--model", text(&right), "--ids", "5", "--json"]);
    let one: Value = serde_json::from_str(one.text()).unwrap();
    let head = &one["models"][0]["heads"][0];
    assert!(head["first_token"].is_null() && head["learned_sink"].is_number(), "{head}");
    // Nor in the other places that have such a mean.
    let heads = home.run(["heads", "--model", text(&left), "--ids", "5", "--json"]);
    let heads: Value = serde_json::from_str(heads.text()).unwrap();
    assert!(heads["heads"][0]["prompt"]["first-token"].is_null(), "{}", heads["heads"][0]);
}
