//! Where attention goes that goes nowhere: tables for people, JSON for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::error::ExportError;
use super::figure::source_title;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use super::text::quoted;
use crate::attention::Capture;
use crate::attention::lens::Lens;
use crate::attention::sinks::{
    Activation, HeadSink, KeySink, NOTHING_BEHIND, SINK_SHARE, Sinks, StateActivations,
};

/// Columns of a token's text.
const TOKEN: usize = 20;
/// Keys that the table lists, at most.
const KEYS: usize = 20;

/// A model's pass, where its heads put what they give to nobody, and what is large in its residual stream.
#[derive(Debug, Clone)]
pub struct SinkPass {
    /// The pass.
    pub capture: Capture,
    /// Where heads put what they give to nobody.
    pub sinks: Sinks,
    /// What is large after the embedding, and after each layer.
    pub activations: Vec<StateActivations>,
    /// How it was made.
    pub recipe: Recipe,
}

/// Writes for each model the keys that are sinks, a line per layer, and massive activations.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(out: &mut impl Write, passes: &[SinkPass]) -> Result<(), ExportError> {
    for (at, pass) in passes.iter().enumerate() {
        let SinkPass { capture, sinks, activations, recipe } = pass;
        let gap = if at > 0 { "\n" } else { "" };
        writeln!(out, "{gap}# {}", source_title(&capture.model.name, &recipe.source))?;
        let mean = |of: fn(&HeadSink) -> Option<f32>| cell(sinks.mean(of));
        let percent = |rate: f32| format!("{:.1}% of heads over {SINK_SHARE}", 100.0 * rate);
        if let Some(rate) = sinks.learned_rate {
            writeln!(out, "learned sinks: mean {}, {}", mean(|head| head.learned).trim(), percent(rate))?;
        }
        match sinks.keys.first().filter(|_| sinks.has_later_tokens()) {
            Some(first) => {
                let values = mean(|head| head.value_ratio);
                writeln!(
                    out,
                    "first token: mean {}, {}, its values ×{} of the others' length",
                    mean(|head| head.first).trim(),
                    percent(first.rate),
                    values.trim()
                )?;
                write_keys(out, capture, sinks)?;
            }
            None => writeln!(out, "first token: {NOTHING_BEHIND}")?,
        }
        writeln!(
            out,
            "\n{:10}{:>8}{:>8}{:>8}{:>12}{:>10}  at",
            "after", "learned", "first", "values", "max |x|", "×median"
        )?;
        for (row, state) in activations.iter().enumerate() {
            let of = |of: fn(&HeadSink) -> Option<f32>| match row.checked_sub(1) {
                Some(layer) => cell(sinks.layer_mean(layer, of)),
                None => format!("{:8}", ""),
            };
            let (learned, first, values) =
                (of(|head| head.learned), of(|head| head.first), of(|head| head.value_ratio));
            let size = state.largest.map_or_else(String::new, |it| format!("{:.3}", it.value.abs()));
            let times = state.times().map_or_else(String::new, |times| format!("{times:.1}"));
            let place = state.largest.map_or_else(String::new, |it| place(capture, &it));
            let massive = if state.count > 0 { format!("  {} massive", state.count) } else { String::new() };
            writeln!(
                out,
                "{:10}{learned}{first}{values}{size:>12}{times:>10}  {place}{massive}",
                Lens::name(row)
            )?;
        }
        writeln!(
            out,
            "heads: the share of heads that give a key more than {SINK_SHARE}, by the mean over the queries from it on"
        )?;
        writeln!(out, "values: ‖v W_O‖ as a multiple of the mean of all other tokens'")?;
        writeln!(out, "massive: |x| > 100 and > 1,000 × the median |x| of the residual stream there")?;
    }
    Ok(())
}

/// Writes the keys that are sinks.
fn write_keys(out: &mut impl Write, capture: &Capture, sinks: &Sinks) -> Result<(), ExportError> {
    writeln!(
        out,
        "\n{:>5}  {:TOKEN$}{:>7}{:>8}{:>8}{:>9}",
        "key", "token", "heads", "share", "values", "queries"
    )?;
    let ranked = sinks.ranked();
    for key in ranked.iter().take(KEYS) {
        let KeySink { position, rate, share, queries, value_ratio } = **key;
        let token = quoted(&capture.tokens[position], TOKEN);
        let rate = format!("{:.1}%", 100.0 * rate);
        writeln!(out, "{position:>5}  {token}{rate:>7}{share:>8.3}{}{queries:>9}", cell(value_ratio))?;
    }
    if ranked.len() > KEYS {
        writeln!(out, "and {} more keys; --json has them", ranked.len() - KEYS)?;
    }
    Ok(())
}

