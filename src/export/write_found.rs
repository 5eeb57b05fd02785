//! What was found about passes, as a file: a figure, or the numbers of a command with the recipe before them.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use super::error::ExportError;
use super::figure::{Bitmap, Figure};
use super::found::Found;
use super::omissions::Omissions;
use super::printable::write_json;
use super::recipe::Recipe;
use super::{effect, patch, push, shift, sinks};
use crate::vocabulary::ExportFormat;

/// A file of numbers; what it begins with says that a recipe is in it.
#[derive(Serialize)]
struct Numbers<'a> {
    recipe: &'a Recipe,
    note: &'static str,
    models: Vec<Value>,
}

impl Found {
    /// Writes what a recipe says of it. Returns what is not in the file.
    ///
    /// # Errors
    /// If the recipe says no format, or one that can't show it, or `out` refuses.
    pub fn write(&self, mut out: impl Write, recipe: &Recipe) -> Result<Omissions, ExportError> {
        let format = recipe.format.ok_or(ExportError::NoFormat)?;
        if let Some(why) = recipe.source.subject.obstacle(format, false, false) {
            return Err(ExportError::Unfit(why.to_owned()));
        }
        match format {
            ExportFormat::Csv => {
                write!(out, "# ")?;
                write_json(&mut out, recipe)?;
                writeln!(out)?;
                self.write_csv(&mut out)?;
            }
            ExportFormat::Png => {
                let scale = recipe.style.unwrap_or_default().scale;
                let Bitmap { png, missing } = Figure::of_found(self, recipe)?.png(scale)?;
                out.write_all(&png)?;
                return Ok(Omissions { missing, ..Omissions::default() });
            }
            format if format.is_figure() => {
                out.write_all(Figure::of_found(self, recipe)?.svg().as_bytes())?;
            }
            _ => {
                let (note, models) = self.models()?;
                write_json(&mut out, &Numbers { recipe, note, models })?;
                writeln!(out)?;
            }
        }
        Ok(Omissions::default())
    }

    fn write_csv(&self, out: &mut impl Write) -> Result<(), ExportError> {
        match self {
            Self::Push(passes) => push::write_csv(out, passes, usize::MAX),
            Self::Effect(passes) => effect::write_csv(out, passes),
            Self::Patch(pass) => patch::write_csv(out, std::slice::from_ref(pass), usize::MAX),
            Self::Sinks(passes) => sinks::write_csv(out, passes),
            Self::Shift(shifted) => shift::write_csv(out, shifted),
        }
    }

    /// What is said once, and an object of each model.
    fn models(&self) -> Result<(&'static str, Vec<Value>), ExportError> {
        Ok(match self {
            Self::Push(passes) => (push::DIRECT, push::models(passes, usize::MAX)?),
            Self::Effect(passes) => (effect::CHANGE, effect::models(passes)?),
            Self::Patch(pass) => (patch::EFFECT, patch::models(std::slice::from_ref(pass))?),
            Self::Sinks(passes) => (sinks::SHARE, sinks::models(passes)?),
            Self::Shift(shifted) => (shift::APART, vec![shift::document(shifted)?]),
        })
    }
}
