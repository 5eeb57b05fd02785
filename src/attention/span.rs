//! A span of tokens taken together: what is given to it is summed over its keys, what it gives is averaged
//! over its queries, so that its row and its sink still sum to 1.

use std::ops::Range;

use super::{CausalMatrix, Normalisation, NormalisedRow};

/// What a row gives to the keys of a span; nothing if none of them is shown.
pub fn given_to(row: &NormalisedRow<'_>, keys: Range<usize>) -> Option<f32> {
    keys.filter_map(|key| row.get(key)).reduce(|sum, value| sum + value)
}

/// What the queries of a span give to each key that is shown, and to the sink: their mean. A query gives 0 to
/// keys in its future; rows that are shown as empty count for none.
pub fn given_by(
    matrix: &CausalMatrix,
    normalisation: Normalisation,
    queries: Range<usize>,
) -> (Vec<(usize, f32)>, Option<f32>) {
    let end = queries.end.min(matrix.size());
    let mut sums: Vec<Option<f32>> = vec![None; end];
    let (mut sink, mut count) = (None, 0);
    for query in queries.start..end {
        let row = normalisation.row(matrix, query);
        for (key, value) in row.keys() {
            *sums[key].get_or_insert(0.0) += value;
        }
        if let Some(value) = row.sink() {
            *sink.get_or_insert(0.0) += value;
        }
        count += usize::from(row.keys().next().is_some());
    }
    let mean = |sum: f32| sum / count.max(1) as f32;
    let keys = sums.into_iter().enumerate().filter_map(|(key, sum)| Some((key, mean(sum?))));
    (keys.collect(), sink.map(mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> CausalMatrix {
        let cells = vec![0.5, 0.25, 0.5, 0.25, 0.125, 0.375];
        CausalMatrix::from_cells(3, cells, Some(vec![0.5, 0.25, 0.25]))
    }

    #[test]
    fn keys_are_summed() {
        let matrix = matrix();
        let row = Normalisation::Raw.row(&matrix, 2);
        assert_eq!(
            [0..3, 1..2, 1..9, 3..4].map(|keys| given_to(&row, keys)),
            [Some(0.75), Some(0.125), Some(0.5), None]
        );
        let row = Normalisation::WithoutFirst.row(&matrix, 2);
        assert_eq!([0..2, 0..1].map(|keys| given_to(&row, keys)), [Some(0.25), None]);
    }

    #[test]
    fn queries_are_averaged_and_a_row_with_its_sink_is_still_one() {
        let (keys, sink) = given_by(&matrix(), Normalisation::Raw, 1..3);
        assert_eq!((keys.as_slice(), sink), (&[(0, 0.25), (1, 0.3125), (2, 0.1875)][..], Some(0.25)));
        let (keys, sink) = given_by(&matrix(), Normalisation::Raw, 0..9);
        let sum: f32 = keys.iter().map(|key| key.1).sum();
        assert!((sum + sink.unwrap() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn empty_rows_count_for_none() {
        let (keys, sink) = given_by(&matrix(), Normalisation::WithoutFirst, 0..2);
        assert_eq!((keys, sink), (vec![(1, 1.0)], None));
        assert_eq!(given_by(&matrix(), Normalisation::WithoutFirst, 0..1).0, []);
    }
}
