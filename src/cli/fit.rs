//! Whether a file can hold what flags ask for: told by the command line alone, before a file is opened or a model loaded.

use std::path::Path;

use super::args::{ExportArgs, FigureArgs};
use super::ending::format_of;
use super::failure::Failure;
use crate::export::{FoundSubject, Subject};
use crate::vocabulary::{ExportFormat, TextColoring};

/// The format of a file of a subject.
///
/// # Errors
/// If neither the file's name nor `--format` says it, or such a file can't hold the subject with these flags of figures.
pub(super) fn format_for(
    subject: Subject,
    asked: Option<ExportFormat>,
    out: &Path,
    figure: &FigureArgs,
) -> Result<ExportFormat, Failure> {
    let all = ExportFormat::ALL.into_iter();
    let fits = |format: &ExportFormat| check_figure(subject, *format, figure).is_ok();
    let mut choices: Vec<ExportFormat> = all.clone().filter(fits).collect();
    if choices.is_empty() {
        // No file can be what these flags ask for, which is told of the one that is chosen.
        choices = all.filter(|format| subject.obstacle(*format, false, false).is_none()).collect();
    }
    let format = format_of(asked, out, choices)?;
    check_figure(subject, format, figure)?;
    Ok(format)
}

/// Refuses flags of `export` that mean nothing for what is exported.
///
/// # Errors
/// If there are some.
pub(super) fn check_export(args: &ExportArgs) -> Result<(), Failure> {
    if let Subject::Found(found) = args.view {
        let command = match found {
            FoundSubject::Push(..) => "push",
            FoundSubject::Effect(..) => "effect",
            FoundSubject::Patch(..) => "patch",
            FoundSubject::Sinks => "sinks",
            FoundSubject::Shift => {
                return usage("a command of its own has that: 'attnscope compare --heads'");
            }
        };
        return usage(&format!("a command of its own writes that: 'attnscope {command} --out FILE.svg'"));
    }
    if let Subject::Text(text) = args.view
        && text != text.canonical()
    {
        return usage(&match text.coloring {
            TextColoring::Push => format!(
                "--view {text}: heads push, whatever is made of their attention: use pushed:mean, pushed:layer:3, \
                 pushed:head:3.5, pushed:group:3.1, pushed:sliding or pushed:full"
            ),
            _ => format!(
                "--view {text}: all later tokens look, and none of them in particular: use {}",
                text.canonical()
            ),
        });
    }
    if args.view.pushed().is_none() && (args.token.is_some() || args.versus.is_some()) {
        return usage("--token and --versus are of push: they go with --view pushed:mean");
    }
    if args.segments.is_some() && !matches!(args.view, Subject::Segments(..)) {
        return usage("--segments says what segments are cut by: it goes with --view segments:mean");
    }
    Ok(())
}

/// Refuses more models than a file has room for, and fewer than a difference is of.
///
/// # Errors
/// If there are.
pub(super) fn check_models(figure: &FigureArgs, models: usize) -> Result<(), Failure> {
    if models > 2 {
        return usage(
            "two models at most go into an export, or one over two texts: name fewer with --model or --prompt",
        );
    }
    if figure.difference.is_some() && models < 2 {
        return usage(
            "--difference is of two models: name a second one with --model, or a pair with --pair; or of one over two texts: \
             --prompt twice",
        );
    }
    Ok(())
}

/// Refuses what a format can't show.
fn check_figure(subject: Subject, format: ExportFormat, figure: &FigureArgs) -> Result<(), Failure> {
    if !format.is_figure() && *figure != FigureArgs::default() {
        return usage(&format!(
            "numbers are written as the model computed them: flags of figures go with --format {}",
            ExportFormat::list(true, "or")
        ));
    }
    if figure.scale.is_some() && format != ExportFormat::Png {
        return usage("--scale is of pixels: it goes with --format png");
    }
    let has_rule = figure.normalisation.is_some_and(|rule| rule != Default::default());
    subject.obstacle(format, figure.difference.is_some(), has_rule).map_or(Ok(()), usage)
}

fn usage<T>(message: &str) -> Result<T, Failure> {
    Err(Failure::Usage(message.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command};

    /// What is refused of `attnscope export --out OUT` with these flags.
    fn refused(out: &str, flags: &str) -> Option<String> {
        let line = format!("attnscope export --out {out} {flags}");
        let Some(Command::Export(args)) = Cli::try_parse_from(line.split_whitespace()).unwrap().command
        else {
            panic!("{line}")
        };
        let checked = check_export(&args)
            .and_then(|()| format_for(args.view, args.format, &args.out, &args.figure).map(drop));
        checked.err().and_then(|failure| failure.message())
    }

    #[test]
    fn a_name_that_says_no_format_is_told_those_that_fit() {
        for (flags, formats) in [
            ("", ".csv, .json, .npz, .safetensors, .md, .svg, .png or .html"),
            ("--view all", ".csv, .json, .npz, .safetensors, .md, .svg, .png or .html"),
            ("--view map:induction", ".svg or .png"),
            ("--view segments:mean", ".svg or .png"),
            ("--view text:mean", ".svg, .png or .html"),
            ("--curve log", ".svg, .png or .html"),
            ("--scale 3", ".png"),
            ("--view map:sink --difference", ".svg or .png"),
        ] {
            let why = refused("x", flags).unwrap();
            assert!(why.contains(&format!(" ends in {formats}, or add --format")), "{flags}: {why}");
        }
        let found = Subject::Found(FoundSubject::Sinks);
        let why = format_for(found, None, Path::new("x"), &FigureArgs::default()).unwrap_err().message();
        assert!(
            why.as_ref().is_some_and(|why| why.contains("ends in .csv, .json, .svg or .png, or")),
            "{why:?}"
        );
    }

    /// Words of a view that change nothing would say what isn't there.
    #[test]
    fn words_of_a_view_that_change_nothing_are_refused() {
        for view in ["rollout", "value-weighted:mean", "value-weighted:layer:1", "value-weighted:head:1.2@3"]
        {
            let why = refused("x.svg", &format!("--view pushed:{view}")).unwrap();
            let says = ["pushed:mean, ", "pushed:layer:3, ", "pushed:head:3.5, ", "pushed:full"];
            assert!(says.iter().all(|says| why.contains(says)) && why.contains(view), "{why}");
        }
        let why = refused("x.svg", "--view looked-at:rollout@2").unwrap();
        assert!(why.ends_with("use looked-at:rollout"), "{why}");
        for view in
            ["pushed:mean@3", "pushed:group:1.0", "pushed:sliding", "looked-at:rollout", "text:rollout@2"]
        {
            assert_eq!(refused("x.svg", &format!("--view {view}")), None, "{view}");
        }
    }
}
