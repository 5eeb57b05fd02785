//! What the commands take that explain what a model does.

use std::str::FromStr;

use clap::Args;

use super::batch::BatchArgs;
use super::shared::{InputArgs, ModelsArgs};
use crate::attention::{Ablation, HeadOrder, Statistic};
use crate::cli::values::{one_of, whole};
use crate::vocabulary::{Instead, LayerKind};

#[derive(Debug, Args)]
#[command(after_help = statistics_help())]
pub struct HeadsArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub batch: BatchArgs,
    #[arg(long, value_name = "NUMBER", value_parser = HeadOrder::from_str, help = sort_help())]
    pub sort: Option<HeadOrder>,
    /// Only heads of layers of this kind
    #[arg(long, value_name = "KIND", value_parser = one_of::<LayerKind>())]
    pub layers: Option<LayerKind>,
    /// Only heads that share this key/value head, counted from zero
    #[arg(long, value_name = "N", allow_hyphen_values = true,
        value_parser = whole::<usize>("key/value head", 0..=u64::MAX))]
    pub kv_group: Option<usize>,
    /// How many heads to list, the first ones; without it, all
    #[arg(long, value_name = "N", allow_hyphen_values = true,
        value_parser = whole::<usize>("number of heads", 0..=u64::MAX))]
    pub top: Option<usize>,
    /// A number of all heads as a map in place of the table: a row per layer, a column per head. Without a name,
    /// induction; the names are those of --sort
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = "induction",
        conflicts_with_all = ["json", "sort", "top", "layers", "kv_group", "prompts"], value_parser = Statistic::from_str)]
    pub map: Option<Statistic>,
    /// An object with all numbers in place of the table
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AblateArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// Heads to switch off, separated by commas: layer.head, both counted from zero
    #[arg(long, value_name = "HEADS", allow_hyphen_values = true, value_parser = Ablation::from_str)]
    pub heads: Ablation,
    /// How many heads to list, those whose pattern moved most
    #[arg(long, value_name = "N", default_value_t = 10, allow_hyphen_values = true,
        value_parser = whole::<usize>("number of heads", 0..=u64::MAX))]
    pub top: usize,
    /// An object with all numbers in place of the tables
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SweepArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub batch: BatchArgs,
    /// What stands in the place of the head that is off: zero, or mean, what it gives on average over the prompt. Without
    /// it, zero; where --without switches others off, what stands in theirs, and nothing else can
    #[arg(long, value_name = "WHAT", value_parser = one_of::<Instead>())]
    pub by: Option<Instead>,
    /// How many heads to list, those that the next token needs most
    #[arg(long, value_name = "N", default_value_t = 20, allow_hyphen_values = true,
        value_parser = whole::<usize>("number of heads", 0..=u64::MAX))]
    pub top: usize,
    /// All heads as a map in place of the list: a row per layer, a column per head
    #[arg(long, conflicts_with_all = ["json", "prompts"])]
    pub map: bool,
    /// An object with all heads in place of the list
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct LensArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// Position of the token after which layers predict, counted from zero; without it, the last token
    #[arg(long, value_name = "N", allow_hyphen_values = true,
        value_parser = whole::<usize>("place of a token", 0..=u64::MAX))]
    pub token: Option<usize>,
    /// How many of the likeliest tokens to list for each layer
    #[arg(long, value_name = "K", default_value = "3", allow_hyphen_values = true,
        value_parser = whole::<usize>("number of tokens", 1..=u64::MAX))]
    pub top: usize,
    /// An object with all numbers in place of the table
    #[arg(long)]
    pub json: bool,
}

/// What `--sort` takes.
fn sort_help() -> String {
    let ids = |on_repeated: bool| {
        let listed = Statistic::ALL.into_iter().filter(|it| it.is_on_repeated_tokens() == on_repeated);
        listed.map(Statistic::id).collect::<Vec<_>>().join(", ")
    };
    format!(
        "What comes first: the largest {}; {} on repeated random tokens; push, to the logit of the likeliest next \
         token; or head, for the order of the model. Without it, {}; with --prompts, which has the numbers over \
         prompts only, {}",
        ids(false),
        ids(true),
        HeadOrder::default(),
        Statistic::PromptInduction.id()
    )
}

/// What each statistic is, under the help.
fn statistics_help() -> String {
    let line = |it: Statistic| format!("\n  {:17}{}", it.id(), it.explanation());
    let lines: String = Statistic::ALL.map(line).concat();
    format!("Numbers (A is attention, q a query, k a key):{lines}")
}
