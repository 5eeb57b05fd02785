//! An oscilloscope for LLM attention, in a terminal.
//!
//! # Module map
//! Data flows one way; every room has one reason to change. `tests/architecture.rs` holds the table.
//!
//! ```text
//! terminal events ─► runtime: key or mouse ─► Action ─► app::update(&mut State, Action) ─► [Effect] ─► runtime
//!                                                             │                                          │ Request
//!                        ui::draw(&State, frame) ◄── State ◄──┘            Action ◄── Event ◄── worker ◄─┘
//!                                                                         model ─► kernels, attention
//! ```
//!
//! | room | what lives there | may use |
//! |---|---|---|
//! | [`kernels`] | slices in, slices out: products with weights as they lie or packed, MXFP4, norms, row softmax with sink, the attention of a head | nothing of ours |
//! | [`attention`] | the domain, pure: matrices, tokens, captures, views, statistics | kernels |
//! | [`model`] | from a name to a captured pass: reference, files (hub, folder, embedded), spec, family, weights, decoder, recorder | kernels, attention, bounded |
//! | [`worker`] | owns the resident models; one coordinator, a thread per model and per load; [`worker::protocol`] | model, attention |
//! | [`app`] | state, actions, the pure reducer, effects | attention, worker::protocol, config |
//! | [`theme`] | colour maps, colour depth, styles | nothing of ours |
//! | [`ui`] | pure functions from state to a frame, one file per panel | app, attention, config::keys, theme, worker::protocol |
//! | [`terminal`] | the only room that touches the tty | config::keys, theme |
//! | [`runtime`] | the loop: events, actions, effects, frames | all but cli |
//! | [`export`] | the article's printout, csv, json, npz, safetensors, figures (svg, png), pages; each with its recipe | attention, bounded, theme |
//! | [`config`] | settings in layers, and the table of keys | bounded |
//! | [`bounded`] | files of others, read within bounds | nothing of ours |
//! | [`cli`] | what was typed; one file per command | all |
//!
//! Two things differ from what one might expect. A family of models (`model::family`) is one file that knows
//! both its config.json and its tensor names, so that a new one is one new file; the decoder knows neither.
//! And a head that is looked at is computed again from queries and keys by the same function that the pass
//! used ([`kernels::attention::Head::rows`]), so that what is shown is what was computed, to the bit.

pub mod app;
pub mod attention;
pub mod bounded;
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
