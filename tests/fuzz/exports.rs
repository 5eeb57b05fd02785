//! Files that were exported, read back for their recipe.

use std::sync::Mutex;

use attnscope::attention::Normalisation;
use attnscope::export::{self, FigureStyle, Input, Recipe, Selection, Source};
use attnscope::vocabulary::ExportFormat;
use proptest::prelude::*;

use crate::change::{apply, changes};
use crate::fixture::{PROMPT, capture, gpt_oss};
use crate::run::{keep, run};

/// An export in every format.
pub fn exports() -> Vec<(ExportFormat, Vec<u8>)> {
    let capture = capture(&gpt_oss(), &PROMPT);
    let source = || {
        let selection: Selection = "mean".parse().unwrap();
        Source::new(&capture, Input::Prompt(PROMPT.concat()), selection)
    };
    let export = |format: ExportFormat| {
        let recipe = match format.is_figure() {
            true => {
                let style = FigureStyle { scale: 1.0, ..FigureStyle::default() };
                Recipe::of_figure((source(), None), format, Normalisation::Raw, style)
            }
            false => Recipe::new(source(), Some(format)),
        };
        let mut bytes = Vec::new();
        export::write(&mut bytes, &[&capture], &recipe).unwrap();
        (format, bytes)
    };
    ExportFormat::ALL.map(export).into()
}

#[test]
fn exported_files() {
    let exports = exports();
    let folder = tempfile::tempdir().unwrap();
    for (format, bytes) in &exports {
        let path = folder.path().join(format.name());
        std::fs::write(&path, bytes).unwrap();
        Recipe::of_file(&path).unwrap();
    }
    let path = Mutex::new(folder.path().join("export"));
    run("exported_files", 2500, &(0..exports.len(), changes()), |(which, changes)| {
        let path = path.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bytes = apply(changes, &exports[*which].1);
        keep("export", &bytes);
        std::fs::write(&*path, bytes).unwrap();
        if let Err(error) = Recipe::of_file(&path) {
            prop_assert!(!error.to_string().is_empty());
        }
        Ok(())
    });
}
