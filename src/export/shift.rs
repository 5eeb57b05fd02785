//! How far the heads of two models are apart: a table for people, JSON for programs.

use std::io::{self, Write};

use serde_json::json;

use super::error::ExportError;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use super::report::SIDES;
use crate::attention::shift::HeadShift;
use crate::attention::{Capture, NO_OUTPUT_HEAD, escape_controls};
use crate::vocabulary::nats;

/// Columns of a head.
const HEAD: usize = 24;

/// Two models over the same tokens.
#[derive(Debug, Clone)]
pub struct Shifted {
    /// The passes, left and right.
    pub captures: [Capture; 2],
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
    let [left, right] = shifted
        .captures
        .each_ref()
        .map(|capture| escape_controls(&capture.model.name) + &capture.ablation.suffix());
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
    writeln!(out, "JS: divergence of its rows, sink included, in nats; mean over queries")?;
    writeln!(out, "flips: share of queries whose strongest key is another")?;
    Ok(())
}

/// Writes one JSON object: `models`, left and right, each with its side and its recipe; `heads`; `mean_js_divergence`; and `kl_divergence` of the next
/// token (null without an output head).
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, shifted: &Shifted) -> Result<(), ExportError> {
    let head = |shift: &HeadShift| {
        let HeadShift { layer, head, divergence, flips } = shift;
        json!({ "layer": layer, "head": head, "js_divergence": divergence, "flips": flips })
    };
    let model = |(side, recipe): (&str, &Recipe)| {
        Ok(json!({ "side": side, "recipe": serde_json::to_value(recipe)? }))
    };
    let models = SIDES.into_iter().zip(&shifted.recipes).map(model).collect::<Result<Vec<_>, io::Error>>()?;
    let document = json!({
        "models": models,
        "heads": shifted.heads.iter().map(head).collect::<Vec<_>>(),
        "mean_js_divergence": shifted.mean,
        "kl_divergence": shifted.next,
    });
    Ok(write_json_lines(out, &document)?)
}
