//! Under a text that is coloured by push: what heads add through the token at the cursor, and through which they add most.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Column, DisplayedCapture, Side, State};
use crate::attention::Token;
use crate::theme::Theme;
use crate::ui::chrome::legend;
use crate::ui::widgets::area::take_top;
use crate::ui::widgets::bar::put_signed_bar;
use crate::ui::widgets::matrix::IN_SPAN;
use crate::ui::widgets::text::{fit, put, put_line, right, width};
use crate::vocabulary::{RowReading, signed};

/// Columns of a push: `+12.345`.
const VALUE: usize = 7;
/// Columns of a bar, at least and at most.
const BAR: (usize, usize) = (5, 41);

/// Draws `about → write  +0.500` into the first row, and the tokens through which most is added into the others; nothing before
/// that is known.
pub fn draw(
    state: &State,
    (side, shown): (Side, &DisplayedCapture),
    (first, mut rest): (Rect, Rect),
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let Some(pushes) = state.push_by_token(side) else { return };
    let tokens = &shown.capture.tokens;
    at_cursor(state, (side, shown), &pushes, (first, &mut rest), theme, buffer);
    let mut ranked: Vec<(usize, f32)> = pushes.into_iter().enumerate().collect();
    ranked.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let ranked: Vec<(String, f32)> = ranked
        .into_iter()
        .take(usize::from(rest.width) * usize::from(rest.height.max(1)))
        .map(|(token, push)| (name(tokens, token), push))
        .collect();
    match rest.height {
        0 => {}
        1 | 2 => in_lines(&ranked, rest, theme, buffer),
        _ => with_bars(&ranked, rest, theme, buffer),
    }
}

/// What goes through the token at the cursor, and through a span if one is marked: at the end of the line, or in one of its own.
fn at_cursor(
    state: &State,
    (side, shown): (Side, &DisplayedCapture),
    pushes: &[f32],
    (area, rest): (Rect, &mut Rect),
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let (chrome, pane, bin) = (&theme.chrome, state.pane(side), shown.matrix().bin());
    let (tokens, third) = (&shown.capture.tokens, usize::from(area.width) / 3);
    let marked = pane.marked_token(state.display.rows);
    let row = match tokens.get(marked) {
        Some(_) => name(tokens, marked),
        None => state.row_labels(side).last().cloned().unwrap_or_default(),
    };
    // Of a long prompt, a cell stands for several tokens.
    let sum = |cells: std::ops::Range<usize>| -> f32 {
        let end = (cells.end * bin).min(pushes.len());
        pushes.get((cells.start * bin).min(end)..end).unwrap_or_default().iter().sum()
    };
    let (key, push) = match pane.cursor.column {
        Column::Sink => ("sink".to_owned(), 0.0),
        Column::Key(cell) if bin == 1 => (name(tokens, cell), sum(cell..cell + 1)),
        Column::Key(cell) => (shown.passage(cell..cell + 1), sum(cell..cell + 1)),
    };
    let x = put_line(
        buffer,
        area,
        [
            (legend::before_row(state.display.rows == RowReading::Predicting).to_owned(), chrome.dim),
            (fit(&row, third), chrome.accent),
            (" → ".to_owned(), chrome.dim),
            (fit(&key, third), chrome.accent),
            (format!("  {}", signed(push, 3)), chrome.strong),
        ],
    );
    let Some(span) = &pane.span else { return };
    let (sign, name) = (IN_SPAN.0, fit(&span.name(shown), third));
    let text = format!("{sign}{name} {}", signed(sum(span.cells.clone()), 3));
    if usize::from(area.right().saturating_sub(x + 2)) >= width(&text) {
        put(buffer, area.right() - width(&text) as u16, area.y, &text, width(&text), chrome.dim);
    } else {
        put_line(buffer, take_top(rest, 1), [(text, chrome.accent)]);
    }
}

/// A token's text; of one that comes more than once, with its number, from zero on: `the₄`.
fn name(tokens: &[Token], at: usize) -> String {
    let Some(token) = tokens.get(at) else { return String::new() };
    let label = token.label();
    if tokens.iter().filter(|other| other.text == token.text).count() == 1 {
        return label;
    }
    let number = at.to_string();
    label.chars().chain(number.bytes().filter_map(subscript)).collect()
}

fn subscript(digit: u8) -> Option<char> {
    char::from_u32(0x2080 + u32::from(digit.checked_sub(b'0')?))
}

fn in_lines(ranked: &[(String, f32)], area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let mut entries = ranked.iter().peekable();
    for row in area.rows() {
        let mut x = row.x;
        while let Some((name, push)) = entries.peek() {
            let (name, push) = (fit(name, usize::from(row.width) / 3), signed(*push, 3));
            if x > row.x && usize::from(x) + width(&name) + 1 + width(&push) > usize::from(row.right()) {
                break;
            }
            entries.next();
            let line = Rect { x, width: row.right().saturating_sub(x), ..row };
            x = put_line(
                buffer,
                line,
                [(format!("{name} "), theme.chrome.text), (push, theme.chrome.strong)],
            ) + 2;
        }
    }
}

fn with_bars(ranked: &[(String, f32)], area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let listed = &ranked[..ranked.len().min(area.height.into())];
    let longest = listed.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let names = longest.min(usize::from(area.width) / 3);
    let top = listed.first().map_or(0.0, |(_, push)| push.abs());
    let bars = usize::from(area.width).saturating_sub(names + VALUE + 2).min(BAR.1);
    for (row, (name, push)) in area.rows().zip(listed) {
        let x = put(buffer, row.x, row.y, &right(name, names), names, theme.chrome.text);
        let x = put(buffer, x + 1, row.y, &right(&signed(*push, 3), VALUE), VALUE, theme.chrome.strong) + 1;
        if bars >= BAR.0 {
            let level = if top > 0.0 { push / top } else { 0.0 };
            put_signed_bar(buffer, (x, row.y), level, bars, theme);
        }
    }
}
