//! The command line as it is typed. [`settings`](super::settings) makes sense of it.

mod commands;
mod explain;

pub use commands::*;
pub use explain::{AblateArgs, HeadsArgs, LensArgs};

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};

use super::values::{listed, one_of, parse_temperature, parse_top_p, whole};
use crate::config::Threads;
use crate::vocabulary::{DeviceChoice, Engine, Precision};

/// An oscilloscope for LLM attention, in a terminal.
///
/// Without a command, two models side by side: those of the pair that config.toml names.
#[derive(Debug, Parser)]
#[command(name = "attnscope", version, after_help = EXAMPLES, subcommand_negates_reqs = true)]
pub struct Cli {
    #[command(flatten)]
    pub viewer: ViewerArgs,
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What is shown under the help.
pub const EXAMPLES: &str = "Examples:
  attnscope                                        the two small models in the binary
  attnscope --pair article --prompt 'Once upon'    gpt2 beside gpt-oss-20b
  attnscope --model openai-community/gpt2          one model at full width
  attnscope print --model demo:gpt2                the article's printout
  attnscope export --model ./my-gpt2 --ids 1,2,3 --format safetensors --view all --out heads.safetensors
  attnscope export --pair article --format png --out figure.png    both models with one colour bar

A model is org/name[@revision] on the hub, a folder, or demo:gpt2 or demo:gpt-oss.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print tokens and attention as the article does
    Print(PrintArgs),
    /// Write attention to a file
    Export(ExportArgs),
    /// Make an exported file again, from the recipe in it
    Render(RenderArgs),
    /// List every head with what it does, in numbers
    Heads(HeadsArgs),
    /// Switch heads off and show what changes: next tokens, and the other heads
    Ablate(AblateArgs),
    /// Compare the attention of two models to the same text, as a list or as a page
    Compare(CompareArgs),
    /// Show what each layer would predict
    Lens(LensArgs),
    /// Recompute the published numbers and say pass or FAIL, row by row
    Verify(VerifyArgs),
    /// Measure how long a pass with everything captured takes, and how long this machine needs at least
    Bench(BenchArgs),
    /// List the models that are here: embedded, cached, configured
    Models,
    /// Draw the viewer's screen into an SVG file, without a terminal
    Screenshot(ScreenshotArgs),
    /// Show every setting and where it was made, or write a file to begin with
    Config(ConfigArgs),
    /// Write completions for a shell to standard output
    Completions(CompletionsArgs),
    /// Write the manual page to standard output
    Man,
}

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
    #[command(flatten)]
    pub sampling: SamplingArgs,
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
#[group(multiple = false)]
pub struct InputArgs {
    /// Text to read
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// File to read the text from, byte for byte; - is standard input
    #[arg(long, value_name = "FILE")]
    pub prompt_file: Option<PathBuf>,
    /// Token ids to read, separated by commas: 1,2,3; needs no tokenizer
    #[arg(long, value_name = "IDS", value_delimiter = ',', allow_hyphen_values = true,
        value_parser = listed::<u32>("token id", 0..=u32::MAX.into()))]
    pub ids: Option<Vec<u32>>,
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
        ];
        given.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_go_before_or_after_the_command() {
        for line in ["attnscope --device cuda:1 models", "attnscope models --device cuda:1"] {
            assert_eq!(parse(line).unwrap().global.device, Some(DeviceChoice::Cuda(1)), "{line}");
        }
    }

    #[test]
    fn a_prompt_may_begin_with_a_dash() {
        let cli = parse("attnscope --prompt -x").unwrap();
        assert_eq!(cli.viewer.prompt.as_deref(), Some("-x"));
    }

    #[test]
    fn ids_are_numbers_between_commas() {
        let line = "attnscope export --model m --format csv --out - --ids ";
        let Some(Command::Export(args)) = parse(&format!("{line}1,2,3")).unwrap().command else { panic!() };
        assert_eq!(args.input.ids, Some(vec![1, 2, 3]));
        for ids in ["", "1,,2", "-1", "x", "4294967296"] {
            assert!(parse(&format!("{line}{ids}")).is_err(), "{ids}");
        }
    }

    #[test]
    fn what_excludes_each_other_is_refused() {
        for line in [
            "attnscope --pair demo --left m",
            "attnscope --model m --right n",
            "attnscope --model m --pair demo",
            "attnscope --prompt a --prompt-file b",
            "attnscope print --model m --pair demo",
            "attnscope print --prompt a --ids 1",
            "attnscope export --model m --format bmp --out -",
            "attnscope export --model m --format svg --out - --range 2",
            "attnscope export --model m --format svg --out - --normalisation none",
            "attnscope export --model m --format svg --out - --difference lines",
            "attnscope print --view all",
            "attnscope compare --json --report a.html",
            "attnscope --threads 0",
            "attnscope --temperature -1",
            "attnscope --temperature nan",
            "attnscope --top-p 0",
            "attnscope --top-p 1.5",
            "attnscope --seed x",
            "attnscope heads --sort size",
            "attnscope heads --layers wide",
            "attnscope --device gpu",
            "attnscope config --show --init",
            "attnscope completions csh",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
