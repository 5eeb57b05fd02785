//! The command line as it is typed. [`settings`](super::settings) makes sense of it.

mod explain;

use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::values::{
    DtypeName, EngineName, about_background, about_curve, about_granularity, about_normalisation,
    about_pooling, one_of, parse_device, parse_scale, parse_temperature, parse_top_p,
};
use crate::attention::alignment::Granularity;
use crate::attention::{Curve, Normalisation, Pooling, View};
use crate::config::Threads;
use crate::export::{ColorRange, Format, Selection};
use crate::model::DeviceChoice;
use crate::theme::{Background, ColorMap};
pub use explain::{AblateArgs, HeadsArgs};

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
  attnscope print --model demo:gpt2                the article's printout
  attnscope export --model ./my-gpt2 --ids 1,2,3 --format safetensors --view all --out heads.safetensors

A model is org/name[@revision] on the hub, a folder, or demo:gpt2 or demo:gpt-oss.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print tokens and attention as the article does
    Print(PrintArgs),
    /// Write attention to a file
    Export(ExportArgs),
    /// List every head with what it does, in numbers
    Heads(HeadsArgs),
    /// Switch heads off and show what changes: next tokens, and the other heads
    Ablate(AblateArgs),
    /// Recompute the published numbers and say pass or FAIL, row by row
    Verify(VerifyArgs),
    /// Time passes with everything captured, beside what this machine could do at best
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
    /// Draw next tokens by chance, at this temperature: from 0, the likeliest, up
    #[arg(long, value_name = "T", value_parser = parse_temperature)]
    pub temperature: Option<f64>,
    /// Draw next tokens from the likeliest that together have this probability
    #[arg(long, value_name = "P", value_parser = parse_top_p)]
    pub top_p: Option<f64>,
    /// Draw next tokens, the same ones for the same number
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Where models run: auto, cpu, cuda, cuda:N or metal
    #[arg(long, global = true, value_name = "DEVICE", value_parser = parse_device)]
    pub device: Option<DeviceChoice>,
    /// What computes attention and experts
    #[arg(long, global = true, value_name = "ENGINE")]
    pub engine: Option<EngineName>,
    /// How dense weights are held
    #[arg(long, global = true, value_name = "DTYPE")]
    pub dtype: Option<DtypeName>,
    /// Threads that compute: a number, or auto for one per core
    #[arg(long, global = true, value_name = "N", value_parser = Threads::from_str)]
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
    /// Tokens by number, separated by commas; needs no tokenizer
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
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

#[derive(Debug, Args)]
pub struct PrintArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// Which matrix: mean, layer:3, head:3.5, group:3.1 (from zero), sliding, full or rollout
    #[arg(long, default_value_t)]
    pub view: View,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Model to read with; given twice, a figure has both, and numbers go to two files, FILE with -left and -right
    /// before its ending
    #[arg(long = "model", value_name = "MODEL", conflicts_with = "pair", required_unless_present = "pair")]
    pub models: Vec<String>,
    /// Name of a pair in config.toml: as if both of its models were named
    #[arg(long, value_name = "NAME")]
    pub pair: Option<String>,
    #[command(flatten)]
    pub input: InputArgs,
    /// Which matrix: mean, layer:3, head:3.5, group:3.1, sliding, full or rollout; or all, every head
    #[arg(long, default_value_t = Selection::One(View::Mean))]
    pub view: Selection,
    /// What to write
    #[arg(long, value_parser = one_of(&Format::ALL, Format::name, Format::about))]
    pub format: Format,
    /// File to write, which is replaced if it is there; - is standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    #[command(flatten)]
    pub figure: FigureArgs,
}

/// How a figure looks. Without any of these, as the viewer would show it, on white.
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Figures")]
pub struct FigureArgs {
    /// What rows are divided by
    #[arg(long, value_name = "RULE", value_parser = one_of(&Normalisation::ALL, Normalisation::name, about_normalisation))]
    pub normalisation: Option<Normalisation>,
    /// Left minus right on one scale around zero, by the pieces of text that both models have tokens of, or by words
    #[arg(long, value_name = "BY", num_args = 0..=1, default_missing_value = "pieces",
        value_parser = one_of(&Granularity::ALL, Granularity::name, about_granularity))]
    pub difference: Option<Granularity>,
    /// How values become heights on the colour scale
    #[arg(long, value_name = "CURVE", value_parser = one_of(&Curve::ALL, Curve::name, about_curve))]
    pub curve: Option<Curve>,
    /// Where the colour scale ends: shared, at the top of both models; own, of each; or at a value, up to 1
    #[arg(long, value_name = "RANGE", value_parser = ColorRange::from_str)]
    pub range: Option<ColorRange>,
    /// What cells of a long prompt that share a pixel are shown as
    #[arg(long, value_name = "RULE", value_parser = one_of(&Pooling::ALL, Pooling::name, about_pooling))]
    pub pooling: Option<Pooling>,
    /// Colours from nothing to the top: viridis, cividis, magma or blues; else those of config.toml
    #[arg(long, value_name = "NAME", value_parser = ColorMap::from_str)]
    pub colormap: Option<ColorMap>,
    /// What it is drawn on
    #[arg(long, value_parser = one_of(&Background::ALL, Background::name, about_background))]
    pub theme: Option<Background>,
    /// Leave out the recipe under the figure; it stays in the file
    #[arg(long)]
    pub no_caption: bool,
    /// Pixels of a png for each of the figure's own, up to 8; else 2
    #[arg(long, value_name = "N", value_parser = parse_scale)]
    pub scale: Option<f32>,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Only this model; may be given several times
    #[arg(long = "model", value_name = "MODEL")]
    pub models: Vec<String>,
    /// Numbers to expect, in place of the published ones
    #[arg(long, value_name = "FILE", hide = true)]
    pub expected: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    /// Tokens to read at a time, separated by commas
    #[arg(long, value_name = "TOKENS", value_delimiter = ',', default_value = "5,32,128,512,1024")]
    pub lengths: Vec<usize>,
    /// Passes that are timed at each length, after one that isn't
    #[arg(long, value_name = "N", default_value = "5")]
    pub repeats: NonZero<usize>,
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
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub width: u16,
    /// Rows of the screen
    #[arg(long, default_value_t = 36, value_parser = clap::value_parser!(u16).range(1..=1000))]
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
pub struct CompletionsArgs {
    /// Which shell's
    pub shell: Shell,
}

impl GlobalArgs {
    /// The settings that were given as flags: of each its flag, its key, and its value as text.
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        fn name(value: impl ValueEnum) -> Option<String> {
            value.to_possible_value().map(|value| value.get_name().to_owned())
        }
        let given = [
            ("--device", "device", self.device.map(|device| device.to_string())),
            ("--engine", "engine", self.engine.and_then(name)),
            ("--dtype", "dtype", self.dtype.and_then(name)),
            ("--threads", "threads", self.threads.map(|threads| threads.to_string())),
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
            "attnscope --prompt a --prompt-file b",
            "attnscope print --model m --pair demo",
            "attnscope print --prompt a --ids 1",
            "attnscope export --format csv --out -",
            "attnscope export --model m --format bmp --out -",
            "attnscope export --model m --format svg --out - --range 2",
            "attnscope export --model m --format svg --out - --normalisation none",
            "attnscope export --model m --format svg --out - --difference lines",
            "attnscope print --view all",
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
