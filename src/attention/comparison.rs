//! Two models' attention to the same text, or one model's to two texts, piece by piece.

use std::ops::Range;

use super::alignment::{Granularity, Piece, left_out, pooled};
use super::common_words::{Alignment, Texts, aligned};
use super::scale::bottom_of;
use super::{CausalMatrix, Extent, Normalisation, Token};
use crate::vocabulary::RowReading;

/// Runs of left-over tokens that are named in a sentence.
const NAMED: usize = 8;

/// Two matrices over the pieces that both tokenisations share.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pieces: Vec<Piece>,
    sides: [CausalMatrix; 2],
    left_over: [Vec<LeftOver>; 2],
    /// What each row gives to what is left over; nothing where nothing is.
    left_out: Option<[Vec<f32>; 2]>,
    divergences: Vec<f32>,
}

/// Tokens in a row that have no place on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOver {
    /// What they say, as [`Token::label`] shows it.
    pub label: String,
    /// Which ones they are.
    pub tokens: Range<usize>,
}

/// Why prompts of more tokens cannot be compared piece by piece.
pub const TOO_LONG: &str = "only prompts of up to 2,048 tokens are compared piece by piece";

/// Why two sides cannot be compared piece by piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCompared {
    /// Matrices are kept token by token up to a length.
    #[error("{TOO_LONG}")]
    Long,
    /// Nothing has a place on both sides.
    #[error("these prompts have no word in common: there is nothing to compare piece by piece")]
    NothingShared,
}

/// One row of A − B.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceRow {
    /// The difference of what went to no token; `None` if neither side has sinks, or they are left out.
    pub sink: Option<f32>,
    /// The difference of each key up to the query; `None` where a side leaves the key out, or has nothing left.
    pub keys: Vec<Option<f32>>,
}

impl Comparison {
    /// Left and right, each with its tokens and its matrix.
    ///
    /// # Errors
    /// If a matrix is of a prompt too long to be kept token by token, or two texts share nothing.
    pub fn new(
        sides: [(&[Token], &CausalMatrix); 2],
        granularity: Granularity,
        texts: Texts,
    ) -> Result<Self, NotCompared> {
        if sides.iter().any(|(tokens, matrix)| matrix.bin() > 1 || matrix.size() != tokens.len()) {
            return Err(NotCompared::Long);
        }
        let alignment = aligned(sides[0].0, sides[1].0, granularity, texts);
        if alignment.pieces.is_empty() && texts == Texts::Different {
            return Err(NotCompared::NothingShared);
        }
        Ok(Self::over(&alignment, sides))
    }

    /// Left and right over what belongs together.
    fn over(alignment: &Alignment, sides: [(&[Token], &CausalMatrix); 2]) -> Self {
        let Alignment { pieces, left_over } = alignment;
        let ranges = [0, 1].map(|at| pieces.iter().map(|piece| piece.tokens[at].clone()).collect::<Vec<_>>());
        let pooled = [0, 1].map(|at: usize| pooled(sides[at].1, &ranges[at]));
        let anything_left = left_over.iter().any(|runs| !runs.is_empty());
        let left_out =
            anything_left.then(|| [0, 1].map(|at: usize| left_out(sides[at].1, &ranges[at], &left_over[at])));
        let outcomes = |at: usize, row: usize| {
            outcomes(&pooled[at], row).chain(left_out.as_ref().map(|sides| f64::from(sides[at][row])))
        };
        let divergences =
            (0..pieces.len()).map(|row| divergence(outcomes(0, row), outcomes(1, row))).collect();
        let left_over = [0, 1].map(|at: usize| {
            let run = |tokens: &Range<usize>| LeftOver {
                label: Token::joined_label(&sides[at].0[tokens.clone()]),
                tokens: tokens.clone(),
            };
            left_over[at].iter().map(run).collect()
        });
        Self { pieces: pieces.clone(), sides: pooled, left_over, left_out, divergences }
    }

    /// What each side, left and right, has alone: of one text nothing.
    pub fn left_over(&self) -> &[Vec<LeftOver>; 2] {
        &self.left_over
    }

    /// What a row of a side gives to tokens that have no place on the other side: with the row and its sink it sums to 1.
    /// Nothing where every token of both sides has one.
    ///
    /// # Panics
    /// If there is no such side or row.
    pub fn left_out(&self, side: usize, row: usize) -> Option<f32> {
        Some(self.left_out.as_ref()?[side][row])
    }

    /// Whether a side has something alone.
    pub fn has_left_over(&self) -> bool {
        self.left_out.is_some()
    }

    /// What each side has alone, in words: `only gpt2 (left): 'red' (1 token); only gpt2 (right): nothing`; nothing where all
    /// have a place on both.
    pub fn left_over_sentence(&self, names: &[String; 2]) -> Option<String> {
        self.left_out.as_ref()?;
        let side = |at: usize| {
            let what = match self.left_over_words(at, NAMED) {
                words if words.is_empty() => "nothing".to_owned(),
                words => format!("{words} ({})", self.left_over_count(at)),
            };
            format!("only {}: {what}", names[at])
        };
        Some(format!("{}; {}", side(0), side(1)))
    }

