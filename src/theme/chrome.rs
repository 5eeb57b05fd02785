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
        }
    }
}

/// Accent, focus, border, dim, error, masked, bar; all of them among xterm's 256.
const DARK: [Rgb; 7] = [
    Rgb(255, 175, 95),
    Rgb(135, 175, 215),
    Rgb(88, 88, 88),
    Rgb(148, 148, 148),
    Rgb(255, 95, 95),
    Rgb(98, 98, 98),
    Rgb(95, 135, 175),
];
const LIGHT: [Rgb; 7] = [
    Rgb(175, 95, 0),
    Rgb(0, 95, 135),
    Rgb(178, 178, 178),
    Rgb(98, 98, 98),
    Rgb(175, 0, 0),
    Rgb(188, 188, 188),
    Rgb(95, 135, 175),
];

/// Sink, first token, rest of the prompt, what was written; all of them among xterm's 256.
const DARK_SHARES: [Rgb; 4] = [Rgb(128, 128, 128), Rgb(175, 135, 215), Rgb(95, 135, 175), Rgb(135, 175, 95)];
const LIGHT_SHARES: [Rgb; 4] = [Rgb(148, 148, 148), Rgb(135, 95, 175), Rgb(95, 135, 175), Rgb(95, 135, 0)];
