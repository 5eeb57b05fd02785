//! From a model's files to a tokenizer that gives the ids that transformers gives.

use serde::Deserialize;
use serde_json::{Value, json};
use tokenizers::{AddedToken, PostProcessorWrapper, Tokenizer};

use super::class::{self, Choice, Class, Kind, Needs};
use super::guard::guarded;
use super::pipeline;
use super::sentencepiece::SentencePiece;
use super::source::{Ordered, Source};
use super::special::{Outline, Settings, Special};
use super::vocabulary::{self, Pieces, Vocabulary};
use crate::model::ModelError;
use crate::model::files::TOKENIZER_JSON;

/// What came of the files.
pub enum Built {
    /// A tokenizer, and what it could not honour.
    Ready(Box<Tokenizer>, Vec<String>),
    /// Nothing that this class reads, in a sentence.
    Nothing(String),
}

/// The parts of a tokenizer.json from which a class builds its own.
#[derive(Deserialize)]
struct Parts {
    model: Option<Model>,
    normalizer: Option<Value>,
    post_processor: Option<Value>,
}

#[derive(Deserialize)]
struct Model {
    vocab: Option<Value>,
    merges: Option<Vec<MergeText>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MergeText {
    Pair((String, String)),
    Line(String),
}

/// Builds a tokenizer. `config_class` is config.json's `tokenizer_class`, `family` its `model_type`.
pub fn build(source: &mut Source<'_>, config_class: Option<&str>, family: &str) -> Result<Built, ModelError> {
    choose_version(source)?;
    let Choice { class, name } = class::choose(source, config_class, family)?;
    let mut notes = Vec::new();
    if class::has_own_code(source)? {
        notes.push("tokenizer_config.json: the repository's own code (auto_map) is never run".to_owned());
    }
    // The whole file must be JSON before the library sees a part of it.
    let outline: Option<Outline> = source.json(TOKENIZER_JSON)?;
    let padding = outline.as_ref().and_then(|outline| outline.padding.as_ref()?.get("pad_token")?.as_str());
    let padding = padding.map(str::to_owned);
    let is_json = outline.is_some();
    let mut settings = Settings::read(source, outline)?;
    let class = match class {
        Class::Unknown if is_json => {
            notes.push(format!("tokenizer_config.json: what {name} does besides is not known here: the prompt is read as tokenizer.json says"));
            Class::Backend
        }
        Class::Unknown => {
            return Ok(Built::Nothing(format!("{name} is not known here, and there is no tokenizer.json")));
        }
        class => class,
    };
    let broken =
        |file: &str, problem: String| source.invalid(file, format_args!("no valid tokenizer: {problem}"));
    let (mut tokenizer, after) = match (class, is_json) {
        (Class::Backend, true) => (whole(source)?, Around { kind: None, found: None }),
        (Class::Heir(kind), true) => {
            pipeline::name_tokens(kind, &mut settings).map_err(|problem| broken(TOKENIZER_JSON, problem))?;
            // Of the others, the file's own way counts.
            (whole(source)?, Around { kind: (kind == Kind::Bert).then_some(kind), found: None })
        }
        (Class::Own(kind) | Class::Heir(kind), _) => {
            let (file, mut vocabulary) = match is_json {
                true => (TOKENIZER_JSON, from_json(source, kind)?),
                false => from_files(source, kind, &mut settings)?,
            };
            if vocabulary.pieces.is_none() {
                return Ok(Built::Nothing(nothing(source, &name, kind.vocabulary_file())));
            }
            let found = vocabulary.post_processor.take();
            pipeline::name_tokens(kind, &mut settings).map_err(|problem| broken(file, problem))?;
            let json = pipeline::pipeline(kind, vocabulary, &settings).map_err(|problem| {
                source.invalid(file, format_args!("{problem}; the class is {name}: correct tokenizer_class"))
            })?;
            (
                parse(json.to_string().as_bytes()).map_err(|problem| broken(file, problem))?,
                Around { kind: Some(kind), found },
            )
        }
        (Class::Backend, false) => {
            let Some(model) = sentencepiece(source, "tokenizer.model")? else {
                return Ok(Built::Nothing(nothing(source, &name, None)));
            };
            settings.additional = Some(model.added());
            let json = model.pipeline(&mut settings).to_string();
            (
                parse(json.as_bytes()).map_err(|problem| broken("tokenizer.model", problem))?,
                Around { kind: None, found: None },
            )
        }
        (Class::Unknown, _) => return Ok(Built::Nothing(format!("{name} is not known here"))),
    };
    if let Some(token) = padding {
        settings.default_name("pad_token", Some(Special::Text(token)));
    }
    let file = if is_json { TOKENIZER_JSON } else { "tokenizer_config.json" };
    guarded(|| finish(&mut tokenizer, after, settings)).map_err(|problem| broken(file, problem))?;
    Ok(Built::Ready(Box::new(tokenizer), notes))
}

/// What is wanted of the files, where none of them will do.
fn nothing(source: &Source<'_>, class: &str, file: Option<&str>) -> String {
    let others = source.vocabularies();
    let wanted = match file {
        Some("vocab.json") => "tokenizer.json, tokenizer.model and vocab.json with merges.txt".to_owned(),
        Some("tokenizer.model") | None => "tokenizer.json and tokenizer.model".to_owned(),
        Some(file) => format!("tokenizer.json, tokenizer.model and {file}"),
    };
    match others.is_empty() {
        true => format!("looked for {wanted} (as {class} does)"),
        false => format!(
            "looked for {wanted} (as {class} does), found only {}: name the class that reads it as tokenizer_class in tokenizer_config.json",
            others.join(", ")
        ),
    }
}

/// A tokenizer.json may be kept in several versions; the newest that is not ahead of transformers 5 counts.
fn choose_version(source: &mut Source<'_>) -> Result<(), ModelError> {
    let config: Ordered = source.json("tokenizer_config.json")?.unwrap_or_default();
    let named = config.get("fast_tokenizer_files").and_then(Value::as_array);
    let mut named: Vec<(&str, &str)> = named
        .into_iter()
        .flatten()
        .filter_map(|name| {
            let name = name.as_str()?;
            Some((name.strip_prefix("tokenizer.")?.strip_suffix(".json")?, name))
        })
        .collect();
    named.sort_unstable();
    let is_known = |version: &str| version.split('.').next().and_then(|major| major.parse().ok()) <= Some(5);
    let Some((_, name)) = named.into_iter().take_while(|(version, _)| is_known(version)).last() else {
        return Ok(());
    };
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if is_plain && source.read_version(name) {
        return Ok(());
    }
    Err(source.invalid(
        "tokenizer_config.json",
        format_args!(
            "fast_tokenizer_files names {name}, which isn't there: download it into a folder with the others"
        ),
    ))
}

/// A tokenizer.json as it is.
fn whole(source: &Source<'_>) -> Result<Tokenizer, ModelError> {
    let bytes = source.bytes(TOKENIZER_JSON)?.unwrap_or_default();
    parse(&bytes)
        .map_err(|problem| source.invalid(TOKENIZER_JSON, format_args!("no valid tokenizer: {problem}")))
}

fn parse(json: &[u8]) -> Result<Tokenizer, String> {
    guarded(|| Tokenizer::from_bytes(json))
}

/// The vocabulary of a tokenizer.json, and of the rest what classes keep.
fn from_json(source: &Source<'_>, kind: Kind) -> Result<Vocabulary, ModelError> {
    let Some(parts) = source.json::<Parts>(TOKENIZER_JSON)? else { return Ok(Vocabulary::default()) };
    let Parts { model, normalizer, post_processor } = parts;
    let Model { vocab, merges } = model.unwrap_or(Model { vocab: None, merges: None });
    let split = |merge: MergeText| match merge {
        MergeText::Pair(pair) => Some(pair),
        MergeText::Line(line) => {
            line.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned()))
        }
    };
    let merges: Option<Vec<_>> = match kind.needs() {
        Needs::Merges => merges.unwrap_or_default().into_iter().map(split).collect(),
        _ => Some(Vec::new()),
    };
    let merges = merges.ok_or_else(|| source.invalid(TOKENIZER_JSON, "a merge is no pair of pieces"))?;
    let pieces = vocab.and_then(Pieces::read);
    let pieces = pieces.ok_or_else(|| source.invalid(TOKENIZER_JSON, "the model's vocab is none"))?;
    let charsmap = normalizer.as_ref().and_then(charsmap);
    Ok(Vocabulary { pieces: Some(pieces), merges, charsmap, unknown: None, post_processor })
}