/// Writes one JSON object: `models`, each with its recipe, its heads, its keys, and the residual stream after the
/// embedding and after each layer.
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, passes: &[SinkPass]) -> Result<(), ExportError> {
    let model = |pass: &SinkPass| -> Result<Value, ExportError> {
        let SinkPass { capture, sinks, activations, recipe } = pass;
        let head = |layer: usize, (at, head): (usize, &HeadSink)| {
            json!({
                "layer": layer,
                "head": at,
                "learned_sink": head.learned,
                "first_token": head.first,
                "strongest_key": { "at": head.strongest.0, "share": head.strongest.1 },
                "first_token_value_ratio": head.value_ratio,
            })
        };
        let heads = sinks.heads.iter().enumerate();
        let heads = heads.flat_map(|(layer, of)| of.iter().enumerate().map(move |it| head(layer, it)));
        let key = |key: &KeySink| {
            let token = &capture.tokens[key.position];
            json!({
                "at": key.position,
                "id": token.id,
                "text": token.text,
                "sink_rate": key.rate,
                "share": key.share,
                "queries": key.queries,
                "value_ratio": key.value_ratio,
            })
        };
        let activation = |it: &Activation| {
            let token = &capture.tokens[it.position];
            json!({ "at": it.position, "text": token.text, "dimension": it.dimension, "value": it.value })
        };
        let state = |(row, state): (usize, &StateActivations)| {
            json!({
                "after": Lens::name(row),
                "median": state.median,
                "largest": state.largest.as_ref().map(activation),
                "times_median": state.times(),
                "massive": state.massive.iter().map(activation).collect::<Vec<_>>(),
                "massive_count": state.count,
            })
        };
        Ok(json!({
            "recipe": serde_json::to_value(recipe).map_err(io::Error::from)?,
            "learned_sink_rate": sinks.learned_rate,
            "heads": heads.collect::<Vec<_>>(),
            "keys": sinks.keys.iter().map(key).collect::<Vec<_>>(),
            "residual": activations.iter().enumerate().map(state).collect::<Vec<_>>(),
        }))
    };
    let models = passes.iter().map(model).collect::<Result<Vec<_>, _>>()?;
    Ok(write_json_lines(out, &json!({ "models": models }))?)
}

fn cell(value: Option<f32>) -> String {
    value.map_or_else(|| format!("{:>8}", "–"), |value| format!("{value:>8.3}"))
}

/// `0 "Once", dimension 447`
fn place(capture: &Capture, activation: &Activation) -> String {
    let token = quoted(&capture.tokens[activation.position], 0);
    format!("{} {token}, dimension {}", activation.position, activation.dimension)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{Selection, example};

    #[test]
    fn what_is_massive_is_told() {
        let capture = example::capture();
        let sinks = Sinks::new(&capture, &|| false).unwrap();
        let states = [[0.1, 0.1, 0.1, 0.1], [0.1, -0.1, 1234.5, 0.1], [f32::NAN; 4]];
        let activations = states.iter().map(|state| StateActivations::new(state, 2)).collect();
        let recipe = Recipe::new(example::source(&capture, Selection::All), None);
        let passes = [SinkPass { capture, sinks, activations, recipe }];
        let mut table = Vec::new();
        write_table(&mut table, &passes).unwrap();
        let table = String::from_utf8(table).unwrap();
        assert!(table.contains("1234.500   12345.0  1 \" '\", dimension 0  1 massive\n"), "{table}");
        assert!(table.starts_with("# example\nlearned sinks: mean "), "{table}");
        let mut json = Vec::new();
        write_json(&mut json, &passes).unwrap();
        let json: Value = serde_json::from_slice(&json).unwrap();
        let residual = &json["models"][0]["residual"];
        assert_eq!(
            residual[1]["massive"][0],
            json!({ "at": 1, "text": " '", "dimension": 0, "value": 1234.5 })
        );
        assert_eq!((&residual[0]["massive_count"], &residual[2]["largest"]), (&json!(0), &Value::Null));
        assert_eq!(json["models"][0]["keys"][0]["queries"], 2);
    }
}
