//! What goes to the clipboard: the cursor's row or the whole matrix, as they are shown, as tab-separated text.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::action::Effect;
use super::panels::{Arrangement, Compared, Difference};
use super::state::State;
use super::state::cursor::Column;
use super::state::displayed::DisplayedCapture;
use super::state::notes::NOTHING_SHOWN;
use crate::attention::{Ablation, CausalMatrix, Normalisation, NormalisedRow, named_by_next};
use crate::vocabulary::{RowReading, human_bytes};

/// Bytes of a text that goes to the clipboard. It goes there as an escape in base 64, of which many
/// terminals take 100,000 bytes and drop what is longer.
const MOST: usize = 74_000;

/// The row of the cursor: a line per column, its name and its value.
pub(super) fn row(state: &mut State) -> Vec<Effect> {
    if let Some((difference, compared)) = compared(state) {
        let text = compared_row(difference, compared, (state.display.normalisation, state.display.rows));
        return send(state, "row", text);
    }
    let pane = state.panes.focused();
    let Some(shown) = &pane.shown else { return nothing(state) };
    let names = state.row_labels(state.panes.focus);
    let Some(query) = names.get(pane.cursor.query) else { return vec![] };
    let query = named_row(state.display.rows, query);
    let row = state.display.normalisation.row(shown.matrix(), pane.cursor.query);
    let mut text = format!("key\t{query}\n");
    for (name, value) in named(shown, &row) {
        let _ = writeln!(text, "{name}\t{value}");
    }
    send(state, "row", Some(text))
}

/// The matrix: a line per query, a column per key, nothing where there is no value.
pub(super) fn matrix(state: &mut State) -> Vec<Effect> {
    if let Some((difference, compared)) = compared(state) {
        let text = compared_matrix(difference, compared, (state.display.normalisation, state.display.rows));
        return send(state, "matrix", text);
    }
    let Some(shown) = &state.panes.focused().shown else { return nothing(state) };
    let names = (state.row_labels(state.panes.focus), shown.labels());
    let head = head(state.display.rows);
    let text = table((head, &names.0, names.1), shown.matrix(), state.display.normalisation);
    send(state, "matrix", text)
}

/// A line per query, a column per key; nothing if it is too long for a clipboard.
fn table(
    (head, rows, keys): (&str, &[String], &[String]),
    matrix: &CausalMatrix,
    normalisation: Normalisation,
) -> Option<String> {
    let sink = matrix.size() > 0 && normalisation.row(matrix, 0).sink().is_some();
    let mut text = format!("{head}{}", if sink { "\tsink" } else { "" });
    for key in keys {
        let _ = write!(text, "\t{key}");
    }
    text.push('\n');
    for (query, name) in rows.iter().enumerate() {
        text.push_str(name);
        let row = normalisation.row(matrix, query);
        if let Some(sink) = row.sink() {
            let _ = write!(text, "\t{sink}");
        }
        for key in 0..=query {
            let _ = write!(text, "\t{}", number(row.get(key)));
        }
        text.push_str(&"\t".repeat(matrix.size() - query - 1));
        text.push('\n');
        if text.len() > MOST {
            return None;
        }
    }
    Some(text)
}

/// What rows are, as the head of their names.
fn head(rows: RowReading) -> &'static str {
    match rows {
        RowReading::Reading => "query",
        RowReading::Predicting => "predicting",
    }
}

/// A row by its name, which says what it is where that is not the token that is read there.
fn named_row(rows: RowReading, name: &str) -> String {
    match rows {
        RowReading::Reading => name.to_owned(),
        RowReading::Predicting => format!("predicting {name}"),
    }
}

/// What rows of a comparison are named by.
fn compared_rows(rows: RowReading, compared: &Compared) -> Cow<'_, [String]> {
    match rows {
        RowReading::Reading => compared.labels().into(),
        RowReading::Predicting => named_by_next(compared.labels(), None).into(),
    }
}

/// The difference, if that is what is copied.
fn compared(state: &State) -> Option<(&Difference, &Compared)> {
    let difference = state.screen.difference.as_ref()?;
    Some((difference, difference.shown()?))
}

