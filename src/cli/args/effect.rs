//! What `attnscope effect` takes.

use clap::Args;
use std::ops::Range;

use super::file::FileArgs;
use super::shared::{InputArgs, ModelsArgs};

#[derive(Debug, Args)]
pub struct EffectArgs {
    #[command(flatten)]
    pub models: ModelsArgs,
    #[command(flatten)]
    pub input: InputArgs,
    /// Tokens to hide together: FIRST:END, counted from zero, END being the first one behind them; may be given several
    /// times, and each is hidden alone
    #[arg(long = "span", value_name = "FIRST:END", value_parser = parse_span, conflicts_with_all = ["words", "by"])]
    pub spans: Vec<Range<usize>>,
    /// Hide each word alone
    #[arg(long, conflicts_with = "by")]
    pub words: bool,
    /// Hide each sentence alone: as --by sentences
    #[arg(long, conflicts_with_all = ["by", "words", "spans"])]
    pub sentences: bool,
    /// Hide each segment alone, cut by: auto (the chat template, else blank lines, else sentences), chat, paragraphs,
    /// sentences, or a JSON file of bytes of the prompt: [{"name": "question", "start": 0, "end": 12}]. Without any of
    /// these, auto
    #[arg(long, value_name = "BY")]
    pub by: Option<String>,
    /// The next token whose probability is followed: its id, or its text with the blank before it; text that is a number
    /// with text: before it. Without it, the likeliest
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub token: Option<String>,
    /// An object with all numbers in place of the table
    #[arg(long, conflicts_with_all = ["csv", "format", "out"])]
    pub json: bool,
    /// A line of CSV for each span
    #[arg(long, conflicts_with_all = ["format", "out"])]
    pub csv: bool,
    #[command(flatten)]
    pub file: FileArgs,
}

/// Reads a span of tokens.
fn parse_span(text: &str) -> Result<Range<usize>, String> {
    let numbers =
        text.split_once(':').and_then(|(start, end)| Some((start.parse().ok()?, end.parse().ok()?)));
    numbers.filter(|(start, end)| start < end).map(|(start, end)| start..end).ok_or_else(|| {
        format!("'{text}' is no span of tokens: give the first one and the first one behind it, as in 3:7")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_beginning_and_an_end() {
        assert_eq!(parse_span("3:7"), Ok(3..7));
        for text in ["", "3", "7:3", "3:3", "a:b", ":", "3:", "-1:2", "3:7:9"] {
            assert!(parse_span(text).unwrap_err().contains("as in 3:7"), "{text}");
        }
    }
}
