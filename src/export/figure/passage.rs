//! A text as a figure: its tokens in the colours of their values, in lines that are broken between words.

use std::ops::Range;

use super::text::Ruler;
use crate::attention::push::{MEANS, Push};
use crate::attention::text::{Glyph, breaks, glyphs};
use crate::attention::{Capture, Extent, LookedAt, tokens_of};
use crate::export::error::ExportError;
use crate::export::push::pushed_logit;
use crate::export::recipe::Recipe;
use crate::export::text_subject::{TextSubject, adding};
use crate::vocabulary::{Normalisation, RowReading, TextColoring, View, signed};

/// The size of the letters, and from one line to the next.
pub const SIZE: f32 = 13.0;
pub const LINE: f32 = 21.0;
/// Above the lines: what is said of the token that looks; the size of its letters, and each line of it.
const HEADING: f32 = 12.0;
pub const HEADING_SIZE: f32 = 11.0;
pub const HEADING_LINE: f32 = 14.0;

/// A text whose tokens have values.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    glyphs: Vec<Glyph>,
    /// Of each token; nothing after the query, and where one is left out.
    pub values: Vec<Option<f32>>,
    /// The first token that is not yet there for the query; all are there where nobody in particular looks.
    pub(super) future: usize,
    /// The token that looks, or that is predicted, if it is in the text.
    pub(super) marked: Option<usize>,
    /// What is said above it, and the shares of the row that the text doesn't show well.
    pub(super) heading: String,
    pub(super) shares: Vec<(&'static str, f32)>,
}

/// Of each token its value, if it has one; and what a colour scale is to show of these.
type Values = (Vec<Option<f32>>, Extent);

/// What a query gives to each token.
fn row(
    capture: &Capture,
    view: View,
    (query, normalisation): (usize, Normalisation),
) -> Result<Values, ExportError> {
    let (matrix, count) = (capture.matrix(view)?, capture.tokens.len());
    let (weights, sink) = capture.row(view, query)?;
    let row = normalisation.row_of(&weights, sink);
    // Rollout of a long text has rows of cells.
    let (is_exact, bin) = (weights.len() == query + 1, matrix.bin());
    let part = |token: usize, value: f32| value / tokens_of(token / bin, bin, count).max(1) as f32;
    let value = |token: usize| match is_exact {
        true => row.get(token),
        false => row.get(token / bin).map(|value| part(token, value)),
    };
    Ok(((0..count).map(value).collect(), normalisation.extent(&matrix)))
}

/// What was run for it: nothing is pushed by a pass alone.
pub fn pushed(capture: &Capture, subject: TextSubject, query: usize) -> Result<&Push, ExportError> {
    let found = capture.pushed.as_deref().filter(|push| push.query == query);
    found.ok_or_else(|| {
        ExportError::Unfit(format!("{subject}: its push after token {query} was not computed"))
    })
}

/// After which token, which heads, how much, to which logit.
pub fn pushes_heading(capture: &Capture, subject: TextSubject, query: usize) -> Result<String, ExportError> {
    let push = pushed(capture, subject, query)?;
    let sum: f32 = push.of_view(subject.view, &capture.model).iter().sum();
    // They come from no token, and so have no colour.
    let means = push.means.map(|means| format!("; {MEANS} add {}", signed(means, 3))).unwrap_or_default();
    let (adds, logit) = (&adding(subject.view)[0], signed(push.logit, 3));
    let about = pushed_logit(capture, push);
    Ok(format!("{about}: {logit}, of which {adds} {}{means}", signed(sum, 3)))
}

/// A line of a text.
pub type Line = Vec<Run>;

/// A piece of a line, of the same tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub(super) tokens: Range<usize>,
    pub(super) x: f32,
    pub(super) width: f32,
    /// Its letters without the blanks around them, which browsers drop; where they begin in it, and how wide they are.
    pub(super) letters: (String, f32, f32),
}

