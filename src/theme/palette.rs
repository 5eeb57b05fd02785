//! What a level on a scale looks like: a colour, or a glyph where there are no colours.

use ratatui::style::{Color, Style};

use super::depth::{way, xterm};
use super::map::differences;
use super::ramp::step;
use super::rgb::Rgb;
use crate::vocabulary::{Background, ColorDepth, ColorMap};

/// Glyphs of values, from none to all.
const RAMP: &[char] = &[' ', '░', '▒', '▓', '█'];
/// Glyphs of differences: the more strokes, the further from 0, and none upright below it.
const SIGNED_RAMP: &[char] = &['≡', '=', '-', ' ', '+', '‡', '#'];
/// Values where there are 16 colours: background and text, from dark to light, whatever shades a terminal gives them.
/// The last is no white, which is what is behind everything on some.
const ANSI_RAMP: [(Color, Color); 5] = [
    (Color::Blue, Color::White),
    (Color::Green, Color::Black),
    (Color::Cyan, Color::Black),
    (Color::Gray, Color::Black),
    (Color::LightYellow, Color::Black),
];
/// The same of maps that go from light to dark.
const FALLING_ANSI_RAMP: [(Color, Color); 5] = [
    (Color::White, Color::Black),
    (Color::Gray, Color::Black),
    (Color::Cyan, Color::Black),
    (Color::Green, Color::Black),
    (Color::Blue, Color::White),
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
    /// The palette of values.
    pub(super) fn of_values(map: ColorMap, depth: ColorDepth) -> Self {
        let table = map.table();
        let falls = table[0].luminance() > table[255].luminance();
        Self::new(0.0, (&table, if falls { &FALLING_ANSI_RAMP } else { &ANSI_RAMP }, RAMP), depth)
    }

    /// The palette of differences.
    pub(super) fn of_differences(depth: ColorDepth, background: Background) -> Self {
        use Color::*;
        let ansi = match background {
            Background::Dark => {
                [(LightCyan, Black), (Blue, White), (Black, White), (Yellow, Black), (LightYellow, Black)]
            }
            Background::Light => {
                [(Blue, White), (LightCyan, Black), (White, Black), (LightYellow, Black), (Red, White)]
            }
        };
        Self::new(-1.0, (&differences(background), &ansi, SIGNED_RAMP), depth)
    }

    fn new(
        lowest: f32,
        (table, ansi, ramp): (&[Rgb], &[(Color, Color)], &'static [char]),
        depth: ColorDepth,
    ) -> Self {
        let cells = match depth {
            ColorDepth::TrueColor => {
                table.iter().map(|rgb| (depth.color(*rgb), depth.color(rgb.text()))).collect()
            }
            ColorDepth::Ansi256 => {
                let indices = if lowest < 0.0 { both_ways(table) } else { way(table) };
                let text = |index| if xterm(index).is_light() { Color::Black } else { Color::White };
                indices.into_iter().map(|index| (Color::Indexed(index), text(index))).collect()
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

/// Colours of the 256 for a scale that goes two ways from its middle.
fn both_ways(table: &[Rgb]) -> Vec<u8> {
    let (below, above) = table.split_at(table.len() / 2);
    let outwards: Vec<Rgb> = below.iter().rev().copied().collect();
    let mut indices = way(&outwards);
    indices.reverse();
    indices.extend(way(above));
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 16 as terminals show them: xterm, VGA, Tango, and Campbell of Windows.
    const SHADES: [[u32; 16]; 4] = [
        [
            0x00_0000, 0xcd_0000, 0x00_cd00, 0xcd_cd00, 0x00_00ee, 0xcd_00cd, 0x00_cdcd, 0xe5_e5e5,
            0x7f_7f7f, 0xff_0000, 0x00_ff00, 0xff_ff00, 0x5c_5cff, 0xff_00ff, 0x00_ffff, 0xff_ffff,
        ],
        [
            0x00_0000, 0xaa_0000, 0x00_aa00, 0xaa_5500, 0x00_00aa, 0xaa_00aa, 0x00_aaaa, 0xaa_aaaa,
            0x55_5555, 0xff_5555, 0x55_ff55, 0xff_ff55, 0x55_55ff, 0xff_55ff, 0x55_ffff, 0xff_ffff,
        ],
        [
            0x2e_3436, 0xcc_0000, 0x4e_9a06, 0xc4_a000, 0x34_65a4, 0x75_507b, 0x06_989a, 0xd3_d7cf,
            0x55_5753, 0xef_2929, 0x8a_e234, 0xfc_e94f, 0x72_9fcf, 0xad_7fa8, 0x34_e2e2, 0xee_eeec,
        ],
        [
            0x0c_0c0c, 0xc5_0f1f, 0x13_a10e, 0xc1_9c00, 0x00_37da, 0x88_1798, 0x3a_96dd, 0xcc_cccc,
            0x76_7676, 0xe7_4856, 0x16_c60c, 0xf9_f1a5, 0x3b_78ff, 0xb4_009e, 0x61_d6d6, 0xf2_f2f2,
        ],
    ];

    fn luminance(color: Color, shades: &[u32; 16]) -> f32 {
        use Color::*;
        let names = [
            Black,
            Red,
            Green,
            Yellow,
            Blue,
            Magenta,
            Cyan,
            Gray,
            DarkGray,
            LightRed,
            LightGreen,
            LightYellow,
            LightBlue,
            LightMagenta,
            LightCyan,
            White,
        ];
        let rgb = match color {
            Indexed(index) => xterm(index),
            Rgb(r, g, b) => super::Rgb(r, g, b),
            named => {
                let [_, r, g, b] =
                    shades[names.iter().position(|name| *name == named).unwrap()].to_be_bytes();
                super::Rgb(r, g, b)
            }
        };
        rgb.luminance()
    }

    /// Whether lightness goes one way, all along, with a little for what rounding does.
    fn goes_one_way(light: &[f32]) -> bool {
        let rises = light.last() > light.first();
        light.windows(2).all(|pair| if rises { pair[1] >= pair[0] - 2e-3 } else { pair[1] <= pair[0] + 2e-3 })
    }

    #[test]
    fn lightness_goes_one_way_in_every_map_at_every_depth() {
        for depth in [ColorDepth::TrueColor, ColorDepth::Ansi256, ColorDepth::Ansi16] {
            for shades in &SHADES {
                let light = |palette: &Palette| -> Vec<f32> {
                    palette.cells.iter().map(|(color, _)| luminance(*color, shades)).collect()
                };
                for map in ColorMap::ALL {
                    let light = light(&Palette::of_values(map, depth));
                    assert!(goes_one_way(&light), "{map:?} {depth:?} {light:?}");
                }
                for background in Background::ALL {
                    let light = light(&Palette::of_differences(depth, background));
                    let middle = light.len() / 2;
                    assert!(goes_one_way(&light[..=middle]), "{background:?} {depth:?} {light:?}");
                    assert!(goes_one_way(&light[middle..]), "{background:?} {depth:?} {light:?}");
                }
            }
        }
    }

    #[test]
    fn text_is_readable_in_256_colours() {
        for map in ColorMap::ALL {
            for (color, text) in Palette::of_values(map, ColorDepth::Ansi256).cells {
                let (Color::Indexed(index), text) = (color, text == Color::Black) else {
                    panic!("{color:?}")
                };
                assert_eq!(xterm(index).is_light(), text, "{map:?} {index}");
            }
        }
    }

    #[test]
    fn the_highest_of_16_is_not_what_is_behind_everything() {
        for map in ColorMap::ALL {
            let color = Palette::of_values(map, ColorDepth::Ansi16).color(1.0);
            assert!(![Color::White, Color::Gray, Color::Black].contains(&color), "{map:?}");
        }
    }

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
