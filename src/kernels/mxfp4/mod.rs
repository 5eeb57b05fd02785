//! Products with a weight in MXFP4: 32 values of 4 bits share one power of two (OCP Microscaling Formats 1.0). Decoding
//! is exact.
//!
//! One or two batch rows are multiplied as bytes (`int8_dot`). Up to two dozen are multiplied while the values are
//! decoded (`tiles`), or up to ten where there is a matrix unit. For more of them the weight is decoded first (`panels`).

mod format;
mod int8_dot;
mod packed;
mod panels;
mod tiles;

pub use format::{BLOCK, BLOCK_BYTES, CODES, NAN_SCALE, SCALES, scale_value};

use super::{amx, decoded};
use packed::Packed;
use tiles::{by_tiles, max_batch_rows};

/// Batch rows up to which they are multiplied while values are decoded, although there is a matrix unit.
const FEW_BESIDE_TILES: usize = 10;

/// `y` \[n, out\] += `x` \[n, in\] · Wᵀ, where the blocks are the rows of W. Decoded values never leave a core's
/// cache.
///
/// # Panics
/// If the lengths don't belong together.
pub fn add_product(x: &[f32], blocks: &[u8], scales: &[u8], in_features: usize, y: &mut [f32]) {
    let packed = Packed { blocks, scales, groups: in_features / BLOCK };
    let (count, out_features) = (x.len() / in_features, scales.len() / packed.groups);
    assert_eq!((blocks.len(), count * out_features), (scales.len() * BLOCK_BYTES, y.len()), "y is [n, out]");
    if int8_dot::add_product([in_features, out_features], x, &packed, y) {
        return;
    }
    let most = if amx::unit().is_some() { FEW_BESIDE_TILES } else { max_batch_rows() };
    // Each number of batch rows has a kernel of its own.
    macro_rules! products {
        ($($batch_rows:literal)*) => {
            match count {
                0 => {}
                $($batch_rows if $batch_rows <= most => by_tiles::<$batch_rows>([in_features, out_features], x, &packed, y),)*
                _ => decoded::add_product([in_features, out_features], x, &packed, y),
            }
        };
    }
    products!(3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_nibble_first_and_scaled() {
        let mut blocks = [0u8; 16];
        blocks[0] = 0x2f; // low nibble 15: -6, high nibble 2: 1
        for count in [1, 2, 25] {
            for (place, value) in [(0, -12.0), (1, 2.0), (2, 0.0)] {
                let mut x = vec![0.0; count * BLOCK];
                x[place] = 1.0;
                let mut y = vec![0.0; count];
                add_product(&x, &blocks, &[128], BLOCK, &mut y);
                assert_eq!(y[0], value);
            }
        }
    }

    #[test]
    fn products_of_few_and_many_are_those_of_the_decoded() {
        amx::on_and_off(check_products_of_few_and_many_are_those_of_the_decoded);
    }

    fn check_products_of_few_and_many_are_those_of_the_decoded() {
        // More blocks than have their scales in a register, and rows that are no whole groups.
        let (in_features, out_features) = (544, 53);
        let mut random = fastrand::Rng::with_seed(3);
        let blocks: Vec<u8> =
            std::iter::repeat_with(|| random.u8(..)).take(out_features * in_features / 2).collect();
        let scales: Vec<u8> =
            std::iter::repeat_with(|| random.u8(120..130)).take(out_features * in_features / BLOCK).collect();
        let code = |at: usize| CODES[usize::from(blocks[at / 2] >> (at % 2 * 4) & 15)];
        let weight: Vec<f32> =
            (0..out_features * in_features).map(|at| code(at) * scale_value(scales[at / BLOCK])).collect();
        for count in (1..=26).chain([40]) {
            let x: Vec<f32> =
                std::iter::repeat_with(|| random.f32() - 0.5).take(count * in_features).collect();
            let mut y = vec![1.0; count * out_features];
            add_product(&x, &blocks, &scales, in_features, &mut y);
            for (at, y) in y.iter().enumerate() {
                let products = x[at / out_features * in_features..][..in_features]
                    .iter()
                    .zip(&weight[at % out_features * in_features..][..in_features]);
                let exact = 1.0 + products.clone().map(|(x, w)| f64::from(x * w)).sum::<f64>();
                let size = products.map(|(x, w)| f64::from((x * w).abs())).sum::<f64>();
                assert!((f64::from(*y) - exact).abs() < 1e-6 * size, "{y}, not {exact}");
            }
        }
    }
}
