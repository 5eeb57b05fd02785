//! Linear maps: which kernel for how many rows, and what it is told.

use super::GpuError;
use super::arena::most_tiles;
use super::copies::{Address, Rows};
use super::decoder::{Activated, Kind, Linear, address, padded};
use super::device::{Device, Kernel};
use super::kernels::{self, Grid, launch};
use crate::model::spec::{Activation, Gating};

/// Rows up to which a warp takes two columns: weights are read once for all of them.
const FEW_ROWS: usize = 8;
/// Rows up to which tiles have 16.
const SOME_ROWS: usize = 32;
/// Visits up to which each goes to its expert by itself.
const FEW_VISITS: usize = 32;
/// Columns of a block of few rows, and of a tile.
const COLUMNS: [usize; 2] = [16, 64];

/// What a linear map does besides multiplying.
#[derive(Debug, Clone, Copy)]
pub struct Finish {
    /// What is done to each value.
    pub activated: Activated,
    /// What it is multiplied by and added to what is there; `None` puts it there.
    pub adds: Option<f32>,
}

impl Finish {
    /// Nothing.
    pub const PLAIN: Self = Self { activated: Activated::Each(Activation::Linear), adds: None };

    /// An activation.
    pub fn activated(activated: Activated) -> Self {
        Self { activated, adds: None }
    }

    /// Adds to what is there.
    pub fn adding(scale: f32) -> Self {
        Self { adds: Some(scale), ..Self::PLAIN }
    }
}

/// How tokens visit experts.
#[derive(Debug, Clone, Copy)]
pub struct Visits {
    /// All visits of all tokens.
    pub count: usize,
    /// Experts that there are.
    pub experts: usize,
    /// The expert of each visit.
    pub chosen: Address,
    /// Visits sorted by expert.
    pub order: Address,
    /// Tiles of them.
    pub tiles: Address,
}

impl Visits {
    /// Visits of a tile; `None` if each goes to its expert by itself.
    pub fn tile(&self) -> Option<usize> {
        match self.count {
            ..=FEW_VISITS => None,
            count if count / self.experts <= SOME_ROWS => Some(16),
            _ => Some(64),
        }
    }
}

/// y = f(x W + b) of some rows.
///
/// # Errors
/// If the driver fails.
pub fn linear(
    device: &Device,
    linear: &Linear,
    (x, y): (Rows, Rows),
    rows: usize,
    finish: Finish,
) -> Result<(), GpuError> {
    let tile = match rows {
        1 => 1,
        2..=FEW_ROWS => FEW_ROWS,
        rows if rows <= SOME_ROWS => 16,
        _ => 64,
    };
    let parameters = kernels::Linear { visits_per_row: 1, ..told(linear, (x, y), rows, finish) };
    ask(device, linear, tile, rows.div_ceil(tile), &parameters)
}

/// The same of visits, each by its expert; so many of them share a row of x.
///
/// # Errors
/// If the driver fails.
pub fn linear_of_visits(
    device: &Device,
    linear: &Linear,
    (x, y): (Rows, Rows),
    (visits, per_row): (&Visits, usize),
    finish: Finish,
) -> Result<(), GpuError> {
    let told = told(linear, (x, y), visits.count, finish);
    let told = kernels::Linear { visits_per_row: per_row as i32, ..told };
    match visits.tile() {
        None => {
            let parameters = kernels::Linear { chosen: visits.chosen, ..told };
            ask(device, linear, 1, visits.count, &parameters)
        }
        Some(tile) => {
            let parameters = kernels::Linear { order: visits.order, tiles: visits.tiles, ..told };
            ask(device, linear, tile, most_tiles(visits.count, visits.experts, tile), &parameters)
        }
    }
}

