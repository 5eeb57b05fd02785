//! How a figure looks.

use std::ops::RangeInclusive;

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use crate::vocabulary::{Background, ColorMap, ColorRange, ColorScale, Granularity, Pooling};

/// How many pixels a bitmap may have for each unit of the figure.
pub const SCALES: RangeInclusive<f32> = 0.25..=8.0;

/// How a figure looks.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct FigureStyle {
    /// How values become levels of the colour scale.
    pub curve: ColorScale,
    /// Where the colour scale ends.
    pub range: ColorRange,
    /// Which value a pixel shows that stands for several cells of a long prompt.
    pub pooling: Pooling,
    /// How levels become colours.
    pub colors: ColorMap,
    /// What is behind it.
    pub theme: Background,
    /// Whether the recipe is written under the figure.
    pub caption: bool,
    /// Pixels of a bitmap for each unit of the figure.
    #[serde(deserialize_with = "read_scale")]
    pub scale: f32,
    /// Shows left minus right in place of both, over these pieces of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Granularity>,
}

impl Default for FigureStyle {
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

/// Reads the scale of a bitmap. An error says what it can be.
fn read_scale<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    let scale = Value::deserialize(deserializer)?.as_f64().map(|scale| scale as f32);
    let known = scale.filter(|scale| SCALES.contains(scale));
    known.ok_or_else(|| D::Error::custom("expected a number from 0.25 to 8"))
}
