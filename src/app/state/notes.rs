//! What is said where a command can do nothing.

/// Why a command that needs a matrix does nothing.
pub(in crate::app) const NOTHING_SHOWN: &str = "this model has not read a prompt yet";
