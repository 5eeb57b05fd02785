//! Where a template stands among the files of a model.

use serde_json::Value as Json;

use super::template::{ChatTemplate, none};
use crate::model::files::{CHAT_TEMPLATE, LONGEST_CONFIG, ModelFile, TokenizerFiles, pointer};
use crate::model::gguf::{Parts, Value};
use crate::model::json::without_literals;
use crate::model::tokenizer::PromptTokenizer;

/// The file of settings that may hold templates, too.
const SETTINGS: &str = "tokenizer_config.json";
/// Where a GGUF file has its template.
const GGUF_KEY: &str = "tokenizer.chat_template";
/// The template that counts among several.
const DEFAULT: &str = "default";

/// The template of a model, or why it has none, in a clause. The file of its own goes before the settings.
pub fn read(files: &TokenizerFiles, tokenizer: Option<&PromptTokenizer>) -> Result<ChatTemplate, String> {
    let tokens = tokenizer.map(|tokenizer| tokenizer.named_tokens().clone()).unwrap_or_default();
    let template =
        |file: &ModelFile, source| ChatTemplate { place: file.name().into_owned(), source, tokens };
    if let Some(file) = files.get(CHAT_TEMPLATE) {
        let source = text(file)?;
        return Ok(template(file, source));
    }
    let Some(file) = files.get(SETTINGS) else { return Err(none()) };
    let settings: Json = serde_json::from_slice(&without_literals(text(file)?.as_bytes()))
        .map_err(|error| format!("{}: not the JSON that it should be: {error}", file.name()))?;
    Ok(template(file, choose(&settings["chat_template"]).map_err(|why| why.unwrap_or_else(none))?))
}

/// The template in a GGUF file of that `name`, or why it has none, in a clause.
pub fn of_gguf(
    parts: &Parts<'_>,
    name: &str,
    tokenizer: Option<&PromptTokenizer>,
) -> Result<ChatTemplate, String> {
    let source = parts.get(GGUF_KEY).and_then(Value::as_str).ok_or_else(none)?;
    if source.len() as u64 > LONGEST_CONFIG {
        return Err(format!("{name}: the chat template in {GGUF_KEY} is too long: {} bytes", source.len()));
    }
    let tokens = tokenizer.map(|tokenizer| tokenizer.named_tokens().clone()).unwrap_or_default();
    Ok(ChatTemplate { place: format!("{name}: {GGUF_KEY}"), source: source.to_owned(), tokens })
}

fn text(file: &ModelFile) -> Result<String, String> {
    let bytes = file.read(LONGEST_CONFIG).map_err(|error| error.to_string())?;
    if let Some(what) = pointer(&bytes) {
        return Err(format!("{}: {what}", file.name()));
    }
    String::from_utf8(bytes.into_owned()).map_err(|_| format!("{}: not text in UTF-8", file.name()))
}

/// The template of the settings' key: a text, or the one called `default` of a list. The error is nothing where there
/// is none at all.
fn choose(key: &Json) -> Result<String, Option<String>> {
    if let Some(source) = key.as_str() {
        return Ok(source.to_owned());
    }
    let named: Vec<(&str, &str)> = key
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((entry["name"].as_str()?, entry["template"].as_str()?)))
        .collect();
    match named.iter().rev().find(|(name, _)| *name == DEFAULT) {
        Some((_, source)) => Ok((*source).to_owned()),
        None if named.is_empty() => Err(None),
        None => {
            let names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
            Err(Some(format!(
                "{SETTINGS}: of its chat templates ({}) none is called {DEFAULT}: rename the one to use",
                names.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::fs;

    use super::*;

    fn found(files: &[(&str, &str)]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let Ok(files) = TokenizerFiles::gather(|name| {
            let path = folder.path().join(name);
            Ok::<_, Infallible>(path.is_file().then_some(ModelFile::Path(path)))
        });
        read(&files, None).map(|template| {
            assert!(template.place.ends_with(if template.source == "own" {
                CHAT_TEMPLATE
            } else {
                SETTINGS
            }));
            template.source
        })
    }

    #[test]
    fn the_template_is_where_transformers_looks_for_it() {
        let settings = |key: &str| format!(r#"{{"model_max_length": Infinity, "chat_template": {key}}}"#);
        let list = r#"[{"name": "tool_use", "template": "b"}, {"name": "default", "template": "c"}]"#;
        assert_eq!(found(&[(SETTINGS, &settings(r#""a""#))]).as_deref(), Ok("a"));
        assert_eq!(found(&[(SETTINGS, &settings(list))]).as_deref(), Ok("c"));
        assert_eq!(found(&[(SETTINGS, &settings(list)), (CHAT_TEMPLATE, "own")]).as_deref(), Ok("own"));
        assert_eq!(found(&[]), Err(none()));
        for key in ["null", "7", "{}", "[]"] {
            assert_eq!(found(&[(SETTINGS, &settings(key))]), Err(none()), "{key}");
        }
        let unnamed = found(&[(SETTINGS, &settings(&list.replace("default", "rag")))]).unwrap_err();
        assert!(unnamed.contains("(tool_use, rag) none is called default"), "{unnamed}");
        assert!(found(&[(SETTINGS, "{")]).unwrap_err().contains("not the JSON"));
    }
}
