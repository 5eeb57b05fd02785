//! Colours: of values, of a terminal, and behind them.

use strum::{EnumCount, EnumMessage, IntoStaticStr, VariantArray};

use super::names::names;

/// How values become colours.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum ColorMap {
    /// From violet over green to yellow; even steps, also for the colour-blind.
    #[default]
    Viridis,
    /// From blue to yellow; the same for most of the colour-blind as for others.
    Cividis,
    /// From black over red to cream.
    Magma,
    /// From white to dark blue, as in the article.
    Blues,
}
names!(ColorMap, "colour map");

/// How many colours a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumCount, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum ColorDepth {
    /// Any of 16 million.
    TrueColor,
    /// The 256 of xterm.
    #[strum(serialize = "256")]
    Ansi256,
    /// The 16 that the terminal's own theme defines.
    #[strum(serialize = "16")]
    Ansi16,
    /// None: values are shown by glyphs and digits.
    None,
}
names!(ColorDepth, "colour depth");

/// What is behind text and values.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Background {
    /// Dark text on white.
    Light,
    /// Light text on black.
    #[default]
    Dark,
}
names!(Background, "background");
