//! What changes in models when heads are switched off: tables for people, JSON for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::error::ExportError;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use super::text::quoted;
use crate::attention::ablation::{MovedHead, NextChange, next_changes, next_divergence};
use crate::attention::{Capture, NO_OUTPUT_HEAD, escape_controls};
use crate::vocabulary::nats;

/// Columns of a token's text.
const TOKEN: usize = 24;

/// A model with all its heads, and without some.
#[derive(Debug, Clone)]
pub struct Ablated {
    /// The pass with all heads.
    pub before: Capture,
    /// The pass without some heads.
    pub after: Capture,
    /// Heads to list.
    pub heads: Vec<MovedHead>,
    /// How the pass without them was made.
    pub recipe: Recipe,
}

/// Writes two tables for each model.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(out: &mut impl Write, ablated: &[Ablated]) -> Result<(), ExportError> {
    for (at, ablated) in ablated.iter().enumerate() {
        let Ablated { before, after, heads, .. } = ablated;
        let gap = if at > 0 { "\n" } else { "" };
        writeln!(out, "{gap}# {}{}", escape_controls(&after.model.name), after.ablation.suffix())?;
        if !after.model.has_output_head {
            writeln!(out, "next token: {NO_OUTPUT_HEAD}")?;
        } else {
            writeln!(out, "{:TOKEN$}{:>9}{:>9}{:>9}", "next token", "before", "after", "change")?;
        }
        for NextChange { before, after } in next_changes(before, after) {
            let (token, p) = (quoted(&before.token, TOKEN), before.probability);
            writeln!(out, "{token}{p:>9.4}{after:>9.4}{:>+9.4}", after - p)?;
        }
        if let Some(divergence) = next_divergence(before, after) {
            writeln!(out, "KL divergence of the next token, before ‖ after: {} nats", nats(divergence, 4))?;
        }
        writeln!(out)?;
        writeln!(out, "{:TOKEN$}{:>9}", "head", "moved by")?;
        for MovedHead { layer, head, divergence } in heads {
            let (name, divergence) = (format!("{layer}.{head}"), nats(f64::from(*divergence), 4));
            writeln!(out, "{name:TOKEN$}{divergence:>9}")?;
        }
        writeln!(out, "moved by: JS divergence of its rows, sink included, in nats; mean over queries")?;
    }
    Ok(())
}

/// Writes one JSON object: `models`, each with its recipe, next tokens (null without an output head) and heads.
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, ablated: &[Ablated]) -> Result<(), ExportError> {
    let model = |ablated: &Ablated| -> Result<Value, ExportError> {
        let Ablated { before, after, heads, recipe } = ablated;
        let next = |change: NextChange| {
            let NextChange { before, after } = change;
            let (id, text) = (before.token.id, before.token.text);
            json!({ "id": id, "text": text, "before": before.probability, "after": after })
        };
        let head = |moved: &MovedHead| json!({ "layer": moved.layer, "head": moved.head, "js_divergence": moved.divergence });
        Ok(json!({
            "recipe": serde_json::to_value(recipe).map_err(io::Error::from)?,
            "next": after.model.has_output_head
                .then(|| next_changes(before, after).into_iter().map(next).collect::<Vec<_>>()),
            "kl_divergence": next_divergence(before, after),
            "heads": heads.iter().map(head).collect::<Vec<_>>(),
        }))
    };
    let models = ablated.iter().map(model).collect::<Result<Vec<_>, _>>()?;
    Ok(write_json_lines(out, &json!({ "models": models }))?)
}
