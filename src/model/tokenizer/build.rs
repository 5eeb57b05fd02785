//! From a model's files to a tokenizer that gives the ids that transformers gives.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tokenizers::Tokenizer;

use super::around::{Around, finish};
use super::class::{self, Choice, Class, Kind, Needs};
use super::growth::Head;
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
    /// A tokenizer, what it could not honour, and the tokens that have a name, as `bos_token` has.
    Ready(Box<Tokenizer>, Vec<String>, BTreeMap<String, String>),
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
    let named = settings.names();
    guarded(|| finish(&mut tokenizer, after, settings)).map_err(|problem| broken(file, problem))?;
    Ok(Built::Ready(Box::new(tokenizer), notes, named))
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
    let head: Head = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    head.check()?;
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
