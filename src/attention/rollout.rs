//! How attention adds up over layers (Abnar & Zuidema 2020), with the sink as a state that is never left.

use rayon::prelude::*;

use super::CausalMatrix;

/// Rollout of the layers' means, the first layer first: half of each position's information goes through
/// attention, half stays where it is. What goes to a sink stays there: a row and its sink sum to 1.
///
/// Layer l's step has the rows \[½Ā + ½I, ½s\] and, for the sink, \[0 … 0, 1\]; R_l = step_l · R_(l−1).
///
/// # Panics
/// If there are no layers, or they are of different sizes.
pub fn rollout<'a>(layers: impl IntoIterator<Item = &'a CausalMatrix>) -> CausalMatrix {
    let mut layers = layers.into_iter();
    let Some(first) = layers.next() else { panic!("rollout of no layers") };
    let steps: Vec<Row> = (0..first.size()).map(|query| step(first, query)).collect();
    layers.fold(assemble(first, &steps), |below, layer| {
        let row = |query| through(&step(layer, query), &below);
        let rows: Vec<Row> = (0..layer.size()).into_par_iter().map(row).collect();
        assemble(layer, &rows)
    })
}

/// A row of a step, or of a product of steps.
struct Row {
    /// Over the keys up to its own.
    weights: Vec<f32>,
    /// What went to the sink.
    sink: f32,
    /// What went to the first token, which may share its cell with others.
    first_token: f32,
}

fn step(layer: &CausalMatrix, query: usize) -> Row {
    let mut weights: Vec<f32> = layer.row(query).iter().map(|weight| 0.5 * weight).collect();
    weights[query] += 0.5;
    let stays = if query == 0 { 0.5 / layer.bin() as f32 } else { 0.0 };
    let first_token = 0.5 * layer.first_token(query) + stays;
    Row { weights, sink: 0.5 * layer.sink(query).unwrap_or(0.0), first_token }
}

/// A row of the product of one step and all below it.
fn through(step: &Row, below: &CausalMatrix) -> Row {
    let mut row = Row { weights: vec![0.0; step.weights.len()], sink: step.sink, first_token: 0.0 };
    for (from, &weight) in step.weights.iter().enumerate() {
        for (sum, reached) in row.weights.iter_mut().zip(below.row(from)) {
            *sum += weight * reached;
        }
        row.sink += weight * below.sink(from).unwrap_or(0.0);
        row.first_token += weight * below.first_token(from);
    }
    row
}

/// Rows as a matrix of the shape of `like`.
fn assemble(like: &CausalMatrix, rows: &[Row]) -> CausalMatrix {
    let mut matrix = like.zeroed();
    matrix.fill(rows.iter().map(|row| (row.weights.as_slice(), row.sink, row.first_token)));
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Both layers are \[½|½\], \[½ ½|0\]: steps \[¾|¼\], \[¼ ¾|0\]; their product \[9/16|7/16\], \[3/8 9/16|1/16\].
    #[test]
    fn two_layers_by_hand() {
        let layer = CausalMatrix::from_cells(2, vec![0.5, 0.5, 0.5], Some(vec![0.5, 0.0]));
        let rolled = rollout([&layer, &layer]);
        assert_eq!(rolled.cells(), [9.0 / 16.0, 3.0 / 8.0, 9.0 / 16.0]);
        assert_eq!(rolled.sinks(), Some([7.0 / 16.0, 1.0 / 16.0].as_slice()));
    }

    /// Steps \[1\], \[¼ ¾\] and \[1\], \[½ ½\]: the product of the second and the first is \[1\], \[5/8 3/8\].
    #[test]
    fn later_layers_come_from_the_left_and_without_sinks_there_is_none() {
        let first = CausalMatrix::from_cells(2, vec![1.0, 0.5, 0.5], None);
        let second = CausalMatrix::from_cells(2, vec![1.0, 1.0, 0.0], None);
        let rolled = rollout([&first, &second]);
        assert_eq!((rolled.cells(), rolled.sinks()), (vec![1.0, 5.0 / 8.0, 3.0 / 8.0], None));
    }

    /// Cells of two tokens. Steps \[1\] and \[½ ½\] of which ½ and ¼ are the first token's; twice the same.
    #[test]
    fn from_cell_to_cell_the_first_token_keeps_its_share() {
        let mut layer = CausalMatrix::zeros(4, 2, false);
        let weights: [&[f32]; 4] = [&[1.0], &[0.0, 1.0], &[0.5, 0.5, 0.0], &[0.5, 0.5, 0.0, 0.0]];
        (0..4).for_each(|query| layer.rows_mut().add_row(query, 0, weights[query], 0.0, 1.0));
        let rolled = rollout([&layer, &layer]);
        assert_eq!(rolled.cells(), [1.0, 0.75, 0.25]);
        assert_eq!([0, 1].map(|row| rolled.first_token(row)), [0.5, 0.5 * 0.5 + 0.5 * 0.25]);
    }

    proptest! {
        #[test]
        fn every_row_and_its_sink_sum_to_one(size in 1..12usize, count in 1..6usize, seed: u64, with_sink: bool) {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut layer = || {
                let (mut cells, mut sinks) = (Vec::new(), Vec::new());
                for query in 0..size {
                    let mut row: Vec<f32> = (0..query + 2).map(|_| random.f32() + 1e-3).collect();
                    row[0] *= f32::from(u8::from(with_sink)) * 9.0;
                    let sum: f32 = row.iter().sum();
                    sinks.push(row[0] / sum);
                    cells.extend(row[1..].iter().map(|weight| weight / sum));
                }
                CausalMatrix::from_cells(size, cells, with_sink.then_some(sinks))
            };
            let layers: Vec<CausalMatrix> = (0..count).map(|_| layer()).collect();
            let rolled = rollout(&layers);
            for row in 0..size {
                let sum = rolled.row(row).iter().sum::<f32>() + rolled.sink(row).unwrap_or(0.0);
                prop_assert!((sum - 1.0).abs() < 1e-5, "row {} and its sink sum to {}", row, sum);
            }
        }
    }
}
