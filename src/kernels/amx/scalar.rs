//! What the unit does, without its instructions.

use super::tile::{COLUMNS, Parts, ROWS, Sums, TILES, Tile};
use super::unit::{Ready, Unit};

/// Every processor has it.
#[derive(Debug, Clone, Copy)]
pub struct Scalar;

/// The batch rows that it was made ready for.
pub struct Rows(usize);

impl Scalar {
    /// Where there is no matrix unit, none is used.
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    pub fn new() -> Option<Self> {
        None
    }
}

impl Unit for Scalar {
    type Ready = Rows;

    fn ready(self, rows: usize) -> Rows {
        assert!((1..=ROWS).contains(&rows), "{rows} rows are no tile");
        Rows(rows)
    }
}

impl Ready for Rows {
    fn multiply(&self, x: &[Parts], panel: &[[Tile; TILES]], sums: &mut Sums) {
        let parts = panel.len() / x.len();
        assert!((1..=3).contains(&parts) && panel.len() == parts * x.len());
        *sums = [[0.0; ROWS * COLUMNS]; TILES];
        for (x, panel) in x.iter().zip(panel.chunks_exact(parts)) {
            for (part, panel) in panel.iter().enumerate() {
                for x in &x[..3 - part] {
                    for (sums, tile) in sums.iter_mut().zip(panel) {
                        add_product(self.0, x, tile, sums);
                    }
                }
            }
        }
    }
}

/// Adds the product of two tiles.
fn add_product(rows: usize, x: &Tile, weight: &Tile, sums: &mut [f32; ROWS * COLUMNS]) {
    for (x, sums) in x.chunks_exact(16).zip(sums.chunks_exact_mut(COLUMNS)).take(rows) {
        for (x, weight) in x.iter().zip(weight.chunks_exact(COLUMNS)) {
            for (sum, weight) in sums.iter_mut().zip(weight) {
                *sum += low(*x) * low(*weight);
                *sum += high(*x) * high(*weight);
            }
        }
    }
}

/// The value of a pair's low half.
fn low(pair: u32) -> f32 {
    normal(f32::from_bits(pair << 16))
}

/// The value of a pair's high half.
fn high(pair: u32) -> f32 {
    normal(f32::from_bits(pair & 0xffff_0000))
}

/// Zero instead of a number below f32's normal range.
fn normal(value: f32) -> f32 {
    if value.is_subnormal() { 0.0 } else { value }
}