/// The square as it is shown: a line per query, a column per key; of a square that two share, one after the other.
/// Nothing if it is too long for a clipboard.
fn compared_matrix(
    difference: &Difference,
    compared: &Compared,
    (normalisation, rows): (Normalisation, RowReading),
) -> Option<String> {
    if difference.arrangement == Arrangement::Split {
        let labels = compared.labels();
        let table = |side| table(("query", labels, labels), side, normalisation);
        let [left, right] = compared.comparison().sides().each_ref().map(table);
        return Some(format!("{}\n{}", left?, right?));
    }
    let sink = compared.comparison().shape().sinks().is_some();
    let names = compared_rows(rows, compared);
    let mut text =
        format!("{}{}\t{}\n", head(rows), if sink { "\tsink" } else { "" }, compared.labels().join("\t"));
    for (query, name) in names.iter().enumerate() {
        let row = compared.comparison().difference(normalisation, query);
        text.push_str(name);
        if sink {
            text.push_str(&format!("\t{}", number(row.sink)));
        }
        for value in row.keys.iter().copied().chain(std::iter::repeat(None)).take(compared.labels().len()) {
            text.push_str(&format!("\t{}", number(value)));
        }
        text.push('\n');
        if text.len() > MOST {
            return None;
        }
    }
    Some(text)
}

/// The row of the cursor as it is shown: a line per column, its name, its value on either side, and the difference.
fn compared_row(
    difference: &Difference,
    compared: &Compared,
    (normalisation, rows): (Normalisation, RowReading),
) -> Option<String> {
    let query = difference.cursor.query;
    let name = named_row(rows, compared_rows(rows, compared).get(query)?);
    let mut text = format!("key\tleft\tright\t{name}\n");
    let rows = [0, 1].map(|side: usize| normalisation.row(&compared.comparison().sides()[side], query));
    let row = compared.comparison().difference(normalisation, query);
    let sink = row.sink.map(|value| ("sink", Column::Sink, Some(value)));
    let keys = row.keys.iter().enumerate();
    let keys = keys.map(|(key, value)| (compared.labels()[key].as_str(), Column::Key(key), *value));
    for (name, column, value) in sink.into_iter().chain(keys) {
        let [left, right] = rows.map(|row| number(column.value(&row)));
        text.push_str(&format!("{name}\t{left}\t{right}\t{}\n", number(value)));
    }
    Some(text)
}

/// A value as a cell of a table: empty where there is none.
fn number(value: Option<f32>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// What a row shows, the sink first.
fn named<'a>(
    shown: &'a DisplayedCapture,
    row: &'a NormalisedRow<'_>,
) -> impl Iterator<Item = (&'a str, f32)> {
    let sink = row.sink().map(|value| ("sink", value));
    let keys = row.keys().map(|(key, value)| (shown.labels()[key].as_str(), value));
    sink.into_iter().chain(keys)
}

fn nothing(state: &mut State) -> Vec<Effect> {
    state.note = Some(NOTHING_SHOWN.to_owned());
    vec![]
}

/// Sends a text, or says that it is too long.
fn send(state: &mut State, what: &str, text: Option<String>) -> Vec<Effect> {
    let Some(text) = text.filter(|text| text.len() <= MOST) else {
        let most = human_bytes(MOST as u64);
        state.note = Some(format!("the {what} is too long for a terminal's clipboard, {most}"));
        return vec![];
    };
    // A comparison's own texts are of two models.
    let off = state.panes.focused().shown.as_ref().map(|shown| &shown.capture.ablation);
    let off = off.filter(|off| !off.is_empty() && state.screen.difference.is_none());
    let without = off.map(Ablation::suffix).unwrap_or_default();
    let step = state.step(state.panes.focus).filter(|_| state.screen.difference.is_none());
    let step = step.map_or_else(String::new, |(step, count)| format!(" of step {step} of {count}"));
    state.note = Some(format!("{what}{step}{without} sent to the terminal's clipboard"));
    vec![Effect::Copy(text)]
}
