//! `attnscope render`: an exported file once more, from the recipe that is in it.

use super::args::RenderArgs;
use super::export::{write, write_with};
use super::failure::Failure;
use super::session::Session;
use super::settings::{Settings, reference};
use crate::attention::ModelInfo;
use crate::export::file::Destination;
use crate::export::{PROGRAM, Recipe, Source, Subject};
use crate::model::Reference;

/// Reads a recipe, and does what it says. Reports what cannot be as it was.
///
/// # Errors
/// If there is no recipe, a model cannot be loaded in its revision, or the file cannot be written.
pub fn run(args: &RenderArgs, _: &Settings, session: &mut Session) -> Result<(), Failure> {
    let mut recipe = Recipe::of_file(&args.recipe)?;
    session.listen();
    let out = Destination::open(&args.out)?;
    let file = args.recipe.display();
    if recipe.program != PROGRAM {
        let made = &recipe.program;
        session
            .reporter
            .say(&format!("{file}: made by {made}, this is {PROGRAM}: not every byte may be the same"));
        recipe.program = PROGRAM.to_owned();
    }
    let (mut captures, mut models, mut before) = (Vec::new(), Vec::new(), None);
    let is_found = matches!(recipe.source.subject, Subject::Found(_));
    for source in std::iter::once(&mut recipe.source).chain(&mut recipe.beside) {
        let in_recipe = |error: Failure| match error {
            Failure::Failed(message) | Failure::Usage(message) => {
                Failure::Failed(format!("{file}: {message}"))
            }
            other => other,
        };
        let reference = pinned(source).map_err(in_recipe)?;
        let model = session.load_after(&reference, &mut before).map_err(in_recipe)?;
        let capture = session.capture_for(source.subject, &model, &source.input, &source.ablation);
        let mut capture = capture.map_err(in_recipe)?;
        capture.mark_generated(source.generated);
        for change in changes(source, model.info()) {
            session.reporter.say(&format!("{file}: {change}: numbers may differ"));
        }
        // What is written says what was done, under the name that was asked for.
        let name = std::mem::take(&mut source.model);
        *source = Source {
            model: name,
            is_pinned: source.is_pinned,
            segments: source.segments.take(),
            spans: std::mem::take(&mut source.spans),
            ..Source::new(&capture, source.input.clone(), source.subject)
        };
        captures.push(capture);
        if is_found {
            models.push(model);
        }
    }
    if is_found {
        let found = session.find(models.into_iter().zip(captures).collect(), &recipe)?;
        return write_with(out, session, |out| found.write(out, &recipe));
    }
    write(out, &captures, &recipe, session)
}

/// The model of a recipe in the very revision that it was made with.
fn pinned(source: &Source) -> Result<Reference, Failure> {
    match &source.revision {
        Some(revision) => Ok(reference(&source.model)?.at(revision)),
        None => reference(&source.model),
    }
}

/// How a model differs from what the recipe says of it.
fn changes(source: &Source, info: &ModelInfo) -> Vec<String> {
    let model = &source.model;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "no revision".to_owned());
    let (revision, here) = (text(&source.revision), text(&info.revision));
    [
        ("revision", revision, here),
        ("family", source.family.clone(), info.family.clone()),
        ("device", source.device.clone(), info.device.clone()),
        ("dtype", source.dtype.clone(), info.precision.clone()),
    ]
    .into_iter()
    .filter(|(_, recipe, here)| recipe != here)
    .map(|(what, recipe, here)| format!("{model} had {what} {recipe} and has {here}"))
    .collect()
}