/// The first of SentencePiece's rules that a normalizer has.
fn charsmap(normalizer: &Value) -> Option<String> {
    let all = normalizer.get("normalizers").and_then(Value::as_array);
    let all = all.map_or(std::slice::from_ref(normalizer), Vec::as_slice);
    all.iter().find_map(|one| one.get("precompiled_charsmap")?.as_str()).map(str::to_owned)
}

/// A vocabulary without a tokenizer.json, and the file that it is from.
fn from_files(
    source: &Source<'_>,
    kind: Kind,
    settings: &mut Settings,
) -> Result<(&'static str, Vocabulary), ModelError> {
    let file = match source.has("tokenizer.model") {
        true => "tokenizer.model",
        false => kind.vocabulary_file().unwrap_or("tokenizer.model"),
    };
    let vocabulary = match file {
        "vocab.json" => vocabulary::byte_pairs(source)?,
        "vocab.txt" => vocabulary::lines(source)?,
        file => match sentencepiece(source, file)? {
            None => Vocabulary::default(),
            Some(model) => {
                let scored = match kind.needs() {
                    Needs::Any => model.is_unigram(),
                    needs => needs != Needs::Merges,
                };
                settings.additional = Some(model.added());
                let mut vocabulary = model.vocabulary(scored);
                pipeline::reordered(kind, &mut vocabulary, settings);
                vocabulary
            }
        },
    };
    Ok((file, vocabulary))
}

