//! Models in GGUF files: one file, or the parts of one that was split.

use std::path::{Path, PathBuf};

use super::foreign::foreign;
use super::formats::entries;
use super::gguf_name::{is_model, listed, part_names};
use super::{ModelFile, ModelFiles, TokenizerFiles};
use crate::model::ModelError;
use crate::model::gguf::GgufError;

/// What is wrong with a file, which begins with `bytes`.
pub fn gguf_error(file: &ModelFile, bytes: &[u8], error: &GgufError) -> ModelError {
    let what = match foreign(bytes).filter(|_| *error == GgufError::OtherFormat) {
        Some(what) => what.to_owned(),
        None => error.to_string(),
    };
    ModelError::Invalid(format!("{} {what}", file.name()))
}

/// The model of which `path` is a file.
///
/// # Errors
/// If it, or another part of the model, isn't there.
pub(super) fn files(path: &Path) -> Result<ModelFiles, ModelError> {
    let parts = parts(path);
    for part in &parts {
        match std::fs::metadata(part) {
            Ok(there) if there.is_file() => {}
            Ok(_) => {
                return Err(ModelError::Invalid(format!("{}: is a folder, not a GGUF file", part.display())));
            }
            Err(_) if part != path => {
                return Err(ModelError::Invalid(format!(
                    "{}: this part is missing, though {} is one of {}; copy it there",
                    part.display(),
                    path.file_name().unwrap_or_default().to_string_lossy(),
                    parts.len()
                )));
            }
            Err(error) => return Err(ModelError::io(part, error)),
        }
    }
    Ok(of_parts(path.display().to_string(), None, parts))
}

/// The model of these files, of which there is at least one.
pub(super) fn of_parts(name: String, revision: Option<String>, parts: Vec<PathBuf>) -> ModelFiles {
    let weights: Vec<ModelFile> = parts.into_iter().map(ModelFile::Path).collect();
    ModelFiles {
        name,
        revision,
        config: weights[0].clone(),
        tokenizer: TokenizerFiles::default(),
        weights,
        adapter: None,
        rounding: None,
    }
}

/// The model of a folder that holds just one of them; `None` if it holds none.
///
/// # Errors
/// If it holds several.
pub(super) fn only_one(folder: &Path) -> Result<Option<ModelFiles>, ModelError> {
    let models = models(folder);
    match models.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(ModelFiles { name: folder.display().to_string(), ..files(one)? })),
        several => {
            let names: Vec<String> = several.iter().map(|path| path.display().to_string()).collect();
            Err(ModelError::Invalid(format!(
                "{}: there are {} GGUF models in it: name one of them: {}",
                folder.display(),
                several.len(),
                listed(&names)
            )))
        }
    }
}

/// The first file of each model in a folder, sorted.
pub(super) fn models(folder: &Path) -> Vec<PathBuf> {
    let is_first =
        |path: &PathBuf| is_model(&path.file_name().unwrap_or_default().to_string_lossy()) && path.is_file();
    let mut models: Vec<PathBuf> = entries(folder).unwrap_or_default().into_iter().filter(is_first).collect();
    models.sort();
    models
}

/// All files of the model of which `path` is one.
fn parts(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match part_names(&name).as_slice() {
        // As it is: its name need not be text.
        [_] => vec![path.to_owned()],
        parts => parts.iter().map(|part| path.with_file_name(part)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), "GGUF").unwrap());
        folder
    }

    fn names(files: &ModelFiles) -> Vec<String> {
        files.weights.iter().map(ModelFile::base_name).collect()
    }

    #[test]
    fn parts_are_found_from_any_of_them_and_a_missing_one_is_named() {
        let all = ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"];
        let folder = folder(&all);
        for name in all {
            let found = files(&folder.path().join(name)).unwrap();
            assert_eq!(
                (names(&found), found.config == found.weights[0]),
                (all.map(str::to_owned).to_vec(), true)
            );
        }
        assert_eq!(names(&only_one(folder.path()).unwrap().unwrap()), all);
        std::fs::remove_file(folder.path().join(all[1])).unwrap();
        let missing = files(&folder.path().join(all[0])).unwrap_err().to_string();
        assert!(missing.contains("a-00002-of-00002.gguf: this part is missing"), "{missing}");
    }

    #[test]
    fn several_models_are_named() {
        let folder = folder(&["b.gguf", "a.Q4_0.GGUF", "mmproj-a.gguf", "c.txt"]);
        let message = only_one(folder.path()).unwrap_err().to_string();
        assert!(message.contains("there are 2 GGUF models") && message.contains("b.gguf"), "{message}");
        assert!(!message.contains("mmproj") && !message.contains('\n'), "{message}");
        std::fs::remove_file(folder.path().join("b.gguf")).unwrap();
        assert_eq!(names(&only_one(folder.path()).unwrap().unwrap()), ["a.Q4_0.GGUF"]);
    }
}
