//! Left and right in one square, on the pieces of text that both sides have whole tokens of.

use std::sync::Arc;

use super::{Column, Cursor, Pane, Scroll, Shown, State, Viewport, copy};
use crate::attention::alignment::Granularity;
use crate::attention::{Capture, Comparison, Extent, Normalisation, View};
use crate::config::keys::Command;

/// How two sides share a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrangement {
    /// Left minus right.
    #[default]
    Difference,
    /// Left below the diagonal, right above it, its queries across.
    Split,
}

/// The two sides compared, and where on it one looks.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// As what.
    pub arrangement: Arrangement,
    /// How finely.
    pub granularity: Granularity,
    /// What is compared, or why nothing is; then the difference is left at once.
    pub compared: Option<Result<Compared, &'static str>>,
    /// The cell that is looked at.
    pub cursor: Cursor,
    /// The first cell on screen.
    pub scroll: Scroll,
    /// How many cells there is room for.
    pub viewport: Viewport,
}

/// Two matrices on screen, over the same pieces.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The matrices.
    pub comparison: Comparison,
    /// What rows and columns stand for.
    pub labels: Vec<String>,
    /// What each side shows.
    pub views: [View; 2],
    /// What the colour scales are to show for each normalisation: of the difference, and of both sides.
    extents: [[Extent; 2]; Normalisation::ALL.len()],
    /// The prompt that both have read.
    pub prompt: String,
    captures: [Arc<Capture>; 2],
    granularity: Granularity,
}

impl Compared {
    /// What the colour scale is to show: [`Comparison::extent`], or the [`Normalisation::extent`] of both sides.
    pub fn extent(&self, normalisation: Normalisation, arrangement: Arrangement) -> Extent {
        self.extents[normalisation as usize][arrangement as usize]
    }

    fn new(left: &Shown, right: &Shown, granularity: Granularity) -> Result<Self, &'static str> {
        if [left, right].iter().any(|shown| shown.view().is_value_weighted()) {
            return Err("lengths of values are each model's own: value-weighted attention is not compared");
        }
        let sides = [left, right].map(|shown| (shown.capture.tokens.as_slice(), shown.matrix()));
        let comparison = Comparison::new(sides, granularity)
            .ok_or("only prompts of up to 2,048 tokens are compared piece by piece")?;
        Ok(Self {
            labels: comparison.pieces().iter().map(|piece| piece.label.clone()).collect(),
            extents: Normalisation::ALL.map(|rule| {
                let [left, right] = comparison.sides().each_ref().map(|side| rule.extent(side));
                [comparison.extent(rule), left.and(right)]
            }),
            views: [left.view(), right.view()],
            prompt: left.prompt.clone(),
            captures: [left, right].map(|shown| shown.capture.clone()),
            granularity,
            comparison,
        })
    }

    fn is_of(&self, left: &Shown, right: &Shown, granularity: Granularity) -> bool {
        let are_same = [left, right].iter().zip(&self.captures).all(|(a, b)| Arc::ptr_eq(&a.capture, b));
        are_same && (self.views, self.granularity) == ([left.view(), right.view()], granularity)
    }
}

impl Difference {
    /// What is compared, if something is.
    pub fn shown(&self) -> Option<&Compared> {
        self.compared.as_ref()?.as_ref().ok()
    }

    /// Moves the cursor, and the part on screen after it.
    pub(super) fn point(&mut self, cursor: Cursor) {
        let Some(Ok(compared)) = &self.compared else { return };
        let shape = compared.comparison.shape();
        let cursor = match (self.arrangement, cursor) {
            // Above the diagonal, columns are queries.
            (Arrangement::Split, Cursor { query, column: Column::Key(key) }) if key > query => {
                Cursor { query: key, column: Column::Key(query) }
            }
            _ => cursor,
        };
        self.cursor = cursor.within(shape);
        self.scroll = self.revealing(self.viewport);
    }

