//! Left and right in one square, on the pieces of text that both sides have whole tokens of.

use std::ops::Range;
use std::sync::Arc;

use super::panes::Panes;
use crate::app::state::cursor::{Column, Cursor, Scroll, Viewport};
use crate::app::state::pane::Pane;
use crate::attention::{Comparison, Extent, MeasuredComparison, TOO_LONG, Texts};
use crate::config::keys::Command;
use crate::vocabulary::{Granularity, Normalisation, View};
use crate::worker::protocol::{CompareJob, Request};

/// How two sides share a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrangement {
    /// Left minus right.
    #[default]
    Difference,
    /// Left below the diagonal, right above it, its queries across.
    Split,
}

/// The two sides compared, and the cell of the comparison that is looked at.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// How the two sides share the square.
    pub arrangement: Arrangement,
    /// How finely the text is cut into pieces.
    pub granularity: Granularity,
    /// What is compared; nothing until it is known, and what was compared before until something newer is.
    compared: Option<Compared>,
    /// What was asked of the worker and is not answered yet.
    asked: Option<CompareJob>,
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
    /// The job that compared them.
    question: CompareJob,
    measured: Arc<MeasuredComparison>,
    /// The prompt that each side has read.
    pub prompts: [String; 2],
}

impl Compared {
    /// The matrices.
    pub fn comparison(&self) -> &Comparison {
        &self.measured.comparison
    }

    /// What rows and columns stand for.
    pub fn labels(&self) -> &[String] {
        &self.measured.labels
    }

    /// What each side shows.
    pub fn views(&self) -> [View; 2] {
        self.question.views
    }

    /// How finely the text is cut into pieces.
    pub fn granularity(&self) -> Granularity {
        self.question.granularity
    }

    /// What the colour scale is to show: [`Comparison::extent`], or the `Normalisation::extent` of both sides.
    pub fn extent(&self, normalisation: Normalisation, arrangement: Arrangement) -> Extent {
        let (difference, sides) = self.measured.extents[normalisation as usize];
        match arrangement {
            Arrangement::Difference => difference,
            Arrangement::Split => sides,
        }
    }

    /// The piece that the cursor of the focused side is on.
    fn start(&self, panes: &Panes) -> Cursor {
        let Pane { cursor, .. } = panes.focused();
        let piece = |token: usize| {
            let has = |range: &Range<usize>| range.contains(&token);
            let mut pieces = self.comparison().pieces().iter();
            pieces.position(|piece| has(&piece.tokens[panes.focus.index()]))
        };
        let column = match cursor.column {
            Column::Key(key) => Column::Key(piece(key).unwrap_or(0)),
            Column::Sink => Column::Sink,
        };
        Cursor { query: piece(cursor.query).unwrap_or(usize::MAX), column }
    }
}

impl Difference {
    /// What is compared, if something is.
    pub fn shown(&self) -> Option<&Compared> {
        self.compared.as_ref()
    }

    /// From the two sides to their comparison, by pieces, then by words, and back to the sides.
    pub(in crate::app) fn next(difference: Option<Self>) -> Option<Self> {
        let Some(Self { granularity, arrangement, .. }) = &difference else { return Some(Self::default()) };
        let arrangement = *arrangement;
        match granularity {
            // What is compared by pieces stays until the words are.
            Granularity::Pieces => {
                Some(Self { granularity: Granularity::Words, arrangement, ..difference.unwrap_or_default() })
            }
            Granularity::Words => None,
        }
    }

    /// Whether something is being compared.
    pub(in crate::app) fn is_busy(&self) -> bool {
        self.asked.is_some()
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
        let moved = self.cursor.moved(command, compared.comparison().shape(), self.viewport);
        moved.is_some_and(|cursor| self.point(cursor, panes))
    }

    /// Points to a cell, and on each side to the first of its tokens; whether there is one.
    pub(in crate::app) fn point(&mut self, cursor: Cursor, panes: &mut Panes) -> bool {
        self.move_to(cursor);
        let Some(compared) = &self.compared else { return false };
        let places: [Option<Cursor>; 2] = [0, 1].map(|side: usize| {
            let piece = |at: usize| compared.comparison().pieces().get(at).map(|piece| &piece.tokens[side]);
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

    /// Has what is on screen compared, if that has changed: what to ask of the worker.
    ///
    /// # Errors
    /// If nothing can be compared: then the panes are to be shown again.
    pub(in crate::app) fn refresh(&mut self, panes: &Panes) -> Result<Option<Request>, &'static str> {
        let [Pane { shown: Some(left), .. }, Pane { shown: Some(right), .. }] = &panes.both else {
            return Err("a difference is of both sides: one has nothing to show yet");
        };
        if let Err(why) = panes.check_one_text() {
            // What was compared before stays until the slower one is there, too.
            return if self.compared.is_none() && self.asked.is_none() { Err(why) } else { Ok(None) };
        }
        let texts = Texts::same_if(left.prompt == right.prompt && left.text() == right.text());
        let sides = [left, right];
        if sides.iter().any(|shown| shown.view().is_value_weighted()) {
            return Err("lengths of values are each model's own: not compared");
        }
        if sides.iter().any(|shown| shown.matrix().bin() > 1) {
            return Err(TOO_LONG);
        }
        let captures = sides.map(|shown| shown.capture.clone());
        let views = sides.map(|shown| shown.view());
        let question = CompareJob { captures, views, granularity: self.granularity, texts };
        if self.shown().is_some_and(|compared| compared.question.is(&question)) {
            self.asked = None;
            return Ok(None);
        }
        if self.asked.as_ref().is_some_and(|asked| asked.is(&question)) {
            return Ok(None);
        }
        self.asked = Some(question.clone());
        Ok(Some(Request::Compare(question)))
    }

    /// Takes an answer, unless something else was asked since.
    ///
    /// # Errors
    /// If there is none: then the panes are to be shown again.
    pub(in crate::app) fn found(
        &mut self,
        question: &CompareJob,
        found: Result<Arc<MeasuredComparison>, String>,
        panes: &Panes,
    ) -> Result<(), String> {
        if self.asked.take_if(|asked| asked.is(question)).is_none() {
            return Ok(());
        }
        let prompts = question.captures.each_ref().map(|capture| {
            let shown = panes.shown().find(|shown| Arc::ptr_eq(&shown.capture, capture));
            shown.map(|shown| shown.prompt.clone()).unwrap_or_default()
        });
        let compared = Compared { question: question.clone(), measured: found?, prompts };
        let is_same_text = self.shown().is_some_and(|before| before.prompts == compared.prompts);
        let is_as_fine = self.shown().is_some_and(|before| before.granularity() == compared.granularity());
        let cursor = if is_same_text && is_as_fine { self.cursor } else { compared.start(panes) };
        if !is_as_fine {
            self.scroll = Scroll::default();
        }
        self.compared = Some(compared);
        self.move_to(cursor);
        Ok(())
    }

    /// Moves the cursor, and the part on screen after it.
    fn move_to(&mut self, cursor: Cursor) {
        let Some(compared) = &self.compared else { return };
        let shape = compared.comparison().shape();
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
        let size = self.shown().map_or(0, |compared| compared.comparison().shape().size());
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
        self.scroll = moved.within(compared.comparison().shape().size(), self.viewport);
    }

    /// Takes how many cells there is room for.
    pub(in crate::app) fn fit(&mut self, viewport: Viewport) {
        (self.scroll, self.viewport) = (self.scroll_in(viewport), viewport);
    }
}
