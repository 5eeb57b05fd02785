//! JSON, written as it is computed.
//!
//! `attention` is \[S\]\[S\] for a view and \[L\]\[H\]\[S\]\[S\] for all heads, zeros for the future; `sink` has
//! one number less per row, and is null for a model without sinks; `next` is null for one without an output head.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write};

use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::entry::{Export, Format, Writer};
use super::problem::{Limited, Problem};
use crate::attention::{Capture, NextToken, Token};
use crate::export::error::ExportError;
use crate::export::printable::{json, write_json};
use crate::export::row_names;
use crate::export::rows::rows;
use crate::export::selection::Selection;
use crate::vocabulary::{RowReading, View};

#[derive(Serialize)]
struct TokenFields<'a> {
    id: u32,
    raw: &'a str,
    text: &'a str,
    /// First byte of the prompt, and the one after the last; null where there is no prompt behind it.
    span: Option<[usize; 2]>,
}

impl<'a> From<&'a Token> for TokenFields<'a> {
    fn from(token: &'a Token) -> Self {
        let span = (!token.span.is_empty()).then_some([token.span.start, token.span.end]);
        Self { id: token.id, raw: &token.raw, text: &token.text, span }
    }
}

#[derive(Serialize)]
struct NextFields<'a> {
    id: u32,
    raw: &'a str,
    text: &'a str,
    probability: f32,
}

impl<'a> From<&'a NextToken> for NextFields<'a> {
    fn from(next: &'a NextToken) -> Self {
        let token = &next.token;
        Self { id: token.id, raw: &token.raw, text: &token.text, probability: next.probability }
    }
}

pub const FORMAT: Format =
    Format { write: Writer::Numbers(write), begins: |start| start.starts_with(b"{"), recipe };

/// A recipe by itself, or an export that begins with one: of that no more is read.
fn recipe(mut file: BufReader<File>) -> Result<Value, Problem> {
    const EXPORT: &[u8] = b"{\"recipe\":";
    if file.fill_buf()?.starts_with(EXPORT) {
        file.consume(EXPORT.len());
        return Ok(Value::deserialize(&mut serde_json::Deserializer::from_reader(Limited::new(file)))?);
    }
    let mut value: Value = serde_json::from_reader(Limited::new(file))?;
    Ok(match value.get_mut("recipe") {
        Some(recipe) => recipe.take(),
        None => value,
    })
}

fn write(out: &mut dyn Write, export: &Export<'_>) -> Result<(), ExportError> {
    let capture = export.capture;
    let tokens: Vec<TokenFields<'_>> = capture.tokens.iter().map(TokenFields::from).collect();
    let next: Option<Vec<NextFields<'_>>> =
        capture.model.has_output_head.then(|| capture.next.iter().map(NextFields::from).collect());
    write!(out, "{{\"recipe\":")?;
    value(out, export.recipe)?;
    write!(out, ",\n\"tokens\":")?;
    value(out, &tokens)?;
    if export.recipe.rows == RowReading::Predicting {
        // A text for each row: what is predicted from it.
        write!(out, ",\n\"predicting\":")?;
        value(out, &row_names::of_tokens(capture, export.recipe.rows, |token| token.text.clone()))?;
    }
    write!(out, ",\n\"next\":")?;
    value(out, &next)?;
    write!(out, ",\n\"attention\":")?;
    let sink = match export.selection {
        Selection::One(view) => json(&square(out, capture, view)?),
        Selection::All => json(&layers(out, capture)?),
    };
    let sink = if export.selection.has_sinks(capture) { sink? } else { "null".to_owned() };
    writeln!(out, ",\n\"sink\":{sink}}}")?;
    Ok(())
}

/// Writes \[L\]\[H\]\[S\]\[S\] and returns \[L\]\[H\]\[S\] of sinks.
fn layers(out: &mut dyn Write, capture: &Capture) -> Result<Vec<Vec<Vec<f32>>>, ExportError> {
    list(out, 0..capture.model.layers, |out, layer| {
        list(out, 0..capture.model.heads, |out, head| square(out, capture, View::Head { layer, head }))
    })
}

/// Writes \[S\]\[S\] and returns \[S\] of sinks.
fn square(out: &mut dyn Write, capture: &Capture, view: View) -> Result<Vec<f32>, ExportError> {
    let sinks = list(out, rows(capture, view), |out, row| {
        let row = row?;
        value(out, &row.weights)?;
        Ok(row.sink)
    })?;
    Ok(sinks.into_iter().flatten().collect())
}

/// Writes a JSON list of what `write` makes of each item, a line each, and returns what it returns.
fn list<T, R>(
    out: &mut dyn Write,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut dyn Write, T) -> Result<R, ExportError>,
) -> Result<Vec<R>, ExportError> {
    let mut returned = Vec::new();
    out.write_all(b"[")?;
    for (at, item) in items.into_iter().enumerate() {
        out.write_all(if at == 0 { b"" } else { b",\n" })?;
        returned.push(write(out, item)?);
    }
    out.write_all(b"]")?;
    Ok(returned)
}

fn value(out: &mut dyn Write, value: &impl Serialize) -> Result<(), ExportError> {
    Ok(write_json(out, value)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;
    use serde_json::json;

    fn written(selection: Selection) -> Value {
        let mut out = Vec::new();
        example::export(selection, |export| write(&mut out, export).unwrap());
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_view_is_a_square_beside_its_sinks() {
        let document = written(Selection::One(View::Mean));
        assert_eq!(document["attention"], json!([[0.25, 0.0], [0.5, 0.125]]));
        assert_eq!(document["sink"], json!([0.75, 0.375]));
        assert_eq!(document["tokens"][1], json!({"id": 8, "raw": "Ġ'", "text": " '", "span": [2, 4]}));
        assert_eq!(document["next"][0]["probability"], json!(0.5));
        assert_eq!(document["recipe"]["input"], json!({"prompt": "it '"}));
        assert_eq!(document["recipe"]["normalisation"], "raw");
    }

    #[test]
    fn all_heads_are_nested_by_layer_and_head() {
        let document = written(Selection::All);
        let (attention, sink) = (&document["attention"], &document["sink"]);
        assert_eq!(attention[1][1][1].as_array().unwrap().len(), 2);
        for (row, sink) in attention[1][0].as_array().unwrap().iter().zip(sink[1][0].as_array().unwrap()) {
            let sum: f64 = row.as_array().unwrap().iter().chain([sink]).map(|v| v.as_f64().unwrap()).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        }
    }
}
