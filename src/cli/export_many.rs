//! `attnscope export --prompts`: the attention of many prompts, in one file for each model.

use super::args::ExportArgs;
use super::asked::{Asked, title};
use super::batch::{read_prompts, say_bad_lines};
use super::export::{names, paths};
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use crate::export::file::Destination;
use crate::export::{ExportError, Input, ManyPrompts, Recipe, Source};
use crate::vocabulary::ExportFormat;

/// Writes all prompts; one that a model can't read is named and left out.
///
/// # Errors
/// If the format holds one prompt only, the file can't be written, or a model can't be loaded; at the end, if lines or
/// prompts failed.
pub fn run(args: &ExportArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    if args.format != ExportFormat::Npz {
        let why = format!(
            "--prompts go into one file as npz: {} holds one prompt, choose --format npz",
            args.format
        );
        return Err(Failure::Usage(why));
    }
    let passes = settings.passes_over(Input::Ids(vec![]), &args.models, &args.input)?;
    if passes.len() > 2 {
        return Err(Failure::Usage(
            "two models at most go into an export: name fewer with --model".to_owned(),
        ));
    }
    let paths = paths(&args.out, args.format, &names(&passes), passes.len())?;
    session.listen();
    // Before a model is loaded for nothing.
    let outs = paths.iter().map(|path| Destination::open(path)).collect::<Result<Vec<_>, _>>()?;
    let (prompts, bad) = read_prompts(args.prompts.as_deref())?;
    let mut failed = say_bad_lines(args.prompts.as_deref(), &bad, session);
    for ((asked, mut out), path) in passes.iter().zip(outs).zip(&paths) {
        let model = session.load(&asked.model)?;
        let name = title(&model.info().name, &asked.without);
        let mut file = ManyPrompts::new(&mut out);
        for (at, prompt) in prompts.iter().enumerate() {
            session.reporter.title = format!("prompt {} of {}: ", at + 1, prompts.len());
            let input = settings.written(prompt.text.clone(), &args.input.chat);
            let asked = Asked { input, ..asked.clone() };
            let capture = session.capture_for(args.view, &model, &asked.input, &asked.without);
            session.reporter.title.clear();
            match capture {
                Ok(capture) => {
                    let recipe =
                        Recipe::new(Source::new(&capture, asked.input, args.view), Some(args.format));
                    let recipe = Recipe { rows: args.rows, ..recipe };
                    let added = file.add(&prompt.id, &capture, &recipe);
                    added.map_err(|error: ExportError| error.at(Some(path)))?;
                }
                Err(Failure::Failed(why)) if !session.cancel.is_cancelled() => {
                    failed += 1;
                    session.reporter.say(&format!("{name}: prompt {} is left out: {why}", prompt.id));
                }
                Err(failure) => return Err(failure),
            }
        }
        file.finish().map_err(|error| error.at(Some(path)))?;
        out.finish()?;
    }
    match failed {
        0 => Ok(()),
        count => Err(Failure::Failed(format!("{count} of the prompts were left out: see above"))),
    }
}
