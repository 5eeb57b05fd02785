//! The prompt's editor where its text takes several rows.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use super::prompt_line::{inner, parts};
use crate::app::{EditorRows, Mode, State};
use crate::attention::text::{characters, is_sign};
use crate::theme::Theme;
use crate::ui::widgets::text::{put, width};

/// Rows of the editor, at most: on a screen of at least so many rows.
const MOST: [(u16, u16); 4] = [(48, 12), (32, 8), (22, 5), (15, 3)];
/// Rows that are counted above and below those on screen, at most: no key is slow in a long text.
const COUNTED: usize = 99;
/// Columns of what says how many there are, with what is between it and the text: `  ↑ 99+ more`.
const SIGN: u16 = 12;

/// Rows that the prompt takes on a screen of that size, without its border: more than one while a text of more is
/// edited.
pub fn height(state: &State, screen: Rect) -> u16 {
    let most = MOST.into_iter().find(|(rows, _)| screen.height >= *rows).map_or(1, |(_, most)| most);
    if state.screen.mode() != Mode::EditPrompt || most == 1 {
        return 1;
    }
    let line = inner(Rect { height: 3, ..screen }, screen);
    let (area, _) = parts(state, line);
    let rows = around(state, usize::from(area.width), usize::from(most)).rows.len();
    (rows as u16).clamp(1, most)
}

/// Columns of the editor that has these rows, if they are several.
pub fn columns(state: &State, prompt: Rect) -> Option<usize> {
    let is_tall = prompt.height > 1 && state.screen.mode() == Mode::EditPrompt;
    is_tall.then(|| usize::from(text_area(state, parts(state, prompt).0).width))
}

fn around(state: &State, columns: usize, most: usize) -> EditorRows {
    EditorRows::around(state.editor.text(), state.editor.at(), columns, most)
}

/// Where the text goes. If not all of its rows fit, it leaves columns to say how many there are above and below.
fn text_area(state: &State, area: Rect) -> Rect {
    let room = usize::from(area.height);
    let rows = around(state, usize::from(area.width), room);
    let fits = rows.has_more == [false; 2] && rows.rows.len() <= room;
    if fits || area.width < 2 * SIGN { area } else { Rect { width: area.width - SIGN, ..area } }
}

/// The first of the rows that is on screen: the one where one types is in the middle, as far as there are others.
fn first(rows: &EditorRows, room: usize) -> usize {
    rows.at.saturating_sub(room / 2).min(rows.rows.len().saturating_sub(room))
}

/// Draws the rows that fit, and beside the first and the last of them how many there are above and below. Returns where the
/// terminal's cursor goes.
pub fn draw(state: &State, outer: Rect, theme: &Theme, buffer: &mut Buffer) -> Position {
    let (text, area) = (state.editor.text(), text_area(state, outer));
    let room = usize::from(area.height);
    let rows = around(state, usize::from(area.width), room + COUNTED);
    let first = first(&rows, room);
    for (y, row) in (area.y..area.bottom()).zip(&rows.rows[first..]) {
        let mut x = area.x;
        for (_, character) in characters(&text[row.clone()]) {
            let is_sign = is_sign(&character.shown);
            let style = if is_sign { theme.chrome.dim } else { theme.chrome.text };
            let style = if state.editor.is_selected { style.add_modifier(Modifier::REVERSED) } else { style };
            x = put(buffer, x, y, &character.shown, usize::from(area.right().saturating_sub(x)), style);
        }
    }
    let hidden = [first, rows.rows.len().saturating_sub(first + room)];
    let ends = [(area.y, "↑"), (area.bottom() - 1, "↓")];
    for (((y, arrow), count), is_more) in ends.into_iter().zip(hidden).zip(rows.has_more) {
        if count > 0 && outer.width > area.width {
            let over = if is_more || count > COUNTED { "+" } else { "" };
            let says = format!("{arrow} {}{over} more", count.min(COUNTED));
            put(buffer, outer.right() - width(&says) as u16, y, &says, width(&says), theme.chrome.dim);
        }
    }
    let x = (area.x + rows.column as u16).min(area.right().saturating_sub(1));
    Position::new(x, area.y + (rows.at - first) as u16)
}

/// The character of the text that is at a position of the editor in `area`.
pub fn place(state: &State, area: Rect, at: Position) -> usize {
    let (text, room) = (state.editor.text(), usize::from(area.height));
    let area = text_area(state, area);
    let rows = around(state, usize::from(area.width), room);
    let row = first(&rows, room) + usize::from(at.y - area.y);
    let byte = rows.byte_at(text, row.min(rows.rows.len() - 1), usize::from(at.x - area.x));
    text[..byte].chars().count()
}
