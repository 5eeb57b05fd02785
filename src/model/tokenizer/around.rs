//! The last steps of a tokenizer: tokens that its vocabulary has not, and what is put around a prompt.

use std::collections::HashSet;

use serde_json::{Value, json};
use tokenizers::{AddedToken, PostProcessorWrapper, Tokenizer};

use super::class::Kind;
use super::growth::Growth;
use super::special::{Settings, Special};

/// What adds tokens around a prompt.
pub struct Around {
    /// Of a class that has its own way.
    pub kind: Option<Kind>,
    /// What the tokenizer.json has of it, where the class builds the rest anew.
    pub found: Option<Value>,
}

/// Adds the tokens that the vocabulary has not yet, and sets what is put around a prompt.
pub fn finish(tokenizer: &mut Tokenizer, around: Around, settings: Settings) -> Result<(), String> {
    let Around { kind, found } = around;
    // A tokenizer may be saved with a length to cut or fill prompts to.
    tokenizer.with_truncation(None).map_err(|error| error.to_string())?.with_padding(None);
    let found = match (found, kind) {
        (Some(found), _) => Some(found),
        (None, Some(Kind::CodeGen)) => Some(
            json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true}),
        ),
        (None, Some(Kind::Albert)) => {
            let piece = |name: &str| {
                let text = settings.text(name).unwrap_or("None");
                tokenizer.token_to_id(text).ok_or_else(|| format!("{text:?} is no piece of it"))
            };
            let (cls, sep) = (piece("cls_token")?, piece("sep_token")?);
            Some(template(&[Part::Token("[CLS]", cls), Part::Prompt, Part::Token("[SEP]", sep)]))
        }
        (None, _) => match tokenizer.get_post_processor() {
            Some(own) => Some(serde_json::to_value(own).map_err(|error| error.to_string())?),
            None => None,
        },
    };
    let is_asked = settings.has("add_bos_token") || settings.has("add_eos_token");
    add_tokens(tokenizer, &settings)?;
    if kind == Some(Kind::Qwen2) {
        let all = settings.specials().chain(settings.extras());
        let all: Vec<_> = all.map(|token| AddedToken::from(token.content(), true)).collect();
        add(tokenizer, all)?;
    }
    if kind == Some(Kind::Reformer) {
        let special = |token: &Special| match token {
            Special::Text(text) => AddedToken::from(text.as_str(), true).normalized(false),
            Special::Token(added) => added.clone().made_special().token,
        };
        let all: Vec<_> = settings.specials().chain(settings.extras()).map(special).collect();
        add(tokenizer, all)?;
    }
    let named = |name: &str| settings.text(name).unwrap_or("None");
    let own = match kind {
        Some(Kind::T5) => {
            let eos = id_of(tokenizer, &settings, named("eos_token"))?;
            Some(template(&[Part::Prompt, Part::Token("</s>", eos)]))
        }
        Some(Kind::Bert | Kind::DebertaV2 | Kind::Roberta) => {
            Some(surrounded(tokenizer, &settings, named("cls_token"), named("sep_token"))?)
        }
        Some(Kind::XlmRoberta | Kind::Camembert) => {
            Some(surrounded(tokenizer, &settings, named("bos_token"), named("eos_token"))?)
        }
        Some(Kind::Xglm) => {
            let eos = named("eos_token");
            Some(template(&[Part::Token(eos, id_of(tokenizer, &settings, eos)?), Part::Prompt]))
        }
        Some(Kind::XlNet) => {
            let (sep, cls) = (named("sep_token"), named("cls_token"));
            let sep = Part::Token(sep, id_of(tokenizer, &settings, sep)?);
            let cls = Part::Token(cls, id_of(tokenizer, &settings, cls)?);
            Some(template(&[Part::Prompt, sep, cls]))
        }
        // It does so whatever tokenizer.json says.
        Some(Kind::GptNeoX) => Some(asked_for(tokenizer, &settings)?),
        _ if is_asked || found.is_none() => Some(asked_for(tokenizer, &settings)?),
        _ => found,
    };
    let own = own.map(|mut json| {
        keep_offsets(&mut json);
        serde_json::from_value::<PostProcessorWrapper>(json)
    });
    tokenizer.with_post_processor(own.transpose().map_err(|error| error.to_string())?);
    tokenizer.set_encode_special_tokens(settings.flag("split_special_tokens").unwrap_or(false));
    Ok(())
}

