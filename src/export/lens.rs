//! What each layer of models would predict: a table for people, JSON for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::error::ExportError;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use super::text::quoted;
use crate::attention::lens::{Lens, LensRow};
use crate::attention::{Capture, NextToken, escape_controls};

/// Columns of a token's text.
const TOKEN: usize = 16;

/// A model's pass, and its layers' predictions after one token.
#[derive(Debug, Clone)]
pub struct LensPass {
    /// The pass.
    pub capture: Capture,
    /// What its layers would predict.
    pub lens: Lens,
    /// How it was made.
    pub recipe: Recipe,
}

/// Writes a table for each model.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(out: &mut impl Write, passes: &[LensPass]) -> Result<(), ExportError> {
    for (at, LensPass { capture, lens, .. }) in passes.iter().enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        let token = &capture.tokens[lens.query];
        let name = escape_controls(&capture.model.name) + &capture.ablation.suffix();
        writeln!(out, "{gap}# {name} after token {}, {}", lens.query, quoted(token, 0))?;
        let prediction =
            lens.prediction().map(|next| format!("of {}", quoted(&next.token, 0))).unwrap_or_default();
        writeln!(out, "{:10}  {:>9}  likeliest next tokens", "after", prediction)?;
        for (row, LensRow { next, of_last }) in lens.rows.iter().enumerate() {
            write!(out, "{:10}  {of_last:>9.4}", Lens::name(row))?;
            for NextToken { token, probability } in next {
                write!(out, "  {}{probability:>7.4}", quoted(token, TOKEN))?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Writes one JSON object: `models`, each with its recipe, the token it is after, and a row for the embedding and for
/// each layer.
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, passes: &[LensPass]) -> Result<(), ExportError> {
    let next = |next: &NextToken| json!({ "id": next.token.id, "text": next.token.text, "probability": next.probability });
    let model = |LensPass { capture, lens, recipe }: &LensPass| -> Result<Value, ExportError> {
        let token = &capture.tokens[lens.query];
        let row = |(at, LensRow { next: listed, of_last }): (usize, &LensRow)| {
            json!({
                "after": Lens::name(at),
                "of_prediction": of_last,
                "next": listed.iter().map(next).collect::<Vec<_>>(),
            })
        };
        Ok(json!({
            "recipe": serde_json::to_value(recipe).map_err(io::Error::from)?,
            "token": { "at": lens.query, "id": token.id, "text": token.text },
            "prediction": lens.prediction().map(next),
            "rows": lens.rows.iter().enumerate().map(row).collect::<Vec<_>>(),
        }))
    };
    let models = passes.iter().map(model).collect::<Result<Vec<_>, _>>()?;
    Ok(write_json_lines(out, &json!({ "models": models }))?)
}
