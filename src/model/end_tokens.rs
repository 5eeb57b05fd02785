//! The tokens that end a text: a model that writes one of them is done. There may be several, as of models that end a
//! turn and a text with different ones.

use serde_json::Value;

use super::files::{GENERATION_CONFIG, LONGEST_CONFIG, ModelFile, ModelFiles};
use super::gguf::Parts;
use super::json::without_literals;
use super::tokenizer::PromptTokenizer;

/// Special tokens that end a text or a turn in whatever model has them.
const KNOWN: [&str; 8] = [
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|im_end|>",
    "<|return|>",
    "<|call|>",
    "<end_of_turn>",
    "</s>",
];
/// Ids that are read from a list, at most.
const MOST: usize = 256;

/// Those that a model's files name: generation_config.json; without it config.json, or else its
/// tokenizer, and what is known by its name. And a sentence about a
/// file that can't be read.
pub fn read(files: &ModelFiles, tokenizer: Option<&PromptTokenizer>) -> (Vec<u32>, Option<String>) {
    let mut note = None;
    if let Some(file) = files.tokenizer.get(GENERATION_CONFIG) {
        match json(file).as_ref().map(ids) {
            Some(ids) if !ids.is_empty() => return (ids, None),
            Some(_) => {}
            None => {
                let name = file.name();
                note = Some(format!("{name}: no JSON: which tokens end a text is read from config.json"));
            }
        }
    }
    let mut found = json(&files.config).as_ref().map(ids).unwrap_or_default();
    if found.is_empty() {
        let named = |tokenizer: &PromptTokenizer| tokenizer.id_of(tokenizer.named_tokens().get("eos_token")?);
        found.extend(tokenizer.and_then(named));
    }
    add_known(&mut found, tokenizer);
    (found, note)
}

/// Those that the keys of a GGUF file name: the end of a text, of a turn, of a message.
pub fn of_gguf(parts: &Parts<'_>, tokenizer: Option<&PromptTokenizer>) -> Vec<u32> {
    let id = |key: &str| {
        let value = parts.get(&format!("tokenizer.ggml.{key}_token_id"))?;
        u32::try_from(value.as_u64()?).ok()
    };
    let mut found: Vec<u32> = ["eos", "eot", "eom"].into_iter().filter_map(id).collect();
    add_known(&mut found, tokenizer);
    found
}

/// Adds the special tokens that end a text by their names: without a generation_config.json, other files name only one
/// of several.
fn add_known(found: &mut Vec<u32>, tokenizer: Option<&PromptTokenizer>) {
    found.extend(KNOWN.iter().filter_map(|name| tokenizer?.special_id(name)));
    found.sort_unstable();
    found.dedup();
}

fn json(file: &ModelFile) -> Option<Value> {
    serde_json::from_slice(&without_literals(&file.read(LONGEST_CONFIG).ok()?)).ok()
}

/// `eos_token_id`, which is a number or a list of them; of a model of text and pictures, that of its text.
fn ids(config: &Value) -> Vec<u32> {
    let key = "eos_token_id";
    let of_text = || config.get("text_config")?.get(key);
    let value = config.get(key).filter(|value| !value.is_null()).or_else(of_text);
    let id = |value: &Value| u32::try_from(value.as_u64()?).ok();
    match value {
        Some(Value::Array(list)) => list.iter().take(MOST).filter_map(id).collect(),
        Some(value) => id(value).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_or_several_end_a_text() {
        assert_eq!(ids(&json!({"eos_token_id": 7})), [7]);
        assert_eq!(ids(&json!({"eos_token_id": [7, 8, "x", -1]})), [7, 8]);
        assert_eq!(ids(&json!({"eos_token_id": null, "text_config": {"eos_token_id": [9]}})), [9]);
        for nothing in [json!({}), json!({"eos_token_id": null}), json!({"eos_token_id": 1e30}), json!([])] {
            assert_eq!(ids(&nothing), [] as [u32; 0], "{nothing}");
        }
    }
}
