//! The colour scale with its numbers, always on screen, and the rules that are on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{put, put_line, short, width};
use super::{Layout, Overview, difference, heads};
use crate::app::{Arrangement, ColorScale, Compared, Mode, State};
use crate::attention::Normalisation;
use crate::config::keys::Command;
use crate::theme::{ColorDepth, Palette, Theme};
use crate::vocabulary::ColorRange;
use crate::worker::protocol::Side;

/// Columns of the scale, at least and at most.
const SCALE: (usize, usize) = (8, 24);

/// Draws `0 ▇▇▇▇ ≥0.676` and what it means, as far as there is room.
pub fn draw(state: &State, layout: &Layout, theme: &Theme, buffer: &mut Buffer) {
    let area = layout.legend;
    // A list has no colours to explain.
    if matches!(state.mode, Mode::Leaderboard | Mode::Lens) {
        return;
    }
    if area.height == 0 || state.panes.iter().all(|pane| pane.shown.is_none()) {
        return;
    }
    let chrome = &theme.chrome;
    let compared = compared(state);
    let arrangement = difference::arrangement(state);
    let (palette, (bottom, top)) = match compared {
        Some(compared) if arrangement == Arrangement::Difference => {
            (&theme.differences, difference::ends(state, compared))
        }
        _ => (&theme.values, (bottom(state), top(state))),
    };
    let columns = |(key, rule): &(String, String)| 3 + width(key) + width(rule);
    let numbers = 1 + width(&bottom) + 1 + width(&top);
    let needed = |rules: &[(String, String)]| numbers + rules.iter().map(columns).sum::<usize>();
    let in_full = rules(state, layout, Words::All, theme);
    let fits = needed(&in_full) + 1 + SCALE.0 <= usize::from(area.width);
    let rules = if fits { in_full } else { rules(state, layout, Words::Few, theme) };
    let needed = needed(&rules);
    let scale = usize::from(area.width).saturating_sub(needed + 1).clamp(SCALE.0, SCALE.1);
    let mut x = put(buffer, area.x + 1, area.y, &bottom, width(&bottom), chrome.text);
    x = bar(palette, scale, (x, area.y), buffer);
    x = put(buffer, x + 1, area.y, &top, width(&top), chrome.text);
    for rule in rules {
        let rest = Rect { x: x + 2, width: area.right().saturating_sub(x + 2), ..area };
        if columns(&rule) > usize::from(rest.width) + 2 {
            break;
        }
        x = put_line(buffer, rest, [(rule.0, chrome.text), (format!(" {}", rule.1), chrome.dim)]);
    }
}

/// What is compared, if that is on screen.
fn compared(state: &State) -> Option<&Compared> {
    if matches!(state.mode, Mode::HeadGrid(_)) {
        return None;
    }
    state.difference.as_ref()?.shown()
}

/// Every level of a palette in so many columns, from the lowest to the highest. Returns the column after it.
pub fn bar(palette: &Palette, columns: usize, (mut x, y): (u16, u16), buffer: &mut Buffer) -> u16 {
    let step = (1.0 - palette.lowest()) / columns.saturating_sub(1).max(1) as f32;
    for column in 0..columns {
        let level = palette.lowest() + column as f32 * step;
        let glyph = palette.glyph(level).unwrap_or(' ');
        x = put(buffer, x, y, glyph.encode_utf8(&mut [0; 4]), 1, palette.cell(level));
    }
    x
}

/// What the lowest colour stands for; on each side, if it isn't the same.
fn bottom(state: &State) -> String {
    if state.rules.curve == ColorScale::Linear {
        return "0 ".to_owned();
    }
    let bottom = |side| format!("≤{}", short(state.scale(side).bottom));
    let shown = Side::BOTH.into_iter().filter(|side| state.pane(*side).shown.is_some());
    match (state.mode, &state.focused().shown, compared(state)) {
        (Mode::HeadGrid(_), Some(shown), _) => format!("≤{} ", short(heads::scale_of(state, shown).bottom)),
        (_, _, Some(compared)) => format!("≤{} ", short(difference::scale(state, compared).bottom)),
        _ if state.rules.range == ColorRange::Own => shown.map(bottom).collect::<Vec<_>>().join(" ┊ ") + " ",
        _ => bottom(Side::Left) + " ",
    }
}

/// What the highest colour stands for; on each side, if it isn't the same.
fn top(state: &State) -> String {
    let top = |side| format!("≥{:.3}", state.scale(side).top);
    if let (Mode::HeadGrid(_), Some(shown)) = (state.mode, &state.focused().shown) {
        return format!("≥{:.3}", heads::scale_of(state, shown).top);
    }
    if let Some(compared) = compared(state) {
        return format!("≥{:.3}", difference::scale(state, compared).top);
    }
    match state.rules.range {
        ColorRange::Top(_) => if is_weighted(state) { "≥1" } else { "1" }.to_owned(),
        ColorRange::Shared => top(Side::Left),
        ColorRange::Own => {
            let shown = Side::BOTH.into_iter().filter(|side| state.pane(*side).shown.is_some());
            shown.map(top).collect::<Vec<_>>().join(" ┊ ")
        }
    }
}

/// How much is said about a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Words {
    All,
    Few,
}

