//! Colour maps, baked to 256 entries.

use std::str::FromStr;

use colorgrad::Gradient;

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Relative luminance as WCAG defines it.
    fn luminance(self) -> f32 {
        let linear = |channel: u8| {
            let c = f32::from(channel) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Contrast ratio as WCAG defines it, from 1 to 21.
    pub fn contrast(self, other: Self) -> f32 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    /// Whether black is easier to read on it than white.
    pub fn is_light(self) -> bool {
        self.contrast(Rgb(0, 0, 0)) > self.contrast(Rgb(255, 255, 255))
    }
}

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

impl ColorMap {
    /// All of them.
    pub const ALL: [ColorMap; 4] = [ColorMap::Viridis, ColorMap::Cividis, ColorMap::Magma, ColorMap::Blues];

    /// The one after it, round and round.
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// As the configuration spells it.
    pub fn name(self) -> &'static str {
        match self {
            ColorMap::Viridis => "viridis",
            ColorMap::Cividis => "cividis",
            ColorMap::Magma => "magma",
            ColorMap::Blues => "blues",
        }
    }

    /// Its colours, from zero to the top of the scale.
    pub fn table(self) -> [Rgb; 256] {
        match self {
            ColorMap::Viridis => bake(&colorgrad::preset::viridis()),
            ColorMap::Cividis => bake(&colorgrad::preset::cividis()),
            ColorMap::Magma => bake(&colorgrad::preset::magma()),
            ColorMap::Blues => bake(&colorgrad::preset::blues()),
        }
    }
}

/// A text that names no colour map.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no colour map: use {known}", known = ColorMap::ALL.map(ColorMap::name).join(", "))]
pub struct ParseColorMapError(String);

impl FromStr for ColorMap {
    type Err = ParseColorMapError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let map = ColorMap::ALL.into_iter().find(|map| map.name() == text);
        map.ok_or_else(|| ParseColorMapError(text.to_owned()))
    }
}

fn bake(gradient: &impl Gradient) -> [Rgb; 256] {
    std::array::from_fn(|at| {
        let [r, g, b, _] = gradient.at(at as f32 / 255.0).to_rgba8();
        Rgb(r, g, b)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_start_and_end_where_they_are_known_to() {
        let ends = |map: ColorMap| (map.table()[0], map.table()[255]);
        assert_eq!(ends(ColorMap::Viridis), (Rgb(68, 1, 84), Rgb(254, 232, 37)));
        assert_eq!(ends(ColorMap::Blues), (Rgb(247, 251, 255), Rgb(8, 48, 107)));
    }

    #[test]
    fn names_are_read_back() {
        for map in ColorMap::ALL {
            assert_eq!(map.name().parse(), Ok(map));
        }
        assert!(
            "jet".parse::<ColorMap>().unwrap_err().to_string().contains("use viridis, cividis, magma, blues")
        );
    }

    #[test]
    fn lightness_never_turns_back() {
        for map in ColorMap::ALL {
            let light: Vec<f32> = map.table().iter().map(|rgb| rgb.luminance()).collect();
            let rises = light[255] > light[0];
            let steady = light
                .windows(2)
                .all(|pair| if rises { pair[1] >= pair[0] - 2e-3 } else { pair[1] <= pair[0] + 2e-3 });
            assert!(steady, "{map:?}");
        }
    }
}
