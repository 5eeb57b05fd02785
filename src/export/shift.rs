//! How far the heads of two models are apart: a table for people, JSON and CSV for programs.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value, json};

use super::error::ExportError;
use super::formats::csv_field;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use super::report::SIDES;
use crate::attention::shift::HeadShift;
use crate::attention::{Capture, NO_OUTPUT_HEAD, escape_controls};
use crate::vocabulary::nats;

/// Columns of a head.
const HEAD: usize = 24;

/// What the numbers are, said once.
pub(super) const APART: &str = "js_divergence: of a head's rows in both passes, sinks included, in nats, the mean over queries; flips: the share of queries whose strongest key is another; heads that are furthest apart first";

/// Two passes, and how far their heads are apart.
#[derive(Debug, Clone)]
pub struct Shifted {
    /// The passes, left and right.
    pub captures: [Arc<Capture>; 2],
    /// How they were made.
    pub recipes: [Recipe; 2],
    /// Heads to list, those that are furthest apart first.
    pub heads: Vec<HeadShift>,
    /// The mean divergence of all heads, in nats.
    pub mean: f32,
    /// KL(left ‖ right) of the next token, in nats; nothing without an output head.
    pub next: Option<f64>,
}

/// Writes a line per head.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(out: &mut impl Write, shifted: &Shifted) -> Result<(), ExportError> {
    let [left, right] = names(shifted).map(|name| escape_controls(&name));
    writeln!(out, "# {left} and {right}")?;
    let inputs = shifted.recipes.each_ref().map(|recipe| &recipe.source.input);
    if inputs[0] != inputs[1] {
        for (name, input) in SIDES.into_iter().zip(inputs) {
            writeln!(out, "{name} reads: {}", escape_controls(&input.text()))?;
        }
    }
    match shifted.next {
        Some(next) => writeln!(out, "KL divergence of the next token, left ‖ right: {} nats", nats(next, 4))?,
        None => writeln!(out, "next token: {NO_OUTPUT_HEAD}")?,
    }
    writeln!(out, "JS divergence, mean of all heads: {} nats", nats(f64::from(shifted.mean), 4))?;
    writeln!(out)?;
    writeln!(out, "{:HEAD$}{:>9}{:>9}", "head", "JS", "flips")?;
    for HeadShift { layer, head, divergence, flips } in &shifted.heads {
        let (name, divergence) = (format!("{layer}.{head}"), nats(f64::from(*divergence), 4));
        writeln!(out, "{name:HEAD$}{divergence:>9}{:>8.1}%", 100.0 * flips)?;
    }
    writeln!(
        out,
        "JS: divergence of its rows, sink included, in nats; mean over queries; the largest first"
    )?;
    writeln!(out, "flips: share of queries whose strongest key is another")?;
    Ok(())
}

/// Writes one JSON object: `models`, left and right, each with its side and its recipe; `heads`; `mean_js_divergence`; and `kl_divergence` of the next
/// token (null without an output head).
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, shifted: &Shifted) -> Result<(), ExportError> {
    Ok(write_json_lines(out, &document(shifted)?)?)
}

/// An object of both passes.
pub(super) fn document(shifted: &Shifted) -> Result<Value, ExportError> {
    let head = |shift: &HeadShift| {
        let HeadShift { layer, head, divergence, flips } = shift;
        json!({ "layer": layer, "head": head, "js_divergence": divergence, "flips": flips })
    };
    let model = |(side, recipe): (&str, &Recipe)| {
        Ok(json!({ "side": side, "recipe": serde_json::to_value(recipe)? }))
    };
    let models = SIDES.into_iter().zip(&shifted.recipes).map(model).collect::<Result<Vec<_>, io::Error>>()?;
    Ok(json!({
        "models": models,
        "heads": shifted.heads.iter().map(head).collect::<Vec<_>>(),
        "mean_js_divergence": shifted.mean,
        "kl_divergence": shifted.next,
    }))
}

/// Writes a line of CSV for each head.
///
/// # Errors
/// If `out` refuses.
pub(super) fn write_csv(out: &mut impl Write, shifted: &Shifted) -> Result<(), ExportError> {
    writeln!(out, "left,right,layer,head,js_divergence,flips")?;
    let names = names(shifted);
    let [left, right] = names.each_ref().map(|name| csv_field(name));
    for HeadShift { layer, head, divergence, flips } in &shifted.heads {
        writeln!(out, "{left},{right},{layer},{head},{divergence:?},{flips:?}")?;
    }
    Ok(())
}

/// What is compared, left and right: the models, and the heads that are off.
fn names(shifted: &Shifted) -> [String; 2] {
    shifted.captures.each_ref().map(|capture| capture.model.name.clone() + &capture.ablation.suffix())
}
