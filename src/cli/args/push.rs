//! What `attnscope push` takes.

use clap::Args;

use super::file::FileArgs;
use super::shared::{InputArgs, ModelsArgs};
use crate::cli::values::whole;

#[derive(Debug, Args)]
pub struct PushArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// Position of the token that the next one is predicted after, counted from zero; without it, the last token
    #[arg(long, value_name = "N", allow_hyphen_values = true,
        value_parser = whole::<usize>("place of a token", 0..=u64::MAX))]
    pub query: Option<usize>,
    /// The next token: its id, or its text with the blank before it; text that is a number with text: before it.
    /// Without it, the likeliest
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub token: Option<String>,
    /// Another next token, whose logit is taken off; without it, the mean of all logits is
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub versus: Option<String>,
    /// How many parts to list, those that push most; with --json and --csv, all without it
    #[arg(long, value_name = "N", allow_hyphen_values = true, conflicts_with_all = ["format", "out"],
        value_parser = whole::<usize>("number of parts", 0..=u64::MAX))]
    pub top: Option<usize>,
    /// An object with all numbers in place of the table
    #[arg(long, conflicts_with_all = ["csv", "format", "out"])]
    pub json: bool,
    /// A line of CSV for each part, and for each head and key
    #[arg(long, conflicts_with_all = ["format", "out"])]
    pub csv: bool,
    #[command(flatten)]
    pub file: FileArgs,
}
