//! What the screen looks like: colour maps for values, styles for everything else, in as many colours as the terminal
//! has.
//!
//! A value becomes a level on a scale, from 0 to 1, and [`Palette`] says what a level looks like; [`Ramp`] does so for
//! figures, which have as many colours as they like. [`Chrome`] has the styles of everything that is no value. To add a
//! colour map: a variant of [`ColorMap`] and its line in `map`.

mod chrome;
mod depth;
mod map;
mod palette;
mod ramp;
mod rgb;

pub use chrome::Chrome;
pub(crate) use depth::xterm;
pub use palette::Palette;
pub use ramp::Ramp;
pub use rgb::Rgb;

pub use crate::vocabulary::{Background, ColorDepth, ColorMap};

/// Colours and styles for one terminal.
#[derive(Debug, Clone)]
pub struct Theme {
    /// How values become colours, if there are enough of them.
    pub map: ColorMap,
    /// How many colours there are.
    pub depth: ColorDepth,
    /// What is behind the text.
    pub background: Background,
    /// Everything that is no value.
    pub chrome: Chrome,
    /// Values: 0 at nothing, 1 at the top of the scale.
    pub values: Palette,
    /// Differences: 0 at none, −1 and 1 at the ends of the scale.
    pub differences: Palette,
}

impl Theme {
    /// The theme for a terminal with these colours.
    pub fn new(map: ColorMap, depth: ColorDepth, background: Background) -> Self {
        Self {
            map,
            depth,
            background,
            chrome: Chrome::new(depth, background),
            values: Palette::of_values(map, depth, background),
            differences: Palette::of_differences(depth, background),
        }
    }

    /// Whether values are glyphs, for want of colours.
    pub fn has_glyphs(&self) -> bool {
        self.values.glyph(0.0).is_some()
    }

    /// Shows values in the colours of a map.
    pub fn show(&mut self, map: ColorMap) {
        if map != self.map {
            (self.map, self.values) = (map, Palette::of_values(map, self.depth, self.background));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_readable_at_every_level_of_every_map() {
        let differences = [Background::Dark, Background::Light].map(map::differences);
        let values = ColorMap::ALL.map(ColorMap::table);
        for rgb in values.iter().flatten().chain(differences.iter().flatten()) {
            assert!(rgb.contrast(rgb.text()) >= 4.5, "{rgb:?}");
        }
    }
}
