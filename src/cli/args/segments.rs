//! What `attnscope segments` and `attnscope sinks` take.

use clap::Args;

use super::file::FileArgs;
use super::shared::{InputArgs, ModelsArgs};
use crate::vocabulary::View;

#[derive(Debug, Args)]
pub struct SegmentsArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// What the prompt is cut by: auto (the chat template, else blank lines, else sentences), chat, paragraphs, sentences,
    /// or a JSON file of bytes of the prompt: [{"name": "question", "start": 0, "end": 12}]
    #[arg(long, value_name = "BY", default_value = "auto", alias = "segments")]
    pub by: String,
    /// Which matrix: mean, layer:3, head:3.5, group:3.1 (from zero), sliding, full, rollout,
    /// or value-weighted:mean, value-weighted:layer:3, value-weighted:head:3.5
    #[arg(long, default_value_t)]
    pub view: View,
    /// An object with all numbers in place of the table: also the bar of each query, and every head's lookback ratio
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Comma-separated values in place of the table, a line for each two segments
    #[arg(long)]
    pub csv: bool,
}

#[derive(Debug, Args)]
pub struct SinksArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// An object with all numbers in place of the tables: every head, every key, every massive activation
    #[arg(long, conflicts_with_all = ["csv", "format", "out"])]
    pub json: bool,
    /// A line of CSV for each number: of every head, every key, and the residual stream after every layer
    #[arg(long, conflicts_with_all = ["format", "out"])]
    pub csv: bool,
    #[command(flatten)]
    pub file: FileArgs,
}
