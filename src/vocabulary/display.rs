//! How a matrix is shown: what rows are divided by, and how values become levels of a colour scale.

use std::fmt;
use std::str::FromStr;

use strum::{EnumCount, EnumMessage, IntoStaticStr, VariantArray};

use super::names::{names, serde_as_text};

/// What the rows of a matrix are divided by before they are shown. The matrix itself is never changed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Normalisation {
    /// Nothing: a row and its sink sum to 1.
    #[default]
    Raw,
    /// Their sum without the sink.
    Renormalised,
    /// Their sum without the sink and the first token.
    // The first token often takes what a head has no use for, and drowns the rest. Where it shares a cell with other
    // tokens, its share of the cell is left out.
    WithoutFirst,
}
names!(Normalisation, "normalisation");

impl Normalisation {
    /// As people read it, with what it leaves out of rows that may have sinks.
    pub fn title(self, has_sinks: bool) -> &'static str {
        match (self, has_sinks) {
            (Normalisation::Raw, _) => "raw",
            (Normalisation::Renormalised, false) => "renormalised",
            (Normalisation::Renormalised, true) => "renormalised without sink",
            (Normalisation::WithoutFirst, false) => "without first token",
            (Normalisation::WithoutFirst, true) => "without first token and sink",
        }
    }
}

/// How the rows of a matrix are named. The rows themselves are the same.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum RowReading {
    /// By the token that is read at a row, which looks.
    #[default]
    Reading,
    /// By the token that is predicted from a row: the next one of the text.
    Predicting,
}
names!(RowReading, "reading of rows");

impl RowReading {
    /// What a row is called by, as people read it.
    pub fn title(self) -> &'static str {
        match self {
            RowReading::Reading => "reading at",
            RowReading::Predicting => "predicting",
        }
    }
}

/// What the tokens of a text are coloured by.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum TextColoring {
    /// By the attention that the chosen token gives to each.
    #[default]
    LooksAt,
    /// By the mean attention that later tokens give to each.
    LookedAt,
    /// By what heads add through each to the logit of the next token.
    Push,
}
names!(TextColoring, "colouring of a text");

impl TextColoring {
    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            TextColoring::LooksAt => "looks at",
            TextColoring::LookedAt => "is looked at",
            TextColoring::Push => "push",
        }
    }
}

/// What a prompt is shown as at first of which the screen has no room for every cell.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum LongPrompts {
    /// As a matrix, of which a pixel is several cells.
    #[default]
    Matrix,
    /// As text.
    Text,
}
names!(LongPrompts, "way to show long prompts");

/// How a value becomes a level on the colour scale.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum ColorScale {
    /// In proportion.
    #[default]
    Linear,
    /// By their logarithm, from the smallest above 0 on.
    Log,
}
names!(ColorScale, "curve");

/// Which value a pixel shows that stands for several cells.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Pooling {
    /// The largest of them.
    // A single high value is still seen.
    #[default]
    Largest,
    /// Their mean.
    Mean,
}
names!(Pooling, "pooling");

/// How finely two tokenisations of a text are compared.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Granularity {
    /// The smallest pieces that both have whole tokens of.
    #[default]
    Pieces,
    /// Whole words.
    Words,
}
names!(Granularity, "granularity");

/// Where a colour scale ends. Values beyond have its last colour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ColorRange {
    /// At the higher one of both models' [`Normalisation::peak`], so that colours compare.
    #[default]
    Shared,
    /// At each model's own.
    Own,
    /// At a value above 0, up to 1.
    Top(f32),
}

impl fmt::Display for ColorRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColorRange::Shared => f.write_str("shared"),
            ColorRange::Own => f.write_str("own"),
            ColorRange::Top(top) => write!(f, "{top}"),
        }
    }
}

/// A text that names no range of colours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no range of colours: use shared, own, or the value at the top, above 0 and up to 1")]
pub struct ParseColorRangeError(String);

impl FromStr for ColorRange {
    type Err = ParseColorRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "shared" => return Ok(ColorRange::Shared),
            "own" => return Ok(ColorRange::Own),
            _ => {}
        }
        let top = text.parse().ok().filter(|top: &f32| *top > 0.0 && *top <= 1.0);
        top.map(ColorRange::Top).ok_or_else(|| ParseColorRangeError(text.to_owned()))
    }
}
serde_as_text!(ColorRange);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_reads_what_it_writes() {
        for text in ["shared", "own", "1", "0.25"] {
            assert_eq!(text.parse::<ColorRange>().unwrap().to_string(), text);
        }
        for text in ["", "0", "-1", "1.5", "nan", "top"] {
            assert!(text.parse::<ColorRange>().unwrap_err().to_string().contains("shared, own"), "{text}");
        }
    }
}
