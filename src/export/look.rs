//! How a figure looks: what values become on paper.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::attention::alignment::Granularity;
use crate::attention::{ColorScale, Pooling};
use crate::theme::{Background, ColorMap};

/// Pixels of a bitmap that there may be for each of the figure's own.
pub const SCALES: RangeInclusive<f32> = 0.25..=8.0;

/// How a figure looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// How values become heights on the colour scale.
    pub curve: ColorScale,
    /// Where the colour scale ends.
    pub range: ColorRange,
    /// What cells of a long prompt that share a pixel are shown as.
    pub pooling: Pooling,
    /// How heights become colours.
    pub colors: ColorMap,
    /// Dark on light, or light on dark.
    pub theme: Background,
    /// Whether the recipe is written under the figure.
    pub caption: bool,
    /// Pixels of a bitmap for each of the figure's own.
    pub scale: f32,
    /// Left minus right, in place of both: over which pieces of text.
    pub difference: Option<Granularity>,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            curve: ColorScale::default(),
            range: ColorRange::default(),
            pooling: Pooling::default(),
            colors: ColorMap::default(),
            theme: Background::Light,
            caption: true,
            scale: 2.0,
            difference: None,
        }
    }
}

/// Where a colour scale ends. Values beyond have its last colour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ColorRange {
    /// At the higher one of both sides' [`Normalisation::peak`](crate::attention::Normalisation::peak), so that
    /// colours compare.
    #[default]
    Shared,
    /// At each side's own.
    Own,
    /// At a value above 0.
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
