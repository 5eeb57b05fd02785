//! Under each pane, in text: the cell at the cursor, where its query looked, most first, and what comes next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{next, pushed};
use crate::app::{Column, Cursor, DisplayedCapture, Hover, Pane, Side, Span, State};
use crate::attention::ablation::MovedHead;
use crate::attention::{Normalisation, NormalisedRow, span};
use crate::theme::Theme;
use crate::ui::chrome::legend;
use crate::ui::facts::lacks_sinks;
use crate::ui::places::PaneLayout;
use crate::ui::widgets::area::{take_bottom, take_top};
use crate::ui::widgets::bar::bar;
use crate::ui::widgets::matrix::IN_SPAN;
use crate::ui::widgets::text::{fit, number, put, put_line, right, width};
use crate::vocabulary::{RowReading, TextColoring, nats, with_minus};

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
    let normalisation = state.display.normalisation;
    let mut rest = area;
    let first = take_top(&mut rest, 1);
    let has_moved = shown.capture.before.is_some();
    let free = rest.height.saturating_sub(has_moved.into());
    let is_push = state.display.text == Some(TextColoring::Push);
    let span_lines = if pane.span.is_none() || is_push { 0 } else { if free < 4 { 1 } else { 2 } };
    let is_beside = free > 3 + span_lines && rest.width >= BESIDE;
    // Heads that are off are off for what they change: then next tokens are the last to go.
    let is_ablated = has_moved || state.panes.pinned(layout.side).is_some_and(|pin| pin.is_before);
    if !is_beside && rest.height > u16::from(!is_ablated) {
        next::in_a_line(state, layout, take_bottom(&mut rest, 1), theme, buffer);
    }
    if has_moved && rest.height > span_lines {
        draw_moved(shown, take_top(&mut rest, 1), theme, buffer);
    }
    let of_span = take_top(&mut rest, span_lines);
    if is_beside {
        let half = rest.width / 2;
        let right = Rect { x: rest.x + half + 1, width: rest.width - half - 1, ..rest };
        next::with_bars(state, layout, right, theme, buffer);
        rest.width = half - 1;
    }
    if is_push {
        pushed::draw(state, (layout.side, shown), (first, rest), theme, buffer);
        return;
    }
    let row = normalisation.row(shown.matrix(), pane.cursor.query);
    let pointed = matches!(state.hover, Some(Hover::Cell { .. } | Hover::Token { .. }))
        .then(|| state.lit(layout.side))
        .flatten();
    // Where there is no other line for it, a span's sum is said here.
    let aside = |row: &NormalisedRow<'_>| match &pane.span {
        Some(span) if of_span.height == 0 => {
            let name = fit(&span.name(shown), usize::from(area.width) / 4);
            vec![format!("{}{name} {}", IN_SPAN.0, sum_of(row, span))]
        }
        _ => whole(state, (layout.side, shown), row),
    };
    let pointed = pointed.filter(|cell| cell.value(shown.matrix()).is_some());
    let (cell, sign) = pointed.map_or((pane.cursor, ""), |cell| (cell, "▿ "));
    let of_cell = normalisation.row(shown.matrix(), cell.query);
    let aside = aside(&of_cell);
    exact(state, (layout.side, shown), (cell, sign), (&of_cell, &aside), first, theme, buffer);
    if let Some(span) = &pane.span {
        let name = row_name(state, (layout.side, shown), pane.cursor.query);
        let name = format!("{}{name}", legend::before_row(state.display.rows == RowReading::Predicting));
        summed(shown, (pane.cursor.query, &name, span), normalisation, of_span, theme, buffer);
    }
    let ranked = ranked(entries(&row));
    let top = bars_end(shown, normalisation, &row);
    if rest.height < 3 {
        in_a_line(shown, &ranked, rest, theme, buffer);
    } else {
        with_bars(pane, shown, (&ranked, top), rest, theme, buffer);
    }
}

/// A column's name; of a token that comes more than once, with its number, from zero on: `the₄`.
fn name(shown: &DisplayedCapture, column: Column) -> String {
    let Column::Key(key) = column else { return "sink".to_owned() };
    let Some(label) = shown.labels().get(key) else { return String::new() };
    if shown.labels().iter().filter(|other| *other == label).count() == 1 {
        return label.clone();
    }
    let number = (key * shown.matrix().bin()).to_string();
    let subscripts = number.bytes().filter_map(|digit| char::from_u32(0x2080 + u32::from(digit - b'0')));
    label.chars().chain(subscripts).collect()
}

