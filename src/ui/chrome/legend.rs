//! The colour scale with its numbers, always on screen, and the settings that are on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{ColorScale, State};
use crate::attention::Normalisation;
use crate::config::keys::Command;
use crate::theme::{ColorDepth, Palette, Theme};
use crate::ui::widgets::text::{put, put_line, width};
use crate::vocabulary::RowReading;

/// Columns of the scale, at least and at most.
const SCALE: (usize, usize) = (8, 24);

/// How much is said about a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// All there is to say.
    All,
    /// As little as is understood.
    Few,
}

/// A setting: the key that changes it, or a sign, and what it is set to.
pub type Setting = (String, String);

/// What colours mean.
pub struct Legend<'a> {
    /// The colours.
    pub palette: &'a Palette,
    /// What the lowest colour stands for, with a blank after it.
    pub bottom: String,
    /// What the highest colour stands for.
    pub top: String,
    /// The settings that are on, the most needed first.
    pub settings: Vec<Setting>,
}

/// Draws `0 ▇▇▇▇ ≥0.676` and what it means, as far as there is room: in as many words as there is room for.
pub fn draw<'a>(
    legend: impl Fn(Words) -> Option<Legend<'a>>,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    if area.height == 0 {
        return;
    }
    let chrome = &theme.chrome;
    let columns = |(key, value): &Setting| 3 + width(key) + width(value);
    let needed = |legend: &Legend<'_>| {
        let numbers = 1 + width(&legend.bottom) + 1 + width(&legend.top);
        numbers + legend.settings.iter().map(columns).sum::<usize>()
    };
    let fits = |legend: &Legend<'_>| needed(legend) + 1 + SCALE.0 <= usize::from(area.width);
    let Some(legend) = legend(Words::All).filter(fits).or_else(|| legend(Words::Few)) else { return };
    let scale = usize::from(area.width).saturating_sub(needed(&legend) + 1).clamp(SCALE.0, SCALE.1);
    let Legend { palette, bottom, top, settings } = legend;
    let mut x = put(buffer, area.x + 1, area.y, &bottom, width(&bottom), chrome.text);
    x = bar(palette, scale, (x, area.y), buffer);
    x = put(buffer, x + 1, area.y, &top, width(&top), chrome.text);
    for setting in settings {
        let rest = Rect { x: x + 2, width: area.right().saturating_sub(x + 2), ..area };
        if columns(&setting) > usize::from(rest.width) + 2 {
            break;
        }
        x = put_line(buffer, rest, [(setting.0, chrome.text), (format!(" {}", setting.1), chrome.dim)]);
    }
}

/// Every level of a palette in so many columns, from the lowest to the highest. Returns the column after it.
fn bar(palette: &Palette, columns: usize, (mut x, y): (u16, u16), buffer: &mut Buffer) -> u16 {
    let step = (1.0 - palette.lowest()) / columns.saturating_sub(1).max(1) as f32;
    for column in 0..columns {
        let level = palette.lowest() + column as f32 * step;
        let glyph = palette.glyph(level).unwrap_or(' ');
        x = put(buffer, x, y, glyph.encode_utf8(&mut [0; 4]), 1, palette.cell(level));
    }
    x
}

/// How values become heights on the scale.
pub fn color_scale(state: &State) -> Setting {
    let name = match state.display.color_scale {
        ColorScale::Linear => "linear",
        ColorScale::Log => "log₁₀",
    };
    (state.keys.hint(Command::ColorScale), name.to_owned())
}

/// The colours.
pub fn color_map(state: &State, theme: &Theme) -> Setting {
    let name = match theme.depth {
        ColorDepth::TrueColor | ColorDepth::Ansi256 => theme.map.name(),
        ColorDepth::Ansi16 => "16 colours",
        ColorDepth::None => "no colours",
    };
    (state.keys.hint(Command::NextColorMap), name.to_owned())
}

/// The normalisation, and what it leaves out.
pub fn normalisation(state: &State) -> Setting {
    let has_sinks = state.panes.shown().any(|shown| shown.matrix().sinks().is_some());
    let text = if is_value_weighted(state) {
        let normalisation = match state.display.normalisation {
            Normalisation::Raw => "raw",
            Normalisation::Renormalised => "divided by row sum",
            Normalisation::WithoutFirst => "without first token",
        };
        format!("‖α·v W_O‖ {normalisation}, no upper bound, sinks add 0")
    } else {
        state.display.normalisation.title(has_sinks).to_owned()
    };
    (state.keys.hint(Command::Normalisation), text)
}

/// How rows are named, where that is not by the token that is read there.
pub fn rows(state: &State) -> Option<Setting> {
    let is_predicting = state.display.rows == RowReading::Predicting;
    is_predicting.then(|| (state.keys.hint(Command::RowReading), "rows: predicting".to_owned()))
}

/// What stands before the name of a row that is named by what is predicted from it.
pub fn before_row(is_predicting: bool) -> &'static str {
    if is_predicting { "predicting " } else { "" }
}

/// Whether value-weighted attention is on screen.
pub fn is_value_weighted(state: &State) -> bool {
    state.panes.shown().any(|shown| shown.view().is_value_weighted())
}

/// Rows that may go beyond the top of the scale, as [`Normalisation::peak`] leaves them aside.
pub fn clipped(rows: usize, words: Words) -> &'static str {
    match (rows, words) {
        (0 | 1, _) => "",
        (2..20, Words::All) => ", scale clipped: the highest row is ignored",
        (2..20, Words::Few) => ", highest row ignored",
        (20.., Words::All) => ", scale clipped: the top tenth of rows is ignored",
        (20.., Words::Few) => ", top tenth of rows ignored",
    }
}

/// The number that the highest colour stands for, and whether there may be more than that.
pub fn top(value: f32, is_clipped: bool) -> String {
    format!("{}{value:.3}", if is_clipped { "≥" } else { "" })
}

/// Keys that may go beyond the top of the scale, as [`LookedAt`](crate::attention::LookedAt) leaves them aside.
pub fn clipped_keys(keys: usize, words: Words) -> &'static str {
    match words {
        // Nobody looks at the last one from behind it.
        _ if keys < 3 => "",
        Words::All => ", scale clipped: the highest keys are ignored",
        Words::Few => ", highest keys ignored",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Background, ColorMap};

    #[test]
    fn a_bar_of_differences_has_zero_in_its_middle() {
        let theme = Theme::new(ColorMap::default(), ColorDepth::None, Background::Dark);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 9, 1));
        let end = bar(&theme.differences, 7, (1, 0), &mut buffer);
        let text: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
        assert_eq!((text.as_str(), end), (" ≡=- +‡# ", 8));
    }
}
