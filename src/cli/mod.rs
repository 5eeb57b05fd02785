//! The command line: what was typed, one file per command, and how it ends.
//!
//! `args` says what can be typed, `Settings` merges that with what is configured, and a `Session` loads and runs
//! models for a command, with progress and a way to stop. What went wrong is a `Failure`. To add a command: its flags
//! and its variant in `args`, its file here, and its line in `run`.
//!
//! Data goes to standard output, messages go to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage,
//! 130 stopped with Ctrl-C.

mod ablate;
mod args;
mod asked;
mod batch;
mod bench;
mod compare;
mod completions;
mod config;
mod effect;
mod ending;
mod export;
mod export_many;
mod failure;
mod file;
mod find;
mod fit;
mod flags;
mod generate;
mod heads;
mod interrupt;
mod lens;
mod log;
mod man;
mod map;
mod models;
mod partial;
mod patch;
mod print;
mod push;
mod render;
mod reporter;
mod segments;
mod session;
mod settings;
mod sinks;
mod stdout;
mod sweep;
mod usage;
mod values;
mod verify;
mod viewer;

use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;

use clap::Parser as _;

use crate::attention::Gone;
use crate::config::{Threads, load};
use crate::model::limit_threads;
use args::{Cli, Command, ViewerArgs};
use failure::Failure;
use session::Session;
use settings::Settings;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let ended = match Cli::try_parse() {
        Ok(cli) => run_or_gone(&cli),
        Err(error) if error.use_stderr() => {
            Err(Failure::Usage(usage::line(&error, std::env::args_os().skip(1))))
        }
        // Help, or the version. Whoever has closed the pipe has seen enough.
        Err(error) => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    let Err(failure) = ended else { return ExitCode::SUCCESS };
    // Whatever a Ctrl-C made fail, and whatever that was called.
    if let Some(message) = failure.message() {
        // Nobody can be told that standard error is gone.
        let _ = writeln!(io::stderr(), "attnscope: {message}");
    }
    ExitCode::from(failure.exit_code())
}

/// What a GPU kept of a pass may be gone by the time that a command looks at it.
fn run_or_gone(cli: &Cli) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| run(cli))).unwrap_or_else(|panic| match panic.downcast::<Gone>() {
        Ok(gone) => Err(Failure::Failed(gone.0)),
        Err(panic) => resume_unwind(panic),
    })
}

fn run(cli: &Cli) -> Result<(), Failure> {
    if cli.command.is_some() && cli.viewer != ViewerArgs::default() {
        let message = "options stand between attnscope and the command: write them after it, as in \
                       attnscope print --prompt TEXT";
        return Err(Failure::Usage(message.to_owned()));
    }
    if let Some(file) = &cli.global.log {
        log::start(file)?;
    }
    type Run<'a> = Box<dyn FnOnce(&Settings, &mut Session) -> Result<(), Failure> + 'a>;
    let command: Run<'_> = match &cli.command {
        None => Box::new(|settings, session| viewer::run(&cli.viewer, settings, session)),
        Some(Command::Print(args)) => Box::new(|settings, session| print::run(args, settings, session)),
        Some(Command::Export(args)) if args.prompts.is_some() => {
            Box::new(|settings, session| export_many::run(args, settings, session))
        }
        Some(Command::Export(args)) => Box::new(|settings, session| export::run(args, settings, session)),
        Some(Command::Render(args)) => Box::new(|settings, session| render::run(args, settings, session)),
        Some(Command::Heads(args)) => Box::new(|settings, session| heads::run(args, settings, session)),
        Some(Command::Ablate(args)) => Box::new(|settings, session| ablate::run(args, settings, session)),
        Some(Command::Compare(args)) => Box::new(|settings, session| compare::run(args, settings, session)),
        Some(Command::Generate(args)) => Box::new(|settings, session| generate::run(args, settings, session)),
        Some(Command::Lens(args)) => Box::new(|settings, session| lens::run(args, settings, session)),
        Some(Command::Sweep(args)) => Box::new(|settings, session| sweep::run(args, settings, session)),
        Some(Command::Effect(args)) => Box::new(|settings, session| effect::run(args, settings, session)),
        Some(Command::Patch(args)) => Box::new(|settings, session| patch::run(args, settings, session)),
        Some(Command::Push(args)) => Box::new(|settings, session| push::run(args, settings, session)),
        Some(Command::Segments(args)) => Box::new(|settings, session| segments::run(args, settings, session)),
        Some(Command::Sinks(args)) => Box::new(|settings, session| sinks::run(args, settings, session)),
        Some(Command::Verify(args)) => Box::new(|settings, session| verify::run(args, settings, session)),
        Some(Command::Bench(args)) => Box::new(|settings, session| bench::run(args, settings, session)),
        Some(Command::Screenshot(args)) => {
            Box::new(|settings, session| viewer::screenshot(args, settings, session))
        }
        Some(Command::Models(args)) if args.families => return models::families(),
        Some(Command::Models(_)) => Box::new(|settings, _| models::run(settings)),
        Some(Command::Config(args)) => return config::run(args, &cli.global),
        Some(Command::Completions(args)) => return completions::run(args),
        Some(Command::Man) => return man::run(),
    };
    let settings = Settings::new(&cli.global, load(cli.global.config.as_deref())?)?;
    if let Threads::Count(count) = settings.config.threads {
        limit_threads(count.get())?;
    }
    command(&settings, &mut Session::new(&settings))
}