impl Passage {
    /// What a subject says of a capture, and what a colour scale is to show of it.
    ///
    /// # Errors
    /// If there is no such token, or the model has no such view.
    pub(super) fn new(
        capture: &Capture,
        subject: TextSubject,
        recipe: &Recipe,
    ) -> Result<(Self, Extent), ExportError> {
        let count = capture.tokens.len();
        if let Some(token) = subject.token.filter(|token| *token >= count) {
            let why = format!("{subject}: there is no token {token} among {count}, counted from 0");
            return Err(ExportError::Unfit(why));
        }
        let query = subject.query(count, recipe.rows);
        let (values, extent) = match subject.coloring {
            TextColoring::LooksAt => row(capture, subject.view, (query, recipe.normalisation))?,
            TextColoring::LookedAt => {
                let found = LookedAt::of_view(capture, subject.view, recipe.normalisation, &|| false)
                    .map_err(|error| ExportError::Unfit(error.to_string()))?;
                (found.values, found.extent)
            }
            TextColoring::Push => {
                let pushes = pushed(capture, subject, query)?.of_view(subject.view, &capture.model);
                let values = (0..count).map(|token| pushes.get(token).copied()).collect();
                (values, Extent::of(pushes.iter().map(|push| push.abs())))
            }
        };
        let (looks, is_predicting) =
            (subject.coloring != TextColoring::LookedAt, recipe.rows == RowReading::Predicting);
        let marked = subject.token.or_else(|| (!is_predicting).then(|| count.checked_sub(1)).flatten());
        let name = marked.and_then(|token| capture.tokens.get(token)).map(|token| token.label());
        let heading = match (subject.coloring, name) {
            (TextColoring::LookedAt, _) => "how much each token is looked at by later ones".to_owned(),
            (TextColoring::Push, _) => pushes_heading(capture, subject, query)?,
            (TextColoring::LooksAt, Some(name)) if is_predicting => {
                format!("what “{name}” ({}) is predicted from", query + 1)
            }
            (TextColoring::LooksAt, Some(name)) => format!("what “{name}” ({query}) looks at"),
            (TextColoring::LooksAt, None) => "what the next token is predicted from".to_owned(),
        };
        let mut shares = Vec::new();
        let of_row =
            capture.shares(subject.view, query)?.filter(|_| subject.coloring == TextColoring::LooksAt);
        if let Some(found) = of_row {
            shares.extend(capture.has_sinks(subject.view).then_some(("sink", found.sink)));
            shares.push(("first token", found.first));
        }
        let glyphs = glyphs(&capture.tokens, false);
        let future = if looks { query + 1 } else { count };
        let marked = marked.filter(|_| looks);
        Ok((Self { glyphs, values, future, marked, heading, shares }, extent))
    }

    /// What is said above the text, in lines of that width; and how high it is.
    pub(super) fn heading(&self, ruler: &Ruler, width: f32) -> (Vec<String>, f32) {
        let shares: String =
            self.shares.iter().map(|(name, share)| format!(" · {name} {share:.3}")).collect();
        let lines = ruler.wrap(&format!("{}{shares}", self.heading), HEADING_SIZE, width);
        let height = HEADING + HEADING_LINE * lines.len() as f32;
        (lines, height)
    }

    /// The text in lines of that width.
    pub(super) fn lines(&self, ruler: &Ruler, width: f32) -> Vec<Line> {
        let widths: Vec<f32> = self.glyphs.iter().map(|glyph| ruler.width(&glyph.shown, SIZE)).collect();
        let line = |line: Range<usize>| {
            let mut x = 0.0;
            let mut at = line.start;
            let runs = self.glyphs[line].chunk_by(|a, b| a.tokens == b.tokens);
            let run = |run: &[Glyph]| {
                let width = widths[at..at + run.len()].iter().sum();
                let text: String = run.iter().map(|glyph| glyph.shown.as_str()).collect();
                let (letters, of) = (text.trim(), |text: &str| ruler.width(text, SIZE));
                // What is read from the right has its first blank there.
                let before = match Direction::of(letters) {
                    Direction::FromRight => of(&text[text.trim_end().len()..]),
                    _ => of(&text[..text.len() - text.trim_start().len()]),
                };
                let letters = (letters.to_owned(), before, of(letters));
                let made = Run { tokens: run[0].tokens.clone(), x, width, letters };
                (x, at) = (x + width, at + run.len());
                made
            };
            let mut line: Line = runs.map(run).collect();
            order(&mut line);
            line
        };
        breaks(&self.glyphs, &widths, width).into_iter().map(line).collect()
    }

    /// The sum of the values of the tokens that share a piece.
    pub(super) fn value(&self, run: &Run) -> Option<f32> {
        run.tokens.clone().filter_map(|token| self.values[token]).reduce(|sum, value| sum + value)
    }
}

/// Where one begins to read letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    FromLeft,
    FromRight,
    /// Blanks and signs are read as what is around them.
    Either,
}

impl Direction {
    fn of(text: &str) -> Self {
        // Hebrew, Arabic and their neighbours.
        let is_from_right = |c: char| {
            matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
                | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        };
        match text.chars().find(|c| c.is_alphanumeric()) {
            Some(c) if is_from_right(c) => Self::FromRight,
            Some(_) => Self::FromLeft,
            None => Self::Either,
        }
    }
}