fn sentencepiece(source: &Source<'_>, file: &str) -> Result<Option<SentencePiece>, ModelError> {
    let Some(bytes) = source.bytes(file)? else { return Ok(None) };
    let model = SentencePiece::parse(&bytes);
    model.map(Some).ok_or_else(|| {
        source.invalid(
            file,
            "no model of SentencePiece: convert it to tokenizer.json with transformers' save_pretrained",
        )
    })
}

/// What adds tokens around a prompt.
struct Around {
    /// Of a class that has its own way.
    kind: Option<Kind>,
    /// What the tokenizer.json has of it, where the class builds the rest anew.
    found: Option<Value>,
}

/// Adds the tokens that the vocabulary has not yet, and sets what is put around a prompt.
fn finish(tokenizer: &mut Tokenizer, around: Around, settings: Settings) -> Result<(), String> {
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
    tokenizer.add_tokens(tokens).map(drop).map_err(|error| error.to_string())
}

/// In transformers' order: the saved ones, those that have a name, the others.
fn add_tokens(tokenizer: &mut Tokenizer, settings: &Settings) -> Result<(), String> {
    let known: Vec<AddedToken> = tokenizer.get_added_tokens_decoder().into_values().collect();
    let mut new: Vec<Special> = settings
        .added
        .values()
        .filter(|added| !known.contains(&added.token))
        .map(|added| Special::Token(added.clone()))
        .collect();
    let saved = new.iter().map(Special::content).chain(known.iter().map(|token| token.content.as_str()));
    let saved: std::collections::HashSet<String> = saved.map(str::to_owned).collect();
    for token in settings.specials().chain(settings.extras()) {
        if !saved.contains(token.content()) && !new.contains(token) {
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