/// A row's name: of the token that is read there, or of the one that is predicted from it.
fn row_name(state: &State, (side, shown): (Side, &DisplayedCapture), query: usize) -> String {
    match state.display.rows {
        RowReading::Reading => name(shown, Column::Key(query)),
        RowReading::Predicting if query + 1 < shown.labels().len() && shown.matrix().bin() == 1 => {
            name(shown, Column::Key(query + 1))
        }
        RowReading::Predicting => state.row_labels(side).get(query).cloned().unwrap_or_default(),
    }
}

/// `AI → write 0.676`, and at the end of the line something else about the row, in as many words as there is room for.
fn exact(
    state: &State,
    (side, shown): (Side, &DisplayedCapture),
    (cell, sign): (Cursor, &str),
    (row, aside): (&NormalisedRow<'_>, &[String]),
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let Some(raw) = cell.value(shown.matrix()) else { return };
    let value = match cell.column.value(row) {
        Some(value) => format!("  {value:.4}"),
        None => format!("  left out, raw {raw:.4}"),
    };
    let third = usize::from(area.width) / 3;
    let is_predicting = state.display.rows == RowReading::Predicting;
    let x = put_line(
        buffer,
        area,
        [
            (sign.to_owned(), chrome.strong),
            (legend::before_row(is_predicting).to_owned(), chrome.dim),
            (fit(&row_name(state, (side, shown), cell.query), third), chrome.accent),
            (" → ".to_owned(), chrome.dim),
            (fit(&name(shown, cell.column), third), chrome.accent),
            (value, chrome.strong),
        ],
    );
    let free = usize::from(area.right().saturating_sub(x + 2));
    if let Some(aside) = aside.iter().find(|aside| width(aside) <= free) {
        put(buffer, area.right() - width(aside) as u16, area.y, aside, free, chrome.dim);
    }
}

/// The value that a bar as long as there is room for stands for: 1, or the largest of the row where values have no
/// upper bound.
fn bars_end(shown: &DisplayedCapture, normalisation: Normalisation, row: &NormalisedRow<'_>) -> f32 {
    if normalisation != Normalisation::Raw || !shown.view().is_value_weighted() {
        return 1.0;
    }
    row.keys().map(|(_, value)| value).fold(f32::MIN_POSITIVE, f32::max)
}

/// `moved most  1.3 0.412  1.1 0.390`: the heads whose attention others that are off changed most.
fn draw_moved(shown: &DisplayedCapture, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let Some((heads, looked)) = shown.by_layer.moved(&shown.capture) else { return };
    let layers = shown.capture.layers.len();
    if looked == layers && heads.is_empty() {
        let none = "no head moved: those of the same and of earlier layers can't";
        put_line(buffer, area, [(none.to_owned(), chrome.dim)]);
        return;
    }
    let part = if looked < layers { format!(" so far, {looked} of {layers} layers") } else { String::new() };
    let mut x = put_line(buffer, area, [(format!("moved most{part}  "), chrome.dim)]);
    for MovedHead { layer, head, divergence } in heads {
        let (name, moved) = (format!("{layer}.{head} "), with_minus(&nats(f64::from(*divergence), 3)));
        if usize::from(area.right().saturating_sub(x)) < width(&name) + width(&moved) {
            return;
        }
        let rest = Rect { x, width: area.right().saturating_sub(x), ..area };
        x = put_line(buffer, rest, [(name, chrome.accent), (moved, chrome.strong)]) + 2;
    }
    let unit = "JS, nats";
    if usize::from(area.right().saturating_sub(x)) >= width(unit) {
        put(buffer, x, area.y, unit, width(unit), chrome.dim);
    }
}

/// What a row sums to: less than 1 where there is a sink; that there is none, beside a model that has one. Of rows whose
/// values have no upper bound, where bars end. In fewer and fewer words.
fn whole(state: &State, (side, shown): (Side, &DisplayedCapture), row: &NormalisedRow<'_>) -> Vec<String> {
    let (sum, normalisation) = (row.kept(), state.display.normalisation);
    match (normalisation, row.sink()) {
        (Normalisation::Raw, Some(sink)) => {
            vec![format!("row {sum:.3} + sink {sink:.3}"), format!("+ sink {sink:.3}")]
        }
        (Normalisation::Raw, None) if shown.view().is_value_weighted() => {
            let end = bars_end(shown, normalisation, row);
            let sum = format!("row sums to {}", number(sum));
            vec![format!("{sum}, bars to {}", number(end)), sum]
        }
        (Normalisation::Raw, None) if lacks_sinks(state, side) => {
            vec![format!("row {sum:.3}, sink –"), "sink –".to_owned()]
        }
        (Normalisation::Raw, None) => vec![format!("row sums to {sum:.3}")],
        _ if row.keys().next().is_none() => vec!["empty row".to_owned()],
        _ => vec![format!("row divided by {sum:.3}")],
    }
}

/// What a row gives to a span, in digits.
fn sum_of(row: &NormalisedRow<'_>, span: &Span) -> String {
    span::given_to(row, span.cells.clone()).map_or("nothing".to_owned(), |sum| format!("{sum:.4}"))
}

/// `AI → ┃write…story 0.812`, the sum of the keys of a span, and then what its queries give on average:
/// `┃write…story → sink 0.412  write 0.280`.
fn summed(
    shown: &DisplayedCapture,
    (query, query_name, span): (usize, &str, &Span),
    normalisation: Normalisation,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    if area.height == 0 {
        return;
    }
    let chrome = &theme.chrome;
    let third = usize::from(area.width) / 3;
    let name = format!("{}{}", IN_SPAN.0, fit(&span.name(shown), third));
    let row = normalisation.row(shown.matrix(), query);
    let sum = sum_of(&row, span);
    let line = [
        (fit(query_name, third), chrome.text),
        (" → ".to_owned(), chrome.dim),
        (name.clone(), chrome.accent),
        (format!("  {sum}"), chrome.strong),
        (if area.height > 1 { "  summed over its keys" } else { "   " }.to_owned(), chrome.dim),
    ];
    let x = put_line(buffer, area, line);
    let (keys, sink) = span::given_by(shown.matrix(), normalisation, span.cells.clone());
    let sink = sink.map(|value| (Column::Sink, value));
    let keys = keys.into_iter().map(|(key, value)| (Column::Key(key), value));
    let entries = ranked(sink.into_iter().chain(keys));
    let rest = match area.height {
        1 => Rect { x, width: area.right().saturating_sub(x), ..area },
        _ => Rect { y: area.y + 1, height: 1, ..area },
    };
    if usize::from(rest.width) < width(&name) + 12 {
        return;
    }
    let x = put_line(buffer, rest, [(name, chrome.accent), (" → ".to_owned(), chrome.dim)]);
    let rest = Rect { x, width: area.right().saturating_sub(x), ..rest };
    in_a_line(shown, &entries, rest, theme, buffer);
}

/// What is shown of a row.
fn entries(row: &NormalisedRow<'_>) -> impl Iterator<Item = Entry> {
    let sink = row.sink().map(|value| (Column::Sink, value));
    sink.into_iter().chain(row.keys().map(|(key, value)| (Column::Key(key), value)))
}

/// The largest first.
fn ranked(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut ranked: Vec<Entry> = entries.collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

fn in_a_line(shown: &DisplayedCapture, ranked: &[Entry], area: Rect, theme: &Theme, buffer: &mut Buffer) {
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
            x = put_line(buffer, line, [(format!("{name} "), style), (number(value), theme.chrome.strong)])
                + 2;
        }
    }
}

fn with_bars(
    pane: &Pane,
    shown: &DisplayedCapture,
    (ranked, top): (&[Entry], f32),
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let rows = usize::from(area.height);
    let listed = &ranked[..ranked.len().min(rows)];
    let longest = listed.iter().map(|entry| width(&name(shown, entry.0))).max().unwrap_or(0);
    let names = longest.min(usize::from(area.width) / 3);
    let bars = usize::from(area.width).saturating_sub(names + 8);
    for (y, &(column, value)) in (area.top()..).zip(listed) {
        let on_cursor = column == pane.cursor.column;
        let style = if on_cursor { theme.chrome.accent } else { theme.chrome.text };
        let x = put(buffer, area.x, y, &right(&name(shown, column), names), names, style);
        let x = put(buffer, x + 1, y, &number(value), 5, theme.chrome.strong);
        let x = x.max(area.x + names as u16 + 6) + 1;
        put(buffer, x, y, &bar(value / top, bars), bars, theme.chrome.bar);
    }
}
