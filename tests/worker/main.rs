//! The worker with real models: what it answers, in which order, and what one slot's trouble does to the other.

#![allow(clippy::unwrap_used)]

mod effect;
mod endings;
mod fixture;
mod lens;
mod load;
mod patch;
#[path = "../support/patience.rs"]
mod patience;
mod push;
mod questions;
mod run;
mod score;
mod write;
