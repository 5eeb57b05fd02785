//! Where attention goes that goes nowhere: learned sinks, tokens that heads look at whatever they say (Gu et al. 2024), and
//! the massive activations behind these (Sun et al. 2024).
//!
//! [`Sinks`] is made of the rows of all heads, [`StateActivations`] of the residual stream.

mod activations;
mod heads;

pub use activations::{Activation, MASSIVE, StateActivations, TIMES_MEDIAN};
pub use heads::{FEW_QUERIES, HeadSink, KeySink, NOTHING_BEHIND, SINK_SHARE, Sinks};
