//! What the user may choose.

pub mod keys;
