//! What a matrix unit does.

use super::tile::{Parts, Sums, TILES, Tile};

/// A unit that multiplies tiles.
pub trait Unit: Copy + Sync {
    /// The unit, ready on one thread.
    type Ready: Ready;

    /// Makes it ready for tiles of so many batch rows on this thread.
    ///
    /// # Panics
    /// If these are none, or more than [`ROWS`].
    fn ready(self, rows: usize) -> Self::Ready;
}

/// A unit that was made ready on this thread.
pub trait Ready {
    /// `sums` = the batch rows · a panel, over some steps.
    ///
    /// # Panics
    /// If a panel doesn't have 1, 2 or 3 parts for each step.
    fn multiply(&self, x: &[Parts], panel: &[[Tile; TILES]], sums: &mut Sums);
}
