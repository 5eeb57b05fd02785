//! What the terminal can show, as far as it says.

use std::time::Duration;

use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

use crate::theme::{Background, ColorDepth};

/// How long a terminal may take to say what is behind its text. One that doesn't know the question
/// answers the one after it at once; only one that answers nothing at all costs this time.
const PATIENCE: Duration = Duration::from_millis(400);

/// How many colours the terminal has; none if `NO_COLOR` is set.
pub fn color_depth() -> ColorDepth {
    match supports_color::on(supports_color::Stream::Stdout) {
        Some(colors) if colors.has_16m => ColorDepth::TrueColor,
        Some(colors) if colors.has_256 => ColorDepth::Ansi256,
        Some(_) => ColorDepth::Ansi16,
        None => ColorDepth::None,
    }
}

/// What is behind the text; dark if the terminal doesn't say. To be asked before anything else reads
/// from the terminal.
pub fn background() -> Background {
    let mut options = QueryOptions::default();
    options.timeout = PATIENCE;
    match theme_mode(options) {
        Ok(ThemeMode::Light) => Background::Light,
        Ok(ThemeMode::Dark) | Err(_) => Background::Dark,
    }
}
