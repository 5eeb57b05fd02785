//! `attnscope export`: attention as a file.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use super::args::{ExportArgs, FigureArgs};
use super::asked::{Asked, title};
use super::failure::Failure;
use super::fit::{check_export, check_models, format_for};
use super::flags::{check_heads, check_place, check_view, logit_tokens};
use super::segments;
use super::session::Session;
use super::settings::Settings;
use crate::attention::Capture;
use crate::attention::alignment::pieces;
use crate::attention::segments::{Cut, Segments};
use crate::export::file::{Destination, Stoppable};
use crate::export::{
    self, ExportError, FigureStyle, LogitTokens, Omissions, Recipe, Source, Subject, TextSubject,
};
use crate::model::Model;
use crate::vocabulary::{ExportFormat, Granularity, SegmentRule};

/// Writes a figure of a model or two, or numbers: one file for a model, two for two.
///
/// # Errors
/// If the file cannot be written, or a model cannot be loaded, cannot read the prompt, or has no such view.
pub fn run(args: &ExportArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    check_export(args)?;
    let format = format_for(args.view, args.format, &args.out, &args.figure)?;
    let passes = settings.passes_over_several(&args.models, &args.input)?;
    check_models(&args.figure, passes.len())?;
    let (subject, cut) = subject(args)?;
    let style = style(&args.figure, settings);
    let files = if format.is_figure() { 1 } else { passes.len() };
    let paths = paths(&args.out, format, &names(&passes), files)?;
    session.listen();
    // Before a model is loaded for nothing.
    let outs = paths.iter().map(|path| Destination::open(path)).collect::<Result<Vec<_>, _>>()?;
    for (passes, out) in passes.chunks(passes.len() / files).zip(outs) {
        let (captures, mut sources) = read(passes, (subject, &cut), args, session)?;
        let left = sources.remove(0);
        let recipe = if format.is_figure() {
            let normalisation = args.figure.normalisation.unwrap_or_default();
            Recipe::of_figure((left, sources.pop()), format, normalisation, style)
        } else {
            Recipe::new(left, Some(format))
        };
        let recipe = Recipe { rows: args.rows, ..recipe };
        write(out, &captures, &recipe, session)?;
    }
    say_written(&passes, &paths, session);
    Ok(())
}

/// Says which file is of which pass, if there are several: nobody has named them.
pub(super) fn say_written(passes: &[Asked], paths: &[PathBuf], session: &mut Session) {
    if paths.len() > 1 {
        let written =
            names(passes).into_iter().zip(paths).map(|(name, path)| format!("{} ({name})", path.display()));
        session.reporter.say(&format!("wrote {}", written.collect::<Vec<_>>().join(" and ")));
    }
}

/// Writes what a recipe says.
pub(super) fn write(
    out: Destination,
    captures: &[Capture],
    recipe: &Recipe,
    session: &mut Session,
) -> Result<(), Failure> {
    let captures: Vec<&Capture> = captures.iter().collect();
    write_with(out, session, |mut out| export::write(&mut out, &captures, recipe))
}

/// Writes a file, and says what is not in it.
pub(super) fn write_with(
    mut out: Destination,
    session: &mut Session,
    write: impl FnOnce(&mut dyn Write) -> Result<Omissions, ExportError>,
) -> Result<(), Failure> {
    let path = out.path().map(Path::to_owned);
    let omissions = write(&mut Stoppable::new(&mut out, || session.cancel.is_cancelled()));
    if session.cancel.is_cancelled() {
        return Err(Failure::Interrupted);
    }
    let omissions = omissions.map_err(|error| error.at(path.as_deref()))?;
    if !omissions.is_empty() {
        session.reporter.say(&omissions.to_string());
    }
    Ok(out.finish()?)
}

/// The passes, and how each was made.
fn read(
    passes: &[Asked],
    (subject, cut): (Subject, &Cut),
    args: &ExportArgs,
    session: &mut Session,
) -> Result<(Vec<Capture>, Vec<Source>), Failure> {
    let (mut read, mut before) = ((Vec::new(), Vec::new()), None);
    for Asked { model, input, without } in passes {
        let model = session.load_after(model, &mut before)?;
        // First, so that what isn't there is told before anything takes long.
        check_heads("--without", without, model.info())?;
        check_view(subject, subject.view(), model.info())?;
        let subject = pushing(subject, args, &model)?;
        let mut capture = session.capture_without(&model, input, without)?;
        let subject = match read.0.first() {
            Some(left) if *input == passes[0].input => on_the_same_text(subject, left, &capture),
            Some(_) => from_its_end(subject),
            None => subject,
        };
        if let Some(place) = subject.token() {
            check_place("--view", subject, place, capture.tokens.len())?;
        }
        session.complete(&mut capture, (subject, args.rows), &model)?;
        let source = Source::new(&capture, input.clone(), subject).cut_by(cut);
        if matches!(subject, Subject::Segments(..)) {
            // A file is told by its name, and not when the figure is drawn.
            Segments::new(&capture, source.prompt(), cut)
                .map_err(|error| segments::about(args.segments.as_deref().unwrap_or_default(), &error))?;
        }
        read.1.push(source);
        read.0.push(capture);
    }
    Ok(read)
}

