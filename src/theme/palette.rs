//! What a level on a scale looks like: a colour, or a glyph where there are no colours.

use ratatui::style::{Color, Style};

use super::map::{ColorMap, Rgb, differences};
use super::ramp::step;
use super::{Background, ColorDepth};

/// Glyphs of values, from none to all.
const RAMP: &[char] = &[' ', '░', '▒', '▓', '█'];
/// Glyphs of differences: the more strokes, the further from 0, and none upright below it.
const SIGNED_RAMP: &[char] = &['≡', '=', '-', ' ', '+', '‡', '#'];
/// Values where there are 16 colours: background and text, from dark to light.
const ANSI_RAMP: [(Color, Color); 5] = [
    (Color::Blue, Color::White),
    (Color::Cyan, Color::Black),
    (Color::Green, Color::Black),
    (Color::Yellow, Color::Black),
    (Color::White, Color::Black),
];

/// The looks of all levels of a scale: of values, which go from 0 to 1, or of differences, from −1 to 1.
#[derive(Debug, Clone)]
pub struct Palette {
    lowest: f32,
    /// Background and text of a cell, from the lowest level to the highest.
    cells: Vec<(Color, Color)>,
    /// What stands for them where there are no colours.
    glyphs: Option<&'static [char]>,
}

impl Palette {
    /// Of values.
    pub(super) fn of_values(map: ColorMap, depth: ColorDepth) -> Self {
        Self::new(0.0, (&map.table(), &ANSI_RAMP, RAMP), depth)
    }

    /// Of differences.
    pub(super) fn of_differences(depth: ColorDepth, background: Background) -> Self {
        use Color::*;
        let ansi = match background {
            Background::Dark => {
                [(LightCyan, Black), (Blue, White), (DarkGray, White), (Yellow, Black), (LightYellow, Black)]
            }
            Background::Light => {
                [(Blue, White), (LightCyan, Black), (Gray, Black), (LightYellow, Black), (Red, White)]
            }
        };
        Self::new(-1.0, (&differences(background), &ansi, SIGNED_RAMP), depth)
    }

    fn new(
        lowest: f32,
        (table, ansi, ramp): (&[Rgb], &[(Color, Color)], &'static [char]),
        depth: ColorDepth,
    ) -> Self {
        let text = |rgb: &Rgb| match depth {
            ColorDepth::TrueColor => depth.color(rgb.text()),
            _ if rgb.is_light() => Color::Black,
            _ => Color::White,
        };
        let cells = match depth {
            ColorDepth::TrueColor | ColorDepth::Ansi256 => {
                table.iter().map(|rgb| (depth.color(*rgb), text(rgb))).collect()
            }
            ColorDepth::Ansi16 => ansi.to_vec(),
            ColorDepth::None => vec![(Color::Reset, Color::Reset)],
        };
        Self { lowest, cells, glyphs: (depth == ColorDepth::None).then_some(ramp) }
    }

    /// The lowest level: 0, or −1 for differences. The highest is 1; what is beyond looks like it.
    pub fn lowest(&self) -> f32 {
        self.lowest
    }

    /// A cell's background and text.
    pub fn cell(&self, level: f32) -> Style {
        let (background, text) = *self.at(&self.cells, level);
        Style::new().bg(background).fg(text)
    }

    /// A cell's background.
    pub fn color(&self, level: f32) -> Color {
        self.at(&self.cells, level).0
    }

    /// The glyph that stands for a level where there are no colours.
    pub fn glyph(&self, level: f32) -> Option<char> {
        self.glyphs.map(|glyphs| *self.at(glyphs, level))
    }

    fn at<'a, T>(&self, steps: &'a [T], level: f32) -> &'a T {
        &steps[step(self.lowest, level, steps.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences_in(depth: ColorDepth) -> Palette {
        Palette::of_differences(depth, Background::Dark)
    }

    #[test]
    fn without_colours_levels_are_glyphs_and_differences_show_their_sign() {
        let values = Palette::of_values(ColorMap::default(), ColorDepth::None);
        let glyphs = |palette: &Palette, levels: &[f32]| -> String {
            levels.iter().filter_map(|level| palette.glyph(*level)).collect()
        };
        assert_eq!(glyphs(&values, &[0.0, 0.25, 0.5, 0.7, 1.0]), " ░▒▓█");
        assert_eq!(values.cell(1.0), Style::new().bg(Color::Reset).fg(Color::Reset));
        let levels = [-1.0, -0.5, -0.2, -0.1, 0.0, 0.1, 0.2, 0.5, 1.0];
        assert_eq!(glyphs(&differences_in(ColorDepth::None), &levels), "≡=-   +‡#");
    }

    #[test]
    fn the_two_signs_never_look_the_same() {
        for depth in [ColorDepth::TrueColor, ColorDepth::Ansi256, ColorDepth::Ansi16] {
            for background in [Background::Dark, Background::Light] {
                let palette = Palette::of_differences(depth, background);
                for level in [0.25, 0.5, 0.75, 1.0] {
                    assert_ne!(
                        palette.color(level),
                        palette.color(-level),
                        "{depth:?} {background:?} {level}"
                    );
                    assert_ne!(palette.color(level), palette.color(0.0), "{depth:?} {background:?} {level}");
                }
            }
        }
    }
}