/// Each rule with the key that changes it, the most needed first.
fn rules(state: &State, layout: &Layout, words: Words, theme: &Theme) -> Vec<(String, String)> {
    let rules = state.rules;
    let curve = match rules.curve {
        ColorScale::Linear => "linear",
        ColorScale::Log => "log₁₀",
    };
    let range = match rules.range {
        ColorRange::Shared | ColorRange::Own if state.is_alone() => {
            format!("up to the top{}", clipped(most_rows(state), words))
        }
        ColorRange::Shared => format!("top of both{}", clipped(most_rows(state), words)),
        ColorRange::Own => format!("top of each{}", clipped(most_rows(state), words)),
        ColorRange::Top(_) => "0 to 1".to_owned(),
    };
    let map = match theme.depth {
        ColorDepth::TrueColor | ColorDepth::Ansi256 => theme.map.name(),
        ColorDepth::Ansi16 => "16 colours",
        ColorDepth::None => "no colours",
    };
    let key = |command| state.keys.hint(command);
    if matches!(state.mode, Mode::HeadGrid(_)) {
        return vec![
            ("heads".to_owned(), if is_weighted(state) { "‖α·v W_O‖, raw" } else { "raw" }.to_owned()),
            (key(Command::ColorScale), curve.to_owned()),
            ("top".to_owned(), "of all, first rows are ignored".to_owned()),
            (key(Command::NextColorMap), map.to_owned()),
        ];
    }
    if let Some(compared) = compared(state) {
        let [left, right] = difference::names(state);
        let split = difference::arrangement(state) == Arrangement::Split;
        let range = match rules.range {
            ColorRange::Top(_) if split => range,
            ColorRange::Top(_) => "−1 to 1".to_owned(),
            ColorRange::Shared | ColorRange::Own => format!("top{}", clipped(compared.labels.len(), words)),
        };
        let common = [
            (key(Command::Normalisation), normalisation(state)),
            (key(Command::ColorScale), curve.to_owned()),
            (key(Command::Range), range),
        ];
        let (before, after) = if split {
            let own = [("◺".to_owned(), left), ("◹".to_owned(), format!("{right}, queries across"))];
            (own, (key(Command::NextColorMap), map.to_owned()))
        } else {
            let more = [("−".to_owned(), format!("{right} more")), ("+".to_owned(), format!("{left} more"))];
            (more, ("·".to_owned(), "future".to_owned()))
        };
        return before.into_iter().chain(common).chain([after]).collect();
    }
    let mut shown = vec![
        (key(Command::Normalisation), normalisation(state)),
        (key(Command::ColorScale), curve.to_owned()),
        (key(Command::Range), range),
        (key(Command::NextColorMap), map.to_owned()),
    ];
    match layout.panes.iter().flatten().find_map(|pane| pane.overview) {
        Some(Overview { bin, .. }) => {
            let bin = bin * tokens_per_cell(state);
            // A pixel that is one cell is neither a largest nor a mean.
            if bin > 1 {
                let pooling = format!("{} of {bin}×{bin}", rules.pooling.name());
                shown.insert(0, (key(Command::Pooling), pooling));
            }
        }
        // An overview leaves the future empty.
        None => shown.push(("·".to_owned(), "future".to_owned())),
    }
    shown
}

/// Rows that may go beyond the top of the scale, as [`Normalisation::peak`] leaves them aside.
fn clipped(rows: usize, words: Words) -> &'static str {
    match (rows, words) {
        (0 | 1, _) => "",
        (2..20, Words::All) => ", scale clipped: the highest row is ignored",
        (2..20, Words::Few) => ", highest row ignored",
        (20.., Words::All) => ", scale clipped: the top tenth of rows is ignored",
        (20.., Words::Few) => ", top tenth of rows ignored",
    }
}

/// Tokens that a cell stands for, along each axis, where prompts are long.
fn tokens_per_cell(state: &State) -> usize {
    let shown = state.panes.iter().filter_map(|pane| pane.shown.as_ref());
    shown.map(|shown| shown.matrix().bin()).max().unwrap_or(1)
}

/// Rows of the larger matrix on screen.
fn most_rows(state: &State) -> usize {
    let shown = state.panes.iter().filter_map(|pane| pane.shown.as_ref());
    shown.map(|shown| shown.matrix().size()).max().unwrap_or(0)
}

/// Whether value-weighted attention is on screen.
fn is_weighted(state: &State) -> bool {
    state.panes.iter().filter_map(|pane| pane.shown.as_ref()).any(|shown| shown.view().is_value_weighted())
}

/// The normalisation, and what it leaves out.
fn normalisation(state: &State) -> String {
    if is_weighted(state) {
        let rule = match state.rules.normalisation {
            Normalisation::Raw => "raw",
            Normalisation::Renormalised => "divided by row sum",
            Normalisation::WithoutFirst => "without first token",
        };
        return format!("‖α·v W_O‖ {rule}, no upper bound, sinks add 0");
    }
    let mut shown = state.panes.iter().filter_map(|pane| pane.shown.as_ref());
    let sink = shown.any(|shown| shown.matrix().sinks().is_some());
    state.rules.normalisation.title(sink).to_owned()
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
