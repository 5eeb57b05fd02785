//! From the vocabulary of a GGUF file to a tokenizer: what llama.cpp does with it, and so what the tokenizer.json does
//! that the file was made from.

mod pieces;
mod split;

#[cfg(test)]
mod tests;

use serde_json::{Value, json};
use tokenizers::models::bpe::BPE;
use tokenizers::{AddedToken, PostProcessorWrapper, PreTokenizerWrapper, Tokenizer};

use super::guard::guarded;
use crate::model::gguf::{GgufError, TokenKind, Vocabulary};

/// Why there is no tokenizer.
pub enum Problem {
    /// What is wrong with the file.
    File(GgufError),
    /// What is wrong with the vocabulary, in a clause.
    Vocabulary(String),
}

impl From<GgufError> for Problem {
    fn from(error: GgufError) -> Self {
        Self::File(error)
    }
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self::Vocabulary(problem)
    }
}

/// The models that are known.
const MODELS: [&str; 2] = ["gpt2", "llama"];

/// Makes the tokenizer.
pub fn build(vocabulary: &Vocabulary<'_>) -> Result<Tokenizer, Problem> {
    let mut tokenizer = match vocabulary.model {
        "gpt2" => byte_level(vocabulary)?,
        "llama" => pieces::tokenizer(vocabulary)?,
        other => return Err(GgufError::unknown_tokenizer("tokenizer.ggml.model", other, &MODELS).into()),
    };
    let of_kind = |wanted: TokenKind, special: bool| -> Vec<AddedToken> {
        let all = vocabulary.tokens.iter().zip(&vocabulary.kinds);
        let all = all.filter(|(token, kind)| **kind == wanted && !token.is_empty());
        all.map(|(token, _)| AddedToken::from(*token, special).normalized(false)).collect()
    };
    guarded(|| {
        tokenizer.add_special_tokens(of_kind(TokenKind::Control, true))?;
        tokenizer.add_tokens(of_kind(TokenKind::UserDefined, false)).map(drop)
    })?;
    let template = around(vocabulary)?;
    let template = template.map(serde_json::from_value::<PostProcessorWrapper>).transpose();
    tokenizer.with_post_processor(template.map_err(|error| error.to_string())?);
    Ok(tokenizer)
}

/// What is put around a text.
fn around(vocabulary: &Vocabulary<'_>) -> Result<Option<Value>, Problem> {
    let is_sentencepiece = vocabulary.model == "llama";
    let begins = is_sentencepiece || split::takes_whole_words(vocabulary.pre);
    let wanted = |add: bool, id: Option<u32>, absent: u32, key: &str| match add {
        false => Ok(None),
        true => id
            .or_else(|| (is_sentencepiece && (absent as usize) < vocabulary.tokens.len()).then_some(absent))
            .map(Some)
            .ok_or_else(|| GgufError::Missing(format!("tokenizer.ggml.{key}"))),
    };
    let bos = wanted(vocabulary.add_bos.unwrap_or(begins), vocabulary.bos, 1, "bos_token_id")?;
    let eos = wanted(vocabulary.add_eos.unwrap_or(false), vocabulary.eos, 2, "eos_token_id")?;
    if bos.is_none() && eos.is_none() {
        return Ok(None);
    }
    let text = |id: u32| vocabulary.tokens[id as usize];
    let token = |id: u32| json!({"SpecialToken": {"id": text(id), "type_id": 0}});
    let sequence = |name: &str| json!({"Sequence": {"id": name, "type_id": 0}});
    let parts = |name: &str| -> Vec<Value> {
        bos.map(token).into_iter().chain([sequence(name)]).chain(eos.map(token)).collect()
    };
    let special = bos.into_iter().chain(eos);
    let special =
        special.map(|id| (text(id).to_owned(), json!({"id": text(id), "ids": [id], "tokens": [text(id)]})));
    let pair = [parts("A"), parts("B")].concat();
    Ok(Some(json!({
        "type": "TemplateProcessing", "single": parts("A"), "pair": pair,
        "special_tokens": special.collect::<serde_json::Map<_, _>>(),
    })))
}

/// Bytes that are put together by a list of pairs.
fn byte_level(vocabulary: &Vocabulary<'_>) -> Result<Tokenizer, Problem> {
    let pre_tokenizer = split::pre_tokenizer(vocabulary.pre)?;
    let merges = vocabulary.merges.iter().map(|merge| match merge.split_once(' ') {
        Some((left, right)) if !right.contains(' ') => Ok((left.to_owned(), right.to_owned())),
        _ => Err(format!("{:?} in tokenizer.ggml.merges is no pair of tokens", shown(merge))),
    });
    let merges = merges.collect::<Result<Vec<_>, _>>()?;
    let ids = vocabulary.tokens.iter().zip(0..).map(|(token, id)| ((*token).to_owned(), id));
    let ids: tokenizers::models::bpe::Vocab = ids.collect();
    let whole_words = split::takes_whole_words(vocabulary.pre);
    let model = guarded(|| BPE::builder().vocab_and_merges(ids, merges).ignore_merges(whole_words).build())?;
    let mut tokenizer = Tokenizer::new(model);
    let pre_tokenizer = serde_json::from_value::<PreTokenizerWrapper>(pre_tokenizer);
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer.map_err(|error| error.to_string())?));
    Ok(tokenizer)
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}
