//! A capture as text and files. Writers are pure: they take any [`std::io::Write`], ask the
//! capture for one row after another and hold no more than that; [`mod@file`] is where they meet the disk.

pub mod ablation;
mod csv;
pub mod figure;
pub mod file;
mod format;
pub mod heads;
mod html;
mod json;
pub mod lens;
mod look;
mod markup;
mod npz;
pub mod print;
pub mod printable;
mod python;
mod recipe;
pub mod report;
mod safetensors;
mod tensors;
mod text;

#[cfg(test)]
pub(crate) mod example;

pub use format::{Format, ParseFormatError};
pub use look::{ColorRange, Look, ParseColorRangeError, SCALES};
pub use recipe::{Input, KeyError, PROGRAM, Recipe, RecipeError, Source};

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rayon::prelude::*;

use figure::{Bitmap, Figure, MissingGlyphs};

use crate::attention::{Capture, EXACT_TOKENS, NoSuchView, ParseViewError, View};

/// What is exported.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The pass.
    pub capture: &'a Capture,
    /// Which of its matrices.
    pub selection: Selection,
    /// How it was made.
    pub recipe: &'a Recipe,
}

/// Writes what a recipe says of the passes that it names, in its order. Returns what is not in the file.
///
/// # Errors
/// If a model has no such view, the recipe cannot be followed, or `out` refuses.
pub fn write(out: &mut impl Write, captures: &[&Capture], recipe: &Recipe) -> Result<Omissions, ExportError> {
    let (Some(format), Some(capture)) = (recipe.format, captures.first()) else {
        return Err(ExportError::NoFormat);
    };
    // Before anything is written.
    for (source, capture) in recipe.sources().zip(captures) {
        if let Selection::One(view) = source.selection {
            capture.check(view)?;
        }
    }
    let export = Export { capture, selection: recipe.source.selection, recipe };
    match format {
        Format::Csv => csv::write(out, &export)?,
        Format::Json => json::write(out, &export)?,
        Format::Npz => npz::write(out, &export)?,
        Format::Safetensors => safetensors::write(out, &export)?,
        Format::Html => {
            let left_out = html::write(out, captures, recipe)?;
            return Ok(Omissions { left_out, ..Omissions::default() });
        }
        Format::Svg => out.write_all(Figure::new(captures, recipe)?.svg().as_bytes())?,
        Format::Png => {
            let scale = recipe.look.unwrap_or_default().scale;
            let Bitmap { png, undrawn } = Figure::new(captures, recipe)?.png(scale)?;
            out.write_all(&png)?;
            return Ok(Omissions { undrawn, ..Omissions::default() });
        }
    }
    Ok(Omissions::default())
}

/// What was asked for and is not in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Omissions {
    /// Characters that no font has.
    undrawn: MissingGlyphs,
    /// Of each model the matrices that a page has no room for, in words.
    left_out: Vec<String>,
}

impl Omissions {
    /// Whether everything is there.
    pub fn is_empty(&self) -> bool {
        self.undrawn.is_empty() && self.left_out.is_empty()
    }
}

impl fmt::Display for Omissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let undrawn = (!self.undrawn.is_empty()).then(|| self.undrawn.to_string());
        let all: Vec<String> = self.left_out.iter().cloned().chain(undrawn).collect();
        f.write_str(&all.join("; "))
    }
}

/// One matrix of a capture, or every head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The matrix of a view.
    One(View),
    /// Every head of every layer.
    All,
}

impl Selection {
    /// Whether its rows have a sink beside them.
    pub fn has_sinks(self, capture: &Capture) -> bool {
        match self {
            Selection::One(view) => capture.has_sinks(view),
            Selection::All => capture.model.has_sinks,
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selection::One(view) => view.fmt(f),
            Selection::All => f.write_str("all"),
        }
    }
}

