//! Colour maps, baked to 256 entries; of differences, to 255, so that 0 has one of its own.

use colorgrad::Gradient;

use super::rgb::Rgb;
use crate::vocabulary::{Background, ColorMap};

impl ColorMap {
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

/// Colours of differences, from −1 over 0 to 1: blue below, orange above, told apart by the colour-blind too.
/// Zero recedes into the background; what is far from it stands out.
pub fn differences(background: Background) -> [Rgb; 255] {
    let stops = match background {
        Background::Dark => {
            Rgb::table([0x96cdff, 0x4292e2, 0x1e548c, 0x3a3a3e, 0x82420e, 0xde7c24, 0xffc882])
        }
        Background::Light => {
            Rgb::table([0x053061, 0x2166ac, 0x92c5de, 0xf7f7f7, 0xfdb863, 0xb35806, 0x692d05])
        }
    };
    std::array::from_fn(|at| between(&stops, at as f32 / 254.0))
}

/// The colour at `at`, from 0 at the first stop to 1 at the last.
fn between(stops: &[Rgb], at: f32) -> Rgb {
    let place = at * (stops.len() - 1) as f32;
    let first = (place as usize).min(stops.len() - 2);
    let (a, b, share) = (stops[first], stops[first + 1], place - first as f32);
    let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
    Rgb(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
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
    fn differences_stand_out_the_more_the_further_they_are_from_zero() {
        for background in [Background::Dark, Background::Light] {
            let table = differences(background);
            let from_zero = |rgb: Rgb| (rgb.luminance() - table[127].luminance()).abs();
            for step in 1..=127 {
                for (at, nearer) in [(127 - step, 128 - step), (127 + step, 126 + step)] {
                    let (at, nearer) = (from_zero(table[at]), from_zero(table[nearer]));
                    assert!(at > nearer - 1e-3, "{background:?} {step}");
                }
            }
        }
    }

    /// What someone without green receptors, or without red ones, sees: Viénot, Brettel and Mollon (1999),
    /// without their step to linear light.
    fn as_seen_without(red: bool, Rgb(r, g, b): Rgb) -> [f32; 3] {
        let [r, g, b] = [r, g, b].map(f32::from);
        let (share, blue) = if red { (0.112, 0.004) } else { (0.293, -0.022) };
        let both = share * r + (1.0 - share) * g;
        [both, both, blue * r - blue * g + b]
    }

    #[test]
    fn the_colour_blind_see_the_sign_of_a_difference() {
        for background in [Background::Dark, Background::Light] {
            let table = differences(background);
            for red in [false, true] {
                for step in 32..=127 {
                    let [below, above] = [127 - step, 127 + step].map(|at| as_seen_without(red, table[at]));
                    let apart: f32 = (0..3).map(|c| (below[c] - above[c]).abs()).sum();
                    assert!(apart > 60.0, "{background:?} {step}: {below:?} {above:?}");
                }
            }
        }
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
