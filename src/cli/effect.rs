//! `attnscope effect`: what hiding spans of a prompt does to the next token.

use std::sync::Arc;

use super::args::EffectArgs;
use super::asked::Asked;
use super::failure::Failure;
use super::segments::cut;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::Capture;
use crate::attention::knockout::{HiddenSpan, KeyMeasures, SpanEffect};
use crate::attention::segments::{Cut, Segments};
use crate::export::effect::{EffectPass, write_csv, write_json, write_table};
use crate::export::{Recipe, Selection, Source};
use crate::vocabulary::SegmentRule;

/// Runs every model, and runs it again with each span hidden.
///
/// # Errors
/// If a model cannot be loaded or cannot read the prompt, there is no such span, token or head, or the prompt can't be cut.
pub fn run(args: &EffectArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    // Before a model is loaded for nothing.
    let cut = match &args.by {
        Some(by) => cut(by)?,
        None if args.sentences => Cut::Rule(SegmentRule::Sentences),
        None => Cut::Rule(SegmentRule::Auto),
    };
    let mut passes = Vec::new();
    for Asked { model, input, without } in settings.passes(&args.models, &args.input)? {
        let model = session.load(&model)?;
        model.check_output_head()?;
        let target = args.token.as_ref().map(|name| model.token_named(name)).transpose()?;
        let capture = session.capture_without(&model, &input, &without)?;
        let capture = Arc::new(capture);
        let source = Source::new(&capture, input, Selection::All);
        let spans = spans(args, &capture, source.prompt(), &cut)?;
        let last = capture.tokens.len() - 1;
        let pass = model.run_token(&capture, last, 1, &session.cancel)?;
        let push = model.push(&capture, &pass, (target, None), &session.cancel)?;
        let keys = KeyMeasures::new(&capture, &push).map_err(|error| Failure::Failed(error.to_string()))?;
        let mut effects = Vec::new();
        for (at, span) in spans.iter().enumerate() {
            let (name, count) = (&model.info().name, spans.len());
            session.reporter.progress(&format!("{name}: span {} of {count}", at + 1));
            let after = model.run_hiding(&capture, span.tokens.clone(), &session.cancel, &mut |_| ())?;
            effects.extend(SpanEffect::new(span.clone(), &capture, &after, &keys));
        }
        session.reporter.clear();
        let target = keys.target;
        passes.push(EffectPass { capture, target, effects, recipe: Recipe::new(source, None) });
    }
    if args.csv {
        return stdout::print(false, |_| Ok(()), |out| write_csv(out, &passes));
    }
    stdout::print(args.json, |out| write_json(out, &passes), |out| write_table(out, &passes))
}

/// The spans that are asked for.
fn spans(args: &EffectArgs, capture: &Capture, prompt: &str, cut: &Cut) -> Result<Vec<HiddenSpan>, Failure> {
    let tokens = &capture.tokens;
    if args.words {
        return Ok(HiddenSpan::words(tokens));
    }
    if !args.spans.is_empty() {
        if let Some(span) = args.spans.iter().find(|span| span.end > tokens.len()) {
            return Err(Failure::Failed(format!(
                "there is no span {}:{}: {} reads {} tokens of the prompt",
                span.start,
                span.end,
                capture.model.name,
                tokens.len()
            )));
        }
        return Ok(args.spans.iter().map(|span| HiddenSpan::of(tokens, span.clone())).collect());
    }
    let segments = Segments::new(capture, prompt, cut).map_err(|error| Failure::Failed(error.to_string()))?;
    let named = segments.named().map(|(name, tokens)| HiddenSpan { name: name.to_owned(), tokens });
    let named: Vec<HiddenSpan> = named.collect();
    // Behind the only one there is nothing.
    Ok(if named.len() < 2 { HiddenSpan::words(tokens) } else { named })
}
