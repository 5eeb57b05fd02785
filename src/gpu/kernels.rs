//! What kernels are told, as they read it, and their launches. The structs are those of `kernels/*.cuh`, field by field;
//! the kernels say what each field is.
#![allow(unsafe_code)]
#![allow(missing_docs)]

use cudarc::driver::{DeviceRepr, LaunchConfig, PushKernelArg};

use super::GpuError;
use super::copies::Address;
use super::device::{Device, Kernel};

/// Sums of a head that a pass makes of a row, besides its sink's share, its entropy and its log-sum-exp.
pub const FEATURES: usize = 8;
/// All of them.
pub const SUMS: usize = FEATURES + 3;

/// A grid of blocks, their threads, and the bytes that they share.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    pub blocks: [usize; 3],
    pub threads: usize,
    pub shared: usize,
}

/// `heads, kv_heads, dim`, which several kernels are told.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Heads {
    pub heads: i32,
    pub kv_heads: i32,
    pub dim: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Norm {
    pub x: Address,
    pub weight: Address,
    pub bias: Address,
    pub y: Address,
    pub x_stride: i64,
    pub y_stride: i64,
    pub width: i32,
    pub about_mean: i32,
    pub epsilon: f32,
    pub scale: f32,
    pub adds: i32,
    pub router: Address,
    pub router_bias: Address,
    pub chosen: Address,
    pub shares: Address,
    pub experts: i32,
    pub active: i32,
    pub over_all: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Linear {
    pub x: Address,
    pub weight: Address,
    pub scales: Address,
    pub bias: Address,
    pub y: Address,
    pub tiles: Address,
    pub order: Address,
    pub chosen: Address,
    pub x_stride: i64,
    pub y_stride: i64,
    pub rows: i32,
    pub from: i32,
    pub to: i32,
    pub visits_per_row: i32,
    pub activation: i32,
    pub gating: i32,
    pub limit: f32,
    pub alpha: f32,
    pub scale: f32,
    pub adds: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Turn {
    pub rows: Address,
    pub cos: Address,
    pub sin: Address,
    pub query_weight: Address,
    pub query_bias: Address,
    pub key_weight: Address,
    pub key_bias: Address,
    pub token_stride: i64,
    pub heads: Heads,
    pub width: i32,
    pub neighbours: i32,
    pub span: i32,
    pub about_mean: i32,
    pub epsilon: f32,
    pub clip: f32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default, bytemuck::Zeroable, bytemuck::Pod)]
pub struct Rule {
    pub sinks: Address,
    pub slopes: Address,
    pub scale: f32,
    pub softcap: f32,
    pub window: i32,
    pub padding: i32,
}

/// Keys that a sum counts.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Feature {
    kind: i32,
    from: i32,
    to: i32,
}

impl Feature {
    pub const MASS: Self = Self { kind: 0, from: 0, to: 0 };
    pub const DISTANCE: Self = Self { kind: 1, from: 0, to: 0 };
    pub const COPIES: Self = Self { kind: 4, from: 0, to: 0 };
    pub const AFTER_COPIES: Self = Self { kind: 5, from: 0, to: 0 };

    pub fn near(from: usize, to: usize) -> Self {
        Self { kind: 2, from: from as i32, to: to as i32 }
    }

    pub fn chosen(bit: usize, own: bool) -> Self {
        Self { kind: 3, from: bit as i32, to: i32::from(own) }
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Attend {
    pub rows: Address,
    pub context: Address,
    pub sums: Address,
    pub keep: Address,
    pub means: Address,
    pub ids: Address,
    pub chosen: Address,
    pub token_stride: i64,
    pub context_stride: i64,
    pub sums_stride: i64,
    pub rule: Rule,
    pub features: [Feature; FEATURES],
    pub heads: Heads,
    pub first: i32,
    pub tokens: i32,
    pub hidden_start: i32,
    pub hidden_end: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Sort {
    pub chosen: Address,
    pub order: Address,
    pub tiles: Address,
    pub visits: i32,
    pub experts: i32,
    pub tile: i32,
    pub most_tiles: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Combine {
    pub outputs: Address,
    pub shares: Address,
    pub y: Address,
    pub y_stride: i64,
    pub width: i32,
    pub active: i32,
    pub adds: i32,
    pub scale: f32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Fold {
    pub rows: Address,
    pub rules: Address,
    pub means: Address,
    pub first_keys: Address,
    pub thumbnails: Address,
    pub token_stride: i64,
    pub layer_stride: i64,
    pub heads: Heads,
    pub first: i32,
    pub tokens: i32,
    pub bin: i32,
    pub small_bin: i32,
    pub hidden_start: i32,
    pub hidden_end: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Lengths {
    pub rows: Address,
    pub squares: Address,
    pub lengths: Address,
    pub token_stride: i64,
    pub layer_stride: i64,
    pub heads: Heads,
    pub count: i32,
}

/// What a kernel is told.
///
/// # Safety
/// It is laid out as the kernels that take it read it.
pub unsafe trait Parameters: DeviceRepr {}

macro_rules! parameters {
    ($($name:ty),*) => { $(
        // SAFETY: `repr(C)` of numbers only, as the struct of the same name in `kernels/*.cuh`. tests/gpu.rs runs every
        // kernel on what these hold.
        unsafe impl DeviceRepr for $name {}
        // SAFETY: as above.
        unsafe impl Parameters for $name {}
    )* };
}
parameters!(Norm, Linear, Turn, Attend, Sort, Combine, Fold, Lengths);

/// Asks for a kernel.
///
/// # Errors
/// If the driver refuses it.
pub fn launch<P: Parameters>(
    device: &Device,
    kernel: Kernel,
    grid: Grid,
    parameters: &P,
) -> Result<(), GpuError> {
    let [x, y, z] = grid.blocks.map(|count| count as u32);
    let (function, stream) = device.kernel(kernel);
    let config = LaunchConfig {
        grid_dim: (x, y, z),
        block_dim: (grid.threads as u32, 1, 1),
        shared_mem_bytes: grid.shared as u32,
    };
    // SAFETY: `parameters` are what the kernel reads, and are copied by the driver before this returns. `pass` points them
    // to buffers of the stream's own that are as large as the kernel's comment says, and are kept until the stream was
    // waited for.
    unsafe { stream.launch_builder(function).arg(parameters).launch(config)? };
    Ok(())
}
