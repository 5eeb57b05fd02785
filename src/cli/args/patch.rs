//! What `attnscope patch` takes.

use clap::Args;

use super::file::FileArgs;
use super::shared::{InputArgs, ModelsArgs};
use crate::cli::values::{one_of, whole};
use crate::vocabulary::Patched;

#[derive(Debug, Args)]
pub struct PatchArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    /// Two prompts of equal length in tokens, each with a --prompt of its own: parts of the pass over the first one are put into
    /// the pass over the second one
    #[command(flatten)]
    pub input: InputArgs,
    /// What is put there, one at a time
    #[arg(long, value_name = "WHAT", default_value_t, value_parser = one_of::<Patched>())]
    pub what: Patched,
    /// The next token that the first prompt speaks for: its id, or its text with the blank before it; text that is a number
    /// with text: before it. Without it, the likeliest one there
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub token: Option<String>,
    /// The next token that the second prompt speaks for; without it, the likeliest one there
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub versus: Option<String>,
    /// Print all effects as a map, a row per layer, in place of the table
    #[arg(long, conflicts_with_all = ["json", "csv", "format", "out"])]
    pub map: bool,
    /// How many places to list, those with the largest effect; with --json and --csv, all without it
    #[arg(long, value_name = "N", allow_hyphen_values = true, conflicts_with_all = ["format", "out"],
        value_parser = whole::<usize>("number of places", 0..=u64::MAX))]
    pub top: Option<usize>,
    /// An object with all numbers in place of the table
    #[arg(long, conflicts_with_all = ["csv", "format", "out"])]
    pub json: bool,
    /// A line of CSV for each place
    #[arg(long, conflicts_with_all = ["format", "out"])]
    pub csv: bool,
    #[command(flatten)]
    pub file: FileArgs,
}
