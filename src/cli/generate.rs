//! `attnscope generate`: how models go on with a text, and where each token looked.

use std::path::Path;

use super::args::{FigureArgs, GenerateArgs};
use super::export::{paths, style};
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use crate::attention::{Capture, TextEnding};
use crate::export::file::Destination;
use crate::export::generate::{Asked, GeneratedStep, TextWriter, write_end, write_step};
use crate::export::{self, Input, Recipe, Source};
use crate::model::{Choice, Model, ModelError, Reference};
use crate::vocabulary::{ExportFormat, Normalisation, View};

/// Lets each model go on with the text. Ctrl-C ends it with what there is.
///
/// # Errors
/// If a model cannot be loaded, cannot read the prompt, or has no such view, or the file cannot be written.
pub fn run(args: &GenerateArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let models = settings.models_of(&args.models)?;
    let input = settings.input(&args.input)?;
    let (sampling, is_drawn) = settings.sampling(&args.sampling)?;
    let choice = Choice { sampling, is_drawn };
    session.listen();
    if let (Some(format), Some(out)) = (args.format, &args.out) {
        if models.len() > 2 {
            let why = "two models at most go into files: name fewer with --model";
            return Err(Failure::Usage(why.to_owned()));
        }
        let paths = paths(out, format, &models, models.len())?;
        // Before a model is loaded for nothing.
        let outs = paths.iter().map(|path| Destination::open(path)).collect::<Result<Vec<_>, _>>()?;
        for ((reference, out), path) in models.iter().zip(outs).zip(&paths) {
            to_file((args, choice), settings, session, (reference, &input), (format, out, path))?;
        }
        return Ok(());
    }
    let mut out = TextWriter::new(std::io::stdout().lock());
    for reference in &models {
        let model = session.load(reference)?;
        if args.json {
            to_json((args, choice), settings, session, (&model, &input), &mut out)?;
        } else {
            if models.len() > 1 {
                out.heading(&model.info().name)?;
            }
            let mut write = |step: Step<'_>| match step {
                Step::Token(step) => out.token(&step.next.token),
                Step::End(..) => out.end(),
            };
            generate((args, choice), settings, session, (&model, &input), &mut write)?;
        }
    }
    Ok(())
}

/// What is told of a text that grows.
enum Step<'a> {
    /// It is a token longer.
    Token(&'a GeneratedStep<'a>),
    /// This is all of it, for that reason, or because somebody stopped it.
    End(&'a Capture, Option<&'a TextEnding>),
}

fn to_json(
    (args, choice): (&GenerateArgs, Choice),
    settings: &Settings,
    session: &mut Session,
    (model, input): (&Model, &Input),
    out: &mut TextWriter<impl std::io::Write>,
) -> Result<(), Failure> {
    let asked = Asked { view: view(args), rows: args.rows, top: args.top };
    let mut write = |step: Step<'_>| match step {
        Step::Token(step) => write_step(out.lines(), step, asked),
        Step::End(capture, ending) => write_end(out.lines(), capture, ending),
    };
    generate((args, choice), settings, session, (model, input), &mut write).map(drop)
}

/// Writes the pass over all that was written, also if that was stopped.
fn to_file(
    (args, choice): (&GenerateArgs, Choice),
    settings: &Settings,
    session: &mut Session,
    (reference, input): (&Reference, &Input),
    (format, mut out, path): (ExportFormat, Destination, &Path),
) -> Result<(), Failure> {
    let model = session.load(reference)?;
    let mut last = None;
    let name = model.info().name.clone();
    let ended = generate((args, choice), settings, session, (&model, input), &mut |step| {
        if let Step::Token(step) = step {
            last = Some(step.capture.clone());
        }
        Ok(())
    });
    let is_stopped = matches!(ended, Err(Failure::Interrupted));
    let Some(capture) = last.filter(|_| ended.is_ok() || is_stopped) else {
        ended?;
        return Err(Failure::Failed(format!("{name}: nothing was written: its first token ended the text")));
    };
    let ids = Input::Ids(capture.tokens.iter().map(|token| token.id).collect());
    let source = Source::new(&capture, ids, args.view);
    let recipe = match format.is_figure() {
        true => {
            let look = style(&FigureArgs::default(), settings);
            Recipe::of_figure((source, None), format, Normalisation::Raw, look)
        }
        false => Recipe::new(source, Some(format)),
    };
    let recipe = Recipe { rows: args.rows, ..recipe };
    let omissions = export::write(&mut out, &[&capture], &recipe).map_err(|error| error.at(Some(path)))?;
    if !omissions.is_empty() {
        session.reporter.say(&omissions.to_string());
    }
    out.finish()?;
    if is_stopped { Err(Failure::Interrupted) } else { Ok(()) }
}

/// Lets a model go on, and tells of each token, and of the end.
fn generate(
    (args, choice): (&GenerateArgs, Choice),
    settings: &Settings,
    session: &mut Session,
    (model, input): (&Model, &Input),
    tell: &mut dyn FnMut(Step<'_>) -> Result<(), export::ExportError>,
) -> Result<(), Failure> {
    model.check_output_head()?;
    let without = args.without.clone().unwrap_or_default();
    let mut capture = session.capture_without(model, input, &without)?;
    capture.check(view(args)).map_err(|error| Failure::Failed(error.to_string()))?;
    let prompt_bytes = match input {
        Input::Prompt(text) => Some(text.len()),
        Input::Chat(_) | Input::Ids(_) => None,
    };
    let limit = args.tokens.unwrap_or(settings.config.generation.tokens);
    for written in 0..=limit {
        let next = model.choose(&capture, choice)?;
        let at_limit = (written == limit).then_some(TextEnding::Limit(limit));
        if let Some(ending) = model.ending(&capture, &next).or(at_limit) {
            return Ok(tell(Step::End(&capture, Some(&ending)))?);
        }
        let begun = std::time::Instant::now();
        let grown = model.write(&capture, &next.token, (prompt_bytes, choice.sampling), &session.cancel);
        let grown: Capture = match grown {
            Err(ModelError::Cancelled) => {
                tell(Step::End(&capture, None))?;
                return Err(Failure::Interrupted);
            }
            grown => grown?,
        };
        let step = GeneratedStep {
            number: written + 1,
            before: &capture,
            capture: &grown,
            next: &next,
            took: begun.elapsed(),
        };
        tell(Step::Token(&step))?;
        capture = grown;
    }
    Ok(())
}

fn view(args: &GenerateArgs) -> View {
    match args.view {
        export::Selection::One(view) => view,
        export::Selection::All => View::Mean,
    }
}
