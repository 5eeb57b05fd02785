//! Functions of single numbers, applied to many at a time on all threads.

use pulp::{Arch, Scalar, Simd, WithSimd};
use rayon::prelude::*;

/// Values that a thread takes at a time.
const CHUNK: usize = 16 * 1024;

/// Below it eˣ is taken as 0: e⁻⁸⁶·⁹ = 2 · 10⁻³⁸.
pub const LOWEST: f32 = -86.9;

/// eˣ to within two units in the last place; 0 below [`LOWEST`].
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const HIGHEST: f32 = 88.7;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Added and subtracted again, it rounds to a whole number. The lowest bits of the sum hold that number.
    const ROUND: f32 = 12_582_912.0;
    // Compared, not clamped by a maximum, so that NaN stays NaN.
    let (lowest, highest) = (simd.splat_f32s(LOWEST), simd.splat_f32s(HIGHEST));
    let is_low = simd.less_than_f32s(x, lowest);
    let bounded = simd.select_f32s(is_low, lowest, x);
    let bounded = simd.select_f32s(simd.less_than_f32s(highest, bounded), highest, bounded);
    let round = simd.splat_f32s(ROUND);
    let rounded = simd.mul_add_f32s(bounded, simd.splat_f32s(std::f32::consts::LOG2_E), round);
    let power = simd.sub_f32s(rounded, round);
    let r = simd.mul_add_f32s(power, simd.splat_f32s(-LN_2_HIGH), bounded);
    let r = simd.mul_add_f32s(power, simd.splat_f32s(-LN_2_LOW), r);
    // Taylor's series with its coefficients fitted to |r| ≤ ln 2 / 2 (Cephes).
    let mut p = simd.splat_f32s(1.987_569_1e-4);
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        p = simd.mul_add_f32s(p, r, simd.splat_f32s(coefficient));
    }
    let e = simd.add_f32s(simd.mul_add_f32s(simd.mul_f32s(p, r), r, r), simd.splat_f32s(1.0));
    // 2^128 is no f32, so half of it is doubled.
    let exponent = simd.splat_u32s(126u32.wrapping_sub(ROUND.to_bits()));
    let exponent = simd.add_u32s(simd.transmute_u32s_f32s(rounded), exponent);
    let half = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23)));
    let e = simd.mul_f32s(simd.mul_f32s(e, half), simd.splat_f32s(2.0));
    simd.select_f32s(is_low, simd.splat_f32s(0.0), e)
}

/// 1 / (1 + e⁻ˣ)
#[inline(always)]
fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    simd.div_f32s(one, simd.add_f32s(one, exp(simd, simd.neg_f32s(x))))
}

/// A function that is applied to each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// GELU by its tanh formula (`gelu_new`): x/2 · (1 + tanh u) = x · sigmoid(2u), u = √(2/π)(x + 0.044715 x³).
    GeluTanh,
    /// x · sigmoid(1.702 x) (`quick_gelu`).
    GeluQuick,
    /// x · sigmoid(x)
    Silu,
    /// max(x, 0)
    Relu,
}

impl Function {
    /// Applied to a register.
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        match self {
            Self::GeluTanh => {
                const TWICE: f32 = 2.0 * 0.797_884_6;
                let cubed = simd.mul_f32s(simd.mul_f32s(x, x), x);
                let u = simd.mul_add_f32s(cubed, simd.splat_f32s(0.044_715), x);
                simd.mul_f32s(x, sigmoid(simd, simd.mul_f32s(simd.splat_f32s(TWICE), u)))
            }
            Self::GeluQuick => simd.mul_f32s(x, sigmoid(simd, simd.mul_f32s(simd.splat_f32s(1.702), x))),
            Self::Silu => simd.mul_f32s(x, sigmoid(simd, x)),
            Self::Relu => simd.max_f32s(simd.splat_f32s(0.0), x),
        }
    }

    /// Applied to all values, in place.
    pub fn apply(self, values: &mut [f32]) {
        values.par_chunks_mut(CHUNK).for_each(|values| Arch::new().dispatch(Each { values, function: self }));
    }
}

