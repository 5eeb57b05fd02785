//! What is said where a command can do nothing.

/// Why a command that needs a matrix does nothing.
pub(in crate::app) const NOTHING_SHOWN: &str = "this model has not read a prompt yet";

/// Why nothing is run or found out any more.
pub(in crate::app) const NO_WORKER: &str =
    "the thread that runs the models has stopped: quit and start again";
