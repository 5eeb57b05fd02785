//! Flags that several commands take.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::attention::Ablation;
use crate::cli::values::{listed, one_of, parse_temperature, parse_top_p, whole};
use crate::config::Threads;
use crate::vocabulary::{DeviceChoice, Engine, Precision, Rounding, RowReading};

/// What the viewer starts with.
#[derive(Debug, Default, PartialEq, Args)]
pub struct ViewerArgs {
    /// Name of a pair in config.toml
    #[arg(long, value_name = "NAME", conflicts_with_all = ["left", "right"])]
    pub pair: Option<String>,
    /// One model alone, at full width
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["pair", "left", "right"])]
    pub model: Option<String>,
    /// Model of the left pane
    #[arg(long, value_name = "MODEL")]
    pub left: Option<String>,
    /// Model of the right pane
    #[arg(long, value_name = "MODEL")]
    pub right: Option<String>,
    /// Text to start with
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with = "prompt_file")]
    pub prompt: Option<String>,
    /// File to read the text from, byte for byte; - is standard input
    #[arg(long, value_name = "FILE")]
    pub prompt_file: Option<PathBuf>,
    /// Put beside the model itself with its linear weights rounded; models may also be named so: MODEL~q4_0
    #[arg(long, value_name = "TYPE", alias = "quantize", value_parser = one_of::<Rounding>())]
    pub quantise: Option<Rounding>,
    #[command(flatten)]
    pub chat: ChatArgs,
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// What rows are named by at first: the token that is read there, or the one that is predicted from it
    #[arg(long, value_name = "ROWS", value_parser = one_of::<RowReading>())]
    pub rows: Option<RowReading>,
    /// What the prompt is cut by into segments at first: auto, chat, paragraphs, sentences, or a JSON file of bytes of the
    /// prompt: [{"name": "question", "start": 0, "end": 12}]
    #[arg(long, value_name = "BY")]
    pub segments: Option<String>,
}

/// Whether models read the prompt in their chat template; without any of these, as config.toml says.
#[derive(Debug, Default, PartialEq, Args)]
pub struct ChatArgs {
    /// Put the prompt into each model's own chat template, as the user's turn
    #[arg(long)]
    pub chat: bool,
    /// What the system says before the user, in the chat template
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub system: Option<String>,
    /// Read the prompt as it is, whatever config.toml says
    #[arg(long, conflicts_with_all = ["chat", "system"])]
    pub no_chat: bool,
}

/// How next tokens are drawn. Any of these lets the prompt grow by them from the start.
#[derive(Debug, Default, PartialEq, Args)]
pub struct SamplingArgs {
    /// Draw next tokens by chance, at this temperature: a number from 0 up; 0 takes the likeliest
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = parse_temperature)]
    pub temperature: Option<f64>,
    /// Draw next tokens only from the likeliest that together have this probability: above 0, up to 1
    #[arg(long, value_name = "P", allow_hyphen_values = true, value_parser = parse_top_p)]
    pub top_p: Option<f64>,
    /// Draw next tokens by chance; the same number draws the same tokens
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = whole::<u64>("seed", 0..=u64::MAX))]
    pub seed: Option<u64>,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Where models run: auto, cpu, cuda, cuda:N or metal
    #[arg(long, global = true, value_name = "DEVICE", value_parser = DeviceChoice::from_str)]
    pub device: Option<DeviceChoice>,
    /// What computes attention and experts
    #[arg(long, global = true, value_name = "ENGINE", value_parser = one_of::<Engine>())]
    pub engine: Option<Engine>,
    /// How dense weights are held
    #[arg(long, global = true, value_name = "DTYPE", value_parser = one_of::<Precision>())]
    pub dtype: Option<Precision>,
    /// Threads that compute: a number, or auto for one per core
    #[arg(long, global = true, value_name = "N", allow_hyphen_values = true, value_parser = Threads::from_str)]
    pub threads: Option<Threads>,
    /// Never ask the hub, use what its cache holds
    #[arg(long, global = true)]
    pub offline: bool,
    /// Compute every prompt from its first token on, not from the first one that is new
    #[arg(long, global = true)]
    pub no_cache: bool,
    /// Download without asking
    #[arg(long, global = true)]
    pub yes: bool,
    /// Settings to use in place of the user's config.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// File to write a log to; ATTNSCOPE_LOG says what, as RUST_LOG does
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// What a model reads; without any of these, the prompt of config.toml.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// Text to read; compare, export and patch take two, each with a --prompt of its own
    #[arg(id = "prompt", long, value_name = "TEXT", allow_hyphen_values = true,
        conflicts_with_all = ["prompt_file", "ids"])]
    pub prompts: Vec<String>,
    /// File to read the text from, byte for byte; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "ids")]
    pub prompt_file: Option<PathBuf>,
    /// Token ids to read, separated by commas: 1,2,3; needs no tokenizer
    #[arg(long, value_name = "IDS", value_delimiter = ',', allow_hyphen_values = true,
        conflicts_with_all = ["chat", "system"],
        value_parser = listed::<u32>("token id", 0..=u32::MAX.into()))]
    pub ids: Option<Vec<u32>>,
    #[command(flatten)]
    pub chat: ChatArgs,
    /// Heads to switch off, separated by commas: layer.head, both counted from zero; mean:0.1,2.3 puts what each gives
    /// on average in its place. Given several times, it is of each model in turn; none switches none off
    #[arg(long, value_name = "HEADS", allow_hyphen_values = true, value_parser = Ablation::from_str)]
    pub without: Vec<Ablation>,
}

/// Which models; without any of these, those of the pair that config.toml names.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// A model; may be given several times. Without it, the pair
    #[arg(long = "model", value_name = "MODEL", conflicts_with = "pair")]
    pub named: Vec<String>,
    /// Name of a pair in config.toml: both of its models
    #[arg(long, value_name = "NAME")]
    pub pair: Option<String>,
    /// Put beside the model itself with its linear weights rounded; models may also be named so: MODEL~q4_0
    #[arg(long, value_name = "TYPE", alias = "quantize", value_parser = one_of::<Rounding>())]
    pub quantise: Option<Rounding>,
}

impl GlobalArgs {
    /// The settings that were given as flags: of each its flag, its key, and its value as text.
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        fn text(value: Option<impl ToString>) -> Option<String> {
            value.map(|value| value.to_string())
        }
        let given = [
            ("--device", "device", text(self.device)),
            ("--engine", "engine", text(self.engine)),
            ("--dtype", "dtype", text(self.dtype)),
            ("--threads", "threads", text(self.threads)),
            ("--offline", "offline", self.offline.then(|| "true".to_owned())),
            ("--no-cache", "cache", self.no_cache.then(|| "false".to_owned())),
        ];
        given.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value?))).collect()
    }
}