/// What is exported of a model: a next token that flags name is one of its own.
fn pushing(subject: Subject, args: &ExportArgs, model: &Model) -> Result<Subject, Failure> {
    let LogitTokens { token, versus } = logit_tokens([args.token.as_ref(), args.versus.as_ref()], model)?;
    let with = |text: TextSubject| {
        let next = LogitTokens { token: token.or(text.next.token), versus: versus.or(text.next.versus) };
        Subject::Text(TextSubject { next, ..text })
    };
    Ok(subject.pushed().map_or(subject, with))
}

/// What is exported, and what segments are cut by.
fn subject(args: &ExportArgs) -> Result<(Subject, Cut), Failure> {
    let (Subject::Segments(view, _), Some(by)) = (args.view, &args.segments) else {
        return Ok((args.view, args.view.rule().map_or_else(Cut::default, Cut::Rule)));
    };
    let cut = segments::cut(by)?;
    let rule = if let Cut::Rule(rule) = cut { rule } else { SegmentRule::Auto };
    Ok((Subject::Segments(view, rule), cut))
}

/// What passes are called.
pub(super) fn names(passes: &[Asked]) -> Vec<String> {
    passes.iter().map(|asked| title(&asked.model.to_string(), &asked.without)).collect()
}

/// What is exported of a model beside another one: a token that is named is one of the left model's, and the right one
/// looks from the end of the same text.
fn on_the_same_text(subject: Subject, left: &Capture, right: &Capture) -> Subject {
    let Subject::Text(text) = subject else { return subject };
    let pieces = pieces(&left.tokens, &right.tokens, Granularity::Pieces);
    let same = |token: usize| {
        let piece = pieces.iter().find(|piece| piece.tokens[0].contains(&token))?;
        piece.tokens[1].end.checked_sub(1)
    };
    // A token that is not there is an error of the left one.
    Subject::Text(TextSubject { token: text.token.and_then(same), ..text })
}

/// What is exported of another text than the one that a token was named of.
fn from_its_end(subject: Subject) -> Subject {
    match subject {
        Subject::Text(text) => Subject::Text(TextSubject { token: None, ..text }),
        other => other,
    }
}

/// How a figure looks, by flags and settings.
pub(super) fn style(args: &FigureArgs, settings: &Settings) -> FigureStyle {
    let usual = FigureStyle::default();
    FigureStyle {
        curve: args.curve.unwrap_or(usual.curve),
        range: args.range.unwrap_or(usual.range),
        pooling: args.pooling.unwrap_or(usual.pooling),
        colors: args.colormap.unwrap_or(settings.config.theme.colormap),
        theme: args.theme.unwrap_or(usual.theme),
        caption: !args.no_caption,
        scale: args.scale.unwrap_or(usual.scale),
        difference: args.difference,
    }
}

/// One path, or two with `-left` and `-right` before the ending.
pub(super) fn paths(
    out: &Path,
    format: ExportFormat,
    names: &[String],
    count: usize,
) -> Result<Vec<PathBuf>, Failure> {
    if out == Path::new("-") && format.is_binary() && io::stdout().is_terminal() {
        return Err(Failure::Usage(format!("{format} is not for a terminal: name a file with --out")));
    }
    let [left, right] = names else { return Ok(vec![out.to_owned()]) };
    if count == 1 {
        return Ok(vec![out.to_owned()]);
    }
    if out == Path::new("-") {
        return Err(Failure::Usage(format!(
            "{format} of two models, {left} and {right}, is two files: name a file with --out, or one of them with \
             --model"
        )));
    }
    if out.is_dir() {
        return Err(export::ExportError::Folder(out.to_owned()).into());
    }
    if out.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(export::ExportError::NoName(out.to_owned()).into());
    }
    Ok(["-left", "-right"].map(|side| beside(out, side)).into())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(suffix);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_two_files() {
        let (left, right) = (PathBuf::from("x/a-left.csv"), PathBuf::from("x/a-right.csv"));
        assert_eq!(["-left", "-right"].map(|side| beside(Path::new("x/a.csv"), side)), [left, right]);
        assert_eq!(beside(Path::new("a"), "-left"), Path::new("a-left"));
    }
}
