//! What each command takes.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap_complete::Shell;

use super::batch::BatchArgs;
use super::shared::{InputArgs, ModelsArgs, ViewerArgs};
use crate::cli::values::{listed, one_of, parse_scale, whole};
use crate::export::{Selection, Subject};
use crate::vocabulary::{
    Background, ColorMap, ColorRange, ColorScale, ExportFormat, Granularity, Normalisation, Pooling,
    RowReading, View,
};

/// Tokens that no model reads at once: more is a slip.
const MOST_TOKENS: u64 = 10_000_000;

#[derive(Debug, Args)]
pub struct PrintArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// Which matrix: mean, layer:3, head:3.5, group:3.1 (from zero), sliding, full, rollout,
    /// or value-weighted:mean, value-weighted:layer:3, value-weighted:head:3.5
    #[arg(long, default_value_t)]
    pub view: View,
    /// What rows are named by: the token that is read there, or the one that is predicted from it
    #[arg(long, value_name = "ROWS", default_value_t, value_parser = one_of::<RowReading>())]
    pub rows: RowReading,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// File of prompts in the place of one: one on each line, or a JSON object on each, {"text": "…", "id": "…"}; - is
    /// standard input. All of them go into one npz. Until that is done, each is a file in a folder beside it whose name ends
    /// in .partial, and the same command goes on where a run was stopped
    #[arg(long, value_name = "FILE",
        conflicts_with_all = ["prompt", "prompt_file", "ids", "segments", "token", "versus", "FigureArgs"])]
    pub prompts: Option<PathBuf>,
    #[arg(long, default_value_t = Selection::One(View::Mean).into(), help = Subject::CHOICES)]
    pub view: Subject,
    /// What segments are cut by, with --view segments:mean: auto, chat, paragraphs, sentences, or a JSON file of bytes of
    /// the prompt: [{"name": "question", "start": 0, "end": 12}]
    #[arg(long, value_name = "BY")]
    pub segments: Option<String>,
    /// The next token that heads push, with --view pushed:mean: its id, or its text with the blank before it; text that is
    /// a number with text: before it. Without it, the likeliest
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub token: Option<String>,
    /// Another next token, whose logit is taken off, with --view pushed:mean; without it, the mean of all logits is
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub versus: Option<String>,
    #[arg(long, value_parser = one_of::<ExportFormat>(), help = format_help())]
    pub format: Option<ExportFormat>,
    #[arg(long, value_name = "FILE", help = out_help())]
    pub out: PathBuf,
    /// What rows are named by: the token that is read there, or the one that is predicted from it
    #[arg(long, value_name = "ROWS", default_value_t, value_parser = one_of::<RowReading>())]
    pub rows: RowReading,
    #[command(flatten)]
    pub figure: FigureArgs,
}

/// How a figure looks. Without any of these, as the viewer would show it, on white.
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Figures")]
pub struct FigureArgs {
    /// What rows are divided by
    #[arg(long, value_name = "RULE", value_parser = one_of::<Normalisation>())]
    pub normalisation: Option<Normalisation>,
    /// Left minus right on one scale around zero, by the pieces of text that both models have tokens of, or by words
    #[arg(long, value_name = "BY", num_args = 0..=1, default_missing_value = "pieces",
        value_parser = one_of::<Granularity>())]
    pub difference: Option<Granularity>,
    /// How values become heights on the colour scale
    #[arg(long, value_name = "CURVE", value_parser = one_of::<ColorScale>())]
    pub curve: Option<ColorScale>,
    /// Where the colour scale ends: shared (at the top of both models), own (each model at its own top), or a value
    /// above 0, up to 1
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true, value_parser = ColorRange::from_str)]
    pub range: Option<ColorRange>,
    /// Which value a pixel has that stands for several cells of a long prompt
    #[arg(long, value_name = "RULE", value_parser = one_of::<Pooling>())]
    pub pooling: Option<Pooling>,
    /// Colour map: viridis, cividis, magma or blues; without it, that of config.toml
    #[arg(long, value_name = "NAME", value_parser = ColorMap::from_str)]
    pub colormap: Option<ColorMap>,
    /// Background of the figure
    #[arg(long, value_parser = one_of::<Background>())]
    pub theme: Option<Background>,
    /// Leave out the recipe under the figure; it stays in the file
    #[arg(long)]
    pub no_caption: bool,
    /// Size of a png: pixels for each unit of the figure, from 0.25 to 8; without it, 2
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_scale)]
    pub scale: Option<f32>,
}

