//! `attnscope man`: the manual page, written from the command line's types and the table of keys.

use std::io::{self, Write};

use clap::builder::PossibleValue;
use clap::{Arg, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::args::{Cli, EXAMPLES};
use super::failure::Failure;
use crate::config::VARIABLES;
use crate::config::keys::{self, Group, Keys};

/// What else of the environment is heeded, and for what.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("ATTNSCOPE_LOG", "what --log writes, as RUST_LOG says it: attnscope=debug"),
    ("NO_COLOR", "if set, glyphs and digits in place of colours"),
    ("HF_HOME, HF_HUB_CACHE", "where models are kept that came from the hub"),
    ("HF_TOKEN, HF_TOKEN_PATH", "what opens models that aren't public"),
    ("HF_ENDPOINT", "the hub to ask"),
    ("HF_HUB_OFFLINE", "if set, never ask it"),
    ("XDG_CONFIG_HOME", "where the file of settings is looked for; ~/.config if unset"),
    ("XDG_STATE_HOME", "where prompts are kept; ~/.local/state if unset"),
];

const FILES: [(&str, &str); 3] = [
    ("~/.config/attnscope/config.toml", "settings: attnscope config --init writes one to begin with"),
    ("~/.local/state/attnscope/history", "prompts that were run"),
    ("~/.cache/huggingface/hub", "models that came from the hub"),
];

const EXIT_STATUS: [(&str, &str); 3] = [
    ("0", "done"),
    ("1", "it failed: one line on standard error says what, where, and what to do"),
    ("2", "wrong usage"),
];

/// Writes the manual page.
///
/// # Errors
/// If standard output refuses.
pub fn run() -> Result<(), Failure> {
    let mut page = Vec::new();
    write(&mut page)?;
    Ok(io::stdout().write_all(&page)?)
}

fn write(out: &mut dyn Write) -> io::Result<()> {
    let mut command = Cli::command().subcommand_value_name("COMMAND");
    command.build();
    let page = Man::new(command.clone()).manual("User Commands");
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    let mut rest = Roff::default();
    commands(&mut rest, &command);
    viewer_keys(&mut rest);
    section(&mut rest, "ENVIRONMENT");
    for (name, key) in VARIABLES {
        entry(&mut rest, vec![bold(name)], &format!("the setting {key}"));
    }
    entries(&mut rest, &ENVIRONMENT);
    section(&mut rest, "FILES");
    entries(&mut rest, &FILES);
    section(&mut rest, "EXIT STATUS");
    entries(&mut rest, &EXIT_STATUS);
    section(&mut rest, "EXAMPLES");
    rest.control("nf", []);
    for line in EXAMPLES.lines().skip(1) {
        rest.text([roman(line)]);
    }
    rest.control("fi", []);
    rest.to_writer(out)
}

/// Each command with the flags that only it has.
fn commands(roff: &mut Roff, program: &Command) {
    section(roff, "COMMANDS");
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        roff.control("SS", [command.get_name()]);
        roff.text([roman(command.get_about().map(ToString::to_string).unwrap_or_default())]);
        let flags = command.get_arguments().filter(|argument| {
            !argument.is_hide_set() && !argument.is_global_set() && argument.get_id() != "help"
        });
        for flag in flags {
            entry(roff, spelling(flag), &help(flag));
        }
    }
}

/// What a flag is for, and what it can be if that is one of a few.
fn help(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values = argument.get_possible_values();
    let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    match argument.get_action().takes_values() && !values.is_empty() {
        true => format!("{help}: {}", values.join(", ")),
        false => help,
    }
}

/// `--model MODEL`, or `SHELL` where there is no flag.
fn spelling(argument: &Arg) -> Vec<Inline> {
    let takes_value = argument.get_action().takes_values();
    let names = argument.get_value_names().unwrap_or_default();
    let value = takes_value.then(|| italic(names.join(" ")));
    let flag = argument.get_long().map(|long| bold(format!("--{long}")));
    match (flag, value) {
        (Some(flag), Some(value)) => vec![flag, roman(" "), value],
        (flag, value) => flag.into_iter().chain(value).collect(),
    }
}

fn viewer_keys(roff: &mut Roff) {
    section(roff, "KEYS");
    roff.text([roman("In the viewer. Each can be changed under [keys] of the file of settings.")]);
    let keys = Keys::default();
    for group in Group::ALL {
        roff.control("SS", [group.title()]);
        for command in keys::Command::all().filter(|command| command.group() == group) {
            let labels: Vec<String> = keys.keys(command).iter().map(|key| key.label()).collect();
            entry(roff, vec![bold(labels.join("  "))], command.does());
        }
    }
}

fn section(roff: &mut Roff, title: &str) {
    roff.control("SH", [title]);
}

fn entries(roff: &mut Roff, entries: &[(&str, &str)]) {
    for (name, text) in entries {
        entry(roff, vec![bold(*name)], text);
    }
}

fn entry(roff: &mut Roff, name: Vec<Inline>, text: &str) {
    roff.control("TP", []).text(name).text([roman(text)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut page = Vec::new();
        write(&mut page).unwrap();
        // As roff reads it.
        String::from_utf8(page).unwrap().replace("\\-", "-").replace("\\*(Aq", "'")
    }

    #[test]
    fn it_holds_every_command_key_and_variable() {
        let (page, keys) = (page(), Keys::default());
        for command in Cli::command().get_subcommands() {
            assert!(page.contains(&format!(".SS {}\n", command.get_name())), "{command} in {page}");
        }
        for command in keys::Command::all() {
            let labels: Vec<String> = keys.keys(command).iter().map(|key| key.label()).collect();
            let entry = format!("\\fB{}\\fR\n{}\n", labels.join("  "), command.does());
            assert!(page.contains(&entry), "{entry} in {page}");
        }
        for (name, _) in VARIABLES {
            assert!(page.contains(name), "{name}");
        }
    }
}
