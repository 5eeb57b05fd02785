//! A matrix in fewer, larger cells, for a screen that has no room for each.

use super::CausalMatrix;
use crate::vocabulary::{Normalisation, Pooling};

/// A matrix as a [`Normalisation`] shows it, in pixels of several rows and as many keys each.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    keys: Vec<Vec<Pixel>>,
    sinks: Vec<Pixel>,
    pooling: Pooling,
}

/// What is known of the cells of a pixel: how many are shown, and their largest or their sum.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Pixel {
    count: u32,
    value: f32,
}

impl Pixel {
    /// Takes `count` more cells, with their largest or their sum.
    fn take(&mut self, count: u32, value: f32, pooling: Pooling) {
        self.value = match pooling {
            _ if self.count == 0 => value,
            Pooling::Largest => self.value.max(value),
            Pooling::Mean => self.value + value,
        };
        self.count += count;
    }
}

impl Pooled {
    /// Pixels of `bin` rows and `bin` keys; those that the normalisation leaves out count for none.
    ///
    /// # Panics
    /// If `bin` is 0.
    pub fn new(matrix: &CausalMatrix, normalisation: Normalisation, pooling: Pooling, bin: usize) -> Self {
        let size = matrix.size().div_ceil(bin);
        let mut keys: Vec<Vec<Pixel>> = (1..=size).map(|row| vec![Pixel::default(); row]).collect();
        let mut sinks = vec![Pixel::default(); size];
        for query in 0..matrix.size() {
            let row = normalisation.row(matrix, query);
            let pixels = &mut keys[query / bin];
            for (at, pixel) in pixels.iter_mut().enumerate() {
                let cells = row.pooled(at * bin..(at + 1) * bin, pooling);
                cells.into_iter().for_each(|(count, value)| pixel.take(count, value, pooling));
            }
            row.sink().into_iter().for_each(|value| sinks[query / bin].take(1, value, pooling));
        }
        Self { keys, sinks, pooling }
    }

    /// Rows, and keys, in pixels.
    pub fn size(&self) -> usize {
        self.keys.len()
    }

    /// A pixel's value; nothing in the future, outside, and where nothing is shown.
    pub fn get(&self, row: usize, key: usize) -> Option<f32> {
        self.value(self.keys.get(row)?.get(key)?)
    }

    /// The sink's value for the rows of a pixel; nothing if it is not shown.
    pub fn sink(&self, row: usize) -> Option<f32> {
        self.value(self.sinks.get(row)?)
    }

    fn value(&self, pixel: &Pixel) -> Option<f32> {
        (pixel.count > 0).then(|| match self.pooling {
            Pooling::Largest => pixel.value,
            Pooling::Mean => pixel.value / pixel.count as f32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooled(normalisation: Normalisation, pooling: Pooling) -> Pooled {
        let cells = vec![1.0, 0.25, 0.75, 0.5, 0.125, 0.375];
        let matrix = CausalMatrix::from_cells(3, cells, Some(vec![0.0, 0.25, 0.5]));
        Pooled::new(&matrix, normalisation, pooling, 2)
    }

    fn cells(pooled: &Pooled) -> Vec<[Option<f32>; 3]> {
        (0..pooled.size()).map(|row| [pooled.sink(row), pooled.get(row, 0), pooled.get(row, 1)]).collect()
    }

    #[test]
    fn a_pixel_is_the_largest_of_its_cells_or_their_mean_and_nothing_where_there_are_none() {
        let largest = pooled(Normalisation::Raw, Pooling::Largest);
        assert_eq!(cells(&largest), [[Some(0.25), Some(1.0), None], [Some(0.5), Some(0.5), Some(0.375)]]);
        let mean = pooled(Normalisation::Raw, Pooling::Mean);
        assert_eq!(
            cells(&mean),
            [[Some(0.125), Some(2.0 / 3.0), None], [Some(0.5), Some(0.3125), Some(0.375)]]
        );
        assert_eq!((mean.get(2, 0), mean.sink(2)), (None, None));
    }

    #[test]
    fn what_is_left_out_counts_for_none() {
        let without_first = pooled(Normalisation::WithoutFirst, Pooling::Mean);
        assert_eq!(
            cells(&without_first)[0],
            [None, Some(1.0), None],
            "row 0 has nothing left, row 1 its second key"
        );
    }
}
