//! The program itself, run as users and scripts run it: what it writes, what it says, and how it ends.

#![allow(clippy::unwrap_used)]

mod exports;
mod goldens;
mod mistakes;
mod models;
mod verify;

#[path = "../support"]
mod support {
    pub mod checkpoint;
    pub mod numbers;
    pub mod program;
}
