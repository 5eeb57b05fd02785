//! The background: owns the resident models, takes requests, answers with events.

pub mod protocol;
