//! Templates after those that people use, against what transformers makes of them (`tests/chat/generate.py`).

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::render::render_at;
use super::{ChatTemplate, read};
use crate::model::files::{ModelFile, TokenizerFiles};
use crate::model::tokenizer::{Opened, PromptTokenizer};
use crate::vocabulary::Conversation;

/// What transformers makes of a template; nothing if that refuses.
#[derive(Deserialize)]
struct Case {
    template: String,
    system: Option<String>,
    user: String,
    text: Option<String>,
    ids: Option<Vec<u32>>,
    error: Option<String>,
}

/// A model's files, as far as they are about text, with one of the templates.
fn model(folder: &Path, template: &str) -> (ChatTemplate, Box<PromptTokenizer>) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chat");
    fs::copy(fixtures.join("templates").join(template), folder.join("chat_template.jinja")).unwrap();
    fs::copy(fixtures.join("tokenizer.json"), folder.join("tokenizer.json")).unwrap();
    let settings = r#"{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": {"content": "</s>"}}"#;
    fs::write(folder.join("tokenizer_config.json"), settings).unwrap();
    fs::write(folder.join("config.json"), "{}").unwrap();
    let Ok(files) = TokenizerFiles::gather(|name| {
        let path = folder.join(name);
        Ok::<_, Infallible>(path.is_file().then_some(ModelFile::Path(path)))
    });
    let config = ModelFile::Path(folder.join("config.json"));
    let Opened::Ready(tokenizer) = PromptTokenizer::open(&files, &config, "llama").unwrap() else {
        panic!("no tokenizer")
    };
    (read(&files, Some(&tokenizer)).unwrap(), tokenizer)
}

#[test]
fn texts_and_ids_are_those_of_transformers() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../tests/chat/cases.json")).unwrap();
    let now = "2024-07-09T13:05:00+00:00[UTC]".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for case in &cases {
        let (template, tokenizer) = model(folder.path(), &case.template);
        let Case { template: name, system, user, .. } = case;
        let conversation = Conversation { system: system.clone(), user: user.clone(), answer: String::new() };
        let text = render_at(&template, &conversation, &now);
        if let Some(error) = &case.error {
            assert!(text.unwrap_err().starts_with(error.as_str()), "{name}");
            continue;
        }
        assert_eq!(text.as_ref().ok(), case.text.as_ref(), "{name}: {text:?}");
        let tokens = tokenizer.encode_templated(&text.unwrap()).unwrap();
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        assert_eq!(Some(ids), case.ids, "{name}");
    }
    assert!(cases.len() >= 50);
}

#[test]
fn an_answer_goes_on_behind_the_template_and_special_tokens_are_marked() {
    let folder = tempfile::tempdir().unwrap();
    let (template, tokenizer) = model(folder.path(), "llama-2.jinja");
    let conversation = Conversation { system: None, user: "1 + 1?".to_owned(), answer: " It is".to_owned() };
    let text = template.apply(&conversation).unwrap();
    assert_eq!(text, "<s>[INST] 1 + 1? [/INST] It is");
    let tokens = tokenizer.encode_templated(&text).unwrap();
    let special: Vec<&str> =
        tokens.iter().filter(|token| token.is_special).map(|token| token.text.as_str()).collect();
    assert_eq!(special, ["<s>", "[INST]", "[/INST]"], "and no second <s>");
    assert!(tokens.iter().all(|token| text[token.span.clone()] == token.text));
}

#[test]
fn what_is_wrong_is_told_with_the_file_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (template, _) = model(folder.path(), "gemma.jinja");
    let system = Some("Be brief".to_owned());
    let asked = Conversation { system, user: "Hi".to_owned(), ..Conversation::default() };
    let message = template.apply(&asked).unwrap_err();
    assert!(
        message
            .contains("chat_template.jinja: the chat template can't be applied: System role not supported")
    );
    assert!(message.ends_with("ask without a system text, or without chat") && !message.contains('\n'));
    let broken = ChatTemplate { source: "{% for %}".to_owned(), ..template };
    let message = broken.apply(&Conversation { system: None, ..asked }).unwrap_err();
    assert!(message.ends_with("(line 1): ask without chat"), "{message}");
}