/// Puts runs that are read from the right in a row from there.
fn order(line: &mut [Run]) {
    let directions: Vec<Direction> = line.iter().map(|run| Direction::of(&run.letters.0)).collect();
    let mut at = 0;
    while let Some(start) = (at..line.len()).find(|at| directions[*at] == Direction::FromRight) {
        let stretch = directions[start..].iter().take_while(|of| **of != Direction::FromLeft);
        let end = start + stretch.clone().count();
        let last = (start..end).rfind(|at| directions[*at] == Direction::FromRight).unwrap_or(start);
        let mut x = line[start].x;
        for run in line[start..=last].iter_mut().rev() {
            run.x = x;
            x += run.width;
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::attention::CausalMatrix;
    use crate::export::{FigureStyle, LogitTokens, example};
    use crate::vocabulary::ExportFormat;

    fn passage(subject: TextSubject, rows: RowReading) -> Result<Passage, ExportError> {
        let capture = example::reading(&["ab", " c", " d"], true);
        let source = example::source(&capture, crate::export::Subject::Text(subject));
        let recipe =
            Recipe::of_figure((source, None), ExportFormat::Svg, Normalisation::Raw, FigureStyle::default());
        Passage::new(&capture, subject, &Recipe { rows, ..recipe }).map(|(passage, _)| passage)
    }

    #[test]
    fn a_text_has_the_values_of_a_row_and_nothing_after_it() {
        let subject = |token| TextSubject {
            view: View::Mean,
            coloring: TextColoring::LooksAt,
            token,
            next: LogitTokens::default(),
        };
        let last = passage(subject(None), RowReading::Reading).unwrap();
        assert_eq!(last.values, [Some(0.125), Some(0.25), Some(0.5)]);
        assert_eq!(last.shares, [("sink", 0.125), ("first token", 0.125)]);
        let first = passage(subject(Some(1)), RowReading::Reading).unwrap();
        assert_eq!(
            (first.values, first.future, first.marked),
            (vec![Some(0.25), Some(0.5), None], 2, Some(1))
        );
        let predicting = passage(subject(Some(1)), RowReading::Predicting).unwrap();
        assert_eq!((predicting.values, predicting.marked), (vec![Some(0.5), None, None], Some(1)));
        let next = passage(subject(None), RowReading::Predicting).unwrap();
        assert_eq!((next.marked, next.heading.as_str()), (None, "what the next token is predicted from"));
        let error = passage(subject(Some(3)), RowReading::Reading).unwrap_err().to_string();
        assert_eq!(error, "text:mean@3: there is no token 3 among 3, counted from 0");
    }

    #[test]
    fn a_text_has_the_means_of_its_columns() {
        let subject: TextSubject = TextSubject::parse("looked-at:mean").unwrap().unwrap();
        let found = passage(subject, RowReading::Reading).unwrap();
        assert_eq!(found.values, [Some(0.1875), Some(0.25), None]);
        assert_eq!(found.marked, None);
    }

    /// Words are placed without their blanks, and what is read from the right stands so.
    #[test]
    fn letters_stand_where_they_are_read() {
        let capture = example::reading(&["ab", " שלום", " עולם", "!", " cd"], false);
        let subject: TextSubject = TextSubject::parse("text:mean").unwrap().unwrap();
        let source = example::source(&capture, crate::export::Subject::Text(subject));
        let recipe =
            Recipe::of_figure((source, None), ExportFormat::Svg, Normalisation::Raw, FigureStyle::default());
        let (passage, _) = Passage::new(&capture, subject, &recipe).unwrap();
        let ruler = Ruler::new();
        let lines = passage.lines(&ruler, 900.0);
        let mut by_place: Vec<&Run> = lines[0].iter().collect();
        by_place.sort_by(|a, b| a.x.total_cmp(&b.x));
        let words: Vec<&str> = by_place.iter().map(|run| run.letters.0.as_str()).collect();
        assert_eq!(words, ["ab", "עולם", "שלום", "!", "cd"]);
        let blank = ruler.width(" ", SIZE);
        let before = |token: usize| lines[0][token].letters.1;
        assert_eq!([0, 1, 2, 4].map(before), [0.0, 0.0, 0.0, blank]);
        assert!((lines[0][2].width - lines[0][2].letters.2 - blank).abs() < 0.01);
    }

    /// Cells of a long prompt say nothing of single tokens; its rows do.
    #[test]
    fn what_is_looked_at_is_exact_whatever_a_cell_of_the_matrix_stands_for() {
        let mut capture = example::capture();
        capture.mean = CausalMatrix::zeros(2, 2, true);
        for layer in &mut capture.layers {
            Arc::make_mut(layer).mean = CausalMatrix::zeros(2, 2, true);
        }
        let views = ["head:0.1", "head:1.0", "layer:0", "mean", "value-weighted:head:1.1"];
        for view in views.map(|view| view.parse::<View>().unwrap()) {
            for normalisation in Normalisation::ALL {
                let (row, _) = capture.row(view, 1).unwrap();
                let expected = normalisation.row_of(&row, None).get(0);
                let found = LookedAt::of_view(&capture, view, normalisation, &|| false).unwrap().values;
                assert_eq!(
                    (found.len(), found[1]),
                    (2, None),
                    "token by token, and nobody looks at the last"
                );
                assert_eq!(found[0].is_some(), expected.is_some(), "{view} {normalisation}");
                let apart = found[0].unwrap_or_default() - expected.unwrap_or_default();
                assert!(apart.abs() < 1e-6, "{view} {normalisation}: {found:?} {expected:?}");
            }
        }
        let rollout = LookedAt::of_view(&capture, View::Rollout, Normalisation::Raw, &|| false).unwrap();
        assert_eq!(rollout.values, [None, None], "one cell, after which nobody looks");
        assert!(
            LookedAt::of_view(&capture, View::Mean, Normalisation::Raw, &|| true).is_err(),
            "it can be stopped"
        );
    }
}
