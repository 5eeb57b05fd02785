//! What goes to the clipboard: the cursor's row or the whole matrix, as they are shown, as tab-separated text.

use std::fmt::Write as _;

use super::update::NOTHING_SHOWN;
use super::{Effect, Shown, State, difference};
use crate::attention::{CausalMatrix, Normalisation, NormalisedRow};

/// Bytes of a text that goes to the clipboard. It goes there as an escape in base 64, of which many
/// terminals take 100,000 bytes and drop what is longer.
const MOST: usize = 74_000;

/// The row of the cursor: a line per column, its name and its value.
pub(super) fn row(state: &mut State) -> Vec<Effect> {
    if let Some(text) = difference::row_text(state) {
        return send(state, "row", Some(text));
    }
    let pane = state.focused();
    let Some(shown) = &pane.shown else { return nothing(state) };
    let Some(query) = shown.labels.get(pane.cursor.query) else { return vec![] };
    let row = state.rules.normalisation.row(shown.matrix(), pane.cursor.query);
    let mut text = format!("key\t{query}\n");
    for (name, value) in named(shown, &row) {
        let _ = writeln!(text, "{name}\t{value}");
    }
    send(state, "row", Some(text))
}

/// The matrix: a line per query, a column per key, nothing where there is no value.
pub(super) fn matrix(state: &mut State) -> Vec<Effect> {
    if let Some(text) = difference::matrix_text(state) {
        return send(state, "matrix", Some(text));
    }
    let Some(shown) = &state.focused().shown else { return nothing(state) };
    let text = table(&shown.labels, shown.matrix(), state.rules.normalisation);
    send(state, "matrix", text)
}

/// A line per query, a column per key; nothing if it is too long for a clipboard.
pub(super) fn table(
    labels: &[String],
    matrix: &CausalMatrix,
    normalisation: Normalisation,
) -> Option<String> {
    let sink = matrix.size() > 0 && normalisation.row(matrix, 0).sink().is_some();
    let mut text = String::from(if sink { "query\tsink" } else { "query" });
    for key in labels {
        let _ = write!(text, "\t{key}");
    }
    text.push('\n');
    for (query, name) in labels.iter().enumerate() {
        text.push_str(name);
        let row = normalisation.row(matrix, query);
        if let Some(sink) = row.sink() {
            let _ = write!(text, "\t{sink}");
        }
        for key in 0..matrix.size() {
            text.push('\t');
            if let Some(value) = row.get(key) {
                let _ = write!(text, "{value}");
            }
        }
        text.push('\n');
        if text.len() > MOST {
            return None;
        }
    }
    Some(text)
}

/// What a row shows, the sink first.
fn named<'a>(shown: &'a Shown, row: &'a NormalisedRow<'_>) -> impl Iterator<Item = (&'a str, f32)> {
    let sink = row.sink().map(|value| ("sink", value));
    let keys = row.keys().map(|(key, value)| (shown.labels[key].as_str(), value));
    sink.into_iter().chain(keys)
}

fn nothing(state: &mut State) -> Vec<Effect> {
    state.note = Some(NOTHING_SHOWN.to_owned());
    vec![]
}

/// Sends a text, or says that it is too long.
fn send(state: &mut State, what: &str, text: Option<String>) -> Vec<Effect> {
    let Some(text) = text.filter(|text| text.len() <= MOST) else {
        state.note = Some(format!("the {what} is too long for a terminal's clipboard, {} kB", MOST / 1000));
        return vec![];
    };
    // A comparison's own texts are of two models.
    let off = state.focused().shown.as_ref().map(|shown| &shown.capture.ablation);
    let off = off.filter(|off| !off.is_empty() && state.difference.is_none());
    let without = off.map_or_else(String::new, |off| format!(" without {off}"));
    state.note = Some(format!("{what}{without} sent to the terminal's clipboard"));
    vec![Effect::Copy(text)]
}
