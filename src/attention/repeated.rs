//! The standard head finder: random tokens, then the same again. Nothing but the repetition can be known,
//! so what a head looks at tells what it is for.

use super::CausalMatrix;

/// Tokens before the repetition, unless a window is too small for them.
const PERIOD: usize = 24;

/// Random sequences that a head's scores are the mean of.
pub const DRAWS: usize = 10;
/// Any number; the same each time, so that scores are.
pub const SEED: u64 = 1;

/// The period to test a model with: 24, or one less than its smallest window, so that every layer still
/// sees the earlier copy; and twice of it fit into its context.
pub fn period(windows: &[Option<usize>], context: usize) -> usize {
    let smallest = windows.iter().flatten().copied().min().unwrap_or(usize::MAX);
    PERIOD.min(smallest.saturating_sub(1)).min(context / 2).max(1)
}

/// `draws` sequences of `period` random ids below `vocabulary`, each followed by itself; the same for the
/// same seed.
pub fn sequences(vocabulary: u32, period: usize, draws: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut draw = || std::iter::repeat_with(|| random.u32(0..vocabulary)).take(period).collect::<Vec<_>>();
    (0..draws).map(|_| draw().repeat(2)).collect()
}

/// How much a head does what a pattern asks for: the mean of one diagonal of its matrix, between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RepeatScores {
    /// Offset 1: it looks at the token before.
    pub previous: f32,
    /// Offset T: it looks at the earlier copy of the token.
    pub duplicate: f32,
    /// Offset T − 1: it looks at the token after the earlier copy.
    pub induction: f32,
}

/// What a score on repeated random tokens is kept by: layer, then head.
pub type ScoresByHead = Vec<Vec<RepeatScores>>;

impl RepeatScores {
    /// The scores of a head, from its matrix over a sequence of that period.
    pub fn of(matrix: &CausalMatrix, period: usize) -> Self {
        Self {
            previous: diagonal_mean(matrix, 1),
            duplicate: diagonal_mean(matrix, period),
            induction: diagonal_mean(matrix, period - 1),
        }
    }

    /// The mean over several draws; zeros of none.
    pub fn mean(draws: &[Self]) -> Self {
        let mean = |score: fn(&Self) -> f32| draws.iter().map(score).sum::<f32>() / draws.len().max(1) as f32;
        Self {
            previous: mean(|scores| scores.previous),
            duplicate: mean(|scores| scores.duplicate),
            induction: mean(|scores| scores.induction),
        }
    }
}

/// The mean of the cells at key = query − `offset`; 0 if there are none.
fn diagonal_mean(matrix: &CausalMatrix, offset: usize) -> f32 {
    let cells = matrix.size().saturating_sub(offset);
    let sum: f32 = (0..cells).filter_map(|key| matrix.get(key + offset, key)).sum();
    sum / cells.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_repeat_and_are_the_same_again() {
        let drawn = sequences(50, 5, 3, 1);
        assert_eq!(drawn.len(), 3);
        for ids in &drawn {
            assert_eq!(ids[..5], ids[5..]);
            assert!(ids.iter().all(|&id| id < 50));
        }
        assert_ne!(drawn[0], drawn[1]);
        assert_eq!(drawn, sequences(50, 5, 3, 1));
        assert_ne!(drawn, sequences(50, 5, 3, 2));
    }

    #[test]
    fn a_window_and_a_context_bound_the_period() {
        assert_eq!(period(&[None, None], 1024), 24);
        assert_eq!(period(&[Some(128), None], 1024), 24);
        assert_eq!(period(&[Some(8), None, Some(32)], 1024), 7);
        assert_eq!(period(&[None], 11), 5);
        assert_eq!(period(&[Some(1)], 11), 1);
    }

    /// Period 2, so four tokens: diagonals at 1 (twice, for previous and induction) and at 2.
    #[test]
    fn scores_are_means_of_diagonals() {
        let cells = vec![1.0, 0.25, 0.75, 0.5, 0.5, 0.0, 0.0, 0.25, 0.75, 0.0];
        let scores = RepeatScores::of(&CausalMatrix::from_cells(4, cells, None), 2);
        assert_eq!(scores.previous, (0.25 + 0.5 + 0.75) / 3.0);
        assert_eq!(scores.duplicate, (0.5 + 0.25) / 2.0);
        assert_eq!(scores.induction, scores.previous);
        let mean = RepeatScores::mean(&[scores, RepeatScores::default()]);
        assert_eq!(mean.duplicate, scores.duplicate / 2.0);
        assert_eq!(RepeatScores::mean(&[]), RepeatScores::default());
    }
}
