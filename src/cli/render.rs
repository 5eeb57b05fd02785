//! `attnscope render`: an exported file once more, from the recipe that is in it, or from each recipe of many prompts.

use std::path::Path;
use std::sync::Arc;

use super::args::RenderArgs;
use super::ending::check_name;
use super::export::{write, write_with};
use super::failure::Failure;
use super::session::Session;
use super::settings::{Settings, reference};
use crate::attention::{Capture, ModelInfo};
use crate::export::file::Destination;
use crate::export::{ExportError, Input, ManyPrompts, PROGRAM, Recipe, Source, Subject, recipes_of_many};
use crate::model::{Model, Reference};
use crate::vocabulary::{ExportFormat, RowReading};

/// Bytes of a text that no prompt has.
const MOST_BYTES: usize = 1 << 40;

/// The model that was loaded last.
type Loaded = Option<(Reference, Arc<Model>)>;

/// Reads a recipe, and does what it says. Reports what cannot be as it was.
///
/// # Errors
/// If there is no recipe, a model cannot be loaded in its revision, or the file cannot be written.
pub fn run(args: &RenderArgs, _: &Settings, session: &mut Session) -> Result<(), Failure> {
    if let Some(prompts) = recipes_of_many(&args.recipe)? {
        return run_many(args, prompts, session);
    }
    let mut recipe = Recipe::of_file(&args.recipe)?;
    let out = open(args, recipe.format, session)?;
    same_program(&args.recipe, &mut recipe, session);
    let (mut captures, mut models, mut before) = (Vec::new(), Vec::new(), None);
    let (is_found, rows) = (matches!(recipe.source.subject, Subject::Found(_)), recipe.rows);
    for source in std::iter::once(&mut recipe.source).chain(&mut recipe.beside) {
        let (model, capture) = again(&args.recipe, (source, rows), session, &mut before)?;
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

/// Does what each recipe of an archive of many prompts says.
fn run_many(args: &RenderArgs, prompts: Vec<(String, Recipe)>, session: &mut Session) -> Result<(), Failure> {
    let mut out = open(args, Some(ExportFormat::Npz), session)?;
    let path = out.path().map(ToOwned::to_owned);
    let at = |error: ExportError| error.at(path.as_deref());
    let (count, mut before) = (prompts.len(), None);
    let mut file = ManyPrompts::new(&mut out);
    for (number, (id, mut recipe)) in prompts.into_iter().enumerate() {
        if number == 0 {
            same_program(&args.recipe, &mut recipe, session);
        }
        PROGRAM.clone_into(&mut recipe.program);
        session.reporter.title = format!("prompt {} of {count}: ", number + 1);
        let rows = recipe.rows;
        let made = again(&args.recipe, (&mut recipe.source, rows), session, &mut before);
        session.reporter.title.clear();
        file.add(&id, &made?.1, &recipe).map_err(at)?;
    }
    file.finish().map_err(at)?;
    Ok(out.finish()?)
}

/// Opens the file to write, before a model is loaded for nothing.
fn open(
    args: &RenderArgs,
    format: Option<ExportFormat>,
    session: &mut Session,
) -> Result<Destination, Failure> {
    if let Some(format) = format {
        check_name("--out", &args.out, format)?;
    }
    session.listen();
    Ok(Destination::open(&args.out)?)
}

/// Says so if another version has made a file.
fn same_program(file: &Path, recipe: &mut Recipe, session: &mut Session) {
    if recipe.program != PROGRAM {
        let (file, made) = (file.display(), &recipe.program);
        session
            .reporter
            .say(&format!("{file}: made by {made}, this is {PROGRAM}: not every byte may be the same"));
        recipe.program = PROGRAM.to_owned();
    }
}

/// Makes a pass of a recipe again, with what an export needs of it.
fn again(
    file: &Path,
    (source, rows): (&mut Source, RowReading),
    session: &mut Session,
    before: &mut Loaded,
) -> Result<(Arc<Model>, Capture), Failure> {
    let file = file.display();
    let in_recipe = |error: Failure| match error {
        Failure::Failed(message) | Failure::Usage(message) => Failure::Failed(format!("{file}: {message}")),
        other => other,
    };
    let reference = pinned(source).map_err(in_recipe)?;
    let model = session.load_after(&reference, before).map_err(in_recipe)?;
    read_written(session, &model, source).map_err(in_recipe)?;
    let capture = session.capture_for((source.subject, rows), &model, &source.input, &source.ablation);
    let mut capture = capture.map_err(in_recipe)?;
    capture.mark_generated(source.generated);
    place(&mut capture, source).map_err(in_recipe)?;
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
    Ok((model, capture))
}

/// Reads what a model wrote token by token, as it was written: the pass over all of it goes on from there, and is the same
/// to the last digit. With `--no-cache` no pass goes on from another one, here as when it was written.
fn read_written(session: &mut Session, model: &Model, source: &Source) -> Result<(), Failure> {
    let Input::Ids(ids) = &source.input else { return Ok(()) };
    let written = if session.goes_on() { source.generated } else { 0 };
    for end in ids.len().saturating_sub(written).max(1)..ids.len() {
        session.capture_without(model, &Input::Ids(ids[..end].to_vec()), &source.ablation)?;
    }
    Ok(())
}

/// Gives tokens that are known by their ids the bytes that they were.
fn place(capture: &mut Capture, source: &Source) -> Result<(), Failure> {
    let (bytes, count) = (&source.bytes, capture.tokens.len());
    if bytes.is_empty() {
        return Ok(());
    }
    if bytes.len() != count || bytes.iter().any(|[start, end]| start > end || *end > MOST_BYTES) {
        let message = format!("bytes: expected [first, end] of each of {count} tokens");
        return Err(Failure::Failed(message));
    }
    for (token, [start, end]) in Arc::make_mut(&mut capture.tokens).iter_mut().zip(bytes) {
        token.span = *start..*end;
    }
    Ok(())
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
