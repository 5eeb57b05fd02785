//! An oscilloscope for LLM attention, in a terminal.
//!
//! # Module map
//! Data flows one way; every room has one reason to change. `tests/architecture.rs` reads the table below and holds the
//! source against it.
//!
//! ```text
//! terminal events ─► runtime: key or mouse ─► Action ─► app::update(&mut State, Action) ─► [Effect] ─► runtime
//!                                                             │                                          │ Request
//!               ui::draw(&State, &Layout, frame) ◄── State ◄──┘            Action ◄── Event ◄── worker ◄─┘
//!                                                                         model ─► kernels, attention
//! ```
//!
//! | room | what lives there | may use |
//! |---|---|---|
//! | [`vocabulary`] | words that settings, the command line, the viewer and exported files share: each declared once, with its spelling | nothing of ours |
//! | [`bounded`] | files that somebody else made, read within bounds | nothing of ours |
//! | [`kernels`] | slices in, slices out: products with weights as they lie or packed, MXFP4, norms, row softmax with sink, the attention of a head | nothing of ours |
//! | [`attention`] | the domain, pure: matrices, tokens, captures, the table of statistics | kernels, vocabulary |
//! | [`gpu`] | a decoder on a CUDA device: our kernels, their launches in reading order, what a pass leaves | model::spec |
//! | [`model`] | from a name to a captured pass: reference, files (hub, folder, embedded), family, weights, decoder with its hooks, recorder | attention, bounded, gpu, kernels, vocabulary |
//! | [`worker`] | owns the resident models; one coordinator, a thread per model and per load, the newest job wins; [`worker::protocol`] | attention, model, vocabulary |
//! | [`app`] | state, actions, the pure reducer, effects; a file per panel and per popup | attention, config, vocabulary, worker::protocol |
//! | [`theme`] | colours of values, the nearest a terminal has, styles | vocabulary |
//! | [`ui`] | pure functions from state to a layout and a frame; a file per panel and per popup | app, attention, config::keys, theme, vocabulary, worker::protocol |
//! | [`terminal`] | the only room that touches the tty | config::keys, theme, vocabulary |
//! | [`runtime`] | the loop: events, actions, effects, frames | all but cli |
//! | [`export`] | the article's printout; a file per format, each with its recipe; figures and reports | attention, bounded, theme, vocabulary |
//! | [`config`] | settings in layers, and the table of keys | bounded, vocabulary |
//! | [`cli`] | what was typed; one file per command | all |
//!
//! Two things differ from what one might expect. A family of models (`model::family`) is one file that maps its
//! config.json and its tensor names, so that a new family is one new file; the decoder knows neither. And when somebody
//! looks at a head, it is computed again from queries and keys by the function that the pass used
//! ([`kernels::attention::Head::rows`]), so that the screen shows what was computed, to the bit.
//!
//! `CONTRIBUTING.md` says how to add a model family, a statistic, a panel and an export format.

pub mod app;
pub mod attention;
pub mod bounded;
pub mod cli;
pub mod config;
pub mod export;
pub mod gpu;
pub mod kernels;
pub mod model;
pub mod runtime;
pub mod terminal;
pub mod theme;
pub mod ui;
pub mod vocabulary;
pub mod worker;
