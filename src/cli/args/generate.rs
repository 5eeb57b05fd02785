//! What `attnscope generate` takes.

use std::path::PathBuf;

use clap::Args;

use super::batch::BatchArgs;
use super::shared::{InputArgs, ModelsArgs, SamplingArgs};
use crate::cli::values::{one_of, whole};
use crate::config::MOST_GENERATED;
use crate::export::Selection;
use crate::vocabulary::{ExportFormat, RowReading, View};

#[derive(Debug, Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub batch: BatchArgs,
    /// Tokens to write, at most; without it, as config.toml says. A model also ends its text by itself
    #[arg(long, value_name = "N", allow_hyphen_values = true,
        value_parser = whole::<usize>("number of tokens", 1..=MOST_GENERATED))]
    pub tokens: Option<usize>,
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// A line of JSON for each token in place of the text: its probability, the likeliest tokens, and the shares of its
    /// row that go to the sink, to the first token, to the rest of the prompt, and to what was generated
    #[arg(long, conflicts_with_all = ["format", "out"])]
    pub json: bool,
    /// How many of the likeliest tokens --json lists for each token
    #[arg(long, value_name = "K", default_value = "5", allow_hyphen_values = true,
        value_parser = whole::<usize>("number of tokens", 0..=10))]
    pub top: usize,
    /// Which matrix shares are of, and a file holds: mean, layer:3, head:3.5, group:3.1, sliding, full, rollout, or all,
    /// every head, whose shares are those of the mean
    #[arg(long, default_value_t = Selection::One(View::Mean))]
    pub view: Selection,
    /// Which row tells of a token: the one at which it is read, or the one that it was predicted from
    #[arg(long, value_name = "ROWS", default_value_t, value_parser = one_of::<RowReading>())]
    pub rows: RowReading,
    /// What the file is, if its name doesn't end in it
    #[arg(long, requires = "out", value_parser = one_of::<ExportFormat>())]
    pub format: Option<ExportFormat>,
    /// File to write the attention of the whole text to, in place of the text: all rows, and the shares of each token. What
    /// its name ends in says the format. A file that is there is replaced; - is standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: Option<PathBuf>,
}
