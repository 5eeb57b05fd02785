//! A weight that must be decoded. For large batches it is decoded into panels, piece by piece, and each panel stays in a
//! core's cache.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::amx::parts::split_panel;
use super::amx::tile::{STEP, TILES, Tile};
use super::panel::PANEL;

/// Rows of a panel that are decoded at a time, so that they fit the nearest cache.
pub const DEPTH: usize = 320;

/// A weight that is decoded when it is used. Each of its rows belongs to an output.
pub trait Decoded: Sync {
    /// bf16 numbers of which a value is the sum: 1, 2 or 3.
    const PARTS: usize;

    /// Decodes some outputs and inputs into a panel. Each row of the panel belongs to an input. The first input is a
    /// multiple of [`DEPTH`]. Columns beyond the outputs may hold anything.
    fn decode(&self, outputs: Range<usize>, inputs: Range<usize>, panel: &mut [f32]);

    /// Decodes some outputs and inputs into tiles, [`PARTS`](Self::PARTS) for each step; `panel` \[[`DEPTH`], PANEL\] is
    /// room for what it is decoded to before.
    fn decode_tiles(
        &self,
        outputs: Range<usize>,
        inputs: Range<usize>,
        panel: &mut [f32],
        tiles: &mut [[Tile; TILES]],
    ) {
        let chunks = inputs.clone().step_by(DEPTH).zip(tiles.chunks_mut(DEPTH / STEP * Self::PARTS));
        for (start, tiles) in chunks {
            let inputs = start..(start + DEPTH).min(inputs.end);
            let panel = &mut panel[..inputs.len() * PANEL];
            self.decode(outputs.clone(), inputs, panel);
            Arch::new().dispatch(SplitPanel { panel, parts: Self::PARTS, tiles });
        }
    }

    /// The bytes that hold some of the outputs.
    fn bytes(&self, outputs: Range<usize>) -> &[u8];
}

struct SplitPanel<'a> {
    panel: &'a [f32],
    parts: usize,
    tiles: &'a mut [[Tile; TILES]],
}

impl WithSimd for SplitPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // The compiler makes a copy for each number of parts.
        match self.parts {
            1 => split_panel(self.panel, 1, self.tiles),
            2 => split_panel(self.panel, 2, self.tiles),
            _ => split_panel(self.panel, 3, self.tiles),
        }
    }
}
