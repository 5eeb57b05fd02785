//! An oscilloscope for LLM attention, in a terminal.
//!
//! # Module map
//! Data flows one way; every room has one reason to change. `tests/architecture.rs` holds the table.
//!
//! | room | what lives there | may use |
//! |---|---|---|
//! | [`kernels`] | slices in, slices out: MXFP4, row softmax with sink, the attention of a head | nothing of ours |
//! | [`attention`] | the domain: matrices, tokens, captures, views, statistics | kernels |

pub mod app;
pub mod attention;
pub mod cli;
pub mod config;
pub mod export;
pub mod kernels;
pub mod model;
pub mod runtime;
pub mod terminal;
pub mod theme;
pub mod ui;
pub mod worker;
