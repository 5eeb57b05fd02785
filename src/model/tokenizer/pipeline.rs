//! What the classes build around a vocabulary, in the words of a tokenizer.json.

use serde_json::{Map, Value, json};

use super::class::{Kind, Needs};
use super::special::{Added, NAMED, Settings, Special};
use super::vocabulary::{Pieces, Vocabulary};

/// How Qwen cuts text before it merges bytes.
const QWEN2_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The special tokens that a class names unless a file does, in the order of [`NAMED`].
fn names(kind: Kind) -> [Option<&'static str>; 7] {
    const TEXT_END: Option<&str> = Some("<|endoftext|>");
    match kind {
        Kind::Gpt2 | Kind::CodeGen => [TEXT_END, TEXT_END, TEXT_END, None, None, None, None],
        Kind::GptNeoX => [TEXT_END, TEXT_END, TEXT_END, None, Some("<|padding|>"), None, None],
        Kind::Qwen2 => [None, TEXT_END, TEXT_END, None, TEXT_END, None, None],
        Kind::Roberta | Kind::XlmRoberta | Kind::Camembert => {
            ["<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"].map(Some)
        }
        Kind::Xglm => {
            [Some("<s>"), Some("</s>"), Some("<unk>"), Some("</s>"), Some("<pad>"), Some("<s>"), None]
        }
        Kind::Bert => {
            [None, None, Some("[UNK]"), Some("[SEP]"), Some("[PAD]"), Some("[CLS]"), Some("[MASK]")]
        }
        Kind::DebertaV2 => ["[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"].map(Some),
        Kind::Albert => ["[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"].map(Some),
        Kind::T5 => [None, Some("</s>"), Some("<unk>"), None, Some("<pad>"), None, None],
        Kind::Llama | Kind::CodeLlama => [Some("<s>"), Some("</s>"), Some("<unk>"), None, None, None, None],
        Kind::Gemma => {
            [Some("<bos>"), Some("<eos>"), Some("<unk>"), None, Some("<pad>"), None, Some("<mask>")]
        }
        Kind::Reformer => [None, Some("</s>"), Some("<unk>"), None, None, None, None],
        Kind::OpenAiGpt => [None, None, Some("<unk>"), None, None, None, None],
        Kind::XlNet => ["<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>"].map(Some),
    }
}

/// Gives the tokens names, and adds those that the class has besides.
///
/// # Errors
/// What of the settings contradicts itself.
pub fn name_tokens(kind: Kind, settings: &mut Settings) -> Result<(), String> {
    for (name, token) in NAMED.into_iter().zip(names(kind)) {
        // A class that doesn't know a name doesn't say that there is none.
        let says = token.is_some()
            || matches!((kind, name), (Kind::Gpt2 | Kind::CodeGen, "pad_token") | (Kind::Qwen2, "bos_token"));
        if says {
            settings.default_name(name, token.map(|text| Special::Text(text.to_owned())));
        }
    }
    if let (Kind::Camembert | Kind::XlNet, Some(Some(Special::Text(mask)))) =
        (kind, settings.named.get("mask_token"))
    {
        let mask = Added::new(mask, kind == Kind::Camembert).strips_left();
        settings.named.insert("mask_token", Some(Special::Token(mask)));
    }
    let texts =
        |texts: &[&str]| texts.iter().map(|text| Special::Text((*text).to_owned())).collect::<Vec<_>>();
    match kind {
        Kind::CodeLlama => settings.name_infilling(),
        Kind::T5 => {
            let count = extra_ids(settings);
            let extra = |token: &Special| token.content().contains("<extra_id_");
            let all = (0..count).map(|id| Special::Text(format!("<extra_id_{id}>")));
            match &mut settings.additional {
                None => settings.additional = Some(all.collect()),
                Some(named) => match named.iter().filter(|token| extra(token)).count() {
                    0 => named.extend(all),
                    found if count > 0 && count != found => {
                        return Err(format!("extra_ids is {count}, but {found} such tokens are named"));
                    }
                    _ => {}
                },
            }
        }
        Kind::Xglm => {
            let named = settings.additional.get_or_insert_default();
            for word in (0..7).map(|id| Special::Text(format!("<madeupword{id}>"))) {
                if !named.contains(&word) {
                    named.push(word);
                }
            }
        }
        Kind::Camembert => {
            settings.additional.get_or_insert_with(|| texts(&["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"]));
        }
        Kind::XlNet => drop(settings.additional.get_or_insert_with(|| texts(&["<eop>", "<eod>"]))),
        _ => {}
    }
    Ok(())
}

