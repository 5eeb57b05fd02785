//! What is wrong with a command line, on one line: which option, what, and where to read more.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Cli;
use crate::config::keys::{Command, Keys};

/// The line for standard error, of what was typed.
pub fn line(error: &clap::Error, typed: impl Iterator<Item = OsString>) -> String {
    let text = error.render().to_string();
    let command = command(typed);
    let in_viewer = if command == "attnscope" { in_viewer(error) } else { None };
    format!("{}: {command} --help says more", in_viewer.unwrap_or_else(|| what(error, &text)))
}

fn what(error: &clap::Error, text: &str) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    // `--ids <IDS>`: of an option, its name.
    let option = context(ContextKind::InvalidArg).unwrap_or_default();
    let option = option.split(' ').next().unwrap_or_default();
    match (error.kind(), std::error::Error::source(error)) {
        (ErrorKind::ValueValidation, Some(source)) => format!("{option}: {source}"),
        (ErrorKind::InvalidValue, _) => {
            let known = context(ContextKind::ValidValue).unwrap_or_default();
            match context(ContextKind::InvalidValue) {
                Some(value) if !value.is_empty() => format!("{option}: '{value}' is none of {known}"),
                _ if known.is_empty() => format!("{option} needs a value behind it"),
                _ => format!("{option} needs a value behind it: {known}"),
            }
        }
        _ => {
            let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
            let lines: Vec<&str> =
                lines.filter(|line| !line.is_empty() && !line.starts_with("For more")).collect();
            lines.join(" ").trim_start_matches("error: ").replace(" tip: ", ": ")
        }
    }
}

/// Options of commands that the viewer has keys for.
const KEYS: [(&str, Command); 3] =
    [("--without", Command::AblateHead), ("--by", Command::ZeroOrMean), ("--rows", Command::RowReading)];

/// Of an option that only commands have, the key of the viewer that does the same.
fn in_viewer(error: &clap::Error) -> Option<String> {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(option))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return None;
    };
    let command = KEYS.iter().find(|key| key.0 == option)?.1;
    let (key, does) = (Keys::default().hint(command), command.does());
    Some(format!("{option} is an option of commands: in the viewer {key} does it ({does})"))
}

/// The command that was typed: `attnscope print`.
fn command(mut typed: impl Iterator<Item = OsString>) -> String {
    let program = Cli::command();
    let named =
        typed.find_map(|word| program.find_subcommand(&word).map(|command| command.get_name().to_owned()));
    named.map_or_else(|| "attnscope".to_owned(), |name| format!("attnscope {name}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn reported(arguments: &[&str]) -> String {
        let typed = std::iter::once("attnscope").chain(arguments.iter().copied());
        let error = Cli::try_parse_from(typed).unwrap_err();
        line(&error, arguments.iter().map(OsString::from))
    }

    #[test]
    fn one_line_names_the_option_the_value_and_what_it_can_be() {
        let lens = reported(&["lens", "--token=-1"]);
        assert_eq!(
            lens,
            "--token: '-1' is no place of a token: use a whole number from 0 up: attnscope lens --help says more"
        );
        assert_eq!(reported(&["lens", "--token", "-1"]), lens);
        let ids = reported(&["print", "--ids", "1,x"]);
        assert!(
            ids.starts_with("--ids: 'x' is no token id: use a whole number from 0 to 4294967295, several"),
            "{ids}"
        );
        let format = reported(&["export", "--out", "-", "--format", "bmp"]);
        assert!(format.starts_with("--format: 'bmp' is none of csv, json, npz"), "{format}");
        for (arguments, words) in [
            (&["export"][..], &["required", "--out <FILE>", "attnscope export --help"][..]),
            (&["lens", "--token"], &["--token", "value", "attnscope lens --help"]),
            (&["export", "--format"], &["--format needs a value behind it: csv, json"]),
            (&["completions"], &["required", "<SHELL>"]),
            (&["completions", "csh"], &["<SHELL>", "'csh' is none of bash", "fish"]),
            (&["benchmark"], &["unrecognized subcommand 'benchmark'", "'bench'", "attnscope --help"]),
            (&["print", "--promt", "x"], &["'--promt'", "'--prompt'"]),
            (&["print", "--prompt", "a", "--ids", "1"], &["--prompt", "cannot be used with", "--ids"]),
            (
                &["--without", "0.1"],
                &["--without is an option of commands", "in the viewer a does it (switch this head off"],
            ),
            (&["lens", "extra"], &["unexpected argument 'extra'"]),
        ] {
            let reported = reported(arguments);
            assert!(words.iter().all(|word| reported.contains(word)), "{arguments:?}: {reported}");
            assert!(!reported.contains('\n') && !reported.contains("  "), "{reported:?}");
        }
    }

    /// Each option that takes a number or a list says so, with what it can be.
    #[test]
    fn every_number_has_its_range() {
        for (line, words) in [
            ("--temperature -1", "from 0 up"),
            ("--top-p 2", "above 0, up to 1"),
            ("--seed -1", "from 0 up"),
            ("--threads -1", "from 1 to 1024"),
            ("--device cuda:x", "cuda:N"),
            ("print --ids -1", "from 0 to 4294967295"),
            ("print --ids 1,,2", "'' is no token id"),
            ("heads --top -1", "from 0 up"),
            ("heads --kv-group x", "from 0 up"),
            ("ablate --heads 0.x", "'0.x'"),
            ("ablate --heads -1.0", "'-1.0'"),
            ("ablate --heads 0.0 --top x", "from 0 up"),
            ("lens --token 1.5", "from 0 up"),
            ("lens --top 0", "from 1 up"),
            ("bench --lengths 5,-1", "'-1' is no number of tokens: use a whole number from 1 to"),
            ("bench --lengths 99999999999999999999", "from 1 to"),
            ("bench --repeats 0", "from 1 to 10000"),
            ("screenshot --out - --width 0", "from 1 to 1000"),
            ("screenshot --out - --height 1001", "from 1 to 1000"),
            ("export --format png --out - --scale -1", "from 0.25 to 8"),
            ("export --format png --out - --range -1", "above 0 and up to 1"),
        ] {
            let arguments: Vec<&str> = line.split(' ').collect();
            let reported = reported(&arguments);
            let option = arguments[arguments.len() - 2];
            assert!(
                reported.starts_with(&format!("{option}: ")) && reported.contains(words),
                "{line}: {reported}"
            );
        }
    }
}
