//! Arithmetic on plain slices. Knows nothing of models, captures or devices.

pub mod attention;
pub mod mxfp4;