fn add(tokenizer: &mut Tokenizer, tokens: Vec<AddedToken>) -> Result<(), String> {
    let normalized = tokens.iter().filter(|token| token.normalized);
    Growth::of(tokenizer).check_tokens(normalized.map(|token| token.content.as_str()))?;
    tokenizer.add_tokens(tokens).map(drop).map_err(|error| error.to_string())
}

/// In transformers' order: the saved ones, those that have a name, the others.
fn add_tokens(tokenizer: &mut Tokenizer, settings: &Settings) -> Result<(), String> {
    let known: HashSet<AddedToken> = tokenizer.get_added_tokens_decoder().into_values().collect();
    let mut new: Vec<Special> = settings
        .added
        .values()
        .filter(|added| !known.contains(&added.token))
        .map(|added| Special::Token(added.clone()))
        .collect();
    let saved = new.iter().map(Special::content).chain(known.iter().map(|token| token.content.as_str()));
    let saved: HashSet<String> = saved.map(str::to_owned).collect();
    let mut added: HashSet<Special> = new.iter().cloned().collect();
    for token in settings.specials().chain(settings.extras()) {
        if !saved.contains(token.content()) && added.insert(token.clone()) {
            new.push(token.clone());
        }
    }
    let is_named = |token: &AddedToken| settings.specials().any(|named| named.content() == token.content);
    let token = |token: Special| match token {
        Special::Text(text) => AddedToken::from(text, true),
        Special::Token(added) if is_named(&added.token) => added.made_special().token,
        Special::Token(added) => added.token,
    };
    add(tokenizer, new.into_iter().map(token).collect())
}

/// The id of a token, else of what is unknown.
fn id_of(tokenizer: &Tokenizer, settings: &Settings, token: &str) -> Result<u32, String> {
    let unknown = || tokenizer.token_to_id(settings.text("unk_token")?);
    tokenizer.token_to_id(token).or_else(unknown).ok_or_else(|| format!("{token:?} is no piece of it"))
}

/// A part of what the model reads.
#[derive(Clone, Copy)]
enum Part<'a> {
    Prompt,
    Token(&'a str, u32),
}

fn template(parts: &[Part<'_>]) -> Value {
    let piece = |part: &Part<'_>| match part {
        Part::Prompt => json!({"Sequence": {"id": "A", "type_id": 0}}),
        Part::Token(text, _) => json!({"SpecialToken": {"id": text, "type_id": 0}}),
    };
    let single: Vec<Value> = parts.iter().map(piece).collect();
    let tokens = parts.iter().filter_map(|part| match part {
        Part::Prompt => None,
        Part::Token(text, id) => {
            Some(((*text).to_owned(), json!({"id": text, "ids": [id], "tokens": [text]})))
        }
    });
    let pair: Vec<Value> =
        single.iter().cloned().chain([json!({"Sequence": {"id": "B", "type_id": 1}})]).collect();
    json!({
        "type": "TemplateProcessing", "single": single, "pair": pair,
        "special_tokens": tokens.collect::<serde_json::Map<_, _>>(),
    })
}

fn surrounded(tokenizer: &Tokenizer, settings: &Settings, first: &str, last: &str) -> Result<Value, String> {
    let part = |text| Ok::<_, String>(Part::Token(text, id_of(tokenizer, settings, text)?));
    Ok(template(&[part(first)?, Part::Prompt, part(last)?]))
}

/// What `add_bos_token` and `add_eos_token` ask for.
fn asked_for(tokenizer: &Tokenizer, settings: &Settings) -> Result<Value, String> {
    let wanted = |key: &str, name: &str| {
        let token = settings.text(name).filter(|_| settings.flag(key).unwrap_or(false))?;
        Some(id_of(tokenizer, settings, token).map(|id| (token.to_owned(), id)))
    };
    let bos = wanted("add_bos_token", "bos_token").transpose()?;
    let eos = wanted("add_eos_token", "eos_token").transpose()?;
    let parts: Vec<Part<'_>> = bos
        .iter()
        .map(|(text, id)| Part::Token(text, *id))
        .chain([Part::Prompt])
        .chain(eos.iter().map(|(text, id)| Part::Token(text, *id)))
        .collect();
    Ok(template(&parts))
}

/// Tokens are to cover the blanks that they stand for.
fn keep_offsets(post_processor: &mut Value) {
    if let Some(trims) = post_processor.get_mut("trim_offsets") {
        *trims = Value::Bool(false);
    }
    if let Some(all) = post_processor.get_mut("processors").and_then(Value::as_array_mut) {
        all.iter_mut().for_each(keep_offsets);
    }
}
