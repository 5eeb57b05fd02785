//! By which rules values are shown: what rows are divided by, and how values become colours.

use crate::attention::{ColorScale, Normalisation, Pooling};
use crate::config::keys::Command;

/// What the top of the colour scale is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Range {
    /// The higher one of both sides' [`Normalisation::peak`], so that colours compare.
    #[default]
    Shared,
    /// Each side's own.
    Own,
    /// 1, whatever is shown.
    Fixed,
}

/// By which rules values are shown, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// What rows are divided by.
    pub normalisation: Normalisation,
    /// How values become heights on the colour scale.
    pub curve: ColorScale,
    /// The top of the colour scale.
    pub range: Range,
    /// What cells that share a pixel are shown as.
    pub pooling: Pooling,
}

impl Rules {
    /// Changed as a command says; `None` if the command changes no rule.
    pub fn changed(self, command: Command) -> Option<Self> {
        Some(match command {
            Command::Normalisation => Self { normalisation: self.normalisation.next(), ..self },
            Command::ColorScale => Self {
                curve: match self.curve {
                    ColorScale::Linear => ColorScale::Log,
                    ColorScale::Log => ColorScale::Linear,
                },
                ..self
            },
            Command::Range => Self {
                range: match self.range {
                    Range::Shared => Range::Own,
                    Range::Own => Range::Fixed,
                    Range::Fixed => Range::Shared,
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