/// A function of values in place.
pub(super) struct Each<'a> {
    pub values: &'a mut [f32],
    pub function: Function,
}

impl WithSimd for Each<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (registers, rest) = S::as_mut_simd_f32s(self.values);
        for x in registers {
            *x = self.function.of(simd, *x);
        }
        if !rest.is_empty() {
            simd.partial_store_f32s(rest, self.function.of(simd, simd.partial_load_f32s(rest)));
        }
    }
}

/// The gated activation of gpt-oss on pairs (gate, up): (up + 1) · gate · sigmoid(α · gate), the gate at most
/// `limit`, up within ± `limit`. \[pairs, 2\] → \[pairs\].
pub fn clamped_swiglu(pairs: &[f32], alpha: f32, limit: f32) -> Vec<f32> {
    let mut out = vec![0.0; pairs.len() / 2];
    let chunks = out.par_chunks_mut(CHUNK).zip(pairs.par_chunks(2 * CHUNK));
    chunks.for_each(|(out, pairs)| Arch::new().dispatch(ClampedSwiglu { pairs, alpha, limit, out }));
    out
}

struct ClampedSwiglu<'a> {
    pairs: &'a [f32],
    alpha: f32,
    limit: f32,
    out: &'a mut [f32],
}

impl WithSimd for ClampedSwiglu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, pair) in self.out.iter_mut().zip(self.pairs.chunks_exact(2)) {
            let gate = pair[0].min(self.limit);
            let up = pair[1].clamp(-self.limit, self.limit);
            *out = (up + 1.0) * gate * sigmoid(Scalar, self.alpha * gate);
        }
    }
}

/// As [`clamped_swiglu`] with gates and ups apart, in the gates' place.
pub fn clamped_swiglu_in_place(gates: &mut [f32], ups: &[f32], alpha: f32, limit: f32) {
    for (gate, up) in gates.iter_mut().zip(ups) {
        let bounded = gate.min(limit);
        *gate = (up.clamp(-limit, limit) + 1.0) * bounded * sigmoid(Scalar, alpha * bounded);
    }
}

/// Multiplies each value by the one of another slice, in place.
pub fn multiply(to: &mut [f32], by: &[f32]) {
    let chunks = to.par_chunks_mut(CHUNK).zip(by.par_chunks(CHUNK));
    chunks.for_each(|(to, by)| Arch::new().dispatch(Multiply { to, by }));
}

struct Multiply<'a> {
    to: &'a mut [f32],
    by: &'a [f32],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.to.iter_mut().zip(self.by).for_each(|(to, by)| *to *= by);
    }
}

/// Makes every row of \[n, size\] a copy of `row`, or zero.
pub fn fill_rows(rows: &mut [f32], row: Option<&[f32]>) {
    match row {
        Some(row) => each_row(rows, row.len(), |out| out.copy_from_slice(row)),
        None => rows.par_chunks_mut(CHUNK).for_each(|values| values.fill(0.0)),
    }
}

/// Adds `row` to every row of \[n, size\].
pub fn add_to_rows(rows: &mut [f32], row: &[f32]) {
    each_row(rows, row.len(), |out| add_scaled(out, row, 1.0));
}

fn each_row(rows: &mut [f32], size: usize, work: impl Fn(&mut [f32]) + Send + Sync) {
    rows.par_chunks_mut(size).with_min_len(CHUNK.div_ceil(size)).for_each(work);
}

/// Adds `scale` times a slice to another.
pub fn add_scaled(to: &mut [f32], from: &[f32], scale: f32) {
    Arch::new().dispatch(AddScaled { to, from, scale });
}

/// `to` += `scale` · `from`
pub(super) struct AddScaled<'a> {
    pub to: &'a mut [f32],
    pub from: &'a [f32],
    pub scale: f32,
}

