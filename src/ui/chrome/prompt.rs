//! The prompt and its editor.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use ratatui::widgets::{Clear, Widget};

use super::editor;
use super::prompt_line::{self, parts, ways};
use crate::app::{Column, Cursor, Mode, State};
use crate::theme::Theme;
use crate::ui::layout::Layout;
use crate::ui::widgets::area::{boxed, inset};
use crate::ui::widgets::line::{self, on_one_line};
use crate::ui::widgets::text::{put, put_line, width};

/// Draws the prompt. Returns where the terminal's cursor goes while the prompt is edited.
pub fn draw(state: &State, layout: &Layout, theme: &Theme, buffer: &mut Buffer) -> Option<Position> {
    let chrome = &theme.chrome;
    let finding = state.screen.mode() == Mode::Find;
    let editing = finding || state.screen.mode() == Mode::EditPrompt;
    let mut line = layout.prompt;
    Clear.render(line, buffer);
    if prompt_line::has_border(layout.area) {
        let border = if editing { chrome.focus } else { chrome.border };
        let block = boxed(border).title(if finding { " find " } else { " prompt " });
        line = block.inner(line);
        block.render(layout.prompt, buffer);
    }
    let mark = if editing { chrome.accent } else { chrome.dim };
    put_line(buffer, inset(line), [(ways(state), chrome.accent), ("❯ ".to_owned(), mark)]);
    let (area, note) = parts(state, line);
    let said = inset(layout.note);
    Clear.render(layout.note, buffer);
    for (row, text) in said.rows().zip(prompt_line::above(state, line, said.width.into())) {
        put_line(buffer, row, [(text, chrome.accent)]);
    }
    let x = line.right().saturating_sub(width(&note) as u16 + 1);
    put(buffer, x, line.y, &note, width(&note), chrome.accent);
    if finding {
        return Some(line::draw(&state.find.line, false, area, theme, buffer));
    }
    if editing && area.height > 1 {
        return Some(editor::draw(state, area, theme, buffer));
    }
    if editing {
        return Some(line::draw(&state.editor.draft, state.editor.is_selected, area, theme, buffer));
    }
    let lit = state.lit(state.panes.focus);
    for piece in pieces(state, area) {
        let style = highlight(state, piece.byte, lit, theme);
        put(buffer, piece.x, area.y, &piece.sign, usize::from(piece.columns), style);
    }
    None
}

/// The byte of the prompt that is at a position of the screen, unless it is being edited.
pub fn prompt_byte(state: &State, layout: &Layout, at: Position) -> Option<usize> {
    if matches!(state.screen.mode(), Mode::EditPrompt | Mode::Find) {
        return None;
    }
    let mut line = layout.prompt;
    if prompt_line::has_border(layout.area) {
        line = line.inner(Margin::new(1, 1));
    }
    let (area, _) = parts(state, line);
    let is_under = |piece: &Piece| at.y == area.y && (piece.x..piece.x + piece.columns).contains(&at.x);
    pieces(state, area).into_iter().find(is_under)?.byte
}

/// The character of the editor's text that is at a position of the screen, where that has several rows.
pub fn editor_place(state: &State, layout: &Layout, at: Position) -> Option<usize> {
    layout.editor?;
    let line = prompt_line::inner(layout.prompt, layout.area);
    let (area, _) = parts(state, line);
    area.contains(at).then(|| editor::place(state, area, at))
}

/// A sign of the prompt on screen.
struct Piece {
    x: u16,
    columns: u16,
    sign: String,
    /// Where it begins in the prompt; nothing for what stands for a part that doesn't fit.
    byte: Option<usize>,
}

/// What of the text is on screen while it is not edited: its end, where it grows, with what the focused pane's model
/// wrote.
fn pieces(state: &State, area: Rect) -> Vec<Piece> {
    let room = usize::from(area.width).max(1);
    let all = format!("{}{}", state.editor.text(), state.written(state.panes.focus).unwrap_or_default());
    let value = line::end(&all, room);
    let hidden = all.len() - value.len();
    let text = on_one_line(value);
    let bytes: Vec<usize> = value.char_indices().map(|(byte, _)| hidden + byte).collect();
    let is_cut = hidden > 0 || width(&text) > room;
    let (mut x, mut skip) = (area.x, 0);
    let mut pieces = Vec::new();
    if is_cut {
        pieces.push(Piece { x, columns: 1, sign: "…".to_owned(), byte: None });
        (x, skip) = (x + 1, (width(&text) + 1).saturating_sub(room));
    }
    let (mut characters, mut skipped) = (0, 0);
    for grapheme in Span::raw(text.as_str()).styled_graphemes(Style::new()) {
        let columns = width(grapheme.symbol);
        // On one line there is a sign for each character.
        let byte = bytes.get(characters).copied();
        characters += grapheme.symbol.chars().count();
        if skipped < skip {
            skipped += columns;
            continue;
        }
        pieces.push(Piece { x, columns: columns as u16, sign: grapheme.symbol.to_owned(), byte });
        x += columns as u16;
    }
    pieces
}

/// How a byte of the prompt is highlighted: reversed under the mouse, underlined in a span, in a colour of its own if a
/// model wrote it.
fn highlight(state: &State, byte: Option<usize>, lit: Option<Cursor>, theme: &Theme) -> Style {
    let is_written = byte.is_some_and(|byte| byte >= state.editor.text().len());
    let plain = if is_written { theme.chrome.shares[3] } else { theme.chrome.text };
    let (Some(byte), false) = (byte, state.is_edited()) else { return plain };
    let pane = state.focused();
    let Some(shown) = pane.shown.as_ref().filter(|shown| shown.prompt.starts_with(&state.run.prompt)) else {
        return plain;
    };
    let Some(at) = shown.token_at(byte).map(|token| token / shown.matrix().bin()) else { return plain };
    let is_lit = lit.is_some_and(|lit| lit.query == at || lit.column == Column::Key(at));
    let is_in_span = pane.span.as_ref().is_some_and(|span| span.cells.contains(&at));
    let style = if is_in_span { theme.chrome.accent.add_modifier(Modifier::UNDERLINED) } else { plain };
    if is_lit { style.add_modifier(Modifier::REVERSED) } else { style }
}
