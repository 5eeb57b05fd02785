//! What is done to results while they are in a core's cache, before a product is added and after.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::amx::product;
use super::elementwise::{AddScaled, Each, Function};

/// What a result begins with, and what is applied to it while it is in a core's cache.
#[derive(Clone, Copy)]
pub struct Ends<'a> {
    /// The product is added to what is there.
    pub keeps: bool,
    /// Added to every row, \[out\].
    pub bias: Option<&'a [f32]>,
    /// Applied to every result.
    pub function: Option<Function>,
}

impl Ends<'_> {
    /// The same for some of the columns.
    pub fn of(&self, columns: Range<usize>) -> Self {
        Self { bias: self.bias.map(|bias| &bias[columns]), ..*self }
    }

    /// Prepares some columns of results, of which these are the bias.
    #[inline(always)]
    pub fn begin<S: Simd>(&self, simd: S, columns: Range<usize>, out: &mut [&mut [f32]]) {
        let bias = self.bias.map(|bias| &bias[columns.clone()]);
        for out in out.iter_mut().map(|out| &mut out[columns.clone()]) {
            match (self.keeps, bias) {
                (false, Some(bias)) => out.copy_from_slice(bias),
                (false, None) => out.fill(0.0),
                (true, Some(from)) => AddScaled { to: out, from, scale: 1.0 }.with_simd(simd),
                (true, None) => {}
            }
        }
    }

    /// Finishes some columns of results.
    #[inline(always)]
    pub fn finish<S: Simd>(&self, simd: S, columns: Range<usize>, out: &mut [&mut [f32]]) {
        let Some(function) = self.function else { return };
        for out in out.iter_mut() {
            Each { values: &mut out[columns.clone()], function }.with_simd(simd);
        }
    }
}

impl product::Ends for Ends<'_> {
    fn begin(&self, columns: Range<usize>, out: &mut [&mut [f32]]) {
        Arch::new().dispatch(End { ends: self.of(columns), out, begins: true });
    }

    fn finish(&self, columns: Range<usize>, out: &mut [&mut [f32]]) {
        Arch::new().dispatch(End { ends: self.of(columns), out, begins: false });
    }
}

struct End<'a, 'y> {
    ends: Ends<'a>,
    out: &'a mut [&'y mut [f32]],
    begins: bool,
}

impl WithSimd for End<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { ends, out, begins } = self;
        let columns = 0..out.first().map_or(0, |out| out.len());
        match begins {
            true => ends.begin(simd, columns, out),
            false => ends.finish(simd, columns, out),
        }
    }
}
