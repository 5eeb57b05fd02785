//! The viewer without a terminal: what actions do to the state, and what the state looks like.
#![allow(clippy::unwrap_used)]

mod ablation;
mod anything;
mod compare;
mod copy;
mod export;
mod first;
mod fixture;
mod headless;
mod lens;
mod live;
mod palette;
mod picker;
mod pin;
mod reducer;
mod screens;
mod views;
mod words;
