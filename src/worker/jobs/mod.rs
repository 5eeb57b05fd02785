//! The jobs of the worker, one file each: how long actions that the front end asks for are done.
//!
//! To add one: describe it in [`super::protocol`] (a struct, a [`Request`](super::protocol::Request) that holds it, and
//! the [`Event`](super::protocol::Event) that answers it), give it a file here that implements [`Job`](super::job::Job)
//! and how it runs ([`PoolJob`](super::job::PoolJob) without a model, [`SlotJob`](super::job::SlotJob) with one), and
//! hand it on with one line in [`super::coordinator`]. That the newest job wins, that it can be stopped, and that
//! whoever asked is answered after a panic comes by itself.

mod compare;
pub mod effect;
mod estimate;
mod layer;
pub mod lens;
mod list;
pub mod load;
pub mod looked_at;
pub mod patch;
mod push;
mod read;
mod row;
pub mod run;
mod score;
pub mod segments;
mod shift;
mod similar;
pub mod sinks;
pub mod streams;
pub mod sweep;
mod view;
pub mod write;
