//! The text of a tokenizer's files, with errors that name the file.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::model::ModelError;
use crate::model::files::{
    LONGEST_CONFIG, LONGEST_TOKENIZER, ModelFile, TOKENIZER_JSON, TokenizerFiles, pointer,
};
use crate::model::json::without_literals;

pub use crate::model::json::Ordered;

/// Reads the files of one tokenizer.
pub struct Source<'a> {
    files: &'a TokenizerFiles,
    /// Read instead of tokenizer.json.
    version: Option<ModelFile>,
}

impl<'a> Source<'a> {
    pub fn new(files: &'a TokenizerFiles) -> Self {
        Self { files, version: None }
    }

    pub fn has(&self, name: &str) -> bool {
        self.files.get(name).is_some()
    }

    /// Reads another version of tokenizer.json, if it lies beside it.
    pub fn read_version(&mut self, name: &str) -> bool {
        let ModelFile::Path(path) = (match self.files.get(TOKENIZER_JSON) {
            Some(file) => file,
            None => return false,
        }) else {
            return false;
        };
        let path = path.with_file_name(name);
        self.version = path.is_file().then_some(ModelFile::Path(path));
        self.version.is_some()
    }

    fn file(&self, name: &str) -> Option<&ModelFile> {
        let version = self.version.as_ref().filter(|_| name == TOKENIZER_JSON);
        version.or_else(|| self.files.get(name))
    }

    /// The files that hold a vocabulary, or a part of one.
    pub fn vocabularies(&self) -> Vec<&'static str> {
        self.files.vocabularies()
    }

    /// What is wrong with a file, in a sentence.
    pub fn invalid(&self, name: &str, problem: impl fmt::Display) -> ModelError {
        let path = self.file(name).map_or(Cow::Borrowed(name), |file| file.name());
        ModelError::Invalid(format!("{path}: {problem}"))
    }

    /// A file's content, if it is there.
    pub fn bytes(&self, name: &str) -> Result<Option<Cow<'static, [u8]>>, ModelError> {
        let Some(file) = self.file(name) else { return Ok(None) };
        let holds_pieces = self.vocabularies().contains(&name);
        let bytes = file.read(if holds_pieces { LONGEST_TOKENIZER } else { LONGEST_CONFIG })?;
        if let Some(what) = pointer(&bytes) {
            return Err(self.invalid(name, what));
        }
        Ok(Some(bytes))
    }

    /// A file of text.
    pub fn text(&self, name: &str) -> Result<Option<String>, ModelError> {
        let Some(bytes) = self.bytes(name)? else { return Ok(None) };
        let text = String::from_utf8(bytes.into_owned());
        text.map(Some).map_err(|_| self.invalid(name, "not text in UTF-8"))
    }

    /// A file of JSON.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ModelError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let read = serde_json::from_slice(&without_literals(text.as_bytes()));
        read.map(Some)
            .map_err(|error| self.invalid(name, format_args!("not the JSON that it should be: {error}")))
    }
}
