//! `attnscope export --prompts`: the attention of many prompts, in one file for each model.

use super::args::ExportArgs;
use super::asked::{Asked, title};
use super::batch::{Prompt, all_read, read_prompts, say_bad_lines};
use super::ending::format_of;
use super::export::{names, paths, say_written};
use super::failure::Failure;
use super::flags::check_view;
use super::partial::Partial;
use super::session::Session;
use super::settings::Settings;
use crate::export::file::Destination;
use crate::export::{ExportError, Input, ManyPrompts, Recipe, Source};
use crate::vocabulary::ExportFormat;

/// Writes all prompts; one that a model can't read is named and left out. A run that was stopped is gone on with.
///
/// # Errors
/// If the format holds one prompt only, the file can't be written, or a model can't be loaded; at the end, if lines or
/// prompts failed.
pub fn run(args: &ExportArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let format = format_of(args.format, &args.out, [ExportFormat::Npz])?;
    if format != ExportFormat::Npz {
        let why = format!(
            "--prompts go into one file as npz: {format} holds one prompt, name a file that ends in .npz"
        );
        return Err(Failure::Usage(why));
    }
    if args.view.matrices().is_err() {
        let why = format!(
            "--prompts go into one file of matrices, and --view {} is none: use mean, layer:3, head:3.5 or all",
            args.view
        );
        return Err(Failure::Usage(why));
    }
    let passes = settings.passes_over(Input::Ids(vec![]), &args.models, &args.input)?;
    if passes.len() > 2 {
        return Err(Failure::Usage(
            "two models at most go into an export: name fewer with --model".to_owned(),
        ));
    }
    let paths = paths(&args.out, format, &names(&passes), passes.len())?;
    session.listen();
    // Before a model is loaded for nothing.
    let outs = paths.iter().map(|path| Destination::open(path)).collect::<Result<Vec<_>, _>>()?;
    let (prompts, bad) = read_prompts(args.prompts.as_deref())?;
    let mut failed = say_bad_lines(args.prompts.as_deref(), &bad, session);
    for (asked, out) in passes.iter().zip(outs) {
        failed += write(out, asked, &prompts, args, settings, session)?;
    }
    say_written(&passes, &paths, session);
    all_read(failed)
}

/// Writes all prompts of a model; returns how many failed.
fn write(
    mut out: Destination,
    asked: &Asked,
    prompts: &[Prompt],
    args: &ExportArgs,
    settings: &Settings,
    session: &mut Session,
) -> Result<usize, Failure> {
    let path = out.path().map(ToOwned::to_owned);
    let at = |error: ExportError| error.at(path.as_deref());
    // What is no file of its own takes each prompt as it comes, and nothing of it is there when a run is stopped.
    let mut partial = match &out {
        Destination::File { path, .. } => Some(Partial::beside(path)?),
        Destination::Stdout(_) | Destination::Special { .. } => None,
    };
    let model = session.load_asked(asked)?;
    check_view(args.view, args.view.view(), model.info())?;
    let name = title(&model.info().name, &asked.without);
    let mut file = ManyPrompts::new(&mut out);
    let recipe = |input: Input| {
        let source = Source::to_run(model.info(), input, asked.without.clone(), args.view);
        Recipe { rows: args.rows, ..Recipe::new(source, Some(ExportFormat::Npz)) }
    };
    let of = |prompt: &Prompt| recipe(settings.written(prompt.text.clone(), &args.input.chat));
    if let Some(partial) = &partial {
        let done = prompts.iter().filter(|prompt| partial.file(&of(prompt)).is_some()).count();
        if done > 0 {
            let (all, folder) = (prompts.len(), partial.folder().display());
            session.reporter.say(&format!("{name}: {done} of {all} prompts are in {folder} already"));
        }
    }
    let (mut failed, mut done) = (0, Vec::new());
    for (at_prompt, prompt) in prompts.iter().enumerate() {
        let asked_for = of(prompt);
        if partial.as_ref().is_some_and(|partial| partial.file(&asked_for).is_some()) {
            done.push((&prompt.id, asked_for));
            continue;
        }
        session.reporter.title = format!("prompt {} of {}: ", at_prompt + 1, prompts.len());
        let input = asked_for.source.input.clone();
        let capture = session.capture_for((args.view, args.rows), &model, &input, &asked.without);
        session.reporter.title.clear();
        match capture {
            Ok(capture) => {
                let source = Source::new(&capture, input, args.view);
                let made = Recipe { source, ..asked_for };
                match &mut partial {
                    Some(partial) => partial.add(capture, &made, session)?,
                    None => file.add(&prompt.id, &capture, &made).map_err(at)?,
                }
                done.push((&prompt.id, made));
            }
            Err(Failure::Failed(why)) if !session.cancel.is_cancelled() => {
                failed += 1;
                session.reporter.say(&format!("{name}: prompt {} is left out: {why}", prompt.id));
            }
            Err(failure) => return Err(failure),
        }
    }
    for (id, made) in &done {
        if let Some(part) = partial.as_ref().and_then(|partial| partial.file(made)) {
            file.copy(id, part).map_err(at)?;
        }
    }
    file.finish().map_err(at)?;
    out.finish()?;
    if let Some(partial) = partial {
        let folder = partial.folder().to_owned();
        partial.remove(done.iter().map(|(_, made)| made));
        if folder.exists() {
            let folder = folder.display();
            session
                .reporter
                .say(&format!("{folder} still holds prompts of another export: delete it if none goes on"));
        }
    }
    Ok(failed)
}
