//! The viewer without a terminal: what actions do to the state, and what the state looks like.
#![allow(clippy::unwrap_used)]

mod ablation;
mod anything;
mod append;
mod chat;
mod compare;
mod copy;
mod editor;
mod effect;
mod export;
mod first;
mod fixture;
mod grid;
mod headless;
mod lens;
mod live;
mod loads;
mod palette;
mod panes;
mod patching;
mod picker;
mod pin;
mod program;
mod push;
mod score_map;
mod screens;
mod segments;
mod shift;
mod sinks;
mod small;
mod text;
mod views;
mod words;
mod writing;
