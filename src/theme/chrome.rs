//! Styles of everything that is no value: borders, labels, hints.

use ratatui::style::{Color, Modifier, Style};

use super::rgb::Rgb;
use crate::vocabulary::{Background, ColorDepth};

/// Styles of everything that is no value.
#[derive(Debug, Clone)]
pub struct Chrome {
    /// Text.
    pub text: Style,
    /// Text that leads the eye: names, exact values.
    pub strong: Style,
    /// Text that stays in the background: hints, units.
    pub dim: Style,
    /// The border of the pane that keys don't go to, and rules.
    pub border: Style,
    /// The border of the pane that keys go to.
    pub focus: Style,
    /// What is chosen: the cursor's labels, the current head, the prompt's mark.
    pub accent: Style,
    /// What went wrong.
    pub error: Style,
    /// Cells in the future. Never the colour of zero.
    pub masked: Style,
    /// Bars of a progress or of a ranking.
    pub bar: Style,
    /// Shares of a row: of the sink, of the first token, of the rest of the prompt, and of what was written.
    pub shares: [Style; 4],
    /// Segments of a prompt in a bar, which follow each other and begin again.
    pub segments: [Style; 6],
}

impl Chrome {
    /// The styles for a terminal with these colours.
    pub fn new(depth: ColorDepth, background: Background) -> Self {
        let [accent, focus, border, dim, error, masked, bar] = match (depth, background) {
            (ColorDepth::Ansi16, Background::Dark) => {
                use Color::*;
                [Yellow, Cyan, DarkGray, Gray, LightRed, DarkGray, Cyan]
            }
            (ColorDepth::Ansi16, Background::Light) => {
                use Color::*;
                [Magenta, Blue, DarkGray, DarkGray, Red, DarkGray, Blue]
            }
            (_, Background::Dark) => DARK.map(|rgb| depth.color(rgb)),
            (_, Background::Light) => LIGHT.map(|rgb| depth.color(rgb)),
        };
        let shares = match (depth, background) {
            (ColorDepth::Ansi16, _) => [Color::DarkGray, Color::Magenta, Color::Blue, Color::Green],
            (_, Background::Dark) => DARK_SHARES.map(|rgb| depth.color(rgb)),
            (_, Background::Light) => LIGHT_SHARES.map(|rgb| depth.color(rgb)),
        };
        let segments = match (depth, background) {
            (ColorDepth::Ansi16, _) => {
                use Color::*;
                [Blue, Green, Cyan, Yellow, LightBlue, Red]
            }
            (_, Background::Dark) => DARK_SEGMENTS.map(|rgb| depth.color(rgb)),
            (_, Background::Light) => LIGHT_SEGMENTS.map(|rgb| depth.color(rgb)),
        };
        let style = |color| Style::new().fg(color);
        let without_colors = depth == ColorDepth::None;
        Self {
            text: style(Color::Reset),
            strong: style(Color::Reset).add_modifier(Modifier::BOLD),
            dim: style(dim),
            border: style(border),
            focus: style(focus),
            accent: style(accent).add_modifier(Modifier::BOLD),
            error: if without_colors { Style::new().add_modifier(Modifier::BOLD) } else { style(error) },
            masked: style(masked),
            bar: style(bar),
            shares: shares.map(style),
            segments: segments.map(style),
        }
    }
}

/// Accent, focus, border, dim, error, masked, bar; all of them among xterm's 256.
const DARK: [Rgb; 7] = Rgb::table([0xffaf5f, 0x87afd7, 0x585858, 0x949494, 0xff5f5f, 0x626262, 0x5f87af]);
const LIGHT: [Rgb; 7] = Rgb::table([0xaf5f00, 0x005f87, 0xb2b2b2, 0x626262, 0xaf0000, 0xbcbcbc, 0x5f87af]);

/// Sink, first token, rest of the prompt, what was written; all of them among xterm's 256.
const DARK_SHARES: [Rgb; 4] = Rgb::table([0x808080, 0xaf87d7, 0x5f87af, 0x87af5f]);
const LIGHT_SHARES: [Rgb; 4] = Rgb::table([0x949494, 0x875faf, 0x5f87af, 0x5f8700]);

/// Segments of a prompt; all of them among xterm's 256, and none of them one of the shares' before.
const DARK_SEGMENTS: [Rgb; 6] = Rgb::table([0x5f87af, 0x87af5f, 0xd7af5f, 0x5fafaf, 0xd7875f, 0xd787af]);
const LIGHT_SEGMENTS: [Rgb; 6] = Rgb::table([0x5f87af, 0x5f8700, 0xaf8700, 0x008787, 0xaf5f00, 0xaf5f87]);
