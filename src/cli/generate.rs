//! `attnscope generate`: how models go on with a text, and where each token looked.

use std::path::Path;

use serde_json::json;

use super::args::{FigureArgs, GenerateArgs};
use super::asked::{Asked, title};
use super::batch::{Batch, Found, Heading};
use super::ending::format_of;
use super::export::{names, paths, say_written, style};
use super::failure::Failure;
use super::flags::check_view;
use super::session::Session;
use super::settings::Settings;
use crate::attention::{Capture, RowShares, TextEnding, Token};
use crate::export::file::Destination;
use crate::export::generate::{GeneratedStep, TextWriter, Told, write_end, write_step};
use crate::export::{self, Input, Recipe, Source};
use crate::model::{Choice, Model, ModelError};
use crate::vocabulary::{ExportFormat, Normalisation, View};

/// Lets each model go on with the text. Ctrl-C ends it with what there is.
///
/// # Errors
/// If a model cannot be loaded, cannot read the prompt, or has no such view, or the file cannot be written.
pub fn run(args: &GenerateArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    if args.batch.prompts.is_some() {
        return run_many(args, settings, session);
    }
    let of_file = |out| format_of(args.format, out, ExportFormat::ALL);
    let format = args.out.as_deref().map(of_file).transpose()?;
    let passes = settings.passes(&args.models, &args.input)?;
    let (sampling, is_drawn) = settings.sampling(&args.sampling)?;
    let choice = Choice { sampling, is_drawn };
    session.listen();
    if let (Some(out), Some(format)) = (&args.out, format) {
        if passes.len() > 2 {
            let why = "two models at most go into files: name fewer with --model";
            return Err(Failure::Usage(why.to_owned()));
        }
        let paths = paths(out, format, &names(&passes), passes.len())?;
        // Before a model is loaded for nothing.
        let outs = paths.iter().map(|path| Destination::open(path)).collect::<Result<Vec<_>, _>>()?;
        for ((asked, out), path) in passes.iter().zip(outs).zip(&paths) {
            to_file((args, choice), settings, session, asked, (format, out, path))?;
        }
        say_written(&passes, &paths, session);
        return Ok(());
    }
    let mut out = TextWriter::new(std::io::stdout().lock());
    for asked in &passes {
        let model = session.load_asked(asked)?;
        if args.json {
            to_json((args, choice), settings, session, (&model, asked), &mut out)?;
        } else {
            if passes.len() > 1 || !asked.without.is_empty() {
                out.heading(title(&model.info().name, &asked.without));
            }
            let mut write = |step: Step<'_>| match step {
                Step::Token(step) => out.token(&step.next.token),
                Step::End(..) => out.end(),
            };
            generate((args, choice), settings, session, (&model, asked), &mut write)?;
        }
    }
    Ok(())
}

/// Lets each model go on with many prompts, and says what their texts have in common.
fn run_many(args: &GenerateArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    if args.out.is_some() {
        let why = "--prompts writes texts, and numbers of their tokens: --results has them, no --out";
        return Err(Failure::Usage(why.to_owned()));
    }
    let (sampling, is_drawn) = settings.sampling(&args.sampling)?;
    let choice = Choice { sampling, is_drawn };
    let (view, limit) = (view(args), args.tokens.unwrap_or(settings.config.generation.tokens));
    let find = |session: &mut Session, passes: &[(&Model, &Asked)]| {
        let (mut found, mut shares, mut probabilities) = (Found::default(), Vec::new(), Vec::new());
        for &(model, asked) in passes {
            let mut tell = |step: Step<'_>| {
                match step {
                    Step::Token(step) => {
                        probabilities.push(f64::from(step.next.probability));
                        let row = Capture::row_of(step.capture.tokens.len() - 1, args.rows);
                        let row = step.capture.shares(view, row)?.unwrap_or_default();
                        shares.push(row.values().map(f64::from));
                    }
                    Step::End(capture, ending) => {
                        let written = &capture.tokens[capture.prompt_tokens()..];
                        let ids: Vec<u32> = written.iter().map(|token| token.id).collect();
                        let ended = ending.map_or("stopped", TextEnding::name);
                        found.details.insert("tokens".to_owned(), capture.prompt_tokens().into());
                        found.details.insert("written".to_owned(), Token::joined_text(written).into());
                        found.details.insert("ids".to_owned(), ids.into());
                        found.details.insert("end".to_owned(), ended.into());
                    }
                }
                Ok(())
            };
            generate((args, choice), settings, session, (model, asked), &mut tell)?;
        }
        let count = probabilities.len() as f64;
        found.numbers.push(("tokens written".to_owned(), count));
        if count > 0.0 {
            let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / count;
            found.numbers.push(("probability".to_owned(), mean(&mut probabilities.iter().copied())));
            for (at, name) in RowShares::NAMES.into_iter().enumerate() {
                let share = mean(&mut shares.iter().map(|shares| shares[at]));
                found.numbers.push((format!("share of {name}"), share));
            }
        }
        Ok(found)
    };
    let batch = Batch {
        asked: json!({
            "command": "generate", "tokens": limit, "view": view.to_string(), "rows": args.rows,
            "sampling": is_drawn.then(|| sampling.to_string()), "chat": settings.chat(&args.input.chat),
        }),
        heading: Heading {
            row: "number",
            number: format!("tokens that were written, shares of {}", view.title()),
        },
        top: usize::MAX,
        json: args.json,
        find: Box::new(find),
    };
    let passes = settings.passes_over(Input::Ids(vec![]), &args.models, &args.input)?;
    let groups: Vec<&[Asked]> = passes.chunks(1).collect();
    batch.run(&args.batch, &groups, session, |text| settings.written(text, &args.input.chat))
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
    (model, asked): (&Model, &Asked),
    out: &mut TextWriter<impl std::io::Write>,
) -> Result<(), Failure> {
    let told = Told { view: view(args), rows: args.rows, top: args.top };
    let mut write = |step: Step<'_>| match step {
        Step::Token(step) => write_step(out.lines(), step, told),
        Step::End(capture, ending) => write_end(out.lines(), capture, ending),
    };
    generate((args, choice), settings, session, (model, asked), &mut write).map(drop)
}

/// Writes the pass over all that was written, also if that was stopped.
fn to_file(
    (args, choice): (&GenerateArgs, Choice),
    settings: &Settings,
    session: &mut Session,
    asked: &Asked,
    (format, mut out, path): (ExportFormat, Destination, &Path),
) -> Result<(), Failure> {
    let model = session.load_asked(asked)?;
    let mut last = None;
    let name = model.info().name.clone();
    let ended = generate((args, choice), settings, session, (&model, asked), &mut |step| {
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
    (model, Asked { input, without, .. }): (&Model, &Asked),
    tell: &mut dyn FnMut(Step<'_>) -> Result<(), export::ExportError>,
) -> Result<(), Failure> {
    model.check_output_head()?;
    check_view(args.view, Some(view(args)), model.info())?;
    let mut capture = session.capture_without(model, input, without)?;
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
        session.say_gpu_failure(model);
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
