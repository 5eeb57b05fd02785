//! The rows of the command palette.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::place::put_found;
use crate::app::{Found, Palette, State, palette_columns};
use crate::theme::Theme;
use crate::ui::widgets::text::width;

/// Columns of a command's name.
const NAME: u16 = 17;
/// Columns of a row from which there is room for it.
const WITH_NAME: u16 = 60;

/// Draws a command: its name if there is room, what it does, and its keys at the right.
pub fn draw_row(
    state: &State,
    palette: &Palette,
    found: &Found,
    is_chosen: bool,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let columns = palette_columns(palette.commands[found.entry], &state.keys);
    let [name, does, keys] = &columns;
    let start_of_does = graphemes(name) + 1;
    let start_of_keys = start_of_does + graphemes(does) + 1;
    let style = if is_chosen { chrome.strong } else { chrome.text };
    let mut rest = area;
    if area.width >= WITH_NAME {
        put_found(buffer, (rest.x, rest.y), (name, 0), found, usize::from(NAME) - 1, style, theme);
        rest = Rect { x: rest.x + NAME, width: rest.width - NAME, ..rest };
    }
    let keys_room = width(keys).min(usize::from(rest.width) / 2);
    let keys_x = rest.right() - keys_room as u16;
    let does_room = usize::from(rest.width).saturating_sub(keys_room + 2);
    put_found(buffer, (rest.x, rest.y), (does, start_of_does), found, does_room, style, theme);
    put_found(buffer, (keys_x, rest.y), (keys, start_of_keys), found, keys_room, chrome.dim, theme);
}

fn graphemes(text: &str) -> usize {
    Span::raw(text).styled_graphemes(ratatui::style::Style::new()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::Command;

    #[test]
    fn every_name_fits() {
        for command in Command::all() {
            assert!(width(command.name()) < usize::from(NAME), "{}", command.name());
        }
    }
}
