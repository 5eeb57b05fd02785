//! The command line as it is typed. [`settings`](super::settings) makes sense of it.
//!
//! To add a command: its flags in `commands` or `explain`, its variant here, and its file in [`cli`](super).

mod batch;
mod commands;
mod effect;
mod explain;
mod file;
mod generate;
mod patch;
mod push;
mod segments;
mod shared;

pub use batch::BatchArgs;
pub use commands::{
    BenchArgs, CompareArgs, CompletionsArgs, ConfigArgs, ExportArgs, FigureArgs, ListArgs, PrintArgs,
    RenderArgs, ScreenshotArgs, VerifyArgs,
};
pub use effect::EffectArgs;
pub use explain::{AblateArgs, HeadsArgs, LensArgs, SweepArgs};
pub use file::FileArgs;
pub use generate::GenerateArgs;
pub use patch::PatchArgs;
pub use push::PushArgs;
pub use segments::{SegmentsArgs, SinksArgs};
pub use shared::{ChatArgs, GlobalArgs, InputArgs, ModelsArgs, SamplingArgs, ViewerArgs};

use clap::{Parser, Subcommand};

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

A model is org/name[@revision][:file.gguf] on the hub, a folder, or demo:gpt2 or demo:gpt-oss.";

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
    /// Switch each head off by itself and show how far the next token moves
    Sweep(SweepArgs),
    /// Compare the attention of two models to the same text, as a list or as a page
    Compare(CompareArgs),
    /// Go on with a text token by token, and say where each token looked
    Generate(GenerateArgs),
    /// Show what each layer would predict
    Lens(LensArgs),
    /// Show what each head adds to the logit of a next token, and through which keys
    Push(PushArgs),
    /// Put parts of the pass over one prompt into the pass over another, and show how far each brings the next token
    Patch(PatchArgs),
    /// Hide spans of a prompt from all behind them, and show what becomes of the next token
    Effect(EffectArgs),
    /// Show how much the segments of a prompt look at each other: turns, paragraphs, sentences, or named bytes
    Segments(SegmentsArgs),
    /// Show what heads give to no word: learned sinks, tokens that are sinks, and massive activations behind them
    Sinks(SinksArgs),
    /// Recompute the published numbers and say pass or FAIL, row by row
    Verify(VerifyArgs),
    /// Measure how long a pass with everything captured takes, and how long this machine needs at least
    Bench(BenchArgs),
    /// List the models that are here: embedded, cached, configured
    Models(ListArgs),
    /// Draw the viewer's screen into an SVG file, without a terminal
    Screenshot(ScreenshotArgs),
    /// Show every setting and where it was made, or write a file to begin with
    Config(ConfigArgs),
    /// Write completions for a shell to standard output
    Completions(CompletionsArgs),
    /// Write the manual page to standard output
    Man,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::DeviceChoice;
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
            "attnscope generate --tokens 0",
            "attnscope generate --format npz",
            "attnscope push --json --out a.svg",
            "attnscope generate --json --format npz --out a.npz",
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
