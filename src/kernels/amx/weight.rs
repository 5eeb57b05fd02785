//! A weight that is decoded into tiles.

use std::ops::Range;

use super::parts::split_pair;
use super::tile::{COLUMNS, STEP, TILES, Tile};
use crate::kernels::fp4_decoder::{Fp4Decoder, LANES, WithDecoder, dispatch};

/// A weight whose values are sums of numbers in bf16. Each of its rows belongs to an output.
pub trait Tiled: Sync {
    /// So many numbers: 1, 2 or 3.
    const PARTS: usize;

    /// Decodes some outputs, of a panel at most, and some inputs, of which the first is a multiple of
    /// [`GRAIN`](super::product::GRAIN). Each step has its tiles one after the other, those of the highest bits first. Beyond
    /// the last input they are filled up with zeros; columns beyond the outputs may hold anything.
    fn decode_tiles(&self, outputs: Range<usize>, inputs: Range<usize>, tiles: &mut [[Tile; TILES]]);
}

/// Writes 16 rows of f32, all of one length, to a column of tiles.
pub fn split_column(rows: [&[f32]; COLUMNS], parts: usize, column: usize, tiles: &mut [[Tile; TILES]]) {
    // The compiler makes a copy for each number of parts.
    match parts {
        1 => dispatch(SplitColumn::<1> { rows, column, tiles }),
        2 => dispatch(SplitColumn::<2> { rows, column, tiles }),
        _ => dispatch(SplitColumn::<3> { rows, column, tiles }),
    }
}

struct SplitColumn<'a, const PARTS: usize> {
    rows: [&'a [f32]; COLUMNS],
    column: usize,
    tiles: &'a mut [[Tile; TILES]],
}

/// Values of a row that are turned at a time.
const VALUES: usize = 4;

impl<const PARTS: usize> WithDecoder for SplitColumn<'_, PARTS> {
    #[inline(always)]
    fn with_decoder<S: Fp4Decoder>(self, simd: S) {
        const { assert!(LANES == COLUMNS) };
        let Self { rows, column, tiles } = self;
        let whole = rows.map(|row| row.as_chunks::<VALUES>().0);
        for (step, tiles) in tiles.as_chunks_mut::<PARTS>().0.iter_mut().enumerate() {
            for group in 0..STEP / VALUES {
                let at = step * STEP / VALUES + group;
                let words: [[u32; COLUMNS]; VALUES] = if at < whole[0].len() {
                    let words = simd.words(std::array::from_fn(|lane| bytemuck::cast_ref(&whole[lane][at])));
                    [simd.bits(words[0]), simd.bits(words[1]), simd.bits(words[2]), simd.bits(words[3])]
                } else {
                    let value = |row: &[f32], place: usize| {
                        row.get(at * VALUES + place).map_or(0, |value| value.to_bits())
                    };
                    std::array::from_fn(|place| rows.map(|row| value(row, place)))
                };
                let [a, b, c, d] = words.map(bytemuck::cast);
                split_pair([a, b], column, 2 * group, tiles);
                split_pair([c, d], column, 2 * group + 1, tiles);
            }
        }
    }
}
