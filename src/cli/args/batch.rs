//! What commands take that run many prompts.

use std::path::PathBuf;

use clap::Args;

/// Many prompts in the place of one.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Many prompts")]
pub struct BatchArgs {
    /// File of prompts: one on each line, or a JSON object on each, {"text": "…", "id": "…"}; - is standard input. Prints
    /// means over all of them, each with the interval that covers 95 % of bootstrapped means, and the prompts that
    /// deviate most
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompt", "prompt_file", "ids"])]
    pub prompts: Option<PathBuf>,
    /// File for a line of JSON with what is found of each prompt; where it is there already, the run goes on at its end
    #[arg(long, value_name = "FILE", requires = "prompts",
        conflicts_with_all = ["prompt", "prompt_file", "ids"])]
    pub results: Option<PathBuf>,
}
