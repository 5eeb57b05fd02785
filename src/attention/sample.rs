//! A number of many prompts: its mean, how far that can be trusted, and the prompts that deviate most.

use rayon::prelude::*;

/// Resamples of a bootstrap.
const RESAMPLES: usize = 1000;
/// The part of resampled means that an interval leaves out at each end: it covers 95 %.
const TAIL: f64 = 0.025;

/// The mean of a number over some prompts, and between what it lies if others like them were drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// How many prompts.
    pub count: usize,
    /// The mean over them.
    pub mean: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Mean {
    /// The mean of some values with its 95 % interval, by the percentiles of bootstrapped means (Efron 1979): values
    /// are drawn with replacement, the same ones each time. `None` of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        let mean_of = |sum: f64| sum / count as f64;
        let mean = (count > 0).then(|| mean_of(values.iter().sum()))?;
        let mut random = fastrand::Rng::with_seed(0);
        let mut resample = || mean_of((0..count).map(|_| values[random.usize(0..count)]).sum());
        let mut means: Vec<f64> = (0..RESAMPLES).map(|_| resample()).collect();
        means.sort_by(f64::total_cmp);
        let at = |part: f64| means[((RESAMPLES - 1) as f64 * part).round() as usize];
        Some(Self { count, mean, low: at(TAIL), high: at(1.0 - TAIL) })
    }

    /// Those of the columns of a table, in their order.
    pub fn of_columns(rows: &[Vec<f64>]) -> Vec<Self> {
        let columns = rows.first().map_or(0, Vec::len);
        let column = |at: usize| rows.iter().filter_map(|row| row.get(at).copied()).collect::<Vec<f64>>();
        (0..columns).into_par_iter().filter_map(|at| Self::of(&column(at))).collect()
    }
}

/// How far each row of a table is from the others: the root of the mean square of its values, each in standard
/// deviations of its column from the mean of it. Columns that are the same in all rows say nothing.
pub fn deviations(rows: &[Vec<f64>]) -> Vec<f64> {
    let (columns, count) = (rows.first().map_or(0, Vec::len), rows.len() as f64);
    let mut squares = vec![0.0; rows.len()];
    let mut telling = 0;
    for at in 0..columns {
        let values = || rows.iter().map(|row| row.get(at).copied().unwrap_or_default());
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        if variance > 0.0 {
            telling += 1;
            squares
                .iter_mut()
                .zip(values())
                .for_each(|(sum, value)| *sum += (value - mean).powi(2) / variance);
        }
    }
    squares.into_iter().map(|sum| if telling > 0 { (sum / f64::from(telling)).sqrt() } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_around_the_mean_and_narrows_with_more_values() {
        assert_eq!(Mean::of(&[]), None);
        assert_eq!(Mean::of(&[2.0]), Some(Mean { count: 1, mean: 2.0, low: 2.0, high: 2.0 }));
        let width = |count: usize| {
            let values: Vec<f64> = (0..count).map(|at| f64::from((at % 2) as u8)).collect();
            let mean = Mean::of(&values).unwrap();
            assert!(mean.mean == 0.5 && mean.low < 0.5 && mean.high > 0.5, "{mean:?}");
            mean.high - mean.low
        };
        // 2 · 1.96 · 0.5 / √n, as the normal distribution has it.
        for count in [100, 400] {
            let expected = 1.96 / (count as f64).sqrt();
            assert!((width(count) / expected - 1.0).abs() < 0.15, "{count}: {}", width(count));
        }
        let rows = vec![vec![1.0, 10.0], vec![3.0, 10.0]];
        let means = Mean::of_columns(&rows);
        assert_eq!((means[0].mean, means[1].low, means[1].high), (2.0, 10.0, 10.0));
    }

    #[test]
    fn the_row_that_is_unlike_the_others_deviates_most() {
        let rows = vec![vec![1.0, 5.0], vec![1.0, 5.0], vec![1.0, 5.0], vec![5.0, 5.0]];
        // Mean 2, variance 3: (1 − 2)² / 3 and (5 − 2)² / 3; the second column says nothing.
        let found = deviations(&rows);
        for (found, expected) in found.iter().zip([1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 3.0f64]) {
            assert!((found - expected.sqrt()).abs() < 1e-12, "{found}");
        }
        assert_eq!(deviations(&[vec![1.0], vec![1.0]]), [0.0, 0.0]);
        assert!(deviations(&[]).is_empty());
    }
}
