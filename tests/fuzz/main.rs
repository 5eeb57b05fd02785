//! What comes from outside, changed at random: it ends in a value or an error, never in a panic, an abort, or memory
//! that grows with a number that a file claims. `README.md` beside this file says how to let it run for long.

#![allow(clippy::unwrap_used)]

mod bytes;
mod change;
mod checkpoint;
mod exports;
#[path = "../viewer/fixture.rs"]
#[allow(dead_code)]
mod fixture;
mod gguf;
mod input;
mod model;
mod mxfp4;
mod recipes;
mod run;
mod settings;
mod tokenizers;
