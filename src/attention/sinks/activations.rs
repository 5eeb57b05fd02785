//! Massive activations of the residual stream.

/// How large a massive activation is at least.
pub const MASSIVE: f32 = 100.0;
/// How many times the median of its state a massive activation is at least.
pub const TIMES_MEDIAN: f32 = 1000.0;
/// Massive activations of a state that are listed.
const LISTED: usize = 100;

/// A value of the residual stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Activation {
    /// The position of its token.
    pub position: usize,
    /// The index of its dimension.
    pub dimension: usize,
    /// With its sign.
    pub value: f32,
}

/// What is large in the residual stream between two layers.
#[derive(Debug, Clone, PartialEq)]
pub struct StateActivations {
    /// The median of |x| over all tokens and dimensions.
    pub median: f32,
    /// The largest |x|; nothing of no tokens, or where nothing is a number.
    pub largest: Option<Activation>,
    /// Massive ones: |x| > [`MASSIVE`] and > [`TIMES_MEDIAN`] · median; the largest first, a hundred at most.
    pub massive: Vec<Activation>,
    /// How many massive ones there are.
    pub count: usize,
}

impl StateActivations {
    /// What is large in a state \[S, hidden\].
    pub fn new(state: &[f32], hidden: usize) -> Self {
        let median = median(state);
        let hidden = hidden.max(1);
        let activation = |(at, value): (usize, &f32)| Activation {
            position: at / hidden,
            dimension: at % hidden,
            value: *value,
        };
        let size = |activation: &Activation| activation.value.abs();
        let numbers = || state.iter().enumerate().filter(|(_, value)| !value.is_nan()).map(activation);
        // Of those of one size, the first one.
        let largest = numbers().reduce(|a, b| if size(&b) > size(&a) { b } else { a });
        let is_massive = |it: &Activation| size(it) > MASSIVE && size(it) > TIMES_MEDIAN * median;
        let mut massive: Vec<Activation> = numbers().filter(is_massive).collect();
        let count = massive.len();
        massive.sort_by(|a, b| size(b).total_cmp(&size(a)));
        massive.truncate(LISTED);
        Self { median, largest, massive, count }
    }

    /// How many times the median the largest one is; nothing where the median is 0.
    pub fn times(&self) -> Option<f32> {
        let size = self.largest?.value.abs();
        (self.median > 0.0).then(|| size / self.median)
    }
}

/// The median of |x|: of an even number of values, the mean of both in the middle.
fn median(values: &[f32]) -> f32 {
    let mut sizes: Vec<f32> = values.iter().map(|value| value.abs()).filter(|size| !size.is_nan()).collect();
    if sizes.is_empty() {
        return 0.0;
    }
    let middle = sizes.len() / 2;
    let is_even = sizes.len().is_multiple_of(2);
    let (below, upper, _) = sizes.select_nth_unstable_by(middle, f32::total_cmp);
    match is_even {
        true => (below.iter().copied().fold(0.0, f32::max) + *upper) / 2.0,
        false => *upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tokens of three dimensions: 0.1 −0.2 0.1, and 0.3 −160 0.1; the median is 0.15.
    #[test]
    fn one_massive_activation_worked_by_hand() {
        let state = [0.1, -0.2, 0.1, 0.3, -160.0, 0.1];
        let found = StateActivations::new(&state, 3);
        assert_eq!(found.median, 0.15);
        let massive = Activation { position: 1, dimension: 1, value: -160.0 };
        assert_eq!(
            (found.largest, found.massive.as_slice(), found.count),
            (Some(massive), &[massive][..], 1)
        );
        assert!((found.times().unwrap() - 160.0 / 0.15).abs() < 1e-2);
    }

    #[test]
    fn what_is_large_beside_all_others_or_large_by_itself_is_not_massive() {
        // 1,000 times the median, but small; large, but so are all.
        assert_eq!(StateActivations::new(&[0.01, 0.01, 99.0], 3).count, 0);
        assert_eq!(StateActivations::new(&[200.0, 300.0, 5000.0], 3).count, 0);
        assert_eq!(StateActivations::new(&[0.1, 0.1, 100.0], 3).count, 0, "more than a hundred");
        assert_eq!(StateActivations::new(&[0.1, 0.1, 100.5], 3).count, 1);
    }

    #[test]
    fn odd_states_are_told_of_without_a_panic() {
        let nothing = StateActivations::new(&[], 4);
        assert_eq!((nothing.median, nothing.largest, nothing.times()), (0.0, None, None));
        let zeros = StateActivations::new(&[0.0; 4], 2);
        assert_eq!((zeros.largest.unwrap().value, zeros.times(), zeros.count), (0.0, None, 0));
        let broken = StateActivations::new(&[f32::NAN, 1.0, f32::INFINITY, 0.5], 2);
        assert_eq!(broken.largest.unwrap(), Activation { position: 1, dimension: 0, value: f32::INFINITY });
        let many = StateActivations::new(&[[0.001; 300].as_slice(), &[500.0; 200]].concat(), 10);
        assert_eq!((many.massive.len(), many.count), (100, 200));
    }
}
