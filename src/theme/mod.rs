//! What the screen looks like: colour maps for values, styles for everything else, in as many colours
//! as the terminal has.

mod chrome;
mod depth;
mod map;

pub use chrome::Chrome;
pub(crate) use depth::xterm;
pub use depth::{Background, ColorDepth};
pub use map::{ColorMap, ParseColorMapError, Rgb};

use ratatui::style::{Color, Style};

/// Glyphs for values where there are no colours, from none to all.
const RAMP: [char; 5] = [' ', '░', '▒', '▓', '█'];
/// Values where there are 16 colours: background and text, from dark to light.
const ANSI_RAMP: [(Color, Color); 5] = [
    (Color::Blue, Color::White),
    (Color::Cyan, Color::Black),
    (Color::Green, Color::Black),
    (Color::Yellow, Color::Black),
    (Color::White, Color::Black),
];

/// Colours and styles for one terminal.
#[derive(Debug, Clone)]
pub struct Theme {
    /// How values become colours, if there are enough of them.
    pub map: ColorMap,
    /// How many colours there are.
    pub depth: ColorDepth,
    background: Background,
    /// Everything that is no value.
    pub chrome: Chrome,
    /// Background and text of a cell, from zero to the top of the scale.
    cells: Vec<(Color, Color)>,
}

impl Theme {
    /// For a terminal with these colours.
    pub fn new(map: ColorMap, depth: ColorDepth, background: Background) -> Self {
        let cell = |rgb: &Rgb| (depth.color(*rgb), if rgb.is_light() { Color::Black } else { Color::White });
        let cells = match depth {
            ColorDepth::TrueColor => {
                let text = |rgb: &Rgb| if rgb.is_light() { Rgb(0, 0, 0) } else { Rgb(255, 255, 255) };
                map.table().iter().map(|rgb| (depth.color(*rgb), depth.color(text(rgb)))).collect()
            }
            ColorDepth::Ansi256 => map.table().iter().map(cell).collect(),
            ColorDepth::Ansi16 => ANSI_RAMP.to_vec(),
            ColorDepth::None => vec![(Color::Reset, Color::Reset)],
        };
        Self { map, depth, background, chrome: Chrome::new(depth, background), cells }
    }

    /// The same with the next colour map.
    pub fn with_next_map(&self) -> Self {
        Self::new(self.map.next(), self.depth, self.background)
    }

    /// A cell's background and text. `level` is 0 at zero and 1 at the top of the scale.
    pub fn cell(&self, level: f32) -> Style {
        let (background, text) = self.cells[bucket(level, self.cells.len())];
        Style::new().bg(background).fg(text)
    }

    /// A value's colour.
    pub fn color(&self, level: f32) -> Color {
        self.cells[bucket(level, self.cells.len())].0
    }

    /// The glyph that stands for a value where there are no colours.
    pub fn glyph(&self, level: f32) -> Option<char> {
        (self.depth == ColorDepth::None).then(|| RAMP[bucket(level, RAMP.len())])
    }
}

/// Which of `count` equal steps a level from 0 to 1 falls in; what is no number falls in the first.
fn bucket(level: f32, count: usize) -> usize {
    ((level.clamp(0.0, 1.0) * count as f32) as usize).min(count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_outside_the_scale_are_clamped() {
        let ends = [(-1.0, 0), (0.0, 0), (0.5, 128), (1.0, 255), (7.0, 255), (f32::NAN, 0)];
        for (level, at) in ends {
            assert_eq!(bucket(level, 256), at, "{level}");
        }
    }

    #[test]
    fn without_colours_values_are_glyphs() {
        let theme = Theme::new(ColorMap::default(), ColorDepth::None, Background::Dark);
        let glyphs: String =
            [0.0, 0.25, 0.5, 0.7, 1.0].iter().filter_map(|level| theme.glyph(*level)).collect();
        assert_eq!(glyphs, " ░▒▓█");
        assert_eq!(theme.cell(1.0), Style::new().bg(Color::Reset).fg(Color::Reset));
    }

    #[test]
    fn a_cell_is_readable_at_every_level_of_every_map() {
        for map in ColorMap::ALL {
            for rgb in map.table() {
                let text = if rgb.is_light() { Rgb(0, 0, 0) } else { Rgb(255, 255, 255) };
                assert!(rgb.contrast(text) >= 4.5, "{map:?} {rgb:?}");
            }
        }
    }
}
