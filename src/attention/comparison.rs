//! Two models' attention to the same text, piece by piece.

use super::alignment::{Granularity, Piece, pieces, pooled};
use super::scale::bottom_of;
use super::{CausalMatrix, Extent, Normalisation, Token};
use crate::vocabulary::RowReading;

/// Two matrices over the pieces that both tokenisations share.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pieces: Vec<Piece>,
    sides: [CausalMatrix; 2],
    divergences: Vec<f32>,
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
    /// Left and right, each with its tokens and its matrix. `None` if a matrix is of a prompt too long to be
    /// kept token by token.
    pub fn new(sides: [(&[Token], &CausalMatrix); 2], granularity: Granularity) -> Option<Self> {
        if sides.iter().any(|(tokens, matrix)| matrix.bin() > 1 || matrix.size() != tokens.len()) {
            return None;
        }
        let pieces = pieces(sides[0].0, sides[1].0, granularity);
        let side = |at: usize| {
            let ranges: Vec<_> = pieces.iter().map(|piece| piece.tokens[at].clone()).collect();
            pooled(sides[at].1, &ranges)
        };
        let sides = [side(0), side(1)];
        let divergence = |row| divergence(outcomes(&sides[0], row), outcomes(&sides[1], row));
        let divergences = (0..pieces.len()).map(divergence).collect();
        Some(Self { pieces, sides, divergences })
    }

    /// What rows and columns stand for.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Left and right over the pieces; a row and its sink sum to what they did over tokens.
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

    /// Jensen-Shannon divergence of a row's two sides in nats, over the pieces up to it and the sink, raw:
    /// from 0 to ln 2.
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
        let mut text = format!("{} gives '{to}' {left:.2} {of}, {} {right:.2}", names[0], names[1]);
        let taken = names.iter().zip(&self.sides).filter_map(|(name, side)| Some((name, side.sink(query)?)));
        for (at, (name, sink)) in taken.enumerate() {
            let (joint, verb) = if at == 0 { ("; ", " takes") } else { (", ", "") };
            text.push_str(&format!("{joint}{name}'s sink{verb} {sink:.2}"));
        }
        text
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
    let [left, right] = names.map(|name| {
        let name = name.trim_end_matches('/');
        name.rsplit(['/', ':']).next().unwrap_or(name).to_owned()
    });
    if left == right { [format!("{left} (left)"), format!("{right} (right)")] } else { [left, right] }
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
mod tests {
    use super::*;
    use crate::attention::tokens;

    /// `ab c` read as a, b, c and as ab, c: on the pieces left is \[1\], \[.5 .5\], right \[.25|.75\], \[.5 0|.5\].
    fn example() -> Comparison {
        let (left, right) = (tokens(&["a", "b", " c"]), tokens(&["ab", " c"]));
        let a = CausalMatrix::from_cells(3, vec![1.0, 0.5, 0.5, 0.25, 0.25, 0.5], None);
        let b = CausalMatrix::from_cells(2, vec![0.25, 0.5, 0.0], Some(vec![0.75, 0.5]));
        Comparison::new([(&left, &a), (&right, &b)], Granularity::Pieces).unwrap()
    }

    #[test]
    fn a_difference_has_a_column_for_the_sink_if_a_side_has() {
        let comparison = example();
        assert!(comparison.shape().sinks().is_some());
        let row = |rule, query| comparison.difference(rule, query);
        let first = DifferenceRow { sink: Some(-0.75), keys: vec![Some(0.75)] };
        assert_eq!(row(Normalisation::Raw, 0), first);
        assert_eq!(row(Normalisation::Raw, 1).keys, [Some(0.0), Some(0.5)]);
        assert_eq!(row(Normalisation::Raw, 1).sink, Some(-0.5));
        let second = DifferenceRow { sink: None, keys: vec![Some(-0.5), Some(0.5)] };
        assert_eq!(row(Normalisation::Renormalised, 1), second);
        assert_eq!(row(Normalisation::WithoutFirst, 1).keys, [None, None], "the right row has nothing left");
        let extent = comparison.extent(Normalisation::Raw);
        assert_eq!(extent, Extent { bottom: 0.5, top: 0.5 }, "the first row is left aside");
    }

    /// Row 0: (1, 0) and (¼, ¾), m = (⅝, ⅜). Row 1: (½, ½, 0) and (½, 0, ½), m = (½, ¼, ¼).
    #[test]
    fn divergence_by_hand() {
        let comparison = example();
        let first = 0.5 * (8.0f32 / 5.0).ln() + 0.5 * (0.25 * (0.4f32).ln() + 0.75 * 2.0f32.ln());
        assert!((comparison.divergence(0) - first).abs() < 1e-6);
        assert!((comparison.divergence(1) - 0.5 * 2.0f32.ln()).abs() < 1e-6);
        assert_eq!(comparison.most_different(), [0, 1]);
        assert_eq!([0, 1].map(|row| comparison.most_different_key(row)), [0, 1]);
        let mean = (first + 0.5 * 2.0f32.ln()) / 2.0;
        assert!((comparison.mean_divergence() - mean).abs() < 1e-6);
    }

    #[test]
    fn the_largest_difference_in_words() {
        let comparison = example();
        let names = short_names(["org/a", "demo:b"]);
        assert_eq!(
            comparison.sentence(&names, 0, RowReading::Reading),
            "a gives 'ab' 1.00 of 'ab', b 0.25; b's sink takes 0.75"
        );
        assert_eq!(short_names(["x/m", "/y/m/"]), ["m (left)", "m (right)"]);
    }

    #[test]
    fn the_same_on_both_sides_does_not_differ_and_disjoint_rows_differ_by_ln_2() {
        let same = [0.25, 0.75];
        assert_eq!(divergence(same.into_iter(), same.into_iter()), 0.0);
        let apart = divergence([1.0, 0.0].into_iter(), [0.0, 1.0].into_iter());
        assert!((apart - std::f32::consts::LN_2).abs() < 1e-6);
    }

    #[test]
    fn a_folded_prompt_is_not_compared() {
        let tokens = tokens(&["a", " b", " c"]);
        let binned = CausalMatrix::zeros(3, 2, false);
        assert_eq!(Comparison::new([(&tokens, &binned), (&tokens, &binned)], Granularity::Pieces), None);
    }

    /// Without column 0, a is (.5, 0, .5) and b (.5, .5, 0): cosine ½ / (½ √2)² = ½.
    #[test]
    fn alike_by_the_cosine_without_the_first_column() {
        let a = CausalMatrix::from_cells(3, vec![1.0, 0.5, 0.5, 0.5, 0.0, 0.5], None);
        let b = CausalMatrix::from_cells(3, vec![0.1, 0.1, 0.5, 0.1, 0.5, 0.0], Some(vec![0.9, 0.4, 0.4]));
        assert!((similarity(&a, &b) - 0.5).abs() < 1e-6);
        assert!((similarity(&a, &a) - 1.0).abs() < 1e-6);
        let first = CausalMatrix::from_cells(3, vec![1.0, 1.0, 0.0, 1.0, 0.0, 0.0], None);
        assert_eq!(similarity(&a, &first), 0.0);
    }
}
