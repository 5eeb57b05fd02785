//! Arithmetic on plain slices. Knows nothing of models, captures or devices.
//!
//! SIMD is chosen when the program runs: `pulp` compiles each kernel once for what processors have, and once
//! for any. Wherever a result is used again later (attention), every lane works on a result of its own, so
//! that all of them give the same bits.

pub mod attention;
pub mod bf16;
mod cache;
mod decoded;
pub mod dot_tile;
pub mod elementwise;
mod fp4_decoder;
pub mod matmul;
pub mod mxfp4;
pub mod norm;
pub mod panel;
mod parallel;
pub mod quadratic_form;
pub mod roofline;
pub mod softmax;
