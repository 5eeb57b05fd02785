//! Prompts in a model's own chat template.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::checkpoint::copy;
use crate::support::program::{Home, golden, text};

const TEMPLATE: &str =
    "{% for message in messages %}{{ message.role ~ ': ' ~ message.content }}\n{% endfor %}bot:";

/// A model that chats in this template.
fn chatting(home: &Home, name: &str, template: &str) -> PathBuf {
    let folder = copy(&golden("gpt2-tiny"), home.path(name));
    fs::write(folder.join("chat_template.jinja"), template).unwrap();
    folder
}

#[test]
fn chat_reads_the_prompt_in_the_models_template() {
    let home = Home::new();
    let model = chatting(&home, "chatty", TEMPLATE);
    let print = |more: &[&str]| {
        let ended = home.run(["print", "--model", text(&model)].iter().chain(more).copied());
        ended.text().to_owned()
    };
    let plain = print(&["--prompt", "the cat"]);
    let asked = print(&["--prompt", "user: the cat\nbot:"]);
    let instructed = print(&["--prompt", "system: a dog\nuser: the cat\nbot:"]);
    assert!(plain != asked && asked != instructed);
    assert_eq!(print(&["--prompt", "the cat", "--chat"]), asked);
    assert_eq!(print(&["--prompt", "the cat", "--chat", "--system", "a dog"]), instructed);
    assert_eq!(
        print(&["--prompt", "the cat", "--system", "a dog"]),
        instructed,
        "a system text is of a chat"
    );
    let config = home.path("config/attnscope");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "chat = true\nsystem = 'a dog'\n").unwrap();
    assert_eq!(print(&["--prompt", "the cat"]), instructed);
    assert_eq!(print(&["--prompt", "the cat", "--system", ""]), asked);
    assert_eq!(print(&["--prompt", "the cat", "--no-chat"]), plain);
    assert_eq!(print(&["--ids", "1,2"]), print(&["--ids", "1,2", "--no-chat"]), "ids are what they are");
}

#[test]
fn a_model_that_cannot_be_asked_so_says_why_and_what_to_do() {
    let home = Home::new();
    let base = golden("gpt2-tiny");
    let ask = |model: &str| home.run(["print", "--model", model, "--prompt", "a", "--chat", "--system", "b"]);
    ask(text(&base)).failed(
        1,
        &[
            "gpt2-tiny: no chat template, base models have none: ask it without chat",
            "looked for chat_template.jinja",
        ],
    );
    let gemma = chatting(&home, "gemma", "{{ raise_exception('No\u{1b}[2J system!') }}");
    ask(text(&gemma))
        .failed(1, &["chat_template.jinja: ", "No\\u{1b}[2J system!", "ask without a system text"]);
    let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    ask(text(&chatting(&home, "endless", endless))).failed(1, &["it takes too long, or too much memory"]);
    let both = ["print", "--model", text(&base), "--ids", "1", "--chat"];
    home.run(both).failed(2, &["--ids", "--chat"]);
    home.run(["print", "--no-chat", "--system", "x"]).failed(2, &["--no-chat", "--system"]);
}

#[test]
fn a_recipe_keeps_the_conversation() {
    let home = Home::new();
    let model = chatting(&home, "chatty", TEMPLATE);
    let (first, again) = (home.path("first.json"), home.path("again.json"));
    let asked = ["export", "--model", text(&model), "--prompt", "the cat", "--system", "a dog"];
    home.run(asked.into_iter().chain(["--format", "json", "--out", text(&first)])).text();
    let document: Value = serde_json::from_slice(&fs::read(&first).unwrap()).unwrap();
    let expected = json!({"chat": {"system": "a dog", "user": "the cat"}});
    assert_eq!(document["recipe"]["input"], expected, "{document}");
    home.run(["render", text(&first), "--out", text(&again)]).text();
    assert!(fs::read(&first).unwrap() == fs::read(&again).unwrap());
    let figure = home.path("figure.svg");
    home.run(asked.into_iter().chain(["--format", "svg", "--out", text(&figure)])).text();
    let figure = fs::read_to_string(figure).unwrap();
    assert!(figure.contains("“the cat”") && figure.contains("in its chat template"));
}

#[test]
fn what_read_different_texts_is_compared_by_what_both_say() {
    let home = Home::new();
    let [left, right] = ["left", "right"].map(|name| chatting(&home, name, TEMPLATE));
    let other = chatting(&home, "other", "{{ messages[-1].content }} bot:");
    let compare = |other: &str| {
        home.run(["compare", "--model", text(&left), "--model", other, "--prompt", "the cat", "--chat"])
    };
    assert!(compare(text(&right)).text().contains("0.000 nats"));
    let ended = compare(text(&other));
    assert!(ended.text().contains("only left") && ended.text().contains("'user:"), "{}", ended.text());
    let out = home.path("figure.svg");
    let figure = ["export", "--model", text(&left), "--model", text(&other), "--prompt", "the cat", "--chat"];
    let figure = figure.into_iter().chain(["--format", "svg", "--difference", "--out", text(&out)]);
    home.run(figure).text();
    assert!(fs::read_to_string(out).unwrap().contains("Left out of the difference: only left"));
}

#[test]
fn an_answer_is_written_behind_the_template_and_its_attention_is_that_of_the_whole_text() {
    let home = Home::new();
    let model = chatting(&home, "chatty", TEMPLATE);
    let generate = |more: &[&str]| {
        let asked = ["generate", "--model", text(&model), "--tokens", "4", "--json"];
        let ended = home.run(asked.iter().chain(more).copied());
        ended.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let chat = generate(&["--prompt", "the cat", "--chat"]);
    let plain = generate(&["--prompt", "user: the cat\nbot:"]);
    for (chat, plain) in chat.iter().zip(&plain) {
        assert_eq!((&chat["id"], &chat["prompt_tokens"]), (&plain["id"], &plain["prompt_tokens"]));
        assert_eq!(chat["shares"], plain["shares"]);
    }
    assert_eq!(chat[4]["text"], plain[4]["text"]);
}
