//! What the screen looks like: colour maps for values, styles for everything else, in as many colours
//! as the terminal has.

mod chrome;
mod depth;
mod map;
mod palette;
mod ramp;

pub use chrome::Chrome;
pub(crate) use depth::xterm;
pub use depth::{Background, ColorDepth};
pub use map::{ColorMap, ParseColorMapError, Rgb};
pub use palette::Palette;
pub use ramp::Ramp;

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
    /// For a terminal with these colours.
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

    /// The same with the next colour map.
    pub fn with_next_map(&self) -> Self {
        let map = self.map.next();
        Self { map, values: Palette::of_values(map, self.depth, self.background), ..self.clone() }
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
