//! A next token by what somebody types: its id, or its text.

use super::{Model, ModelError};
use crate::attention::escape_controls;

impl Model {
    /// The id of the token that is named by its id, or whose text it is. Text that is a number is given with `text:` before
    /// it.
    ///
    /// # Errors
    /// If there is none.
    pub fn token_named(&self, name: &str) -> Result<u32, ModelError> {
        if let Ok(id) = name.parse() {
            self.check_next(id)?;
            return Ok(id);
        }
        let text = name.strip_prefix("text:").unwrap_or(name);
        let of = |text: &str| (0..self.info.vocabulary as u32).find(|id| self.token(*id).text == text);
        if let Some(id) = of(text) {
            return Ok(id);
        }
        let blank = format!(" {text}");
        let advice = match of(&blank) {
            Some(_) => format!("with a blank before it there is one: \"{}\"", escape_controls(&blank)),
            None => "give its id, or the text of one token".to_owned(),
        };
        let (name, text) = (&self.info.name, escape_controls(text));
        Err(ModelError::Invalid(format!("{name} has no token \"{text}\": {advice}")))
    }

    /// Checks that a token may come next.
    ///
    /// # Errors
    /// If the vocabulary hasn't got it.
    pub fn check_next(&self, id: u32) -> Result<(), ModelError> {
        let vocabulary = self.info.vocabulary;
        if (id as usize) < vocabulary {
            return Ok(());
        }
        Err(ModelError::Invalid(format!(
            "{} has no token {id}: its tokens are 0 to {}",
            self.info.name,
            vocabulary.saturating_sub(1)
        )))
    }
}
