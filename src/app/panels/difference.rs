//! Left and right in one square, on the pieces of text that both sides have whole tokens of.

use std::sync::Arc;

use super::panes::Panes;
use crate::app::state::cursor::{Column, Cursor, Scroll, Viewport};
use crate::app::state::displayed::DisplayedCapture;
use crate::app::state::pane::Pane;
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
    /// How the two sides share the square.
    pub arrangement: Arrangement,
    /// How finely the text is cut into pieces.
    pub granularity: Granularity,
    /// What is compared; nothing until it is known.
    compared: Option<Compared>,
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

    fn new(
        left: &DisplayedCapture,
        right: &DisplayedCapture,
        granularity: Granularity,
    ) -> Result<Self, &'static str> {
        if [left, right].iter().any(|shown| shown.view().is_value_weighted()) {
            return Err("lengths of values are each model's own: value-weighted attention is not compared");
        }
        let sides = [left, right].map(|shown| (shown.capture.tokens.as_slice(), shown.matrix()));
        let comparison = Comparison::new(sides, granularity)
            .ok_or("only prompts of up to 2,048 tokens are compared piece by piece")?;
        Ok(Self {
            labels: comparison.pieces().iter().map(|piece| piece.label.clone()).collect(),
            extents: Normalisation::ALL.map(|normalisation| {
                let [left, right] = comparison.sides().each_ref().map(|side| normalisation.extent(side));
                [comparison.extent(normalisation), left.and(right)]
            }),
            views: [left.view(), right.view()],
            prompt: left.prompt.clone(),
            captures: [left, right].map(|shown| shown.capture.clone()),
            granularity,
            comparison,
        })
    }

    /// The piece that the cursor of the focused side is on.
    fn start(&self, panes: &Panes) -> Cursor {
        let Pane { cursor, .. } = panes.focused();
        let piece = |token: usize| {
            let has = |range: &std::ops::Range<usize>| range.contains(&token);
            self.comparison.pieces().iter().position(|piece| has(&piece.tokens[panes.focus.index()]))
        };
        let column = match cursor.column {
            Column::Key(key) => Column::Key(piece(key).unwrap_or(0)),
            Column::Sink => Column::Sink,
        };
        Cursor { query: piece(cursor.query).unwrap_or(usize::MAX), column }
    }

    fn is_of(&self, left: &DisplayedCapture, right: &DisplayedCapture, granularity: Granularity) -> bool {
        let are_same = [left, right].iter().zip(&self.captures).all(|(a, b)| Arc::ptr_eq(&a.capture, b));
        are_same && (self.views, self.granularity) == ([left.view(), right.view()], granularity)
    }
}

impl Difference {
    /// What is compared, if something is.
    pub fn shown(&self) -> Option<&Compared> {
        self.compared.as_ref()
    }

    /// From the two sides to their comparison, by pieces, then by words, and back to the sides.
    pub(in crate::app) fn next(difference: Option<Self>) -> Option<Self> {
        let Some(Self { granularity, arrangement, .. }) = difference else { return Some(Self::default()) };
        match granularity {
            Granularity::Pieces => {
                Some(Self { granularity: Granularity::Words, arrangement, ..Self::default() })
            }
            Granularity::Words => None,
        }
    }

    /// To the two sides on both sides of a diagonal, and back to what they are left and right of.
    pub(in crate::app) fn split(difference: Option<Self>) -> Option<Self> {
        let arrangement = Arrangement::Split;
        match difference {
            None => Some(Self { arrangement, ..Self::default() }),
            Some(Self { arrangement: Arrangement::Split, .. }) => None,
            Some(difference) => Some(Self { arrangement, ..difference }),
        }
    }

    /// Moves the cursor as a command says, and those of the two sides along; whether the command moves it.
    pub(in crate::app) fn command(&mut self, command: Command, panes: &mut Panes) -> bool {
        let Some(compared) = &self.compared else { return false };
        let moved = self.cursor.moved(command, compared.comparison.shape(), self.viewport);
        moved.is_some_and(|cursor| self.point(cursor, panes))
    }

    /// Points to a cell, and on each side to the first of its tokens; whether there is one.
    pub(in crate::app) fn point(&mut self, cursor: Cursor, panes: &mut Panes) -> bool {
        self.move_to(cursor);
        let Some(compared) = &self.compared else { return false };
        let places: [Option<Cursor>; 2] = [0, 1].map(|side: usize| {
            let piece = |at: usize| compared.comparison.pieces().get(at).map(|piece| &piece.tokens[side]);
            let column = match self.cursor.column {
                Column::Sink => Column::Sink,
                Column::Key(key) => Column::Key(piece(key)?.start),
            };
            // Of its queries the last has seen all of it.
            Some(Cursor { query: piece(self.cursor.query)?.end - 1, column })
        });
        for (pane, place) in panes.both.iter_mut().zip(places) {
            if let Some(place) = place {
                pane.point(place);
            }
        }
        true
    }

    /// Compares anew what is on screen, if that has changed.
    ///
    /// # Errors
    /// If nothing can be compared: then the panes are to be shown again.
    pub(in crate::app) fn refresh(&mut self, panes: &Panes) -> Result<(), &'static str> {
        let [Pane { shown: Some(left), .. }, Pane { shown: Some(right), .. }] = &panes.both else {
            return Err("a difference needs both models: one has nothing to show yet");
        };
        if left.prompt != right.prompt {
            // What was compared before stays until the slower one is there, too.
            return match self.compared {
                None => Err("a difference needs the same prompt on both sides"),
                Some(_) => Ok(()),
            };
        }
        if self.shown().is_some_and(|compared| compared.is_of(left, right, self.granularity)) {
            return Ok(());
        }
        let compared = Compared::new(left, right, self.granularity)?;
        let same_text = self.shown().is_some_and(|before| before.prompt == compared.prompt);
        let cursor = if same_text { self.cursor } else { compared.start(panes) };
        self.compared = Some(compared);
        self.move_to(cursor);
        Ok(())
    }

    /// Moves the cursor, and the part on screen after it.
    fn move_to(&mut self, cursor: Cursor) {
        let Some(compared) = &self.compared else { return };
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
    pub(in crate::app) fn scroll_by(&mut self, rows: isize, columns: isize) {
        let Some(compared) = &self.compared else { return };
        let moved = Scroll {
            row: self.scroll.row.saturating_add_signed(rows),
            key: self.scroll.key.saturating_add_signed(columns),
        };
        self.scroll = moved.within(compared.comparison.shape().size(), self.viewport);
    }

    /// Takes how many cells there is room for.
    pub(in crate::app) fn fit(&mut self, viewport: Viewport) {
        (self.scroll, self.viewport) = (self.scroll_in(viewport), viewport);
    }
}
