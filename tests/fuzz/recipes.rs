//! Recipes: what is read is written as it was read.

use attnscope::export::Recipe;
use proptest::prelude::*;
use serde_json::json;

use crate::change::{apply, changes};
use crate::run::{keep, run};

#[test]
fn recipes() {
    let side = |model: &str, view: &str| {
        json!({
            "model": model, "revision": null, "family": "gpt2", "device": "cpu", "dtype": "f32",
            "input": {"prompt": "write a story"}, "without_heads": "0.1 2.3", "view": view
        })
    };
    let mut figure = side("demo:gpt2", "mean");
    figure["program"] = json!("attnscope 0.1.0");
    figure["normalisation"] = json!("raw");
    let mut numbers = figure.clone();
    (figure["format"], numbers["format"]) = (json!("svg"), json!("csv"));
    numbers["input"] = json!({"ids": [1, 2, 3]});
    figure["beside"] = side("demo:gpt-oss", "head:1.0");
    figure["figure"] = json!({
        "curve": "linear", "range": "row", "pooling": "mean", "colors": "cividis", "theme": "light",
        "caption": true, "scale": 2.0, "difference": null
    });
    let seeds = [figure, numbers].map(|recipe| serde_json::to_vec(&recipe).unwrap());
    run("recipes", 2500, &(0..2usize, changes()), |(which, changes)| {
        let bytes = apply(changes, &seeds[*which]);
        keep("recipe.json", &bytes);
        let Ok(value) = serde_json::from_slice(&bytes) else { return Ok(()) };
        match Recipe::from_json(&value) {
            Ok(recipe) => {
                let written = serde_json::to_value(&recipe).unwrap();
                let again = Recipe::from_json(&written);
                prop_assert_eq!(again.map_err(|error| error.to_string()), Ok(recipe));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        Ok(())
    });
}