    /// The first cell on screen where there is room for so many: the cursor stays in sight.
    fn revealing(&self, viewport: Viewport) -> Scroll {
        let size = self.shown().map_or(0, |compared| compared.comparison.shape().size());
        self.scroll.within(size, viewport).revealing(self.cursor, viewport)
    }

    /// The first cell on screen in a layout that has room for so many.
    pub fn scroll_in(&self, viewport: Viewport) -> Scroll {
        if viewport == self.viewport { self.scroll } else { self.revealing(viewport) }
    }

    /// Scrolls by so many cells.
    pub(super) fn scroll_by(&mut self, rows: isize, columns: isize) {
        let Some(Ok(compared)) = &self.compared else { return };
        let moved = Scroll {
            row: self.scroll.row.saturating_add_signed(rows),
            key: self.scroll.key.saturating_add_signed(columns),
        };
        self.scroll = moved.within(compared.comparison.shape().size(), self.viewport);
    }

    /// Takes how many cells there is room for.
    pub(super) fn fit(&mut self, viewport: Viewport) {
        (self.scroll, self.viewport) = (self.scroll_in(viewport), viewport);
    }
}

/// Leaves the difference where there is no view to go back to. Returns whether it did.
pub(super) fn leave(state: &mut State) -> bool {
    let leaves = state.difference.is_some() && state.focused().selection.view() == View::Mean;
    if leaves {
        state.difference = None;
    }
    leaves
}

/// From the two sides to their comparison, by pieces, then by words, and back to the sides.
pub(super) fn toggle(state: &mut State) {
    state.difference = match state.difference.take() {
        None => Some(Difference::default()),
        Some(Difference { granularity: Granularity::Pieces, arrangement, .. }) => {
            Some(Difference { granularity: Granularity::Words, arrangement, ..Difference::default() })
        }
        Some(Difference { granularity: Granularity::Words, .. }) => None,
    };
}

/// To the two sides on both sides of a diagonal, and back to what they are left and right of.
pub(super) fn toggle_split(state: &mut State) {
    let arrangement = Arrangement::Split;
    state.difference = match state.difference.take() {
        None => Some(Difference { arrangement, ..Difference::default() }),
        Some(Difference { arrangement: Arrangement::Split, .. }) => None,
        Some(difference) => Some(Difference { arrangement, ..difference }),
    };
}

/// The matrix as it is shown: a line per query, a column per key; of a square that two share, one after the other.
pub(super) fn matrix_text(state: &State) -> Option<String> {
    let difference = state.difference.as_ref()?;
    let compared = difference.shown()?;
    if difference.arrangement == Arrangement::Split {
        let table = |side| copy::table(&compared.labels, side, state.rules.normalisation);
        let [left, right] = compared.comparison.sides().each_ref().map(table);
        return Some(format!("{}\n{}", left?, right?));
    }
    let sink = compared.comparison.shape().sinks().is_some();
    let mut text = format!("query{}\t{}\n", if sink { "\tsink" } else { "" }, compared.labels.join("\t"));
    let number = |value: Option<f32>| value.map_or_else(String::new, |value| value.to_string());
    for (query, name) in compared.labels.iter().enumerate() {
        let row = compared.comparison.difference(state.rules.normalisation, query);
        text.push_str(name);
        if sink {
            text.push_str(&format!("\t{}", number(row.sink)));
        }
        for value in row.keys.iter().copied().chain(std::iter::repeat(None)).take(compared.labels.len()) {
            text.push_str(&format!("\t{}", number(value)));
        }
        text.push('\n');
    }
    Some(text)
}

/// The row of the cursor as it is shown: a line per column, its name, its value on either side, and the difference.
pub(super) fn row_text(state: &State) -> Option<String> {
    let difference = state.difference.as_ref()?;
    let compared = difference.shown()?;
    let (query, rule) = (difference.cursor.query, state.rules.normalisation);
    let mut text = format!("key\tleft\tright\t{}\n", compared.labels.get(query)?);
    let rows = [0, 1].map(|side: usize| rule.row(&compared.comparison.sides()[side], query));
    let row = compared.comparison.difference(rule, query);
    let sink = row.sink.map(|value| ("sink", Column::Sink, Some(value)));
    let keys = row.keys.iter().enumerate();
    let keys = keys.map(|(key, value)| (compared.labels[key].as_str(), Column::Key(key), *value));
    for (name, column, value) in sink.into_iter().chain(keys) {
        let number = |value: Option<f32>| value.map_or_else(String::new, |value| value.to_string());
        let [left, right] = rows.map(|row| number(column.value(&row)));
        text.push_str(&format!("{name}\t{left}\t{right}\t{}\n", number(value)));
    }
    Some(text)
}