impl WithSimd for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            *to += self.scale * from;
        }
    }
}

/// Takes the larger of each value and the one of another slice, in place.
pub fn max_in_place(to: &mut [f32], from: &[f32]) {
    Arch::new().dispatch(MaxInPlace { to, from });
}

struct MaxInPlace<'a> {
    to: &'a mut [f32],
    from: &'a [f32],
}

impl WithSimd for MaxInPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            *to = if *from > *to { *from } else { *to };
        }
    }
}

/// The largest of some values that are not negative, or 0.
pub fn largest(values: &[f32]) -> f32 {
    Arch::new().dispatch(Largest { values })
}

struct Largest<'a> {
    values: &'a [f32],
}

impl WithSimd for Largest<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (registers, rest) = S::as_simd_f32s(self.values);
        let mut largest = simd.partial_load_f32s(rest);
        for &register in registers {
            largest = simd.max_f32s(largest, register);
        }
        simd.reduce_max_f32s(largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_to_two_units_in_the_last_place() {
        for step in -8_690..=8_800 {
            let x = step as f32 / 100.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(Scalar, x)) - exact).abs() / exact;
            assert!(error < 2.0 * f64::from(f32::EPSILON), "exp({x}) is off by {error:e}");
        }
        assert_eq!(exp(Scalar, 0.0), 1.0);
        assert_eq!(exp(Scalar, f32::NEG_INFINITY), 0.0);
        assert!(exp(Scalar, f32::NAN).is_nan());
    }

    #[test]
    fn many_at_a_time_are_as_one_by_one() {
        let xs: Vec<f32> = (0..CHUNK + 37).map(|i| (i as f32 / 1_000.0) - 8.0).collect();
        let check = |function: Function, exact: fn(f64) -> f64| {
            let mut values = xs.clone();
            function.apply(&mut values);
            for (x, value) in xs.iter().zip(values) {
                let exact = exact(f64::from(*x));
                assert!(
                    (f64::from(value) - exact).abs() < 1e-6 * (1.0 + exact.abs()),
                    "{x}: {value}, not {exact}"
                );
            }
        };
        check(Function::GeluTanh, |x| {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + u.tanh())
        });
        check(Function::GeluQuick, |x| x / (1.0 + (-1.702 * x).exp()));
        check(Function::Silu, |x| x / (1.0 + (-x).exp()));
        check(Function::Relu, |x| x.max(0.0));
    }

    #[test]
    fn the_largest_of_any_count() {
        for count in 0..40 {
            let values: Vec<f32> = (0..count).map(|at| (at * 17 % 41) as f32 / 41.0).collect();
            assert_eq!(largest(&values), values.iter().copied().fold(0.0, f32::max));
        }
    }

    #[test]
    fn gates_and_ups_apart_are_as_in_pairs() {
        let pairs: Vec<f32> = (0..64).map(|at| (at * 37 % 64) as f32 / 3.0 - 10.0).collect();
        let mut gates: Vec<f32> = pairs.iter().step_by(2).copied().collect();
        let ups: Vec<f32> = pairs.iter().skip(1).step_by(2).copied().collect();
        clamped_swiglu_in_place(&mut gates, &ups, 1.7, 7.0);
        assert_eq!(gates, clamped_swiglu(&pairs, 1.7, 7.0));
        multiply(&mut gates, &ups);
        assert_eq!(gates[3], clamped_swiglu(&pairs, 1.7, 7.0)[3] * ups[3]);
    }

    #[test]
    fn swiglu_clamps_the_gate_above_and_the_rest_on_both_sides() {
        let out = clamped_swiglu(&[9.0, -9.0, -9.0, 9.0], 1.0, 7.0);
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        assert!((out[0] - -6.0 * 7.0 * sigmoid(7.0)).abs() < 1e-4);
        assert!((out[1] - 8.0 * -9.0 * sigmoid(-9.0)).abs() < 1e-6);
    }
}
