//! The colours of all levels of a scale, for pictures that have as many as they like.

use super::map::differences;
use super::rgb::Rgb;
use crate::vocabulary::{Background, ColorMap};

/// Colours of levels: of values, which go from 0 to 1, or of differences, from −1 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Ramp {
    lowest: f32,
    colors: Vec<Rgb>,
}

impl Ramp {
    /// The ramp of values.
    pub fn of_values(map: ColorMap) -> Self {
        Self { lowest: 0.0, colors: map.table().to_vec() }
    }

    /// The ramp of differences.
    pub fn of_differences(background: Background) -> Self {
        Self { lowest: -1.0, colors: differences(background).to_vec() }
    }

    /// The lowest level: 0, or −1 for differences. The highest is 1; what is beyond looks like it.
    pub fn lowest(&self) -> f32 {
        self.lowest
    }

    /// All of them, from the lowest level to the highest; 256 at most.
    pub fn colors(&self) -> &[Rgb] {
        &self.colors
    }

    /// Which of them a level has.
    pub fn step(&self, level: f32) -> usize {
        step(self.lowest, level, self.colors.len())
    }

    /// The colour of a level.
    pub fn color(&self, level: f32) -> Rgb {
        self.colors[self.step(level)]
    }
}

/// Which of so many equal steps from `lowest` to 1 a level falls in; what is no number is as 0.
pub(super) fn step(lowest: f32, level: f32, steps: usize) -> usize {
    let level = if level.is_nan() { 0.0 } else { level.clamp(lowest, 1.0) };
    let height = (level - lowest) / (1.0 - lowest);
    ((height * steps as f32) as usize).min(steps - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_outside_the_scale_are_clamped() {
        for (level, at) in [(-1.0, 0), (0.0, 0), (0.5, 128), (1.0, 255), (7.0, 255), (f32::NAN, 0)] {
            assert_eq!(step(0.0, level, 256), at, "{level}");
        }
        for (level, at) in [(-7.0, 0), (-1.0, 0), (0.0, 127), (1.0, 254), (7.0, 254), (f32::NAN, 127)] {
            assert_eq!(step(-1.0, level, 255), at, "{level}");
        }
    }

    #[test]
    fn zero_is_in_the_middle_of_differences() {
        let ramp = Ramp::of_differences(Background::Light);
        assert_eq!((ramp.color(0.0), ramp.colors().len()), (Rgb(247, 247, 247), 255));
        assert_eq!(Ramp::of_values(ColorMap::Blues).color(1.0), Rgb(8, 48, 107));
    }
}
