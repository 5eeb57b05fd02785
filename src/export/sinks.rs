//! Where attention goes that goes nowhere: tables for people, JSON and CSV for programs.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value, json};

use super::error::ExportError;
use super::figure::source_title;
use super::formats::csv_field;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use super::text::quoted;
use crate::attention::Capture;
use crate::attention::lens::Lens;
use crate::attention::sinks::{
    Activation, FEW_QUERIES, HeadSink, KeySink, NOTHING_BEHIND, SINK_SHARE, Sinks, StateActivations,
};

/// Columns of a token's text.
const TOKEN: usize = 20;
/// Keys that the table lists, at most.
const KEYS: usize = 20;

/// What shares and values are, said once.
pub(super) const SHARE: &str = "shares: means over the queries from a key on, of the first token over those after it; values: ‖v W_O‖ as a multiple of the mean of all other tokens'";

/// A model's pass, where its heads put what they give to nobody, and what is large in its residual stream.
#[derive(Debug, Clone)]
pub struct SinkPass {
    /// The pass.
    pub capture: Arc<Capture>,
    /// Where heads put what they give to nobody.
    pub sinks: Arc<Sinks>,
    /// What is large after the embedding, and after each layer.
    pub activations: Arc<Vec<StateActivations>>,
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
        writeln!(
            out,
            "keys: the sinks of any head; the first token, then by heads and share; those that fewer than {FEW_QUERIES} queries see \
             come last"
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
    Ok(write_json_lines(out, &json!({ "models": models(passes)? }))?)
}

/// An object of each model.
pub(super) fn models(passes: &[SinkPass]) -> Result<Vec<Value>, ExportError> {
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
    passes.iter().map(model).collect()
}

/// Writes a line of CSV for each number: of each head, of each key over all heads, and of the residual stream after the
/// embedding and after each layer. A number that there isn't has no line.
///
/// # Errors
/// If `out` refuses.
pub fn write_csv(out: &mut impl Write, passes: &[SinkPass]) -> Result<(), ExportError> {
    writeln!(out, "model,of,layer,head,key,key_token,dimension,number,value")?;
    for SinkPass { capture, sinks, activations, .. } in passes {
        let model = csv_field(&capture.model.name);
        let token = |key: usize| csv_field(&capture.tokens[key].raw);
        if let Some(rate) = sinks.learned_rate {
            writeln!(out, "{model},model,,,,,,learned_sink_rate,{rate:?}")?;
        }
        for (layer, heads) in sinks.heads.iter().enumerate() {
            for (at, head) in heads.iter().enumerate() {
                let begin = format!("{model},head,{layer},{at}");
                let (key, share) = head.strongest;
                for (name, number) in [("learned_sink", head.learned), ("first_token", head.first)] {
                    write_number(out, &format!("{begin},,,,{name}"), number)?;
                }
                writeln!(out, "{begin},{key},{},,strongest_key_share,{share:?}", token(key))?;
                write_number(out, &format!("{begin},,,,first_token_value_ratio"), head.value_ratio)?;
            }
        }
        for key in &sinks.keys {
            let begin = format!("{model},key,,,{},{},", key.position, token(key.position));
            writeln!(out, "{begin},sink_rate,{:?}", key.rate)?;
            writeln!(out, "{begin},share,{:?}", key.share)?;
            writeln!(out, "{begin},queries,{}", key.queries)?;
            write_number(out, &format!("{begin},value_ratio"), key.value_ratio)?;
        }
        for (row, state) in activations.iter().enumerate() {
            let (of, layer) = match row.checked_sub(1) {
                Some(layer) => ("residual", layer.to_string()),
                None => ("embedding", String::new()),
            };
            let begin = format!("{model},{of},{layer},");
            let at =
                |it: &Activation| format!("{begin},{},{},{}", it.position, token(it.position), it.dimension);
            writeln!(out, "{begin},,,,median,{:?}", state.median)?;
            if let Some(largest) = &state.largest {
                writeln!(out, "{},largest,{:?}", at(largest), largest.value)?;
                write_number(out, &format!("{},times_median", at(largest)), state.times())?;
            }
            for massive in &state.massive {
                writeln!(out, "{},massive,{:?}", at(massive), massive.value)?;
            }
            writeln!(out, "{begin},,,,massive_count,{}", state.count)?;
        }
    }
    Ok(())
}

fn write_number(out: &mut impl Write, begin: &str, number: Option<f32>) -> io::Result<()> {
    number.map_or(Ok(()), |number| writeln!(out, "{begin},{number:?}"))
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
        let activations: Vec<_> = states.iter().map(|state| StateActivations::new(state, 2)).collect();
        let recipe = Recipe::new(example::source(&capture, Selection::All), None);
        let passes = [SinkPass {
            capture: Arc::new(capture),
            sinks: Arc::new(sinks),
            activations: Arc::new(activations),
            recipe,
        }];
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
        let mut csv = Vec::new();
        write_csv(&mut csv, &passes).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        for line in [
            "\"example\",key,,,0,\"it\",,queries,2",
            "\"example\",residual,0,,1,\"Ġ'\",0,massive,1234.5",
            "\"example\",residual,0,,,,,massive_count,1",
            "\"example\",embedding,,,,,,massive_count,0",
        ] {
            assert!(csv.lines().any(|it| it == line), "{line}: {csv}");
        }
        assert!(csv.lines().all(|line| line.split(',').count() == 9), "{csv}");
        assert!(!csv.contains("residual,1,,0"), "what is no number is not the largest: {csv}");
    }
}
