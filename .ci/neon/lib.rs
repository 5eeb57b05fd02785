//! The kernels of attnscope, tested on another processor.

#[path = "../../src/kernels/mod.rs"]
pub mod kernels;