fn extra_ids(settings: &Settings) -> usize {
    let count = settings.option("extra_ids").and_then(Value::as_u64);
    // More than any vocabulary has would only be a way to ask for memory.
    count.map_or(100, |count| count.min(1 << 20) as usize)
}

/// The pieces of SentencePiece's file in the order that a class gives them.
pub fn reordered(kind: Kind, vocabulary: &mut Vocabulary, settings: &Settings) {
    let Some(Pieces::Scores(scores)) = &mut vocabulary.pieces else { return };
    let text = |name: &str, default: &str| {
        let named = settings.named.get(name);
        let text = named.map(|token| token.as_ref().map_or("None", Special::content)).unwrap_or(default);
        (text.to_owned(), 0.0)
    };
    let (pad, unknown, mask) =
        (text("pad_token", "<pad>"), text("unk_token", "<unk>"), text("mask_token", "<mask>"));
    match kind {
        Kind::T5 => {
            scores.extend((0..extra_ids(settings)).rev().map(|id| (format!("<extra_id_{id}>"), 0.0)));
        }
        Kind::XlmRoberta => {
            let first = [text("bos_token", "<s>"), pad, text("eos_token", "</s>"), unknown];
            let skipped = scores.len().min(3);
            scores.splice(..skipped, first);
            scores.push(mask);
        }
        Kind::Camembert => {
            let unused = |text: &str, score| (text.to_owned(), score);
            let first = [
                unused("<s>NOTUSED", 0.0),
                pad,
                unused("</s>NOTUSED", 0.0),
                unknown,
                unused("<unk>NOTUSED", -100.0),
            ];
            let skipped = scores.len().min(1);
            scores.splice(..skipped, first);
            scores.push(mask);
        }
        _ => {}
    }
}

/// The tokenizer.json that a class builds; without what is added around a prompt.
///
/// # Errors
/// If the vocabulary is of another kind than the class takes.
pub fn pipeline(kind: Kind, vocabulary: Vocabulary, settings: &Settings) -> Result<Value, String> {
    let Vocabulary { pieces, merges, charsmap, unknown, .. } = vocabulary;
    let pieces = pieces.ok_or("there is no vocabulary")?;
    let unknown_text = settings.text("unk_token").unwrap_or("None");
    let model = match (kind.needs(), pieces) {
        (Needs::Merges, pieces) => byte_pairs(kind, pieces.into_ids(), &merges, unknown_text),
        (Needs::Words, pieces) => json!({
            "type": "WordPiece", "unk_token": unknown_text, "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": pieces.into_ids(),
        }),
        (_, Pieces::Scores(scores)) => {
            let position = |score: Option<f64>| {
                scores
                    .iter()
                    .position(|(piece, known)| piece == unknown_text && score.is_none_or(|s| s == *known))
            };
            let unknown = match kind {
                Kind::T5 => 2,
                Kind::Albert => 1,
                Kind::Xglm | Kind::XlmRoberta => 3,
                Kind::Camembert => position(None).unwrap_or(0),
                Kind::DebertaV2 => position(Some(0.0)).unwrap_or(unknown.map_or(1, |id| id as usize)),
                _ => unknown.map_or(0, |id| id as usize),
            };
            json!({"type": "Unigram", "unk_id": unknown, "vocab": scores, "byte_fallback": false})
        }
        (_, Pieces::Ids(_)) => return Err("its pieces have no scores, which this class needs".to_owned()),
    };
    Ok(json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": normalizer(kind, charsmap, settings),
        "pre_tokenizer": pre_tokenizer(kind, settings),
        "post_processor": null,
        "decoder": null,
        "model": model,
    }))
}

fn byte_pairs(kind: Kind, ids: Map<String, Value>, merges: &[(String, String)], unknown: &str) -> Value {
    let spells_bytes = matches!(kind, Kind::Llama | Kind::CodeLlama | Kind::Gemma);
    let suffix = if kind == Kind::OpenAiGpt { "</w>" } else { "" };
    json!({
        "type": "BPE", "vocab": ids, "merges": merges,
        "unk_token": matches!(kind, Kind::CodeLlama | Kind::Gemma | Kind::Reformer | Kind::OpenAiGpt).then_some(unknown),
        "continuing_subword_prefix": (!spells_bytes && kind != Kind::Reformer).then_some(""),
        "end_of_word_suffix": (!spells_bytes && kind != Kind::Reformer).then_some(suffix),
        "fuse_unk": spells_bytes || kind == Kind::Reformer, "byte_fallback": spells_bytes,
    })
}

