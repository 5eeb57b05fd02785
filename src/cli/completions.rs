//! `attnscope completions`: what a shell needs to complete commands and flags.

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs};
use super::failure::Failure;

/// Writes the completions of a shell.
///
/// # Errors
/// If standard output refuses.
pub fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    // The generator takes a closed pipe for a mistake of ours.
    let mut completions = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "attnscope", &mut completions);
    Ok(io::stdout().write_all(&completions)?)
}
