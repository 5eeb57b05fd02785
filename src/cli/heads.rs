//! `attnscope heads`: what every head does, in numbers.

use serde_json::json;

use super::args::HeadsArgs;
use super::asked::Asked;
use super::batch::{Batch, Found, Heading};
use super::failure::Failure;
use super::map;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::{Capture, HeadEntry, HeadFilter, HeadOrder, ModelInfo, Statistic};
use crate::export::heads::{ListedHead, of_prompt, write_json, write_table};
use crate::export::{Input, Recipe, Selection, Source};
use crate::vocabulary::Instead;

/// Lists the heads of all models together, in the order that is asked for.
///
/// # Errors
/// If a model cannot be loaded, or cannot read the prompt.
pub fn run(args: &HeadsArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    if args.batch.prompts.is_some() {
        return run_many(args, settings, session);
    }
    let sort = args.sort.unwrap_or_default();
    let mut read: Vec<(Capture, Recipe, Vec<HeadEntry>)> = Vec::new();
    for asked in settings.passes(&args.models, &args.input)? {
        let model = session.load_asked(&asked)?;
        let Asked { input, without, .. } = asked;
        let mut capture = session.capture_without(&model, &input, &without)?;
        let wanted = args.map.map_or(sort, HeadOrder::By);
        if matches!(wanted, HeadOrder::By(statistic) if statistic.needs_sweep()) {
            session.sweep(&model, &mut capture, Instead::Zero)?;
        }
        session.score(&model, &mut capture)?;
        let mut entries = HeadEntry::all(&capture);
        // A map shows no push.
        if args.map.is_none() && model.info().has_output_head {
            let last = capture.tokens.len() - 1;
            let pass = model.run_token(&capture, last, 1, &session.cancel)?;
            let push = model.push(&capture, &pass, (None, None), &session.cancel)?;
            entries.iter_mut().for_each(|entry| *entry = entry.pushing(&push));
        }
        let recipe = Recipe::new(Source::new(&capture, input, Selection::All), None);
        read.push((capture, recipe, entries));
    }
    if let Some(statistic) = args.map {
        let captures: Vec<&Capture> = read.iter().map(|(capture, ..)| capture).collect();
        return map::print(&captures, statistic, settings);
    }
    let filter = HeadFilter { kind: args.layers, group: args.kv_group };
    let mut heads = Vec::new();
    for (capture, _, entries) in &read {
        let taken = entries.iter().filter(|entry| filter.takes(entry));
        heads.extend(taken.map(|entry| ListedHead {
            model: &capture.model,
            without: &capture.ablation,
            entry: *entry,
        }));
    }
    if heads.is_empty() {
        return Err(no_heads(args, read.iter().map(|(capture, ..)| &*capture.model)));
    }
    sort.sort(&mut heads, |head| &head.entry);
    heads.truncate(args.top.unwrap_or(usize::MAX));

    let models: Vec<_> = read.iter().map(|(capture, recipe, _)| (&*capture.model, recipe)).collect();
    stdout::print(args.json, |out| write_json(out, &models, &heads), |out| write_table(out, &heads))
}

/// Lists the mean of a number of every head over many prompts.
fn run_many(args: &HeadsArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let statistic = match args.sort {
        None => Statistic::PromptInduction,
        Some(HeadOrder::By(statistic)) if !statistic.is_on_repeated_tokens() => statistic,
        Some(HeadOrder::By(statistic)) => {
            return Err(Failure::Usage(format!(
                "--sort {statistic} is the same for all prompts: sort by a number over the prompt, as prompt-{statistic}",
                statistic = statistic.id()
            )));
        }
        Some(order) => {
            return Err(Failure::Usage(format!(
                "--sort {order} is of one prompt: over many, sort by a number that has a mean, as {}",
                Statistic::PromptInduction.id()
            )));
        }
    };
    let passes = settings.passes_over(Input::Ids(vec![]), &args.models, &args.input)?;
    let batch = Batch {
        asked: json!({ "command": "heads", "chat": settings.chat(&args.input.chat) }),
        heading: Heading { row: "head", number: format!("{} ({})", statistic.title(), statistic.unit()) },
        top: args.top.unwrap_or(usize::MAX),
        json: args.json,
        find: Box::new(|session, passes| {
            let mut found = Found::default();
            for (model, Asked { input, without, .. }) in passes {
                let mut capture = session.capture_without(model, input, without)?;
                if statistic.needs_sweep() {
                    session.sweep(model, &mut capture, Instead::Zero)?;
                }
                let filter = HeadFilter { kind: args.layers, group: args.kv_group };
                let entries = HeadEntry::all(&capture).into_iter().filter(|entry| filter.takes(entry));
                let entries: Vec<HeadEntry> = entries.collect();
                let number = |entry: &HeadEntry| {
                    Some((format!("{}.{}", entry.layer, entry.head), f64::from(entry.value(statistic)?)))
                };
                found.numbers.extend(entries.iter().filter_map(number));
                let heads = entries.iter().map(of_prompt).collect::<Vec<_>>();
                found.details.insert("heads".to_owned(), heads.into());
                found.details.insert("tokens".to_owned(), capture.tokens.len().into());
            }
            Ok(found)
        }),
    };
    let groups: Vec<&[Asked]> = passes.chunks(1).collect();
    batch.run(&args.batch, &groups, session, |text| settings.written(text, &args.input.chat))
}

/// Why a list is empty.
fn no_heads<'a>(args: &HeadsArgs, models: impl Iterator<Item = &'a ModelInfo>) -> Failure {
    let has = |model: &ModelInfo| format!("{} has key/value heads 0 to {}", model.name, model.kv_heads - 1);
    match args.kv_group {
        Some(group) => {
            let models: Vec<String> = models.map(has).collect();
            Failure::Failed(format!("--kv-group {group} leaves no head: {}", models.join(", ")))
        }
        None => {
            let kind = args.layers.map(|kind| format!(" {}", kind.name())).unwrap_or_default();
            Failure::Failed(format!("--layers{kind} leaves no head: no model has layers of that kind"))
        }
    }
}
