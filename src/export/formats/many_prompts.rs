//! Many prompts in one NPZ archive: the arrays of the first one have names that begin with `0/`, and `ids` has the names of
//! the prompts in their order.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use zip::write::StreamWriter;
use zip::{ZipArchive, ZipWriter};

use super::entry::Export;
use super::npz::{RECIPE, add, options, read_recipe, read_texts, refused, with_visible_end, write_texts};
use super::problem::{Problem, RecipeError};
use crate::attention::Capture;
use crate::bounded;
use crate::export::error::ExportError;
use crate::export::recipe::Recipe;
use crate::export::selection::Selection;

/// The array with the names of the prompts.
const IDS: &str = "ids.npy";

/// The names and the recipes of the prompts in an archive of many, in their order; nothing of any other file.
///
/// # Errors
/// If it is such an archive, and its recipes can't be read.
pub fn recipes_of_many(path: &Path) -> Result<Option<Vec<(String, Recipe)>>, RecipeError> {
    let failed = |problem| RecipeError { path: path.to_owned(), problem };
    // What can't be opened is told of a file with one recipe.
    let Some(mut zip) = bounded::open(path).ok().and_then(|file| ZipArchive::new(BufReader::new(file)).ok())
    else {
        return Ok(None);
    };
    let Some(ids) = read_texts(&mut zip, IDS).map_err(failed)? else { return Ok(None) };
    let recipe = |(at, id): (usize, String)| {
        let recipe = Recipe::from_json(&read_recipe(&mut zip, &format!("{at}/{RECIPE}"))?)?;
        Ok::<_, Problem>((id, recipe))
    };
    ids.into_iter().enumerate().map(recipe).collect::<Result<_, _>>().map(Some).map_err(failed)
}

/// An archive of many prompts that is being written.
pub struct ManyPrompts<'a> {
    zip: ZipWriter<StreamWriter<&'a mut dyn Write>>,
    ids: Vec<String>,
}

impl<'a> ManyPrompts<'a> {
    /// One that writes to `out`.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { zip: ZipWriter::new_stream(out), ids: Vec::new() }
    }

    /// Adds what a recipe says of a pass.
    ///
    /// # Errors
    /// If the recipe is of a figure, the model has no such view, or `out` refuses.
    pub fn add(&mut self, id: &str, capture: &Capture, recipe: &Recipe) -> Result<(), ExportError> {
        let selection = recipe.source.subject.matrices()?;
        if let Selection::One(view) = selection {
            capture.check(view)?;
        }
        let prefix = self.next(id);
        add(&mut self.zip, &prefix, &Export { capture, selection, recipe })
    }

    /// Adds what is in the file of one prompt: the same bytes as if it were added now.
    ///
    /// # Errors
    /// If it can't be read, or `out` refuses.
    pub fn copy(&mut self, id: &str, file: &Path) -> Result<(), ExportError> {
        let unread = |source: io::Error| ExportError::File { path: file.to_owned(), source };
        let reader = BufReader::new(File::open(file).map_err(unread)?);
        let mut from = ZipArchive::new(reader).map_err(|error| unread(error.into()))?;
        let prefix = self.next(id);
        for at in 0..from.len() {
            let mut array = from.by_index(at).map_err(|error| unread(error.into()))?;
            let name = array.name().map(|name| format!("{prefix}{name}"));
            let name = name.map_err(|error| unread(error.into()))?;
            self.zip.start_file(name, options(array.size() as usize)).map_err(refused)?;
            io::copy(&mut array, &mut self.zip)?;
        }
        Ok(())
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// If `out` refuses.
    pub fn finish(mut self) -> Result<(), ExportError> {
        write_texts(&mut self.zip, IDS, &self.ids, &[self.ids.len()])?;
        self.zip.finish().map_err(refused)?;
        Ok(())
    }

    /// What the names of the arrays of the next prompt begin with.
    fn next(&mut self, id: &str) -> String {
        let prefix = format!("{}/", self.ids.len());
        self.ids.push(with_visible_end(id));
        prefix
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::View;
    use crate::export::formats::write;
    use crate::export::{Selection, example};
    use crate::vocabulary::ExportFormat;

    #[test]
    fn what_is_copied_is_what_would_have_been_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.npz");
        let capture = example::capture();
        let source = example::source(&capture, Selection::One(View::Mean));
        let recipe = Recipe::new(source, Some(ExportFormat::Npz));
        write(&mut File::create(&path).unwrap(), &[&capture], &recipe).unwrap();
        let archive = |is_copied: bool| {
            let mut bytes = Vec::new();
            let mut file = ManyPrompts::new(&mut bytes);
            file.add("a", &capture, &recipe).unwrap();
            if is_copied {
                file.copy("b", &path).unwrap()
            } else {
                file.add("b", &capture, &recipe).unwrap()
            }
            file.finish().unwrap();
            bytes
        };
        assert_eq!(archive(true), archive(false));
        std::fs::write(folder.path().join("many.npz"), archive(true)).unwrap();
        let found = recipes_of_many(&folder.path().join("many.npz")).unwrap().unwrap();
        assert_eq!(found, [("a".to_owned(), recipe.clone()), ("b".to_owned(), recipe.clone())]);
        assert!(recipes_of_many(&path).unwrap().is_none(), "one prompt");
        assert!(recipes_of_many(&folder.path().join("none")).unwrap().is_none());
        std::fs::write(&path, "PK").unwrap();
        let error = ManyPrompts::new(&mut Vec::new()).copy("a", &path).unwrap_err();
        assert!(error.to_string().contains("one.npz"), "{error}");
    }
}
