//! The nearest colour that a terminal has.

use ratatui::style::Color;

use super::rgb::Rgb;
use crate::vocabulary::ColorDepth;

impl ColorDepth {
    /// A colour, or the nearest there is. The 16 have no fixed values: styles name them instead.
    pub fn color(self, rgb: Rgb) -> Color {
        match self {
            ColorDepth::TrueColor => Color::Rgb(rgb.0, rgb.1, rgb.2),
            ColorDepth::Ansi256 => Color::Indexed(nearest_256(rgb)),
            ColorDepth::Ansi16 | ColorDepth::None => Color::Reset,
        }
    }
}

/// The nearest colour of xterm's cube and grey ramp.
fn nearest_256(rgb: Rgb) -> u8 {
    (16..=255).min_by_key(|&index| distance(rgb, xterm(index))).unwrap_or(16)
}

/// Colours of the 256 for those of a scale, as near to them as there are such that lightness goes one way all along, as
/// that of the scale does: the nearest of each by itself go back and forth.
pub(super) fn way(scale: &[Rgb]) -> Vec<u8> {
    let light = |rgb: Option<&Rgb>| rgb.map_or(0.0, |rgb| rgb.luminance());
    let rises = light(scale.last()) >= light(scale.first());
    let mut colors: Vec<u8> = (16..=255).collect();
    colors.sort_by(|a, b| xterm(*a).luminance().total_cmp(&xterm(*b).luminance()));
    if !rises {
        colors.reverse();
    }
    // For each step and each colour: the least that it costs to come there, and from which colour.
    let mut cost = vec![0; colors.len()];
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(scale.len());
    for rgb in scale {
        let mut cheapest = 0;
        let mut came = Vec::with_capacity(colors.len());
        for at in 0..colors.len() {
            if cost[at] < cost[cheapest] {
                cheapest = at;
            }
            came.push(cheapest);
        }
        cost =
            came.iter().zip(&colors).map(|(at, color)| cost[*at] + distance(*rgb, xterm(*color))).collect();
        from.push(came);
    }
    let mut at = (0..colors.len()).min_by_key(|at| cost[*at]).unwrap_or(0);
    let mut way: Vec<u8> = from
        .iter()
        .rev()
        .map(|came| {
            let color = colors[at];
            at = came[at];
            color
        })
        .collect();
    way.reverse();
    way
}

/// What xterm shows for an index from 16 on.
pub(crate) fn xterm(index: u8) -> Rgb {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    if index >= 232 {
        let grey = 8 + 10 * (index - 232);
        return Rgb(grey, grey, grey);
    }
    let at = usize::from(index - 16);
    Rgb(STEPS[at / 36], STEPS[at / 6 % 6], STEPS[at % 6])
}

fn distance(a: Rgb, b: Rgb) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    // Weighted as eyes weigh them, roughly.
    2 * square(a.0, b.0) + 4 * square(a.1, b.1) + 3 * square(a.2, b.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_of_the_256_is_its_own_nearest() {
        for index in [16, 21, 110, 215, 231, 240] {
            assert_eq!(xterm(nearest_256(xterm(index))), xterm(index));
        }
    }
}
