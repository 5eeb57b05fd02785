//! What an export is written as: a file for each format, and the table of them.
//!
//! To add a format:
//! 1. a variant of [`ExportFormat`], with its help and what it holds;
//! 2. a file here with its `Format`: how it is written, how such a file begins, and how the recipe in it is found.
//!    `csv.rs` is an example of numbers, `svg.rs` of a figure;
//! 3. its line in the table below.

mod csv;
mod entry;
mod html;
mod json;
mod many_prompts;
mod md;
mod npz;
mod png;
mod problem;
mod safetensors;
mod svg;
mod tensors;

pub use csv::quoted as csv_field;
pub use entry::Export;
pub use many_prompts::{ManyPrompts, recipes_of_many};
pub use problem::RecipeError;

use std::io::{BufRead as _, BufReader, Write};
use std::path::Path;

use serde_json::Value;

use crate::attention::Capture;
use crate::bounded;
use crate::export::error::ExportError;
use crate::export::omissions::Omissions;
use crate::export::recipe::Recipe;
use crate::vocabulary::ExportFormat;
use entry::{Format, Writer};
use problem::Problem;

/// The table of formats.
fn format(name: ExportFormat) -> Format {
    match name {
        ExportFormat::Csv => csv::FORMAT,
        ExportFormat::Json => json::FORMAT,
        ExportFormat::Npz => npz::FORMAT,
        ExportFormat::Safetensors => safetensors::FORMAT,
        ExportFormat::Md => md::FORMAT,
        ExportFormat::Svg => svg::FORMAT,
        ExportFormat::Png => png::FORMAT,
        ExportFormat::Html => html::FORMAT,
    }
}

/// Writes what a recipe says of the passes that it names, in its order. Returns what is not in the file.
///
/// # Errors
/// If a model has no such view, the recipe cannot be followed, or `out` refuses.
pub fn write(out: &mut impl Write, captures: &[&Capture], recipe: &Recipe) -> Result<Omissions, ExportError> {
    let (Some(name), Some(capture)) = (recipe.format, captures.first()) else {
        return Err(ExportError::NoFormat);
    };
    // Before anything is written.
    for (source, capture) in recipe.sources().zip(captures) {
        if let Some(view) = source.subject.view() {
            capture.check(view)?;
        }
    }
    match format(name).write {
        Writer::Numbers(write) => {
            write(out, &Export { capture, selection: recipe.source.subject.matrices()?, recipe })?;
            Ok(Omissions::default())
        }
        Writer::Figure(write) => write(out, captures, recipe),
    }
}

impl Recipe {
    /// Reads the recipe of an exported file, or one that is a file of its own.
    ///
    /// # Errors
    /// If the file cannot be read or has no recipe, or if something is wrong with that.
    pub fn of_file(path: &Path) -> Result<Self, RecipeError> {
        let recipe = find(path).and_then(|value| Ok(Self::from_json(&value)?));
        recipe.map_err(|problem| RecipeError { path: path.to_owned(), problem })
    }
}

/// The recipe as JSON. What a file begins with says of which format it is.
fn find(path: &Path) -> Result<Value, Problem> {
    let mut file = BufReader::new(bounded::open(path)?);
    let start = file.fill_buf()?;
    let text = start.trim_ascii_start();
    let known = ExportFormat::ALL.map(format).into_iter().find(|format| (format.begins)(text));
    // Eight bytes of a length may be blanks, too.
    let known =
        known.or_else(|| ExportFormat::ALL.map(format).into_iter().find(|format| (format.begins)(start)));
    known.map_or(Err(Problem::None), |format| (format.recipe)(file))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::export::example;
    use crate::export::recipe::{FigureStyle, Source};
    use crate::export::selection::Selection;
    use crate::vocabulary::{Normalisation, View};

    /// A pinned pass without some heads, of a model whose name is no plain word.
    #[test]
    fn every_format_gives_its_recipe_back() {
        let folder = tempfile::tempdir().unwrap();
        for name in ExportFormat::ALL {
            let capture = example::capture();
            let source = Source {
                model: "a <b> & \"c\"".to_owned(),
                ablation: "0.1".parse().unwrap(),
                is_pinned: true,
                ..example::source(&capture, Selection::One(View::Mean))
            };
            let recipe = match name.is_figure() {
                true => Recipe::of_figure(
                    (source, None),
                    name,
                    Normalisation::Renormalised,
                    FigureStyle::default(),
                ),
                false => Recipe::new(source, Some(name)),
            };
            let is_figure = matches!(format(name).write, Writer::Figure(_));
            assert_eq!(is_figure, name.is_figure(), "{name}");
            let path = folder.path().join("file");
            write(&mut File::create(&path).unwrap(), &[&capture], &recipe).unwrap();
            assert_eq!(Recipe::of_file(&path).unwrap(), recipe, "{name}");
        }
    }
}
