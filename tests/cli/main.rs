//! The program itself, run as users and scripts run it: what it writes, what it says, and how it ends.

#![allow(clippy::unwrap_used)]

mod ablate;
mod attack;
mod batch;
mod bench;
mod chat;
mod checkpoints;
mod compare;
mod config;
mod downloads;
mod effect;
mod exports;
mod flags;
mod found;
mod generate;
mod gguf;
mod goldens;
mod heads;
mod hostile;
mod lens;
mod lora;
mod mistakes;
mod models;
#[cfg(unix)]
mod outputs;
mod patch;
mod push;
mod rounding;
mod segments;
mod sinks;
#[cfg(unix)]
mod stopped;
mod text;
mod verify;

#[path = "../support"]
mod support {
    pub mod checkpoint;
    pub mod gguf;
    #[expect(dead_code, reason = "tests/hub.rs makes it misbehave")]
    pub mod hub;
    pub mod numbers;
    pub mod patience;
    pub mod program;
}
