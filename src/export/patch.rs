//! How far parts of the pass over one prompt bring another prompt: a table for people, JSON and CSV for programs.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value, json};

use super::error::ExportError;
use super::formats::csv_field;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use super::text::quoted;
use crate::attention::patching::{Patched, Patching};
use crate::attention::{Capture, NextToken, Token, escape_controls};

/// What an effect is, said once.
pub(super) const EFFECT: &str = "effect: (patched − second prompt) / (first − second), each the logit difference: 0 changes nothing, 1 brings all of it";

/// A model's passes over two prompts, and what each place of the first does in the second.
#[derive(Debug, Clone)]
pub struct PatchedPass {
    /// Over the prompt that is taken from, and over the one that is changed.
    pub captures: [Arc<Capture>; 2],
    /// What was found.
    pub found: Arc<Patching>,
    /// How the passes were made.
    pub recipes: [Recipe; 2],
}

/// Writes a table for each model, of so many places.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(out: &mut impl Write, passes: &[PatchedPass], top: usize) -> Result<(), ExportError> {
    for (at, PatchedPass { captures: [from, to], found, .. }) in passes.iter().enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        let name = escape_controls(&to.model.name);
        writeln!(out, "{gap}# {name}: {}, patched", found.what.title())?;
        for (which, capture) in [("first prompt, taken from:", from), ("second prompt, changed:", to)] {
            let text = escape_controls(&Token::joined_text(&capture.tokens));
            writeln!(out, "{which:26} {text}{}", capture.ablation.suffix())?;
        }
        let (logits, [first, second]) = (&found.logits, found.logits.differences);
        let [token, versus] = [&logits.token, &logits.versus].map(|next: &NextToken| quoted(&next.token, 0));
        writeln!(out, "logit of {token} less that of {versus}: first {first:+.4}, second {second:+.4}")?;
        if let Some(apart) = logits.little() {
            writeln!(
                out,
                "The prompts are only {apart:.4} apart, which effects are divided by: name other tokens."
            )?;
        }
        writeln!(out, "{:>7}{:>10}{:>10}", "layer", found.what.column(), "effect")?;
        for (layer, column, effect) in found.ranked().into_iter().take(top) {
            let token = match found.what {
                Patched::Heads => String::new(),
                Patched::Residual => {
                    let [a, b] = [from, to].map(|capture| quoted(&capture.tokens[column], 0));
                    if a == b { format!("  {a}") } else { format!("  {a} in the place of {b}") }
                }
            };
            writeln!(out, "{layer:>7}{column:>10}{effect:>+10.4}{token}")?;
        }
        writeln!(out, "{EFFECT}")?;
    }
    Ok(())
}

/// Writes one JSON object: `models`, each with both recipes, the tokens it is about, both logit differences, and `effects`
/// \[layers\]\[heads or tokens\].
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, passes: &[PatchedPass]) -> Result<(), ExportError> {
    Ok(write_json_lines(out, &json!({ "note": EFFECT, "models": models(passes)? }))?)
}

/// An object of each model.
pub(super) fn models(passes: &[PatchedPass]) -> Result<Vec<Value>, ExportError> {
    let next = |next: &NextToken| json!({ "id": next.token.id, "text": next.token.text });
    let model = |PatchedPass { captures, found, recipes }: &PatchedPass| -> Result<Value, ExportError> {
        let recipes = recipes.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
        Ok(json!({
            "recipes": recipes.map_err(io::Error::from)?,
            "without": captures[1].ablation.to_string(),
            "what": found.what,
            "prompts": captures.each_ref().map(|capture| {
                capture.tokens.iter().map(|token| &token.raw).collect::<Vec<_>>()
            }),
            "token": next(&found.logits.token),
            "versus": next(&found.logits.versus),
            "logit_differences": found.logits.differences,
            "effects": found.effects,
        }))
    };
    passes.iter().map(model).collect()
}

/// Writes a line of CSV for each place.
///
/// # Errors
/// If `out` refuses.
pub fn write_csv(out: &mut impl Write, passes: &[PatchedPass], top: usize) -> Result<(), ExportError> {
    writeln!(out, "model,what,token,versus,layer,column,first_token,second_token,effect")?;
    for PatchedPass { captures, found, .. } in passes {
        let name = csv_field(&captures[1].model.name);
        let [token, versus] = [&found.logits.token, &found.logits.versus].map(|next| next.token.id);
        for (layer, column, effect) in found.ranked().into_iter().take(top) {
            let raw = |capture: &Capture| match found.what {
                Patched::Heads => String::new(),
                Patched::Residual => csv_field(&capture.tokens[column].raw).to_string(),
            };
            let [first, second] = captures.each_ref().map(|capture| raw(capture));
            let what = found.what;
            writeln!(out, "{name},{what},{token},{versus},{layer},{column},{first},{second},{effect:?}")?;
        }
    }
    Ok(())
}
