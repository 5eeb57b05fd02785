//! How high a value is on a colour scale.

/// What a logarithmic scale starts with; anything below, zero included, has the lowest colour.
pub const LOG_FLOOR: f32 = 1e-4;

/// How a value becomes a height on the colour scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Curve {
    /// In proportion.
    #[default]
    Linear,
    /// By its logarithm, from [`LOG_FLOOR`] on.
    Log,
}

impl Curve {
    /// Both.
    pub const ALL: [Curve; 2] = [Curve::Linear, Curve::Log];

    /// As exports and flags spell it.
    pub fn name(self) -> &'static str {
        match self {
            Curve::Linear => "linear",
            Curve::Log => "log",
        }
    }
}

/// A colour scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// How a value becomes a height.
    pub curve: Curve,
    /// The value at the top; larger ones have its colour.
    pub top: f32,
}

impl Scale {
    /// A scale up to `top`. A logarithmic one covers a decade at least.
    pub fn new(curve: Curve, top: f32) -> Self {
        let least = match curve {
            Curve::Linear => f32::MIN_POSITIVE,
            Curve::Log => LOG_FLOOR * 10.0,
        };
        Self { curve, top: top.max(least) }
    }

    /// How high a value is on it, from 0 to 1.
    pub fn level(self, value: f32) -> f32 {
        let level = match self.curve {
            Curve::Linear => value / self.top,
            Curve::Log => (value / LOG_FLOOR).log10() / (self.top / LOG_FLOOR).log10(),
        };
        level.clamp(0.0, 1.0)
    }

    /// How far a difference is from 0 on it, from −1 to 1.
    pub fn signed_level(self, difference: f32) -> f32 {
        self.level(difference.abs()).copysign(difference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_from_nothing_to_the_top() {
        let linear = Scale::new(Curve::Linear, 0.5);
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|value| linear.level(value)), [0.0, 0.5, 1.0, 1.0]);
        let log = Scale::new(Curve::Log, 1.0);
        let levels = [0.0, 1e-5, 1e-4, 1e-2, 1.0, 2.0].map(|value| log.level(value));
        for (level, expected) in levels.into_iter().zip([0.0, 0.0, 0.0, 0.5, 1.0, 1.0]) {
            assert!((level - expected).abs() < 1e-6, "{levels:?}");
        }
        assert_eq!([-1.0, -0.25, 0.0, 0.25].map(|value| linear.signed_level(value)), [-1.0, -0.5, 0.0, 0.5]);
        assert!((log.signed_level(-1e-2) + 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_scale_of_nothing_is_one_all_the_same() {
        for curve in Curve::ALL {
            let scale = Scale::new(curve, 0.0);
            assert_eq!((scale.level(0.0), scale.level(1.0)), (0.0, 1.0), "{curve:?}");
        }
    }
}
