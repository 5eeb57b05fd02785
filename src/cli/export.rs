//! `attnscope export`: attention as a file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::args::ExportArgs;
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use super::values::Format;
use crate::export::file::{Destination, Stoppable};
use crate::export::{Export, Recipe, csv, json, safetensors};

/// Writes one file for a model, two for a pair.
///
/// # Errors
/// If the file cannot be written, or the model not had, or it cannot read the prompt or has no such view.
pub fn run(args: &ExportArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let models = settings.models(args.model.as_slice(), args.pair.as_deref())?;
    let input = settings.input(&args.input)?;
    let paths = paths(&args.out, models.len())?;
    // Before a model is loaded for nothing.
    let outs = paths.iter().map(|path| Destination::open(path)).collect::<Result<Vec<_>, _>>()?;
    for (reference, mut out) in models.iter().zip(outs) {
        let model = session.load(reference)?;
        let capture = session.capture(&model, &input)?;
        let recipe = Recipe::new(model.card(), input.clone(), args.view);
        let export = Export { capture: &capture, selection: args.view, recipe: &recipe };
        let mut stoppable = Stoppable::new(&mut out, || session.cancel.is_raised());
        match args.format {
            Format::Csv => csv::write(&mut stoppable, &export)?,
            Format::Json => json::write(&mut stoppable, &export)?,
            Format::Safetensors => safetensors::write(&mut stoppable, &export)?,
        }
        out.finish()?;
    }
    Ok(())
}

/// One path, or two with `-left` and `-right` before the ending.
fn paths(out: &Path, count: usize) -> Result<Vec<PathBuf>, Failure> {
    if count == 1 {
        return Ok(vec![out.to_owned()]);
    }
    if out == Path::new("-") {
        return Err(Failure::Usage(
            "a pair is two files: name one with --out, or one model with --model".to_owned(),
        ));
    }
    Ok(["-left", "-right"].map(|side| beside(out, side)).into())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(suffix);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_two_files() {
        let named = |out: &str, count| paths(Path::new(out), count).unwrap();
        assert_eq!(named("a.csv", 1), [Path::new("a.csv")]);
        assert_eq!(named("x/a.csv", 2), [Path::new("x/a-left.csv"), Path::new("x/a-right.csv")]);
        assert_eq!(named("a", 2), [Path::new("a-left"), Path::new("a-right")]);
        assert_eq!(paths(Path::new("-"), 2).unwrap_err().exit_code(), 2);
    }
}
