//! How values are shown, on both sides: what rows are divided by, how values become colours, and how large cells are.

use super::zoom::Zoom;
use crate::config::keys::Command;
use crate::vocabulary::{ColorMap, ColorRange, ColorScale, Normalisation, Pooling, RowReading, TextColoring};

/// How values are shown, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DisplaySettings {
    /// What rows are divided by.
    pub normalisation: Normalisation,
    /// How values become heights on the colour scale.
    pub color_scale: ColorScale,
    /// The top of the colour scale.
    pub range: ColorRange,
    /// What cells that share a pixel are shown as.
    pub pooling: Pooling,
    /// How heights on the colour scale become colours.
    pub color_map: ColorMap,
    /// How large cells are.
    pub zoom: Zoom,
    /// What rows are named by.
    pub rows: RowReading,
    /// Whether special tokens have no names beside the matrix.
    pub hides_special: bool,
    /// Whether the focused pane has the whole width.
    pub one_pane: bool,
    /// What the tokens of the text are coloured by, if that is shown in the place of the matrix.
    pub text: Option<TextColoring>,
    /// Whether the text came by itself, because the matrix was too large.
    pub is_text_by_itself: bool,
    /// Whether values are shown by glyphs, for want of colours: a line of them lies under each line of the text.
    pub has_glyphs: bool,
}

impl DisplaySettings {
    /// The settings after a command about values and colours; `None` if the command is about something else.
    pub fn changed(self, command: Command) -> Option<Self> {
        Some(match command {
            Command::Normalisation => Self { normalisation: self.normalisation.next(), ..self },
            Command::ColorScale => Self { color_scale: self.color_scale.next(), ..self },
            Command::Range => Self {
                range: match self.range {
                    ColorRange::Shared => ColorRange::Own,
                    ColorRange::Own => ColorRange::Top(1.0),
                    ColorRange::Top(_) => ColorRange::Shared,
                },
                ..self
            },
            Command::Pooling => Self { pooling: self.pooling.next(), ..self },
            Command::SpecialTokens => Self { hides_special: !self.hides_special, ..self },
            Command::RowReading => Self { rows: self.rows.next(), ..self },
            Command::NextColorMap => Self { color_map: self.color_map.next(), ..self },
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
            (Command::NextColorMap, ColorMap::ALL.len()),
            (Command::SpecialTokens, 2),
            (Command::RowReading, 2),
        ] {
            let changed = |display: DisplaySettings| display.changed(command).unwrap();
            let start = DisplaySettings::default();
            assert_ne!(changed(start), start);
            assert_eq!((0..times).fold(start, |display, _| changed(display)), start);
        }
        assert_eq!(DisplaySettings::default().changed(Command::Help), None);
    }
}