/// A text that selects nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}, or all")]
pub struct ParseSelectionError(#[from] ParseViewError);

impl FromStr for Selection {
    type Err = ParseSelectionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "all" { Selection::All } else { Selection::One(text.parse()?) })
    }
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The model has no such layer or head.
    #[error(transparent)]
    View(#[from] NoSuchView),
    /// Rollout is known token by token up to a length.
    #[error(
        "rollout of {0} tokens is not known token by token: shorten the prompt to {EXACT_TOKENS}, or fewer"
    )]
    LongRollout(usize),
    /// A difference is of two.
    #[error("a difference is of two models: name a second one")]
    OneModel,
    /// A difference is of one matrix of each.
    #[error("a difference is of one matrix of each model: choose a view other than all")]
    DifferenceOfAll,
    /// Two models are compared token by token up to a length.
    #[error("only prompts of up to {EXACT_TOKENS} tokens are compared piece by piece: shorten the prompt")]
    LongDifference,
    /// There is no memory for so many pixels.
    #[error("{0} × {1} pixels are too many: choose a smaller scale")]
    TooLarge(u32, u32),
    /// A figure could not be made a bitmap of: a defect of this program.
    #[error("internal error: {0}: please report it")]
    Draw(String),
    /// It is not said what is to be written.
    #[error("nothing says as what this is to be written: name a format")]
    NoFormat,
    /// What is written to refuses.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    /// The file cannot be made or replaced.
    #[error("{}: {source}: choose another place", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder stands where the file should.
    #[error("{}: is a folder: name a file in it, or choose another place", .0.display())]
    Folder(PathBuf),
    /// What was named ends like a folder, or is nothing.
    #[error("'{}': a file needs a name: add one", .0.display())]
    NoName(PathBuf),
    /// The file that is there may not be written to.
    #[error("{}: is read-only, and stays as it is: make it writable, or choose another place", .0.display())]
    ReadOnly(PathBuf),
    /// The file that is there would belong to somebody else if it were replaced.
    #[error(
        "{}: belongs to another user or group, and a new file in its place would not: remove it, or choose another \
         place",
        .0.display()
    )]
    Owner(PathBuf),
    /// A link whose target is not there.
    #[error("{}: is a link to nothing, and stays as it is: remove it, or choose another place", .0.display())]
    BrokenLink(PathBuf),
    /// The folder of the file is not there.
    #[error("{}: there is no such folder: create it, or choose another place", .0.display())]
    NoFolder(PathBuf),
}

impl ExportError {
    /// The error of a writer, with the file that it writes; but that nobody reads on is none of the file's.
    #[must_use]
    pub fn at(self, path: Option<&Path>) -> Self {
        match (self, path) {
            (Self::Write(source), Some(path)) if source.kind() != io::ErrorKind::BrokenPipe => {
                Self::File { path: path.to_owned(), source }
            }
            (error, _) => error,
        }
    }
}

/// One row of a square matrix.
#[derive(Debug, PartialEq)]
struct Row {
    /// \[S\]: the attention of a query to every key, zeros for the future.
    weights: Vec<f32>,
    /// What the query gave to no token; `None` for a model without sinks.
    sink: Option<f32>,
}

/// Rows that are computed at a time.
const BLOCK: usize = 64;

/// The rows of a view, one after another, exact at any length; a block at a time on all threads.
fn rows(capture: &Capture, view: View) -> impl Iterator<Item = Result<Row, ExportError>> {
    let size = capture.tokens.len();
    // A row of it takes all that are before it, so they are computed together.
    let whole = (view == View::Rollout && capture.mean.bin() == 1).then(|| capture.matrix(view));
    let row = move |query| {
        let (mut weights, sink) = match &whole {
            Some(matrix) => {
                let matrix = matrix.as_ref().map_err(NoSuchView::clone)?;
                (matrix.row(query).to_vec(), matrix.sink(query))
            }
            None if view == View::Rollout => return Err(ExportError::LongRollout(size)),
            None => capture.row(view, query)?,
        };
        weights.resize(size, 0.0);
        Ok(Row { weights, sink })
    };
    let block =
        move |start: usize| (start..size.min(start + BLOCK)).into_par_iter().map(&row).collect::<Vec<_>>();
    (0..size).step_by(BLOCK).flat_map(block)
}

/// Every head of a capture, layer after layer.
fn heads(capture: &Capture) -> impl Iterator<Item = View> {
    let heads = capture.model.heads;
    (0..capture.model.layers).flat_map(move |layer| (0..heads).map(move |head| View::Head { layer, head }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_reads_what_it_writes() {
        for text in ["all", "mean", "layer:3", "head:3.5"] {
            assert_eq!(text.parse::<Selection>().unwrap().to_string(), text);
        }
        let error = "every".parse::<Selection>().unwrap_err().to_string();
        assert!(error.contains("head:3.5") && error.ends_with("or all"), "{error}");
    }

    #[test]
    fn rows_are_square_and_heads_in_order() {
        let capture = example::capture();
        let rows: Vec<Row> = rows(&capture, View::Mean).map(Result::unwrap).collect();
        assert_eq!(rows[0], Row { weights: vec![0.25, 0.0], sink: Some(0.75) });
        let names: Vec<String> = heads(&capture).map(|view| view.to_string()).collect();
        assert_eq!(names, ["head:0.0", "head:0.1", "head:1.0", "head:1.1"]);
    }

    #[test]
    fn rollout_is_written_token_by_token_or_not_at_all() {
        let mut capture = example::capture();
        let sums: Vec<f32> = rows(&capture, View::Rollout)
            .map(Result::unwrap)
            .map(|row| row.weights.iter().chain(&row.sink).sum())
            .collect();
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{sums:?}");
        capture.mean = crate::attention::CausalMatrix::zeros(2, 2, true);
        let error = rows(&capture, View::Rollout).next().unwrap().unwrap_err().to_string();
        assert!(error.contains("2 tokens") && error.contains("2048"), "{error}");
    }
}
