//! What is written to a file, how, and how that ended.

use crate::attention::View;
use crate::attention::alignment::Granularity;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportContent {
    /// The matrix of a view, as the model computed it.
    View(View),
    /// Every head of every layer.
    AllHeads,
    /// Both panes beside each other.
    Panes,
    /// Left minus right, by these pieces.
    Difference(Granularity),
    /// What is on screen, as a picture.
    Screen,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A table; of all heads, a list.
    Csv,
    /// An object with tokens, matrix, sinks, next tokens and recipe.
    Json,
    /// Arrays, as numpy stores them.
    Npz,
    /// Tensors, as the model hub stores them.
    Safetensors,
    /// A picture, as vectors.
    Svg,
    /// A picture, as pixels.
    Png,
    /// A page to point at.
    Html,
}

impl ExportFormat {
    /// Its name, which is the ending of its files.
    pub fn name(self) -> &'static str {
        match self {
            ExportFormat::Csv => "csv",
            ExportFormat::Json => "json",
            ExportFormat::Npz => "npz",
            ExportFormat::Safetensors => "safetensors",
            ExportFormat::Svg => "svg",
            ExportFormat::Png => "png",
            ExportFormat::Html => "html",
        }
    }

    /// Whether it shows values as colours, by the rules that are on.
    pub fn is_figure(self) -> bool {
        matches!(self, ExportFormat::Svg | ExportFormat::Png | ExportFormat::Html)
    }
}

/// A row of the dialog: what, and how.
pub type ExportChoice = (ExportContent, ExportFormat);

/// How the writing of a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    /// It is there, at this path.
    Written(String),
    /// There was one of that name already, which stayed as it is.
    Exists,
    /// What went wrong, where, and what to do.
    Failed(String),
}