    /// The same in fewer and fewer words: without numbers, and then without some of the words; in the end only how many there are.
    pub fn left_over_sentences(&self, names: &[String; 2]) -> Option<Vec<String>> {
        let sides = || (0..2).filter(|at| !self.left_over[*at].is_empty());
        let said = |what: &dyn Fn(usize) -> String| {
            sides().map(|at| format!("only {}: {}", names[at], what(at))).collect::<Vec<_>>().join("; ")
        };
        let words = (1..=NAMED).rev().map(|most| said(&|at| self.left_over_words(at, most)));
        let counts = said(&|at| self.left_over_count(at));
        Some([self.left_over_sentence(names)?].into_iter().chain(words).chain([counts]).collect())
    }

    /// Some of the words that a side has alone.
    fn left_over_words(&self, side: usize, most: usize) -> String {
        let runs = &self.left_over[side];
        let named = runs.iter().take(most).map(|run| format!("'{}'", run.label));
        named.chain((runs.len() > most).then(|| "…".to_owned())).collect::<Vec<_>>().join(", ")
    }

    fn left_over_count(&self, side: usize) -> String {
        match self.left_over[side].iter().map(|run| run.tokens.len()).sum() {
            1usize => "1 token".to_owned(),
            count => format!("{count} tokens"),
        }
    }

    /// What rows and columns stand for.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Left and right over the pieces; a row, its sink and what it [leaves out](Self::left_out) sum to what they did over
    /// tokens.
    pub fn sides(&self) -> &[CausalMatrix; 2] {
        &self.sides
    }

    /// A matrix that has the rows and columns of the difference: with a sink if a side has.
    pub fn shape(&self) -> &CausalMatrix {
        self.sides.iter().find(|side| side.sinks().is_some()).unwrap_or(&self.sides[0])
    }

    /// Left minus right. Of a side without sinks nothing went to no token.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn difference(&self, normalisation: Normalisation, query: usize) -> DifferenceRow {
        let [left, right] = [0, 1].map(|side| normalisation.row(&self.sides[side], query));
        let sinks = [left.sink(), right.sink()];
        let sink = sinks.iter().any(Option::is_some).then(|| {
            let [left, right] = sinks.map(Option::unwrap_or_default);
            left - right
        });
        let keys = (0..=query).map(|key| Some(left.get(key)? - right.get(key)?)).collect();
        DifferenceRow { sink, keys }
    }

    /// Jensen-Shannon divergence of a row's two sides in nats, over the pieces up to it, the sink, and what is left out as one
    /// more outcome, raw: from 0 to ln 2.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn divergence(&self, query: usize) -> f32 {
        self.divergences[query]
    }

    /// The mean of the rows' divergences; 0 of none.
    pub fn mean_divergence(&self) -> f32 {
        self.divergences.iter().sum::<f32>() / self.divergences.len().max(1) as f32
    }

    /// The rows, the most different first.
    pub fn most_different(&self) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.divergences.len()).collect();
        rows.sort_by(|a, b| self.divergences[*b].total_cmp(&self.divergences[*a]));
        rows
    }

    /// The key to which left and right give the most different weights, the earliest of several.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn most_different_key(&self, query: usize) -> usize {
        let [left, right] = [0, 1].map(|side: usize| self.sides[side].row(query));
        let difference = |key: usize| (left[key] - right[key]).abs();
        let keys = (0..=query).rev();
        keys.max_by(|a, b| difference(*a).total_cmp(&difference(*b))).unwrap_or(0)
    }

    /// A row's largest difference in words: `gpt2 gives 'write' 0.68 of 'AI', gpt-oss 0.08; gpt-oss's sink takes 0.66`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn sentence(&self, names: &[String; 2], query: usize, rows: RowReading) -> String {
        let [long, ..] = self.sentences(names, query, rows);
        long
    }

    /// The same in fewer and fewer words. The last ones leave the names away, left before right, and then sinks:
    /// `'write' of 'AI': 0.68, 0.08; left out 0.39, 0.00`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn sentences(&self, names: &[String; 2], query: usize, rows: RowReading) -> [String; 4] {
        let key = self.most_different_key(query);
        let [left, right] = self.sides.each_ref().map(|side| side.row(query)[key]);
        let to = &self.pieces[key].label;
        let of = match rows {
            RowReading::Reading => format!("of '{}'", self.pieces[query].label),
            RowReading::Predicting => match self.pieces.get(query + 1) {
                Some(next) => format!("predicting '{}'", next.label),
                None => "predicting what comes next".to_owned(),
            },
        };
        let give = format!("{} gives '{to}' {left:.2} {of}, {} {right:.2}", names[0], names[1]);
        let short = format!("'{to}' {of}: {left:.2}, {right:.2}");
        let [mut sinks, mut sinks_short] = [String::new(), String::new()];
        let taken = names.iter().zip(&self.sides).filter_map(|(name, side)| Some((name, side.sink(query)?)));
        for (at, (name, sink)) in taken.enumerate() {
            let (joint, verb) = if at == 0 { ("; ", " takes") } else { (", ", "") };
            sinks.push_str(&format!("{joint}{name}'s sink{verb} {sink:.2}"));
            sinks_short.push_str(&format!("{joint}{name}'s sink {sink:.2}"));
        }
        let [mut out, mut out_short] = [String::new(), String::new()];
        if let [Some(left), Some(right)] = [0, 1].map(|side| self.left_out(side, query))
            && left.max(right) >= 0.005
        {
            out = format!("; {left:.2} and {right:.2} go to words that only one has");
            out_short = format!("; left out {left:.2}, {right:.2}");
        }
        [
            format!("{give}{sinks}{out}"),
            format!("{give}{sinks_short}{out_short}"),
            format!("{short}{sinks_short}{out_short}"),
            format!("{short}{out_short}"),
        ]
    }

    /// What a scale that is centred on 0 is to show: as [`Normalisation::extent`], of the sizes of differences.
    pub fn extent(&self, normalisation: Normalisation) -> Extent {
        let row = |query| {
            let DifferenceRow { sink, keys } = self.difference(normalisation, query);
            Extent::of(keys.into_iter().flatten().chain(sink).map(f32::abs))
        };
        let rows: Vec<Extent> = (0..self.pieces.len()).map(row).collect();
        let bottoms = rows.iter().map(|row| row.bottom).filter(|bottom| bottom.is_finite());
        Extent {
            bottom: bottom_of(bottoms.collect()),
            top: Normalisation::top(rows.iter().map(|row| row.top).collect()),
        }
    }
}

