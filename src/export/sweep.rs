//! What each head alone is worth to the next token: a list for people, JSON for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::error::ExportError;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use crate::attention::ablation::Swept;
use crate::attention::{Capture, escape_controls};
use crate::vocabulary::{Instead, nats};

/// A head, and what it alone is worth, in nats.
type Worth = (usize, usize, f32);

/// Writes a list for each pass that was swept: the heads that the next token needs most.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(
    out: &mut impl Write,
    passes: &[(Capture, Recipe)],
    top: usize,
) -> Result<(), ExportError> {
    for (at, (capture, swept)) in swept(passes).enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        let without = capture.ablation.suffix();
        writeln!(out, "{gap}# {}{without}", escape_controls(&capture.model.name))?;
        writeln!(out, "{:>7}{:>12}", "head", "KL in nats")?;
        let mut heads: Vec<Worth> = heads(swept).collect();
        heads.sort_by(|a, b| b.2.total_cmp(&a.2));
        for (layer, head, divergence) in heads.into_iter().take(top) {
            writeln!(out, "{:>7}{:>12}", format!("{layer}.{head}"), nats(f64::from(divergence), 4))?;
        }
        let instead = match swept.instead {
            Instead::Zero => "nothing in its place",
            Instead::Mean => "in its place what it gives on average over the prompt",
        };
        let as_theirs = if capture.ablation.is_empty() { "" } else { ", as for those that are off" };
        writeln!(
            out,
            "how far the next token moves without the head alone, {instead}{as_theirs}: KL(with it || without it)"
        )?;
    }
    Ok(())
}

/// Writes one JSON object: `models`, each with its recipe, `by`: what stood in the place of each head, which is what stood in
/// the places of those that the recipe leaves out; and `heads`, layer after layer.
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, passes: &[(Capture, Recipe)]) -> Result<(), ExportError> {
    let mut models = Vec::new();
    for ((_, swept), (_, recipe)) in swept(passes).zip(passes) {
        let head = |(layer, head, divergence): Worth| json!({ "layer": layer, "head": head, "kl_divergence": divergence });
        models.push(json!({
            "recipe": serde_json::to_value(recipe).map_err(io::Error::from)?,
            "by": swept.instead.to_string(),
            "heads": heads(swept).map(head).collect::<Vec<Value>>(),
        }));
    }
    Ok(write_json_lines(out, &json!({ "models": models }))?)
}

fn swept(passes: &[(Capture, Recipe)]) -> impl Iterator<Item = (&Capture, &Swept)> {
    passes.iter().filter_map(|(capture, _)| Some((capture, capture.swept.as_deref()?)))
}

fn heads(swept: &Swept) -> impl Iterator<Item = Worth> + '_ {
    let layer = |(layer, heads): (usize, &Vec<f32>)| {
        heads.clone().into_iter().enumerate().map(move |(head, divergence)| (layer, head, divergence))
    };
    swept.divergences.iter().enumerate().flat_map(layer)
}
