//! What each part of a pass adds to the logit of a next token: a table for people, JSON and CSV for programs.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value, json};

use super::error::ExportError;
use super::formats::csv_field;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use super::text::quoted;
use crate::attention::push::{HeadPush, MEANS, Part, Push};
use crate::attention::{Capture, NextToken, Token, escape_controls};

/// Keys that a line of a table names.
const KEYS: usize = 4;
/// Columns of a part's name.
const PART: usize = 10;

/// The logit whose parts are told apart: `logit of “ sat” less the mean of all logits, after “ cat” (token 8)`.
pub(super) fn pushed_logit(capture: &Capture, push: &Push) -> String {
    let text = |next: &NextToken| format!("“{}”", escape_controls(&next.token.text));
    let less = push.versus.as_ref().map_or_else(|| "the mean of all logits".to_owned(), text);
    let after = capture.tokens.get(push.query).map(Token::label).unwrap_or_default();
    format!("logit of {} less {less}, after “{after}” (token {})", text(&push.target), push.query)
}

/// What is said once of every push.
pub(super) const DIRECT: &str = "direct effects only: later heads may undo them";

/// A model's pass, and what its parts add to the logit of a token after another.
#[derive(Debug, Clone)]
pub struct PushPass {
    /// The pass.
    pub capture: Arc<Capture>,
    /// What its parts add.
    pub push: Arc<Push>,
    /// How it was made.
    pub recipe: Recipe,
}

impl PushPass {
    /// The parts that are listed, each head with its keys.
    fn listed(&self, top: usize) -> impl Iterator<Item = (Part, f64, Option<&HeadPush>)> {
        let head = |part: Part| match part {
            Part::Head { layer, head } => self.push.head(layer, head),
            _ => None,
        };
        self.push.parts().iter().take(top).map(move |(part, push)| (*part, *push, head(*part)))
    }
}

/// Writes a table for each model, of so many parts.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(out: &mut impl Write, passes: &[PushPass], top: usize) -> Result<(), ExportError> {
    for (at, pass) in passes.iter().enumerate() {
        let PushPass { capture, push, .. } = pass;
        let gap = if at > 0 { "\n" } else { "" };
        let without = capture.ablation.suffix();
        let (name, after) = (escape_controls(&capture.model.name), quoted(&capture.tokens[push.query], 0));
        writeln!(out, "{gap}# {name}{without} after token {}, {after}", push.query)?;
        let target = named(&push.target);
        match &push.versus {
            Some(versus) => {
                writeln!(out, "logit of {target} less that of {}: {:+.4}", named(versus), push.logit)?
            }
            None => writeln!(out, "logit of {target} less the mean of all: {:+.4}", push.logit)?,
        }
        let [heads, mlps] = [push.heads.iter().map(|head| head.total).sum(), push.mlps.iter().sum::<f64>()];
        let Push { embedding, biases, .. } = &**push;
        let means = push.means.map(|means| format!(", {MEANS} {means:+.4}")).unwrap_or_default();
        writeln!(
            out,
            "heads {heads:+.4}, MLPs {mlps:+.4}, embedding {embedding:+.4}, biases {biases:+.4}{means}"
        )?;
        writeln!(out, "parts sum to the logit: residual {:.1e}", push.residual())?;
        writeln!(out, "{:PART$}{:>10}  through keys", "part", "push")?;
        for (part, total, head) in pass.listed(top) {
            write!(out, "{part:PART$}{total:>+10.4}")?;
            let keys = head.map(HeadPush::ranked_keys).unwrap_or_default();
            for (key, push) in keys.into_iter().take(KEYS) {
                write!(out, "  {key}:{} {push:+.3}", quoted(&capture.tokens[key], 0))?;
            }
            writeln!(out)?;
        }
        writeln!(out, "{DIRECT}")?;
    }
    Ok(())
}

/// A next token with its probability: `" cat" (0.1234)`.
fn named(next: &NextToken) -> String {
    format!("{} ({:.4})", quoted(&next.token, 0), next.probability)
}

/// Writes one JSON object: `models`, each with its recipe, the tokens it is about, and what its parts add.
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, passes: &[PushPass], top: usize) -> Result<(), ExportError> {
    let models = models(passes, top)?;
    Ok(write_json_lines(out, &json!({ "note": DIRECT, "models": models }))?)
}

/// An object of each model.
pub(super) fn models(passes: &[PushPass], top: usize) -> Result<Vec<Value>, ExportError> {
    let next = |next: &NextToken| json!({ "id": next.token.id, "text": next.token.text, "probability": next.probability });
    let model = |pass: &PushPass| -> Result<Value, ExportError> {
        let PushPass { capture, push, recipe } = pass;
        let token =
            |at: usize| json!({ "at": at, "id": capture.tokens[at].id, "text": capture.tokens[at].text });
        let head = |head: &HeadPush| json!({ "layer": head.layer, "head": head.head, "push": head.total, "first_key": head.first_key, "keys": head.keys });
        let heads: Vec<Value> = pass.listed(top).filter_map(|(.., of)| of.map(head)).collect();
        Ok(json!({
            "recipe": serde_json::to_value(recipe).map_err(io::Error::from)?,
            "without": capture.ablation.to_string(),
            "after": token(push.query),
            "target": next(&push.target),
            "versus": push.versus.as_ref().map(next),
            "next": push.next.iter().map(next).collect::<Vec<_>>(),
            "logit": push.logit,
            "sum": push.sum(),
            "residual": push.residual(),
            "embedding": push.embedding,
            "biases": push.biases,
            "means": push.means,
            "mlps": push.mlps,
            "heads": heads,
            "by_key": push.by_key(),
        }))
    };
    passes.iter().map(model).collect()
}

/// Writes a line of CSV for each part, and one for each head and key.
///
/// # Errors
/// If `out` refuses.
pub fn write_csv(out: &mut impl Write, passes: &[PushPass], top: usize) -> Result<(), ExportError> {
    writeln!(out, "model,query,target,versus,part,layer,head,key,key_token,push")?;
    for pass in passes {
        let PushPass { capture, push, .. } = pass;
        let versus = push.versus.as_ref().map(|versus| versus.token.id.to_string()).unwrap_or_default();
        let (name, query, target) = (csv_field(&capture.model.name), push.query, push.target.token.id);
        let begin = format!("{name},{query},{target},{versus}");
        for (part, total, head) in pass.listed(top) {
            let (kind, place) = match part {
                Part::Embedding => ("embedding", ",".to_owned()),
                Part::Biases => ("biases", ",".to_owned()),
                Part::Means => ("means", ",".to_owned()),
                Part::Mlp(layer) => ("mlp", format!("{layer},")),
                Part::Head { layer, head } => ("head", format!("{layer},{head}")),
            };
            writeln!(out, "{begin},{kind},{place},,,{total:?}")?;
            let Some(head) = head else { continue };
            for (key, push) in (head.first_key..).zip(&head.keys) {
                writeln!(
                    out,
                    "{begin},{kind},{place},{key},{},{push:?}",
                    csv_field(&capture.tokens[key].raw)
                )?;
            }
        }
        writeln!(out, "{begin},residual,,,,,{:?}", push.residual())?;
    }
    Ok(())
}
