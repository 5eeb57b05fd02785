//! Packed blocks: whatever their bytes are, the product is what unpacking them by the book gives.

use attnscope::kernels::mxfp4::{BLOCK, BLOCK_BYTES, NAN_SCALE, add_product};
use proptest::prelude::*;

use crate::run::run;

/// A matrix \[to, from\] by the format's own words: two digits a byte, low one first, times 2^(scale - 127).
fn unpacked(blocks: &[u8], scales: &[u8]) -> Vec<f64> {
    const DIGITS: [f64; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
    let digit = |code: u8| if code < 8 { DIGITS[usize::from(code)] } else { -DIGITS[usize::from(code - 8)] };
    blocks
        .chunks(BLOCK_BYTES)
        .zip(scales)
        .flat_map(|(block, scale)| {
            let scale = 2f64.powi(i32::from(*scale) - 127);
            block.iter().flat_map(move |byte| [digit(byte & 15) * scale, digit(byte >> 4) * scale])
        })
        .collect()
}

#[test]
fn mxfp4() {
    let sizes = (1..4usize, 1..6usize, prop_oneof![1..4usize, Just(45)]);
    let case = sizes.prop_flat_map(|(count, to, groups)| {
        // Scales that keep the sums in the range of f32.
        let scale = prop_oneof![8 => 100..150u8, 1 => 0..200u8];
        let x = prop_oneof![8 => -4.0..4.0f32, 1 => Just(0.0), 1 => Just(-0.0)];
        (
            prop::collection::vec(x, count * groups * BLOCK),
            prop::collection::vec(any::<u8>(), to * groups * BLOCK_BYTES),
            prop::collection::vec(scale, to * groups),
            Just((count, to, groups)),
        )
    });
    run("mxfp4", 1000, &case, |(x, blocks, scales, (count, to, groups))| {
        assert!(!scales.contains(&NAN_SCALE));
        let (count, to, from) = (*count, *to, *groups * BLOCK);
        let mut y = vec![0.0; count * to];
        add_product(x, blocks, scales, from, &mut y);
        let matrix = unpacked(blocks, scales);
        for vector in 0..count {
            for row in 0..to {
                let products =
                    || (0..from).map(|at| f64::from(x[vector * from + at]) * matrix[row * from + at]);
                let (expected, size) = (products().sum::<f64>(), products().map(f64::abs).sum::<f64>());
                let found = f64::from(y[vector * to + row]);
                prop_assert!((found - expected).abs() <= size * 1e-2 + 1e-30, "{found} for {expected}");
            }
        }
        Ok(())
    });
}
