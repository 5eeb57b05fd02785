//! Functions of one number, for many at a time, on all threads.

use pulp::Arch;
use rayon::prelude::*;

/// Values that a thread takes at a time.
const CHUNK: usize = 16 * 1024;

/// eˣ to within two units in the last place; 0 below e⁻⁸⁶·⁹ = 2 · 10⁻³⁸.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LOWEST: f32 = -86.9;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Added and taken away again, it rounds to a whole number, which the sum's lowest bits hold.
    const ROUND: f32 = 12_582_912.0;
    let bounded = x.clamp(LOWEST, 88.7);
    let rounded = bounded * std::f32::consts::LOG2_E + ROUND;
    let power = rounded - ROUND;
    let r = bounded - power * LN_2_HIGH - power * LN_2_LOW;
    // Taylor's series with its coefficients fitted to |r| ≤ ln 2 / 2 (Cephes).
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        p = p * r + coefficient;
    }
    let e = p * r * r + r + 1.0;
    // 2^128 is no f32: half of it twice.
    let half = f32::from_bits(rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(126) << 23);
    if x < LOWEST { 0.0 } else { e * half * 2.0 }
}

/// 1 / (1 + e⁻ˣ)
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// GELU by its tanh formula (`gelu_new`): x/2 · (1 + tanh u) = x · sigmoid(2u), u = √(2/π)(x + 0.044715 x³).
pub fn gelu_tanh(values: &mut [f32]) {
    const TWICE: f32 = 2.0 * 0.797_884_6;
    each(values, |x| x * sigmoid(TWICE * (x + 0.044_715 * x * x * x)));
}

/// x · sigmoid(x)
pub fn silu(values: &mut [f32]) {
    each(values, |x| x * sigmoid(x));
}

/// max(x, 0)
pub fn relu(values: &mut [f32]) {
    each(values, |x| x.max(0.0));
}

/// The gated activation of gpt-oss on pairs (gate, up): (up + 1) · gate · sigmoid(α · gate), the gate at most
/// `limit`, up within ± `limit`. \[pairs, 2\] → \[pairs\].
pub fn clamped_swiglu(pairs: &[f32], alpha: f32, limit: f32) -> Vec<f32> {
    let mut out = vec![0.0; pairs.len() / 2];
    let chunks = out.par_chunks_mut(CHUNK).zip(pairs.par_chunks(2 * CHUNK));
    chunks.for_each(|(out, pairs)| {
        vectorised(|| {
            for (out, pair) in out.iter_mut().zip(pairs.chunks_exact(2)) {
                let gate = pair[0].min(limit);
                let up = pair[1].clamp(-limit, limit);
                *out = (up + 1.0) * gate * sigmoid(alpha * gate);
            }
        });
    });
    out
}

/// Makes every row of \[n, size\] a copy of `row`, or zero.
pub fn fill_rows(rows: &mut [f32], row: Option<&[f32]>) {
    match row {
        Some(row) => each_row(rows, row, |out, row| out.copy_from_slice(row)),
        None => rows.par_chunks_mut(CHUNK).for_each(|values| values.fill(0.0)),
    }
}

/// Adds `row` to every row of \[n, size\].
pub fn add_to_rows(rows: &mut [f32], row: &[f32]) {
    each_row(rows, row, |out, row| out.iter_mut().zip(row).for_each(|(out, value)| *out += value));
}

fn each_row(rows: &mut [f32], row: &[f32], work: impl Fn(&mut [f32], &[f32]) + Sync) {
    let chunk = row.len() * CHUNK.div_ceil(row.len());
    let chunks = rows.par_chunks_mut(chunk);
    chunks.for_each(|rows| vectorised(|| rows.chunks_exact_mut(row.len()).for_each(|out| work(out, row))));
}

/// Adds `scale` times a slice to another.
#[inline(always)]
pub fn add_scaled(to: &mut [f32], from: &[f32], scale: f32) {
    vectorised(|| {
        for (to, from) in to.iter_mut().zip(from) {
            *to += scale * from;
        }
    });
}

/// Compiles `work` for the widest registers that the processor has.
#[inline(always)]
pub fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

#[inline(always)]
fn each(values: &mut [f32], function: impl Fn(f32) -> f32 + Sync) {
    values.par_chunks_mut(CHUNK).for_each(|chunk| {
        vectorised(|| {
            for value in chunk {
                *value = function(*value);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_to_two_units_in_the_last_place() {
        for step in -8_690..=8_800 {
            let x = step as f32 / 100.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2.0 * f64::from(f32::EPSILON), "exp({x}) is off by {error:e}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
    }

    #[test]
    fn many_at_a_time_are_as_one_by_one() {
        let xs: Vec<f32> = (0..CHUNK + 37).map(|i| (i as f32 / 1_000.0) - 8.0).collect();
        let check = |kernel: fn(&mut [f32]), exact: fn(f64) -> f64| {
            let mut values = xs.clone();
            kernel(&mut values);
            for (x, value) in xs.iter().zip(values) {
                let exact = exact(f64::from(*x));
                assert!(
                    (f64::from(value) - exact).abs() < 1e-6 * (1.0 + exact.abs()),
                    "{x}: {value}, not {exact}"
                );
            }
        };
        check(gelu_tanh, |x| {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + u.tanh())
        });
        check(silu, |x| x / (1.0 + (-x).exp()));
        check(relu, |x| x.max(0.0));
    }

    #[test]
    fn swiglu_clamps_the_gate_above_and_the_rest_on_both_sides() {
        let out = clamped_swiglu(&[9.0, -9.0, -9.0, 9.0], 1.0, 7.0);
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        assert!((out[0] - -6.0 * 7.0 * sigmoid(7.0)).abs() < 1e-4);
        assert!((out[1] - 8.0 * -9.0 * sigmoid(-9.0)).abs() < 1e-6);
    }
}
