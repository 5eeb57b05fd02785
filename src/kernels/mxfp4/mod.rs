//! MXFP4: 32 values of 4 bits share one power of two (OCP Microscaling Formats 1.0). Decoding is exact.

mod format;
mod int8_dot;
mod packed;
mod panels;
mod tiles;

pub use format::{BLOCK, BLOCK_BYTES, CODES, NAN_SCALE, SCALES, scale_value};

use super::decoded::by_panels;
use packed::Packed;
use tiles::{by_tiles, most_vectors};

/// `y` \[n, to\] += `x` \[n, from\] · Wᵀ, the blocks being the rows of W. Nothing decoded leaves a core's cache.
///
/// # Panics
/// If the lengths don't belong together.
pub fn add_product(x: &[f32], blocks: &[u8], scales: &[u8], from: usize, y: &mut [f32]) {
    let packed = Packed { blocks, scales, groups: from / BLOCK };
    let (count, to) = (x.len() / from, scales.len() / packed.groups);
    assert_eq!((blocks.len(), count * to), (scales.len() * BLOCK_BYTES, y.len()), "y is [n, to]");
    if int8_dot::add_product([from, to], x, &packed, y) {
        return;
    }
    let most = most_vectors();
    // Each number of vectors has a kernel of its own.
    macro_rules! products {
        ($($vectors:literal)*) => {
            match count {
                0 => {}
                $($vectors if $vectors <= most => by_tiles::<$vectors>([from, to], x, &packed, y),)*
                _ => by_panels([from, to], x, &packed, y),
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
        // More blocks than have their scales in a register, and rows that are no whole groups.
        let (from, to) = (544, 53);
        let mut random = fastrand::Rng::with_seed(3);
        let blocks: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(to * from / 2).collect();
        let scales: Vec<u8> =
            std::iter::repeat_with(|| random.u8(120..130)).take(to * from / BLOCK).collect();
        let code = |at: usize| CODES[usize::from(blocks[at / 2] >> (at % 2 * 4) & 15)];
        let weight: Vec<f32> = (0..to * from).map(|at| code(at) * scale_value(scales[at / BLOCK])).collect();
        for count in (1..=26).chain([40]) {
            let x: Vec<f32> = std::iter::repeat_with(|| random.f32() - 0.5).take(count * from).collect();
            let mut y = vec![1.0; count * to];
            add_product(&x, &blocks, &scales, from, &mut y);
            for (at, y) in y.iter().enumerate() {
                let products = x[at / to * from..][..from].iter().zip(&weight[at % to * from..][..from]);
                let exact = 1.0 + products.clone().map(|(x, w)| f64::from(x * w)).sum::<f64>();
                let size = products.map(|(x, w)| f64::from((x * w).abs())).sum::<f64>();
                assert!((f64::from(*y) - exact).abs() < 1e-6 * size, "{y}, not {exact}");
            }
        }
    }
}
