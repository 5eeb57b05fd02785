//! What hiding spans of a prompt does to the next token: a table for people, JSON and CSV for programs.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value, json};

use super::error::ExportError;
use super::formats::csv_field;
use super::printable::write_json_lines;
use super::recipe::Recipe;
use super::text::quoted;
use crate::attention::ablation::NextChange;
use crate::attention::knockout::{Agreement, SpanEffect};
use crate::attention::{Capture, NextToken, escape_controls};
use crate::vocabulary::nats;

/// What numbers of a span are, said once.
pub(super) const CHANGE: &str = "change: of ln p of the next token where the span is hidden from all behind it; KL: before ‖ after, in nats";

/// Columns of a span's positions.
const PLACE: usize = 12;

/// A model's pass, and what hiding spans of it does.
#[derive(Debug, Clone)]
pub struct EffectPass {
    /// The pass.
    pub capture: Arc<Capture>,
    /// The next token whose probability is followed.
    pub target: NextToken,
    /// What each span does.
    pub effects: Vec<SpanEffect>,
    /// How the pass was made.
    pub recipe: Recipe,
}

/// Writes a table for each model.
///
/// # Errors
/// If `out` refuses.
pub fn write_table(out: &mut impl Write, passes: &[EffectPass]) -> Result<(), ExportError> {
    for (at, EffectPass { capture, target, effects, .. }) in passes.iter().enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        let without = capture.ablation.suffix();
        let (name, next) = (escape_controls(&capture.model.name), quoted(&target.token, 0));
        writeln!(out, "{gap}# {name}{without}, next token {next} ({:.4})", target.probability)?;
        writeln!(
            out,
            "{:PLACE$}{:>9}{:>9}{:>10}{:>10}{:>10}  next token before and after, span",
            "tokens", "share", "values", "push", "change", "KL"
        )?;
        for effect in effects {
            let SpanEffect { span, share, weighted, push, change, divergence, .. } = effect;
            let place = format!("{}:{}", span.tokens.start, span.tokens.end);
            if span.tokens.end == capture.tokens.len() {
                write!(out, "{place:PLACE$}{share:>9.4}{weighted:>9.4}{push:>+10.4}")?;
                writeln!(out, "  nothing is behind it: {}", span.name)?;
                continue;
            }
            write!(out, "{place:PLACE$}{share:>9.4}{weighted:>9.4}{push:>+10.4}{change:>+10.4}")?;
            write!(out, "{:>10}", nats(*divergence, 4))?;
            let likeliest = |probability: fn(&NextChange) -> f32| {
                let likeliest = effect.next.iter().max_by(|a, b| probability(a).total_cmp(&probability(b)));
                let named =
                    |next: &NextChange| format!("{} {:.3}", quoted(&next.before.token, 0), probability(next));
                likeliest.map(named).unwrap_or_default()
            };
            let (before, after) = (likeliest(|next| next.before.probability), likeliest(|next| next.after));
            writeln!(out, "  {before} → {after}  {}", span.name)?;
        }
        let of = Agreement::of(effects);
        let rho = |rho: Option<f64>| rho.map_or_else(|| "–".to_owned(), |rho| format!("{rho:+.2}"));
        let (share, values, push) = (rho(of.share), rho(of.weighted), rho(of.push));
        writeln!(out, "Spearman's ρ with |change|: share {share}, values {values}, push {push}")?;
    }
    writeln!(out, "{CHANGE}")?;
    writeln!(
        out,
        "share, values, push: what the last token gives the span: attention, value-weighted, and to the logit"
    )?;
    Ok(())
}

/// Writes one JSON object: `models`, each with its recipe, the next token, the spans, and Spearman's ρ.
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: &mut impl Write, passes: &[EffectPass]) -> Result<(), ExportError> {
    Ok(write_json_lines(out, &json!({ "models": models(passes)? }))?)
}

/// An object of each model.
pub(super) fn models(passes: &[EffectPass]) -> Result<Vec<Value>, ExportError> {
    let next = |change: &NextChange| {
        let token = &change.before.token;
        json!({ "id": token.id, "text": token.text, "before": change.before.probability, "after": change.after })
    };
    let span = |effect: &SpanEffect| {
        json!({
            "name": effect.span.name,
            "start": effect.span.tokens.start,
            "end": effect.span.tokens.end,
            "later": effect.later,
            "share": effect.share,
            "value_weighted_share": effect.weighted,
            "push": effect.push,
            "log_p_change": effect.change,
            "kl_divergence": effect.divergence,
            "next": effect.next.iter().map(next).collect::<Vec<_>>(),
        })
    };
    let model = |pass: &EffectPass| -> Result<Value, ExportError> {
        let (target, rho) = (&pass.target, Agreement::of(&pass.effects));
        Ok(json!({
            "recipe": serde_json::to_value(&pass.recipe).map_err(io::Error::from)?,
            "without": pass.capture.ablation.to_string(),
            "target": { "id": target.token.id, "text": target.token.text, "probability": target.probability },
            "spans": pass.effects.iter().map(span).collect::<Vec<_>>(),
            "spearman": { "share": rho.share, "value_weighted_share": rho.weighted, "push": rho.push },
        }))
    };
    passes.iter().map(model).collect()
}

/// Writes a line of CSV for each span.
///
/// # Errors
/// If `out` refuses.
pub fn write_csv(out: &mut impl Write, passes: &[EffectPass]) -> Result<(), ExportError> {
    writeln!(out, "model,target,span,start,end,share,value_weighted_share,push,log_p_change,kl_divergence")?;
    for EffectPass { capture, target, effects, .. } in passes {
        let (model, target) = (csv_field(&capture.model.name), target.token.id);
        for SpanEffect { span, share, weighted, push, change, divergence, .. } in effects {
            let (name, start, end) = (csv_field(&span.name), span.tokens.start, span.tokens.end);
            writeln!(
                out,
                "{model},{target},{name},{start},{end},{share:?},{weighted:?},{push:?},{change:?},{divergence:?}"
            )?;
        }
    }
    Ok(())
}
