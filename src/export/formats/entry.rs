//! What a format is to the table of formats.

use std::fs::File;
use std::io::{BufReader, Write};

use serde_json::Value;

use super::problem::Problem;
use crate::attention::Capture;
use crate::export::error::ExportError;
use crate::export::omissions::Omissions;
use crate::export::recipe::Recipe;
use crate::export::selection::Selection;

/// A format: how it is written, and how the recipe in a file of it is found.
#[derive(Clone, Copy)]
pub struct Format {
    /// Writes an export.
    pub write: Writer,
    /// Whether a file begins as files of this format do. Blanks at its beginning are left out.
    pub begins: fn(&[u8]) -> bool,
    /// The recipe in a file of this format, as JSON.
    pub recipe: fn(BufReader<File>) -> Result<Value, Problem>,
}

/// How a format is written.
#[derive(Clone, Copy)]
pub enum Writer {
    /// The numbers of one pass.
    Numbers(fn(&mut dyn Write, &Export<'_>) -> Result<(), ExportError>),
    /// A figure of the passes that a recipe names, in its order. Returns what is not in the file.
    Figure(fn(&mut dyn Write, &[&Capture], &Recipe) -> Result<Omissions, ExportError>),
}

/// The numbers of a pass that are exported.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The pass.
    pub capture: &'a Capture,
    /// Which of its matrices.
    pub selection: Selection,
    /// How it was made.
    pub recipe: &'a Recipe,
}