/// Moves the cursor as a command says, and those of the two sides along; whether the command moves it.
pub(super) fn moved(state: &mut State, command: Command) -> bool {
    let Some(difference) = &mut state.difference else { return false };
    let Some(compared) = difference.shown() else { return false };
    let moved = difference.cursor.moved(command, compared.comparison.shape(), difference.viewport);
    let Some(cursor) = moved else { return false };
    point(state, cursor);
    true
}

/// Points to a cell of the difference, and on each side to the first of its tokens; whether there is one.
pub(super) fn point(state: &mut State, cursor: Cursor) -> bool {
    let Some(difference) = state.difference.as_mut().filter(|difference| difference.shown().is_some()) else {
        return false;
    };
    difference.point(cursor);
    let cursor = difference.cursor;
    let Some(compared) = difference.shown() else { return false };
    let places: [Option<Cursor>; 2] = [0, 1].map(|side: usize| {
        let piece = |at: usize| compared.comparison.pieces().get(at).map(|piece| &piece.tokens[side]);
        let column = match cursor.column {
            Column::Sink => Column::Sink,
            Column::Key(key) => Column::Key(piece(key)?.start),
        };
        // Of its queries the last has seen all of it.
        Some(Cursor { query: piece(cursor.query)?.end - 1, column })
    });
    for (pane, place) in state.panes.iter_mut().zip(places) {
        if let Some(place) = place {
            pane.point(place);
        }
    }
    true
}

/// Compares anew what is on screen, if that has changed. Where nothing can be compared, the panes are shown again, and
/// it is said why.
pub(super) fn refresh(state: &mut State) {
    compare(state);
    if let Some(Err(why)) = state.difference.as_ref().and_then(|difference| difference.compared.as_ref()) {
        state.note = Some((*why).to_owned());
        state.difference = None;
    }
}

fn compare(state: &mut State) {
    let Some(difference) = &mut state.difference else { return };
    let [Pane { shown: Some(left), .. }, Pane { shown: Some(right), .. }] = &state.panes else {
        difference.compared = Some(Err("a difference needs both models: one has nothing to show yet"));
        return;
    };
    if left.prompt != right.prompt {
        // What was compared before stays until the slower one is there, too.
        if difference.shown().is_none() {
            difference.compared = Some(Err("a difference needs the same prompt on both sides"));
        }
        return;
    }
    let granularity = difference.granularity;
    if difference.shown().is_some_and(|compared| compared.is_of(left, right, granularity)) {
        return;
    }
    let same_text = difference.shown().is_some_and(|compared| compared.prompt == left.prompt);
    let compared = Compared::new(left, right, granularity);
    let focused = [left, right][state.focus.index()];
    let cursor = state.panes[state.focus.index()].cursor;
    let start = compared.as_ref().ok().map(|compared| {
        // The piece that the cursor of the focused side is on.
        let piece = |token: usize| {
            let has = |range: &std::ops::Range<usize>| range.contains(&token);
            compared.comparison.pieces().iter().position(|piece| has(&piece.tokens[state.focus.index()]))
        };
        let column = match cursor.column {
            Column::Key(key) => Column::Key(piece(key).unwrap_or(0)),
            Column::Sink => Column::Sink,
        };
        Cursor { query: piece(cursor.query).unwrap_or(focused.matrix().size()), column }
    });
    difference.compared = Some(compared);
    let cursor = if same_text { difference.cursor } else { start.unwrap_or_default() };
    difference.point(cursor);
}
