//! What an export is written as.

use std::fmt;
use std::str::FromStr;

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table; of all heads, a list.
    Csv,
    /// An object with tokens, matrix, sinks, next tokens and recipe.
    Json,
    /// Arrays, as numpy stores them.
    Npz,
    /// Tensors, as the model hub stores them.
    Safetensors,
    /// A figure, as vectors.
    Svg,
    /// A figure, as pixels.
    Png,
    /// A page that shows values where one points.
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 7] =
        [Format::Csv, Format::Json, Format::Npz, Format::Safetensors, Format::Svg, Format::Png, Format::Html];

    /// Its name, which is the ending of its files.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Npz => "npz",
            Format::Safetensors => "safetensors",
            Format::Svg => "svg",
            Format::Png => "png",
            Format::Html => "html",
        }
    }

    /// What is in it, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Format::Csv => {
                "A table; with all heads, a list. pandas.read_csv(FILE, comment=\"#\") reads it: the first line is the \
                 recipe"
            }
            Format::Json => "An object with tokens, matrix, sinks, next tokens and recipe",
            Format::Npz => "Arrays for numpy.load, tokens among them",
            Format::Safetensors => {
                "Tensors, as the model hub stores them; tokens are in the metadata, as JSON"
            }
            Format::Svg => "A figure, as vectors; of two models beside each other; with all heads, a grid",
            Format::Png => "The same figure, as pixels",
            Format::Html => {
                "A page that stands alone and shows values where one points; with all heads, a list of them"
            }
        }
    }

    /// Whether it is no text.
    pub fn is_binary(self) -> bool {
        matches!(self, Format::Npz | Format::Safetensors | Format::Png)
    }

    /// Whether it shows values as colours, of one model or of two beside each other.
    pub fn is_figure(self) -> bool {
        match self {
            Format::Csv | Format::Json | Format::Npz | Format::Safetensors => false,
            Format::Svg | Format::Png | Format::Html => true,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no format.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no format: use {known}", known = Format::ALL.map(Format::name).join(", "))]
pub struct ParseFormatError(String);

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let format = Format::ALL.into_iter().find(|format| format.name() == text);
        format.ok_or_else(|| ParseFormatError(text.to_owned()))
    }
}
