//! Under each pane, in text: the cell at the cursor, where its query looked, most first, and what comes next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{fit, put, put_line, right, width};
use super::{PaneLayout, next};
use crate::app::{Column, Pane, Shown, State};
use crate::attention::{Normalisation, NormalisedRow};
use crate::theme::Theme;

/// Columns from which next tokens are listed beside the keys.
const BESIDE: u16 = 44;

/// A column of the cursor's row, and its value.
type Entry = (Column, f32);

/// Draws what there is room for.
pub fn draw(state: &State, layout: &PaneLayout, theme: &Theme, buffer: &mut Buffer) {
    let pane = state.pane(layout.side);
    let area = layout.inspector;
    let Some(shown) = &pane.shown else { return };
    if pane.cursor.query >= shown.matrix().size() {
        return;
    }
    let row = state.rules.normalisation.row(shown.matrix(), pane.cursor.query);
    exact(pane, shown, (state.rules.normalisation, &row), area, theme, buffer);
    let mut rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let ranked = ranked(&row);
    if rest.height > 3 && rest.width >= BESIDE {
        let half = rest.width / 2;
        let right = Rect { x: rest.x + half + 1, width: rest.width - half - 1, ..rest };
        next::with_bars(state, layout, right, theme, buffer);
        let left = Rect { width: half - 1, ..rest };
        return with_bars(pane, shown, &ranked, left, theme, buffer);
    }
    if rest.height > 1 {
        rest.height -= 1;
        next::in_a_line(state, layout, Rect { y: rest.bottom(), height: 1, ..rest }, theme, buffer);
    }
    if rest.height < 3 {
        in_a_line(shown, &ranked, rest, theme, buffer);
    } else {
        with_bars(pane, shown, &ranked, rest, theme, buffer);
    }
}

/// A column's name; of a token that comes more than once, which of them it is: `the₂`.
fn name(shown: &Shown, column: Column) -> String {
    let Column::Key(key) = column else { return "sink".to_owned() };
    let Some(label) = shown.labels.get(key) else { return String::new() };
    let same = |labels: &[String]| labels.iter().filter(|other| *other == label).count();
    if same(&shown.labels) == 1 {
        return label.clone();
    }
    let number = (same(&shown.labels[..key]) + 1).to_string();
    let subscripts = number.bytes().filter_map(|digit| char::from_u32(0x2080 + u32::from(digit - b'0')));
    label.chars().chain(subscripts).collect()
}

/// `AI → write 0.676`, and what the row sums to: less than 1 where there is a sink.
fn exact(
    pane: &Pane,
    shown: &Shown,
    (normalisation, row): (Normalisation, &NormalisedRow<'_>),
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let cursor = pane.cursor;
    let Some(raw) = cursor.value(shown.matrix()) else { return };
    let value = match cursor.column.value(row) {
        Some(value) => format!("  {value:.4}"),
        None => format!("  left out, raw {raw:.4}"),
    };
    let third = usize::from(area.width) / 3;
    let x = put_line(
        buffer,
        area,
        [
            (fit(&name(shown, Column::Key(cursor.query)), third), chrome.accent),
            (" → ".to_owned(), chrome.dim),
            (fit(&name(shown, cursor.column), third), chrome.accent),
            (value, chrome.strong),
        ],
    );
    let sum = row.kept();
    let sum = match (normalisation, row.sink()) {
        (Normalisation::Raw, Some(sink)) => format!("row {sum:.3} + sink {sink:.3}"),
        (Normalisation::Raw, None) => format!("row sums to {sum:.3}"),
        _ if row.keys().next().is_none() => "empty row".to_owned(),
        _ => format!("row divided by {sum:.3}"),
    };
    let start = area.right().saturating_sub(width(&sum) as u16);
    if start > x + 1 {
        put(buffer, start, area.y, &sum, width(&sum), chrome.dim);
    }
}

/// The cursor's row, the largest first.
fn ranked(row: &NormalisedRow<'_>) -> Vec<Entry> {
    let sink = row.sink().map(|value| (Column::Sink, value));
    let keys = row.keys().map(|(key, value)| (Column::Key(key), value));
    let mut ranked: Vec<Entry> = sink.into_iter().chain(keys).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

fn in_a_line(shown: &Shown, ranked: &[Entry], area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let mut entries = ranked.iter();
    for y in area.top()..area.bottom() {
        let mut x = area.x;
        while let Some(&(column, value)) = entries.as_slice().first() {
            let name = fit(&name(shown, column), usize::from(area.width) / 3);
            let columns = (width(&name) + 6) as u16;
            if x > area.x && x + columns > area.right() {
                break;
            }
            entries.next();
            let line = Rect { x, y, width: area.right().saturating_sub(x), height: 1 };
            let style = if column == Column::Sink { theme.chrome.dim } else { theme.chrome.text };
            x = put_line(
                buffer,
                line,
                [(format!("{name} "), style), (format!("{value:.3}"), theme.chrome.strong)],
            ) + 2;
        }
    }
}

fn with_bars(pane: &Pane, shown: &Shown, ranked: &[Entry], area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let rows = usize::from(area.height);
    let listed = &ranked[..ranked.len().min(rows)];
    let longest = listed.iter().map(|entry| width(&name(shown, entry.0))).max().unwrap_or(0);
    let names = longest.min(usize::from(area.width) / 3);
    let bars = usize::from(area.width).saturating_sub(names + 8);
    for (y, &(column, value)) in (area.top()..).zip(listed) {
        let on_cursor = column == pane.cursor.column;
        let style = if on_cursor { theme.chrome.accent } else { theme.chrome.text };
        let x = put(buffer, area.x, y, &right(&name(shown, column), names), names, style);
        let x = put(buffer, x + 1, y, &format!("{value:.3}"), 5, theme.chrome.strong) + 1;
        put(buffer, x, y, &bar(value, bars), bars, theme.chrome.bar);
    }
}

/// A line of `value` × `columns`, in halves of a column.
pub fn bar(value: f32, columns: usize) -> String {
    let halves = (value.clamp(0.0, 1.0) * columns as f32 * 2.0).round() as usize;
    format!("{}{}", "━".repeat(halves / 2), if halves % 2 == 1 { "╸" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_halves() {
        assert_eq!([0.0, 0.1, 0.25, 0.5, 1.0].map(|value| bar(value, 2)), ["", "", "╸", "━", "━━"]);
        assert_eq!(bar(f32::NAN, 4), "");
    }
}
