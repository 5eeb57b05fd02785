//! `attnscope heads`: what every head does, in numbers.

use super::args::HeadsArgs;
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::{Capture, HeadEntry, HeadFilter, ModelInfo};
use crate::export::heads::{ListedHead, write_json, write_table};
use crate::export::{Recipe, Selection, Source};

/// Lists the heads of all models together, in the order that is asked for.
///
/// # Errors
/// If a model cannot be loaded, or cannot read the prompt.
pub fn run(args: &HeadsArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let models = settings.models(&args.models.named, args.models.pair.as_deref())?;
    let input = settings.input(&args.input)?;
    let mut read: Vec<(Capture, Recipe, Vec<HeadEntry>)> = Vec::new();
    for reference in &models {
        let model = session.load(reference)?;
        let mut capture = session.capture(&model, &input)?;
        session.score(&model, &mut capture)?;
        let entries = HeadEntry::all(&capture);
        let recipe = Recipe::new(Source::new(&capture, input.clone(), Selection::All), None);
        read.push((capture, recipe, entries));
    }
    let filter = HeadFilter { kind: args.layers, group: args.kv_group };
    let mut heads = Vec::new();
    for (capture, _, entries) in &read {
        let taken = entries.iter().filter(|entry| filter.takes(entry));
        heads.extend(taken.map(|entry| ListedHead { model: &capture.model, entry: *entry }));
    }
    if heads.is_empty() {
        return Err(no_heads(args, read.iter().map(|(capture, ..)| &*capture.model)));
    }
    args.sort.sort(&mut heads, |head| &head.entry);
    heads.truncate(args.top.unwrap_or(usize::MAX));

    let models: Vec<_> = read.iter().map(|(capture, recipe, _)| (&*capture.model, recipe)).collect();
    stdout::print(args.json, |out| write_json(out, &models, &heads), |out| write_table(out, &heads))
}

/// Why a list is empty.
fn no_heads<'a>(args: &HeadsArgs, models: impl Iterator<Item = &'a ModelInfo>) -> Failure {
    let has = |model: &ModelInfo| format!("{} has key/value heads 0 to {}", model.name, model.kv_heads - 1);
    match args.kv_group {
        Some(group) => {
            let models: Vec<String> = models.map(has).collect();
            Failure::Failed(format!("--kv-group {group} leaves no head: {}", models.join(", ")))
        }
        None => Failure::Failed("--layers leaves no head: no model has layers of that kind".to_owned()),
    }
}
