//! The command line: what was typed, one file per command, and how it ends.
//!
//! Data goes to standard output, talk to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage.

mod args;
mod export;
mod failure;
mod interrupt;
mod log;
mod models;
mod print;
mod session;
mod settings;
mod talk;
mod verify;
mod viewer;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

use crate::config::{self, Threads};
use crate::model::limit_threads;
use args::{Cli, Command, ViewerArgs};
use failure::Failure;
use session::Session;
use settings::Settings;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let Err(failure) = run(&cli) else { return ExitCode::SUCCESS };
    if let Some(message) = failure.message() {
        eprintln!("attnscope: {message}");
    }
    ExitCode::from(failure.exit_code())
}

fn run(cli: &Cli) -> Result<(), Failure> {
    if let Some(file) = &cli.global.log {
        log::start(file)?;
    }
    let settings = Settings::new(&cli.global, config::load(cli.global.config.as_deref())?)?;
    if let Threads::Count(count) = settings.threads {
        limit_threads(count.get())?;
    }
    let mut session = Session::new(&settings);
    let Some(command) = &cli.command else {
        return viewer::run(&cli.viewer, &settings, &mut session);
    };
    if cli.viewer != ViewerArgs::default() {
        let message = "flags of the viewer stand before a command: put them after it";
        Cli::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
    match command {
        Command::Print(args) => print::run(args, &settings, &mut session),
        Command::Export(args) => export::run(args, &settings, &mut session),
        Command::Verify(args) => verify::run(args, &mut session),
        Command::Models => models::run(&settings),
        Command::Screenshot(args) => viewer::screenshot(args, &settings, &mut session),
    }
}
