//! By which rules values are shown: what rows are divided by, and how values become colours.

use crate::config::keys::Command;
use crate::vocabulary::{ColorRange, ColorScale, Normalisation, Pooling};

/// By which rules values are shown, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rules {
    /// What rows are divided by.
    pub normalisation: Normalisation,
    /// How values become heights on the colour scale.
    pub curve: ColorScale,
    /// The top of the colour scale.
    pub range: ColorRange,
    /// What cells that share a pixel are shown as.
    pub pooling: Pooling,
}

impl Rules {
    /// Changed as a command says; `None` if the command changes no rule.
    pub fn changed(self, command: Command) -> Option<Self> {
        Some(match command {
            Command::Normalisation => Self { normalisation: self.normalisation.next(), ..self },
            Command::ColorScale => Self { curve: self.curve.next(), ..self },
            Command::Range => Self {
                range: match self.range {
                    ColorRange::Shared => ColorRange::Own,
                    ColorRange::Own => ColorRange::Top(1.0),
                    ColorRange::Top(_) => ColorRange::Shared,
                },
                ..self
            },
            Command::Pooling => Self { pooling: self.pooling.next(), ..self },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_on_comes_back() {
        for (command, times) in [
            (Command::Normalisation, 3),
            (Command::ColorScale, 2),
            (Command::Range, 3),
            (Command::Pooling, 2),
        ] {
            let changed = |rules: Rules| rules.changed(command).unwrap();
            assert_ne!(changed(Rules::default()), Rules::default());
            assert_eq!((0..times).fold(Rules::default(), |rules, _| changed(rules)), Rules::default());
        }
        assert_eq!(Rules::default().changed(Command::Help), None);
    }
}
