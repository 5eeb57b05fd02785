//! Arithmetic on plain slices: slices in, slices out. This room knows nothing of models, captures or devices.
//!
//! # How it works
//! - `pulp` compiles each kernel once for each kind of processor, and the program picks one when it runs. A kernel
//!   is a struct with its arguments and an `impl WithSimd` for it; `Arch::new().dispatch(..)` runs it.
//! - A matrix product shares its result out among threads (`parallel`). A thread computes a tile of results that fits
//!   the registers, for as many rows of the batch as there are registers for.
//! - A weight is read in one of three ways: as it lies in its file, a row for each output ([`matmul`], [`bf16`],
//!   [`mxfp4`], [`blocks`]); packed once, where a row belongs to an input ([`panel`]); or decoded into panels piece by
//!   piece, where the batch is large (`decoded`).
//! - Where the processor has a matrix unit, larger batches go through it (`amx`): values are cut into parts in bf16, so
//!   that results are as exact as those of f32. `ATTNSCOPE_AMX=off` turns it off.
//! - Attention is computed a second time when somebody looks at a head. There each SIMD lane computes a result of its
//!   own, so that both computations give the same bits.
//!
//! # How to add a kernel
//! Write a file with a public function that checks the lengths, the struct that it dispatches, and a test that compares
//! with the formula in f64. A format of weights also implements `decoded::Decoded`, which serves large batches, and
//! `amx::weight::Tiled`, which serves them on a matrix unit.

mod amx;
pub mod attention;
pub mod attention_rule;
pub mod bf16;
pub mod blocks;
mod cache;
mod decoded;
pub mod dot;
pub mod dot_tile;
pub mod elementwise;
mod ends;
mod fp4_decoder;
pub mod matmul;
pub mod mxfp4;
pub mod norm;
pub mod panel;
mod parallel;
pub mod quadratic_form;
pub mod roofline;
pub mod shared;
pub mod softmax;
