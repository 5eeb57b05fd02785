//! What a run has done so far that writes many prompts into one archive: a folder beside it with a file for each prompt. A
//! run that was stopped leaves it, and the next one goes on with it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::export::write;
use super::failure::Failure;
use super::session::Session;
use crate::attention::Capture;
use crate::export::file::{Destination, HALF_WRITTEN};
use crate::export::{Recipe, Source};

/// What the name of an archive ends in to name the folder.
const ENDING: &str = ".partial";

/// The files of single prompts.
#[derive(Debug)]
pub struct Partial {
    folder: PathBuf,
    /// By how they were made.
    files: HashMap<String, PathBuf>,
}

impl Partial {
    /// What is there beside an archive.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn beside(archive: &Path) -> Result<Self, Failure> {
        let mut name = OsString::from(archive);
        name.push(ENDING);
        let mut found = Self { folder: name.into(), files: HashMap::new() };
        let entries = match fs::read_dir(&found.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(found.refused(&error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| found.refused(&error))?.path();
            // Whatever else is there is none of ours.
            if let Ok(recipe) = Recipe::of_file(&path) {
                found.files.insert(key(&recipe), path);
            }
        }
        Ok(found)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file that was made as a recipe says.
    pub fn file(&self, recipe: &Recipe) -> Option<&Path> {
        self.files.get(&key(recipe)).map(PathBuf::as_path)
    }

    /// Writes what a recipe says into a file of its own.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn add(&mut self, capture: Capture, recipe: &Recipe, session: &mut Session) -> Result<(), Failure> {
        fs::create_dir_all(&self.folder).map_err(|error| self.refused(&error))?;
        let free = |number: &usize| !self.folder.join(format!("{number}.npz")).exists();
        let path = (self.files.len()..).find(free).map(|number| self.folder.join(format!("{number}.npz")));
        let Some(path) = path else { return Ok(()) };
        let written = Destination::open(&path)
            .map_err(Failure::from)
            .and_then(|out| write(out, &[capture], recipe, session));
        if let Err(failure) = written {
            // Nothing is to be gone on with, if this was the first.
            let _ = fs::remove_dir(&self.folder);
            return Err(failure);
        }
        self.files.insert(key(recipe), path);
        Ok(())
    }

    /// Takes away the files that recipes say, and what a run was writing when it was killed; and the folder, if nothing
    /// else is in it.
    pub fn remove<'a>(self, made: impl Iterator<Item = &'a Recipe>) {
        // What is left over costs nothing but room.
        made.filter_map(|recipe| self.file(recipe)).for_each(|path| drop(fs::remove_file(path)));
        let is_half = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(HALF_WRITTEN.as_bytes())
        };
        let there = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        there.filter(is_half).for_each(|path| drop(fs::remove_file(path)));
        let _ = fs::remove_dir(&self.folder);
    }

    fn refused(&self, error: &io::Error) -> Failure {
        Failure::Failed(format!(
            "{}: {error}: this is where prompts are kept until all are there",
            self.folder.display()
        ))
    }
}

/// What tells whether a file is what is asked for. Whether a pass has sinks follows from the rest.
fn key(recipe: &Recipe) -> String {
    let source = Source { has_sinks: false, ..recipe.source.clone() };
    serde_json::to_string(&Recipe { source, ..recipe.clone() }).unwrap_or_default()
}
