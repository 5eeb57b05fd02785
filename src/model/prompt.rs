//! What a model reads: a prompt, a conversation in its own template, or token ids.

use super::prompt_limit::{self, TooLong};
use super::tokenizer::PromptTokenizer;
use super::{Model, ModelError};
use crate::attention::{ChatPrompt, ModelInfo, Token, escape_controls};
use crate::vocabulary::{Conversation, human_bytes};

impl Model {
    /// A prompt as this model reads it: encoded as Hugging Face does, special tokens included, never trimmed.
    ///
    /// # Errors
    /// If the prompt is empty, too long, or the model came without a tokenizer.
    pub fn tokenize(&self, prompt: &str) -> Result<Vec<Token>, ModelError> {
        self.encode(prompt, PromptTokenizer::encode)
    }

    /// A conversation as this model reads it, in its chat template and with nothing around that, as transformers'
    /// `apply_chat_template(add_generation_prompt=True)` does; and the text, in which the tokens' spans lie.
    ///
    /// # Errors
    /// As [`tokenize`](Self::tokenize), or if there is no template, or it can't be applied.
    pub fn tokenize_chat(&self, chat: &Conversation) -> Result<(Vec<Token>, ChatPrompt), ModelError> {
        let name = &self.info.name;
        let invalid = |why: String| ModelError::Invalid(format!("{name}: {why}"));
        if chat.user.is_empty() && chat.answer.is_empty() {
            return Err(empty());
        }
        let template = self.chat.as_ref().map_err(|why| invalid(why.clone()))?;
        let text = template.apply(chat).map_err(|why| ModelError::Invalid(escape_controls(&why)))?;
        let tokens = self.encode(&text, PromptTokenizer::encode_templated)?;
        Ok((tokens, ChatPrompt::new(chat.clone(), text)))
    }

    fn encode(
        &self,
        prompt: &str,
        encode: impl Fn(&PromptTokenizer, &str) -> Result<Vec<Token>, String>,
    ) -> Result<Vec<Token>, ModelError> {
        let tokenizer = self.tokenizer.as_ref().map_err(|why| {
            let name = &self.info.name;
            ModelError::Invalid(format!(
                "{name}: no tokenizer to read a prompt with: {why}; or give token ids with --ids"
            ))
        })?;
        if prompt.is_empty() {
            return Err(empty());
        }
        let ModelInfo { name, context, .. } = &*self.info;
        tokenizer.check_length(prompt, *context).map_err(|why| {
            let size = human_bytes(prompt.len() as u64);
            ModelError::Invalid(match why {
                TooLong::Tokens => format!(
                    "the prompt of {size} is more tokens than {name} reads, at most {context}: shorten it"
                ),
                TooLong::Bytes => format!(
                    "the prompt of {size} is too long, at most {} are read: shorten it",
                    human_bytes(prompt_limit::MOST_BYTES as u64)
                ),
            })
        })?;
        let tokens = encode(tokenizer, prompt).map_err(|why| {
            ModelError::Invalid(format!(
                "{name}: its tokenizer refuses this prompt: {why}: correct its files, or give token ids with --ids"
            ))
        })?;
        if tokens.is_empty() {
            return Err(ModelError::Invalid(format!(
                "{name}: its tokenizer makes no tokens of this prompt: give token ids with --ids"
            )));
        }
        self.check_tokens(&tokens)?;
        Ok(tokens)
    }

    /// Tokens given by id. The tokenizer names them, if there is one.
    ///
    /// # Errors
    /// If there are none, too many, or one is beyond the vocabulary.
    pub fn tokens_from_ids(&self, ids: &[u32]) -> Result<Vec<Token>, ModelError> {
        self.check_count(ids.len())?;
        let tokens: Vec<Token> = ids.iter().map(|&id| self.token(id)).collect();
        self.check_tokens(&tokens)?;
        Ok(tokens)
    }

    /// The token of an id. Without a tokenizer its text is the id.
    pub fn token(&self, id: u32) -> Token {
        self.tokenizer.as_ref().map_or_else(|_| Token::from_id(id), |tokenizer| tokenizer.token(id))
    }

    fn check_count(&self, tokens: usize) -> Result<(), ModelError> {
        let ModelInfo { name, context, .. } = &*self.info;
        if tokens == 0 {
            return Err(ModelError::Invalid("there are no tokens to run".to_owned()));
        }
        if tokens > *context {
            return Err(ModelError::Invalid(format!(
                "the prompt is {tokens} tokens long, {name} reads at most {context}: shorten it"
            )));
        }
        Ok(())
    }

    /// Checks that the model can read so many tokens, and that all of them are in its vocabulary.
    pub(super) fn check_tokens(&self, tokens: &[Token]) -> Result<(), ModelError> {
        self.check_count(tokens.len())?;
        let ModelInfo { name, vocabulary, .. } = &*self.info;
        if let Some(token) = tokens.iter().find(|token| token.id as usize >= *vocabulary) {
            return Err(ModelError::Invalid(format!(
                "token id {} is beyond the vocabulary of {name}: ids go from 0 to {}",
                token.id,
                vocabulary - 1
            )));
        }
        Ok(())
    }
}

fn empty() -> ModelError {
    ModelError::Invalid("the prompt is empty: type something to look at".to_owned())
}
