//! A decoder on a CUDA device.
//!
//! # How it works
//! [`Decoder`] is what lies on the device: weights as the checkpoint has them, f32, bf16 or MXFP4. [`Arena`] is the
//! memory of a pass. [`pass`](pass::run) asks for kernels one after the other and waits once, at the end; what they leave is
//! read in one piece, as [`Passed`]. The kernels are ours: `kernels/*.cuh`, which `.ci/ptx.py` makes `kernels/kernels.ptx`
//! of. Nothing but the driver is needed to run them.
//!
//! `tests/emulator` runs the same kernels on a CPU, behind a driver of its own.

mod arena;
mod decoder;
mod device;
mod error;
mod kernels;
mod launches;
mod linear;
mod pass;
mod passed;

pub use arena::{Arena, Extent};
pub use decoder::{
    Activated, Addition, Attention, Decoder, Head, Kind, Layer, Linear, Matrix, Mlp, Norm, QkNorm, Rotary,
    Rule, Shape, padded,
};
pub use device::{Buffer, Device};
pub use error::GpuError;
pub use kernels::{FEATURES, Feature, SUMS};
pub use pass::{Prompt, run};
pub use passed::{Passed, Row};