#[derive(Debug, Args)]
pub struct RenderArgs {
    /// A file that was exported, or a recipe as JSON: what is in every exported file
    #[arg(value_name = "FILE")]
    pub recipe: PathBuf,
    /// File to write, which is replaced if it is there; - is standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub batch: BatchArgs,
    /// Which matrix of both: mean, layer:3, head:3.5, group:3.1 (from zero), sliding, full or rollout
    #[arg(long, default_value_t)]
    pub view: View,
    /// Compare head by head two models of one shape with one tokenizer, those heads first that are furthest apart
    #[arg(long, conflicts_with_all = ["view", "words", "report"])]
    pub heads: bool,
    /// How many heads to list, the first ones; without it, all
    #[arg(long, value_name = "N", requires = "heads", allow_hyphen_values = true,
        value_parser = whole::<usize>("number of heads", 0..=u64::MAX))]
    pub top: Option<usize>,
    /// What rows are named by: the token that is read there, or the one that is predicted from it
    #[arg(long, value_name = "ROWS", default_value_t, value_parser = one_of::<RowReading>())]
    pub rows: RowReading,
    /// Compare whole words, not the finest pieces that both have tokens of
    #[arg(long)]
    pub words: bool,
    /// File to write a page to (HTML that stands alone), which is replaced if it is there; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "prompts"])]
    pub report: Option<PathBuf>,
    /// An object with all numbers in place of the list
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Only this model; may be given several times. Without it, every model that numbers were published of
    #[arg(long = "model", value_name = "MODEL", conflicts_with = "pair")]
    pub models: Vec<String>,
    /// Name of a pair in config.toml: only its models
    #[arg(long, value_name = "NAME")]
    pub pair: Option<String>,
    /// Numbers to expect, in place of the published ones
    #[arg(long, value_name = "FILE", hide = true)]
    pub expected: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    /// Tokens to read at a time, separated by commas; without it, those of 5,32,128,512,1024 that the model can read
    #[arg(long, value_name = "TOKENS", value_delimiter = ',', allow_hyphen_values = true,
        value_parser = listed::<usize>("number of tokens", 1..=MOST_TOKENS))]
    pub lengths: Option<Vec<usize>>,
    /// Passes that are timed at each length, after one that isn't
    #[arg(long, value_name = "N", default_value = "5", allow_hyphen_values = true,
        value_parser = whole::<usize>("number of passes", 1..=10_000))]
    pub repeats: usize,
    /// Tokens that the model then writes behind those it read, one pass each, all of them timed
    #[arg(long, value_name = "N", default_value = "0", allow_hyphen_values = true,
        value_parser = whole::<usize>("number of tokens", 0..=MOST_TOKENS))]
    pub generate: usize,
    /// One line of JSON for each model
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ScreenshotArgs {
    #[command(flatten)]
    pub viewer: ViewerArgs,
    /// Keys to press first, separated by blanks, as config.toml spells them: "enter ] tab"
    #[arg(long, value_name = "KEYS", default_value = "", allow_hyphen_values = true)]
    pub keys: String,
    /// Columns of the screen
    #[arg(long, value_name = "N", default_value_t = 120, allow_hyphen_values = true,
        value_parser = whole::<u16>("number of columns", 1..=1000))]
    pub width: u16,
    /// Rows of the screen
    #[arg(long, value_name = "N", default_value_t = 36, allow_hyphen_values = true,
        value_parser = whole::<u16>("number of rows", 1..=1000))]
    pub height: u16,
    /// File to write, which is replaced if it is there; - is standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What of the settings; without any of these, `--show`.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct ConfigArgs {
    /// Print every setting as TOML, each with the place where it was made
    #[arg(long)]
    pub show: bool,
    /// Print where the file of settings is looked for
    #[arg(long)]
    pub path: bool,
    /// Write that file, every setting in it explained and commented out, unless it is there
    #[arg(long)]
    pub init: bool,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// List the families of models that can be run instead: their `model_type`, and models that people know
    #[arg(long)]
    pub families: bool,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell's
    pub shell: Shell,
}

/// What `--out` takes.
fn out_help() -> String {
    let endings = ExportFormat::ALL.map(|format| format!(".{format}"));
    let (last, others) =
        (endings.last().cloned().unwrap_or_default(), endings[..endings.len() - 1].join(", "));
    format!(
        "File to write, whose format is what its name ends in: {others} or {last}. A file that is there is replaced; - is \
         standard output"
    )
}

/// What `--format` takes.
fn format_help() -> String {
    format!(
        "What to write, if the name of the file doesn't end in it. {} show two models in one file; of {} each model has its own: FILE with -left and -right \
         before its ending",
        ExportFormat::list(true, "and"),
        ExportFormat::list(false, "and")
    )
}
