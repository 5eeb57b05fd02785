//! A text whose tokens have the colours of their values, with what is said of the marked one above it.

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

use super::text_heading;
use super::text_values::Values;
use crate::app::{Column, DisplayedCapture, Scale, Side, State};
use crate::attention::text::{Piece, is_sign};
use crate::theme::Theme;
use crate::ui::widgets::matrix::{IN_SPAN, WRITTEN};
use crate::ui::widgets::text::put;
use crate::ui::widgets::text_grid::TextGrid;
use crate::vocabulary::TextColoring;

/// Under a token that has no value, where values are glyphs: after the query, and left out.
const NO_VALUE: [&str; 2] = ["·", "–"];

/// What of a text is highlighted.
struct Marks<'a> {
    /// The token that is looked at.
    cursor: usize,
    /// Cells of the row's marked key, of what the mouse lights, and of a span.
    key: Option<usize>,
    lit: Option<usize>,
    span: std::ops::Range<usize>,
    /// Tokens of what was found.
    found: &'a [std::ops::Range<usize>],
}

/// Draws the lines on screen and the heading.
pub fn draw(
    state: &State,
    (side, shown): (Side, &DisplayedCapture),
    grid: &TextGrid,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    if shown.matrix().size() == 0 {
        return;
    }
    let pane = state.pane(side);
    let (values, scale) = (Values::of(state, side, shown), state.scale(side));
    let key = |column: Column| if let Column::Key(key) = column { Some(key) } else { None };
    let looks_at = state.display.text == Some(TextColoring::LooksAt);
    let marks = Marks {
        cursor: pane.marked_token(state.display.rows),
        key: key(pane.cursor.column).filter(|_| looks_at),
        lit: state.lit(side).and_then(|lit| key(lit.column)),
        span: pane.span.as_ref().map_or(0..0, |span| span.cells.clone()),
        found: &state.find.found[side.index()],
    };
    let written = shown.capture.prompt_tokens();
    for (line, y) in grid.lines() {
        let pieces = grid.layout.line(line);
        draw_margin(pieces, (&marks, values.bin, written), (grid.area.x, y), theme, buffer);
        for piece in pieces {
            let value = values.piece(piece);
            let style = style(shown, piece, (value, &values), (scale, &marks), theme);
            let x = grid.area.x + piece.x as u16;
            put(buffer, x, y, &piece.text, piece.columns, style);
            if grid.height > 1 && y + 1 < grid.area.bottom() {
                let is_ahead = piece.tokens.start >= values.future;
                let glyph = |value| {
                    let (palette, level) = values.level(value, scale, theme);
                    palette.glyph(level).unwrap_or(' ')
                };
                let sign = match value.map(glyph) {
                    Some(glyph) => glyph.to_string(),
                    None => NO_VALUE[usize::from(!is_ahead)].to_owned(),
                };
                put(buffer, x, y + 1, &sign.repeat(piece.columns), piece.columns, theme.chrome.text);
            }
        }
    }
    let lit = marks.lit.map(|cell| cell * values.bin);
    text_heading::draw(state, (side, shown), (&values, marks.cursor, lit), grid.heading, theme, buffer);
}

/// How a piece looks: in the colour of its value; dim after the query, where there is none.
fn style(
    shown: &DisplayedCapture,
    piece: &Piece,
    (value, values): (Option<f32>, &Values<'_>),
    (scale, marks): (Scale, &Marks<'_>),
    theme: &Theme,
) -> Style {
    let chrome = &theme.chrome;
    let token = piece.tokens.start;
    let own = shown.capture.tokens.get(token);
    let is_written = own.is_some_and(|token| token.is_generated);
    let plain = match value {
        Some(value) => {
            let (palette, level) = values.level(value, scale, theme);
            palette.cell(level)
        }
        None if is_written => chrome.shares[3],
        None if token >= values.future => chrome.masked,
        None if is_sign(&piece.text) => chrome.dim,
        None => chrome.text,
    };
    let has = |cell: Option<usize>| {
        cell.is_some_and(|cell| piece.tokens.clone().any(|token| token / values.bin == cell))
    };
    let mut style = plain;
    if own.is_some_and(|token| token.is_special) {
        style = style.add_modifier(Modifier::ITALIC);
    }
    if has(marks.lit) || piece.tokens.clone().any(|token| marks.span.contains(&(token / values.bin))) {
        style = style.add_modifier(Modifier::UNDERLINED);
    }
    if has(marks.key) {
        style = style.add_modifier(Modifier::UNDERLINED | Modifier::BOLD);
    }
    // Places are in order and don't overlap.
    let next = marks.found.partition_point(|place| place.end <= token);
    if marks.found.get(next).is_some_and(|place| place.start < piece.tokens.end) {
        style = chrome.accent.add_modifier(Modifier::REVERSED);
    }
    if piece.tokens.contains(&marks.cursor) {
        let style = if value.is_some() { style } else { chrome.accent };
        return style.add_modifier(Modifier::REVERSED | Modifier::BOLD);
    }
    style
}

/// Before a line: whether the cursor is on it, a span, or tokens that a model wrote.
fn draw_margin(
    pieces: &[Piece],
    (marks, bin, written): (&Marks<'_>, usize, usize),
    (x, y): (u16, u16),
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let tokens = || pieces.iter().flat_map(|piece| piece.tokens.clone());
    let (sign, style) = match () {
        () if tokens().any(|token| token == marks.cursor) => ("▸", chrome.accent),
        () if tokens().any(|token| marks.span.contains(&(token / bin))) => (IN_SPAN.0, chrome.accent),
        () if tokens().any(|token| token >= written) => (WRITTEN, chrome.shares[3]),
        () => return,
    };
    put(buffer, x.saturating_sub(2), y, sign, 1, style);
}

/// Which tokens are on screen, if not all are.
pub fn range(grid: &TextGrid, tokens: usize) -> String {
    let mut on_screen = grid.lines().flat_map(|(line, _)| grid.layout.line(line));
    let first = on_screen.next().map_or(0, |piece| piece.tokens.start);
    let last = on_screen.last().map_or(first, |piece| piece.tokens.end.saturating_sub(1));
    if grid.layout.count() <= grid.viewport.lines {
        return if tokens == 1 { " 1 token ".to_owned() } else { format!(" {tokens} tokens ") };
    }
    format!(" tokens {first}–{last} of {tokens} ")
}