fn told(linear: &Linear, (x, y): (Rows, Rows), rows: usize, finish: Finish) -> kernels::Linear {
    let matrix = &linear.matrix;
    let (gating, activation, limit, alpha) = match finish.activated {
        Activated::Each(activation) => (0, activation, 0.0, 0.0),
        Activated::Gated(Gating::Activated(activation)) => (1, activation, 0.0, 0.0),
        Activated::Gated(Gating::ClampedSwiglu { limit, alpha }) => (2, Activation::Linear, limit, alpha),
    };
    kernels::Linear {
        x: x.at,
        weight: matrix.values.address(),
        scales: address(matrix.scales.as_ref()),
        bias: address(linear.bias.as_ref()),
        y: y.at,
        x_stride: x.stride as i64,
        y_stride: y.stride as i64,
        rows: rows as i32,
        from: padded(matrix.from) as i32,
        to: matrix.to as i32,
        activation: number(activation),
        gating,
        limit: limit as f32,
        alpha: alpha as f32,
        scale: finish.adds.unwrap_or(1.0),
        adds: i32::from(finish.adds.is_some()),
        ..kernels::Linear::default()
    }
}

fn ask(
    device: &Device,
    linear: &Linear,
    tile: usize,
    down: usize,
    parameters: &kernels::Linear,
) -> Result<(), GpuError> {
    let (kind, to) = (linear.matrix.kind, linear.matrix.to);
    let grid = match tile {
        1 | FEW_ROWS => Grid { blocks: [to.div_ceil(COLUMNS[0]), down, 1], threads: 256, shared: 0 },
        _ => {
            Grid { blocks: [to.div_ceil(COLUMNS[1]), down, 1], threads: 128, shared: tile_bytes(kind, tile) }
        }
    };
    launch(device, kernel(kind, tile), grid, parameters)
}

fn kernel(kind: Kind, tile: usize) -> Kernel {
    match (kind, tile) {
        (Kind::F32, 1) => Kernel::LinearF32x1,
        (Kind::F32, FEW_ROWS) => Kernel::LinearF32x8,
        (Kind::F32, 16) => Kernel::LinearF32x16,
        (Kind::F32, _) => Kernel::LinearF32x64,
        (Kind::Bf16, 1) => Kernel::LinearBf16x1,
        (Kind::Bf16, FEW_ROWS) => Kernel::LinearBf16x8,
        (Kind::Bf16, 16) => Kernel::LinearBf16x16,
        (Kind::Bf16, _) => Kernel::LinearBf16x64,
        (Kind::Mxfp4, 1) => Kernel::LinearMxfp4x1,
        (Kind::Mxfp4, FEW_ROWS) => Kernel::LinearMxfp4x8,
        (Kind::Mxfp4, 16) => Kernel::LinearMxfp4x16,
        (Kind::Mxfp4, _) => Kernel::LinearMxfp4x64,
    }
}

/// Bytes that a tile takes: rows of both factors, and in the same place what comes out.
fn tile_bytes(kind: Kind, rows: usize) -> usize {
    let factors = match kind {
        Kind::F32 => 4 * 36 * (rows + COLUMNS[1]),
        Kind::Bf16 | Kind::Mxfp4 => 2 * 40 * (3 * rows + COLUMNS[1]),
    };
    factors.max(4 * 66 * rows)
}

/// As `activation.cuh` numbers them.
fn number(activation: Activation) -> i32 {
    match activation {
        Activation::Linear => 0,
        Activation::GeluTanh => 1,
        Activation::GeluErf => 2,
        Activation::GeluClipped => 3,
        Activation::GeluQuick => 4,
        Activation::HardSwish => 5,
        Activation::Laplace => 6,
        Activation::LeakyRelu => 7,
        Activation::Mish => 8,
        Activation::Relu => 9,
        Activation::ReluSquared => 10,
        Activation::ReluClipped => 11,
        Activation::Sigmoid => 12,
        Activation::Silu => 13,
        Activation::SqrtSoftplus => 14,
        Activation::Tanh => 15,
    }
}