/// The mean over rows of [`Comparison::divergence`], of two matrices over the same pieces; 0 of none.
///
/// # Panics
/// If the matrices are of different sizes.
pub fn mean_divergence(a: &CausalMatrix, b: &CausalMatrix) -> f32 {
    assert_eq!(a.size(), b.size(), "matrices over the same pieces");
    let row = |row| divergence(outcomes(a, row), outcomes(b, row));
    (0..a.size()).map(row).sum::<f32>() / a.size().max(1) as f32
}

/// Two models' names, short: what follows the owner or the folder; with their places if that is the same.
pub fn short_names(names: [&str; 2]) -> [String; 2] {
    let [left, right] = names.map(short_name);
    if left == right { placed_names(names) } else { [left.to_owned(), right.to_owned()] }
}

/// Two models' names, short, each with its place: what readings are called that differ in more than their models.
pub fn placed_names(names: [&str; 2]) -> [String; 2] {
    let [left, right] = names.map(short_name);
    [format!("{left} (left)"), format!("{right} (right)")]
}

/// A model's name, short: what follows the owner or the folder.
pub fn short_name(name: &str) -> &str {
    let name = name.trim_end_matches('/');
    name.rsplit(['/', ':']).next().unwrap_or(name)
}

/// What a row's attention can end in: its keys and the sink.
fn outcomes(matrix: &CausalMatrix, row: usize) -> impl Iterator<Item = f64> {
    let sink = matrix.sink(row).unwrap_or(0.0);
    matrix
        .row(row)
        .iter()
        .chain(std::iter::once(&sink))
        .map(|p| f64::from(*p))
        .collect::<Vec<_>>()
        .into_iter()
}

/// ½ KL(p‖m) + ½ KL(q‖m) with m = ½ (p + q), in nats.
fn divergence(p: impl Iterator<Item = f64>, q: impl Iterator<Item = f64>) -> f32 {
    let part = |p: f64, m: f64| if p > 0.0 { 0.5 * p * (p / m).ln() } else { 0.0 };
    let sum: f64 = p.zip(q).map(|(p, q)| part(p, 0.5 * (p + q)) + part(q, 0.5 * (p + q))).sum();
    sum.max(0.0) as f32
}

/// The similarity of two heads: the cosine of their matrices over the same pieces, without column 0. With it, all
/// heads that rest on the first token would be similar. 0 if a head has nothing else.
///
/// # Panics
/// If the matrices are of different sizes.
pub fn similarity(a: &CausalMatrix, b: &CausalMatrix) -> f32 {
    assert_eq!(a.size(), b.size(), "matrices over the same pieces");
    let (mut dot, mut norms) = (0.0, [0.0, 0.0]);
    for query in 1..a.size() {
        for (x, y) in a.row(query)[1..].iter().zip(&b.row(query)[1..]) {
            let (x, y) = (f64::from(*x), f64::from(*y));
            dot += x * y;
            norms[0] += x * x;
            norms[1] += y * y;
        }
    }
    let norm = (norms[0] * norms[1]).sqrt();
    if norm > 0.0 { (dot / norm) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests;
