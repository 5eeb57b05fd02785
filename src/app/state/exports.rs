//! What is written to a file, how, and how that ended.

use crate::attention::alignment::Granularity;
use crate::attention::{Statistic, View};
use crate::vocabulary::{ExportFormat, SegmentRule, TextColoring};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportContent {
    /// The matrix of a view, as the model computed it.
    View(View),
    /// Every head of every layer.
    AllHeads,
    /// Both panes beside each other.
    Panes,
    /// A statistic of all heads of what both panes show, as it is on screen.
    Map(Statistic),
    /// What segments of the prompt give each other in both panes, cut by this rule, or by a file if one was given.
    Segments(SegmentRule),
    /// The text of both panes, coloured as it is on screen.
    Text(TextColoring),
    /// What heads of both panes give to the first token, and to learned sinks.
    Sinks,
    /// How far the heads of both panes are apart.
    Shift,
    /// What parts of both panes' passes add to the logit of a next token, as it is on screen.
    Push,
    /// What hiding spans does in both panes, as it is on screen.
    Effect,
    /// How far parts of the pinned prompt bring the one beside it, as it is on screen.
    Patching,
    /// Left minus right, by these pieces.
    Difference(Granularity),
    /// What is on screen, as a picture.
    Screen,
}

impl ExportContent {
    /// Whether it is of both panes, where both show something.
    pub fn is_of_both(self) -> bool {
        !matches!(self, Self::View(_) | Self::AllHeads | Self::Screen)
    }

    /// Whether a file of this format can hold it.
    pub fn fits(self, format: ExportFormat) -> bool {
        match self {
            Self::View(_) | Self::AllHeads => true,
            Self::Text(TextColoring::Push) => format.is_figure() || ExportFormat::OF_FOUND.contains(&format),
            Self::Panes | Self::Text(_) | Self::Difference(_) => format.is_figure(),
            Self::Map(_) | Self::Segments(_) => format.draws_a_grid(),
            Self::Push | Self::Effect | Self::Patching | Self::Sinks | Self::Shift => {
                ExportFormat::OF_FOUND.contains(&format)
            }
            Self::Screen => format == ExportFormat::Svg,
        }
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
