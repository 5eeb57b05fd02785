//! A decoder on a CUDA device.
//!
//! # How it works
//! [`Decoder`] is what lies on the device: weights as the checkpoint has them, f32, bf16 or MXFP4. [`KeptRows`] are the
//! queries, keys and values of a prompt's tokens, which stay there until somebody reads them; [`Arena`] is the rest of a
//! pass's memory. [`pass`](pass::run) asks for kernels one after the other and waits once, at the end; what they leave
//! besides rows is read in one piece, as [`Passed`]. An [`Observer`] may look into a pass: then it waits there, too. The kernels are ours: `kernels/*.cuh`, which `.ci/ptx.py` makes `kernels/kernels.ptx`
//! of. Nothing but the driver is needed to run them.
//!
//! `tests/emulator` runs the same kernels on a CPU, behind a driver of its own.

mod arena;
mod copies;
mod decoder;
mod device;
mod error;
mod kernels;
mod launches;
mod linear;
mod observer;
mod pass;
mod passed;
mod rows;

pub use arena::{Arena, Extent, bytes_of_pass};
pub use copies::{Buffer, HostBuffer};
pub use decoder::{
    Activated, Addition, Attention, Decoder, Head, Kind, Layer, Linear, Matrix, Mlp, Norm, QkNorm, Rotary,
    Rule, Shape, padded,
};
pub use device::Device;
pub use error::GpuError;
pub use kernels::{FEATURES, Feature, SUMS};
pub use observer::{Observer, Point};
pub use pass::{Memory, Prompt, run};
pub use passed::Passed;
pub use rows::{KeptRows, Row};
