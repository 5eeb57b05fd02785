//! The keys that are sinks of some heads, the first token before all others.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::SinkSide;
use crate::attention::sinks::{FEW_QUERIES, KeySink, Sinks};
use crate::theme::Theme;
use crate::ui::widgets::area::take_top;
use crate::ui::widgets::bar::bar;
use crate::ui::widgets::text::{first_that_fits, fit, put, put_line, right, width};

/// Columns of a position, of a token, of a rate, of a share, of a value's length, and of the queries.
const POSITION: usize = 5;
const TOKEN: usize = 14;
const RATE: usize = 5;
const SHARE: usize = 7;
const VALUES: usize = 7;
const QUERIES: usize = 8;
/// Columns of a bar, at least and at most.
const BAR: (usize, usize) = (4, 16);
/// Keys that are listed, at most.
const MOST: u16 = 8;
/// What keys are in the order of, in fewer and fewer words.
const ORDER: [&str; 4] = [
    "the first token, then by heads and share; keys that few queries see are last",
    "first token, then by heads; few queries last",
    "by heads; few queries last",
    "few queries last",
];
/// Rows that layers have at least.
const LAYERS: u16 = 4;

/// Draws as many keys as there is room for above the layers.
pub fn draw(found: &Sinks, side: &SinkSide, rest: &mut Rect, theme: &Theme, buffer: &mut Buffer) {
    let ranked = found.ranked();
    // As many in both boxes, so that what is under them stands side by side.
    let rows = (rest.height.saturating_sub(LAYERS) / 2).min(MOST);
    if rows == 0 || rest.height < LAYERS + 3 || !found.has_later_tokens() {
        return;
    }
    let chrome = &theme.chrome;
    if rest.height > LAYERS + 6 {
        take_top(rest, 1);
    }
    let columns = Columns::of(usize::from(rest.width));
    let heading = take_top(rest, 1);
    let sinks = format!("{:>POSITION$} {:token$}", "key", "token", token = columns.token);
    let x = put(buffer, heading.x, heading.y, &sinks, usize::from(rest.width), chrome.dim);
    let x = put(buffer, x, heading.y, &right("▾heads", RATE + 1), RATE + 1, chrome.accent);
    let mut text = " ".repeat(if columns.bar > 0 { columns.bar + 1 } else { 0 });
    text += &right("share", SHARE);
    if columns.has_values {
        text += &right("values", VALUES);
    }
    if columns.has_queries {
        text += &right("queries", QUERIES);
    }
    put(buffer, x, heading.y, &text, usize::from(heading.right().saturating_sub(x)), chrome.dim);
    let mut list = take_top(rest, rows);
    for key in ranked.iter().take(rows.into()) {
        draw_key(key, side, &columns, take_top(&mut list, 1), theme, buffer);
    }
    let left = ranked.len().saturating_sub(rows.into());
    let note = take_top(rest, 1);
    let texts = match left {
        0 if ranked.len() == 1 => vec!["no other key is a sink of any head".to_owned()],
        0 => ORDER.map(str::to_owned).into(),
        left => ORDER.map(|order| format!("… {left} more · {order}")).into(),
    };
    let text = first_that_fits(&texts, usize::from(note.width).saturating_sub(POSITION + 1));
    put_line(buffer, note, [(format!("{:POSITION$} {text}", ""), chrome.dim)]);
}

/// What there is room for beside position, token, rate and share.
struct Columns {
    token: usize,
    bar: usize,
    has_values: bool,
    has_queries: bool,
}

impl Columns {
    fn of(room: usize) -> Self {
        let least = POSITION + 1 + RATE + 1 + SHARE;
        let token = room.saturating_sub(least).min(TOKEN);
        let left = room.saturating_sub(least + token);
        let has_values = left >= VALUES;
        let left = left.saturating_sub(VALUES);
        let has_queries = left >= QUERIES;
        let left = left.saturating_sub(QUERIES + 1);
        let bar = if left >= BAR.0 { left.min(BAR.1) } else { 0 };
        Self { token, bar, has_values, has_queries }
    }
}

fn draw_key(
    key: &KeySink,
    side: &SinkSide,
    columns: &Columns,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let token = side.capture.tokens.get(key.position).map(|token| token.label()).unwrap_or_default();
    let token = fit(&token, columns.token);
    let token = format!("{token}{}", " ".repeat(columns.token - width(&token)));
    let style = if key.position > 0 && key.queries < FEW_QUERIES { chrome.dim } else { chrome.text };
    let mut pieces = vec![
        (right(&key.position.to_string(), POSITION) + " ", chrome.dim),
        (token, style),
        (right(&format!("{:.0}%", 100.0 * key.rate), RATE + 1), chrome.strong),
    ];
    if columns.bar > 0 {
        let bar = bar(key.rate, columns.bar);
        let blanks = " ".repeat(columns.bar - width(&bar));
        pieces.push((format!(" {bar}{blanks}"), chrome.bar));
    }
    pieces.push((right(&format!("{:.3}", key.share), SHARE), style));
    if columns.has_values {
        let values = key.value_ratio.map_or_else(|| "–".to_owned(), |ratio| format!("×{ratio:.2}"));
        pieces.push((right(&values, VALUES), style));
    }
    if columns.has_queries {
        pieces.push((right(&key.queries.to_string(), QUERIES), chrome.dim));
    }
    put_line(buffer, area, pieces);
}
