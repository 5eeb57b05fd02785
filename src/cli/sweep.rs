//! `attnscope sweep`: what each head alone is worth to the next token.

use std::sync::Arc;

use serde_json::json;

use super::args::SweepArgs;
use super::asked::Asked;
use super::batch::{Batch, Found, Heading};
use super::failure::Failure;
use super::map;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::{Ablation, Capture, HeadEntry, Statistic};
use crate::export::sweep::{write_json, write_table};
use crate::export::{Input, Recipe, Selection, Source};
use crate::model::{Model, Sweep};
use crate::vocabulary::Instead;

/// Runs every model once for each of its heads, without that one.
///
/// # Errors
/// If a model cannot be loaded, cannot read the prompt, or has no output head.
pub fn run(args: &SweepArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    if args.batch.prompts.is_some() {
        return run_many(args, settings, session);
    }
    let mut passes = Vec::new();
    let asked = settings.passes(&args.models, &args.input)?;
    // Before a model is loaded for nothing.
    asked.iter().try_for_each(|asked| by(args, &asked.without).map(drop))?;
    for asked in asked {
        let model = session.load_asked(&asked)?;
        let Asked { input, without, .. } = asked;
        model.check_output_head()?;
        let mut capture = session.capture_without(&model, &input, &without)?;
        session.sweep(&model, &mut capture, by(args, &without)?)?;
        let recipe = Recipe::new(Source::new(&capture, input, Selection::All), None);
        passes.push((capture, recipe));
    }
    if args.map {
        let captures: Vec<&Capture> = passes.iter().map(|(capture, _)| capture).collect();
        return map::print(&captures, Statistic::Off, settings);
    }
    stdout::print(args.json, |out| write_json(out, &passes), |out| write_table(out, &passes, args.top))
}

/// Lists what each head alone is worth on average over many prompts.
fn run_many(args: &SweepArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let passes = settings.passes_over(Input::Ids(vec![]), &args.models, &args.input)?;
    passes.iter().try_for_each(|asked| by(args, &asked.without).map(drop))?;
    let batch = Batch {
        asked: json!({ "command": "sweep", "by": args.by.unwrap_or_default(), "chat": settings.chat(&args.input.chat) }),
        heading: Heading { row: "head", number: "KL of the next token without the head (nats)".to_owned() },
        top: args.top,
        json: args.json,
        find: Box::new(|session, passes| {
            let mut found = Found::default();
            for (model, Asked { input, without, .. }) in passes {
                let mut capture = session.capture_without(model, input, without)?;
                session.sweep(model, &mut capture, by(args, without)?)?;
                for entry in HeadEntry::all(&capture) {
                    let name = format!("{}.{}", entry.layer, entry.head);
                    found.numbers.extend(entry.swept.map(|value| (name, f64::from(value))));
                }
                found.details.insert("tokens".to_owned(), capture.tokens.len().into());
            }
            Ok(found)
        }),
    };
    let groups: Vec<&[Asked]> = passes.chunks(1).collect();
    batch.run(&args.batch, &groups, session, |text| settings.written(text, &args.input.chat))
}

/// What stands in the place of each head: one thing stands in the places of all heads of a pass that are off.
///
/// # Errors
/// If something else is asked for than what stands in the place of those that are off already.
fn by(args: &SweepArgs, without: &Ablation) -> Result<Instead, Failure> {
    let in_theirs = (!without.is_empty()).then(|| without.instead());
    match (args.by, in_theirs) {
        (Some(by), Some(in_theirs)) if by != in_theirs => Err(Failure::Usage(format!(
            "--by {by} and --without '{without}': the head that is swept gets what those that are off get: leave --by \
             away, or write --without for {by} as well",
        ))),
        (by, in_theirs) => Ok(by.or(in_theirs).unwrap_or_default()),
    }
}

impl Session {
    /// Adds to a capture what each head alone is worth.
    ///
    /// # Errors
    /// If the model has no output head, or Ctrl-C was pressed.
    pub fn sweep(&mut self, model: &Model, capture: &mut Capture, by: Instead) -> Result<(), Failure> {
        let tokens = capture.tokens.to_vec();
        let (_, stream) = model.run_keeping(tokens, &capture.ablation, &self.cancel, &mut |_| ())?;
        let mut sweep = Sweep::new(capture, by);
        let found = loop {
            if let Some(found) = sweep.found() {
                break found;
            }
            let (done, all) = sweep.progress();
            self.reporter.progress(&format!("{}: without head {} of {all}", model.info().name, done + 1));
            sweep.step(model, &stream, &self.cancel)?;
        };
        self.reporter.clear();
        self.say_gpu_failure(model);
        capture.swept = Some(Arc::new(found));
        Ok(())
    }
}
