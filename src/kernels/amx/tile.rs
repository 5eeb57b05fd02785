//! Tiles: sizes, and what they hold.

/// Rows of a tile: so many batch rows are multiplied at a time, at most.
pub const ROWS: usize = 16;
/// Columns of a tile of results.
pub const COLUMNS: usize = 16;
/// Tiles side by side that a panel has.
pub const TILES: usize = 3;
/// Columns of a panel.
pub const PANEL: usize = TILES * COLUMNS;
/// Values of a row that a tile holds: what is multiplied in one step.
pub const STEP: usize = 32;

/// 16 rows of 16 pairs of bf16, the first of a pair in the low half. Of batch rows, a pair is two values of a row; of a
/// weight, it is two rows' values of a column.
pub type Tile = [u32; 256];
/// The three parts of a tile of f32, the highest bits first.
pub type Parts = [Tile; 3];
/// Results of a tile of batch rows with a panel: \[tile\]\[row · 16 + column\].
pub type Sums = [[f32; ROWS * COLUMNS]; TILES];

const _: () = assert!(ROWS * STEP == 2 * 256 && STEP / 2 * COLUMNS == 256);
