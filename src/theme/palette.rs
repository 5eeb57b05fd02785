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
    pub(super) fn of_values(map: ColorMap, depth: ColorDepth, background: Background) -> Self {
        Self::new(0.0, (&map.table(), &values_of_16(map, background), RAMP), depth)
    }

    /// The palette of differences.
    pub(super) fn of_differences(depth: ColorDepth, background: Background) -> Self {
        use Color::*;
        // Outwards lighter on dark, and darker on light, for the reasons given at `values_of_16`.
        let ansi = match background {
            Background::Dark => [Cyan, Blue, Black, Red, Yellow],
            Background::Light => [Blue, Cyan, White, Yellow, Red],
        };
        Self::new(-1.0, (&differences(background), &ansi, SIGNED_RAMP), depth)
    }

    fn new(lowest: f32, (table, ansi, ramp): (&[Rgb], &[Color], &'static [char]), depth: ColorDepth) -> Self {
        let cells = match depth {
            ColorDepth::TrueColor => {
                table.iter().map(|rgb| (depth.color(*rgb), depth.color(rgb.text()))).collect()
            }
            ColorDepth::Ansi256 => {
                let indices = if lowest < 0.0 { both_ways(table) } else { way(table) };
                let text = |index| if xterm(index).is_light() { Color::Black } else { Color::White };
                indices.into_iter().map(|index| (Color::Indexed(index), text(index))).collect()
            }
            ColorDepth::Ansi16 => ansi.iter().map(|color| (*color, text_on(*color))).collect(),
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

/// The 16 colours that stand for values. What they look like is the terminal's: its user's theme may have redefined
/// them. Few are darker than others in all common themes, as those in the tests; of the bright ones none is but white,
/// as Solarized has greys there. So there are only four steps; and only three where the fourth, which is the highest,
/// would be what is behind everything.
fn values_of_16(map: ColorMap, background: Background) -> Vec<Color> {
    use Color::*;
    let steps = match map {
        ColorMap::Viridis => [Black, Blue, Green, White],
        ColorMap::Cividis => [Black, Blue, Yellow, White],
        ColorMap::Magma => [Black, Red, Yellow, White],
        ColorMap::Blues => [White, Cyan, Blue, Black],
    };
    let behind = match background {
        Background::Dark => Black,
        Background::Light => White,
    };
    let seen = if steps[3] == behind { 3 } else { 4 };
    steps[..seen].to_vec()
}

/// The colour of text on one of the 16.
fn text_on(color: Color) -> Color {
    match color {
        Color::Black | Color::Blue | Color::Red => Color::White,
        _ => Color::Black,
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

    /// The 16 as terminals and common themes show them.
    const SHADES: [(&str, [u32; 16]); 12] = [
        (
            "xterm",
            [
                0x00_0000, 0xcd_0000, 0x00_cd00, 0xcd_cd00, 0x00_00ee, 0xcd_00cd, 0x00_cdcd, 0xe5_e5e5,
                0x7f_7f7f, 0xff_0000, 0x00_ff00, 0xff_ff00, 0x5c_5cff, 0xff_00ff, 0x00_ffff, 0xff_ffff,
            ],
        ),
        (
            "VGA",
            [
                0x00_0000, 0xaa_0000, 0x00_aa00, 0xaa_5500, 0x00_00aa, 0xaa_00aa, 0x00_aaaa, 0xaa_aaaa,
                0x55_5555, 0xff_5555, 0x55_ff55, 0xff_ff55, 0x55_55ff, 0xff_55ff, 0x55_ffff, 0xff_ffff,
            ],
        ),
        (
            "Tango",
            [
                0x2e_3436, 0xcc_0000, 0x4e_9a06, 0xc4_a000, 0x34_65a4, 0x75_507b, 0x06_989a, 0xd3_d7cf,
                0x55_5753, 0xef_2929, 0x8a_e234, 0xfc_e94f, 0x72_9fcf, 0xad_7fa8, 0x34_e2e2, 0xee_eeec,
            ],
        ),
        (
            "Campbell of Windows",
            [
                0x0c_0c0c, 0xc5_0f1f, 0x13_a10e, 0xc1_9c00, 0x00_37da, 0x88_1798, 0x3a_96dd, 0xcc_cccc,
                0x76_7676, 0xe7_4856, 0x16_c60c, 0xf9_f1a5, 0x3b_78ff, 0xb4_009e, 0x61_d6d6, 0xf2_f2f2,
            ],
        ),
        (
            "Solarized",
            [
                0x07_3642, 0xdc_322f, 0x85_9900, 0xb5_8900, 0x26_8bd2, 0xd3_3682, 0x2a_a198, 0xee_e8d5,
                0x00_2b36, 0xcb_4b16, 0x58_6e75, 0x65_7b83, 0x83_9496, 0x6c_71c4, 0x93_a1a1, 0xfd_f6e3,
            ],
        ),
        (
            "Gruvbox",
            [
                0x28_2828, 0xcc_241d, 0x98_971a, 0xd7_9921, 0x45_8588, 0xb1_6286, 0x68_9d6a, 0xa8_9984,
                0x92_8374, 0xfb_4934, 0xb8_bb26, 0xfa_bd2f, 0x83_a598, 0xd3_869b, 0x8e_c07c, 0xeb_dbb2,
            ],
        ),
        (
            "Dracula",
            [
                0x21_222c, 0xff_5555, 0x50_fa7b, 0xf1_fa8c, 0xbd_93f9, 0xff_79c6, 0x8b_e9fd, 0xf8_f8f2,
                0x62_72a4, 0xff_6e6e, 0x69_ff94, 0xff_ffa5, 0xd6_acff, 0xff_92df, 0xa4_ffff, 0xff_ffff,
            ],
        ),
        (
            "Nord",
            [
                0x3b_4252, 0xbf_616a, 0xa3_be8c, 0xeb_cb8b, 0x81_a1c1, 0xb4_8ead, 0x88_c0d0, 0xe5_e9f0,
                0x4c_566a, 0xbf_616a, 0xa3_be8c, 0xeb_cb8b, 0x81_a1c1, 0xb4_8ead, 0x8f_bcbb, 0xec_eff4,
            ],
        ),
        (
            "One Dark",
            [
                0x28_2c34, 0xe0_6c75, 0x98_c379, 0xe5_c07b, 0x61_afef, 0xc6_78dd, 0x56_b6c2, 0xab_b2bf,
                0x5c_6370, 0xe0_6c75, 0x98_c379, 0xe5_c07b, 0x61_afef, 0xc6_78dd, 0x56_b6c2, 0xff_ffff,
            ],
        ),
        (
            "Tokyo Night",
            [
                0x15_161e, 0xf7_768e, 0x9e_ce6a, 0xe0_af68, 0x7a_a2f7, 0xbb_9af7, 0x7d_cfff, 0xa9_b1d6,
                0x41_4868, 0xf7_768e, 0x9e_ce6a, 0xe0_af68, 0x7a_a2f7, 0xbb_9af7, 0x7d_cfff, 0xc0_caf5,
            ],
        ),
        (
            "Monokai",
            [
                0x27_2822, 0xf9_2672, 0xa6_e22e, 0xf4_bf75, 0x66_d9ef, 0xae_81ff, 0xa1_efe4, 0xf8_f8f2,
                0x75_715e, 0xf9_2672, 0xa6_e22e, 0xf4_bf75, 0x66_d9ef, 0xae_81ff, 0xa1_efe4, 0xf9_f8f5,
            ],
        ),
        (
            "Breeze",
            [
                0x23_2627, 0xed_1515, 0x11_d116, 0xf6_7400, 0x1d_99f3, 0x9b_59b6, 0x1a_bc9c, 0xfc_fcfc,
                0x7f_8c8d, 0xc0_392b, 0x1c_dc9a, 0xfd_bc4b, 0x3d_aee9, 0x8e_44ad, 0x16_a085, 0xff_ffff,
            ],
        ),
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

    /// Whether lightness goes one way, all along, with as little as nobody sees for what rounding does, and for themes
    /// that have two colours equally light.
    fn goes_one_way(light: &[f32]) -> bool {
        const UNSEEN: f32 = 1e-2;
        let rises = light.last() > light.first();
        light
            .windows(2)
            .all(|pair| if rises { pair[1] >= pair[0] - UNSEEN } else { pair[1] <= pair[0] + UNSEEN })
    }

    #[test]
    fn lightness_goes_one_way_in_every_map_at_every_depth() {
        for depth in [ColorDepth::TrueColor, ColorDepth::Ansi256, ColorDepth::Ansi16] {
            for (name, shades) in &SHADES {
                let light = |palette: &Palette| -> Vec<f32> {
                    palette.cells.iter().map(|(color, _)| luminance(*color, shades)).collect()
                };
                for background in Background::ALL {
                    for map in ColorMap::ALL {
                        let light = light(&Palette::of_values(map, depth, background));
                        assert!(goes_one_way(&light), "{name} {map:?} {depth:?} {light:?}");
                    }
                    let light = light(&Palette::of_differences(depth, background));
                    let middle = light.len() / 2;
                    assert!(goes_one_way(&light[..=middle]), "{name} {background:?} {depth:?} {light:?}");
                    assert!(goes_one_way(&light[middle..]), "{name} {background:?} {depth:?} {light:?}");
                }
            }
        }
    }

    #[test]
    fn text_is_readable_in_256_colours() {
        for map in ColorMap::ALL {
            for (color, text) in Palette::of_values(map, ColorDepth::Ansi256, Background::Dark).cells {
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
            let highest = |background| Palette::of_values(map, ColorDepth::Ansi16, background).color(1.0);
            assert!(![Color::White, Color::Gray].contains(&highest(Background::Light)), "{map:?}");
            assert_ne!(highest(Background::Dark), Color::Black, "{map:?}");
        }
    }

    fn differences_in(depth: ColorDepth) -> Palette {
        Palette::of_differences(depth, Background::Dark)
    }

    #[test]
    fn without_colours_levels_are_glyphs_and_differences_show_their_sign() {
        let values = Palette::of_values(ColorMap::default(), ColorDepth::None, Background::Dark);
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