fn normalizer(kind: Kind, charsmap: Option<String>, settings: &Settings) -> Value {
    let replace =
        |pattern: Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
    let plain = |kind: &str| json!({"type": kind});
    let spaces = || replace(json!({"Regex": " {2,}"}), " ");
    let precompiled = charsmap.map(|map| json!({"type": "Precompiled", "precompiled_charsmap": map}));
    let lower = |default: bool| settings.flag("do_lower_case").unwrap_or(default);
    let sequence = |all: Vec<Value>| json!({"type": "Sequence", "normalizers": all});
    match kind {
        Kind::Bert => json!({
            "type": "BertNormalizer", "clean_text": true,
            "handle_chinese_chars": settings.flag("tokenize_chinese_chars").unwrap_or(true),
            "strip_accents": settings.flag("strip_accents"), "lowercase": lower(true),
        }),
        Kind::OpenAiGpt => json!({
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true,
        }),
        Kind::GptNeoX | Kind::Qwen2 => plain("NFC"),
        Kind::Gemma => replace(json!({"String": " "}), "▁"),
        Kind::T5 | Kind::XlmRoberta | Kind::Camembert => precompiled.unwrap_or(Value::Null),
        Kind::Xglm => sequence(precompiled.into_iter().chain([spaces()]).collect()),
        Kind::Reformer => precompiled.map_or(Value::Null, |map| sequence(vec![map, spaces()])),
        Kind::Albert | Kind::XlNet => {
            let mut all =
                vec![replace(json!({"String": "``"}), "\""), replace(json!({"String": "''"}), "\"")];
            if kind == Kind::XlNet || !settings.flag("keep_accents").unwrap_or(false) {
                all.extend([plain("NFKD"), plain("StripAccents")]);
            }
            if lower(kind == Kind::Albert) {
                all.push(plain("Lowercase"));
            }
            all.extend(precompiled);
            sequence(all)
        }
        Kind::DebertaV2 => {
            let mut all = if lower(false) { vec![plain("Lowercase")] } else { Vec::new() };
            all.push(replace(json!({"Regex": r"\s{2,}|[\n\r\t]"}), " "));
            all.push(plain("NFC"));
            all.push(json!({"type": "Strip", "strip_left": false, "strip_right": true}));
            sequence(all)
        }
        Kind::Gpt2 | Kind::CodeGen | Kind::Roberta | Kind::Llama | Kind::CodeLlama => Value::Null,
    }
}

fn pre_tokenizer(kind: Kind, settings: &Settings) -> Value {
    let prefix = settings.flag("add_prefix_space");
    let byte_level = |use_regex: bool| {
        json!({
            "type": "ByteLevel", "add_prefix_space": prefix.unwrap_or(false), "trim_offsets": false, "use_regex": use_regex
        })
    };
    let metaspace = |scheme: &str, split: bool| json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split});
    let words = |scheme: &str| json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace(scheme, true)]});
    let scheme = if prefix.unwrap_or(true) { "always" } else { "never" };
    match kind {
        Kind::Gpt2 | Kind::CodeGen | Kind::GptNeoX | Kind::Roberta => byte_level(true),
        Kind::Qwen2 => json!({"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": QWEN2_WORDS}, "behavior": "Isolated", "invert": false},
            byte_level(false),
        ]}),
        Kind::Bert | Kind::OpenAiGpt => json!({"type": "BertPreTokenizer"}),
        Kind::T5 | Kind::XlNet => words("always"),
        Kind::Albert | Kind::XlmRoberta | Kind::Camembert => words(scheme),
        Kind::Xglm => metaspace(scheme, true),
        Kind::Reformer => metaspace("always", true),
        Kind::Llama => match (scheme, settings.flag("legacy").unwrap_or(false)) {
            ("always", false) => metaspace("first", false),
            (scheme, _) => metaspace(scheme, false),
        },
        Kind::CodeLlama => metaspace(if prefix.unwrap_or(true) { "first" } else { "never" }, false),
        Kind::Gemma => json!({
            "type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false
        }),
        Kind::DebertaV2 => {
            let punctuation = settings.flag("split_by_punct").unwrap_or(false);
            let first = punctuation.then(|| json!({"type": "Punctuation", "behavior": "Isolated"}));
            let scheme = if prefix.unwrap_or(true) { "always" } else { "first" };
            let all: Vec<Value> = first.into_iter().chain([metaspace(scheme, true)]).collect();
            json!({"type": "Sequence", "pretokenizers": all})
        }
    }
}
