//! Files that somebody else made: nothing of them is obeyed by a terminal, and none is read without an end.

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::checkpoint::{copy, edit_config};
use crate::support::program::{Ended, Home, golden, text};

/// A terminal's title, its clipboard, its screen, and what hides or reorders text.
const EVIL: &str = "x\u{1b}]0;PWN\u{7}\u{1b}]52;c;cHduZWQ=\u{7}\u{9b}2J\u{7f}\u{202e}\u{2066}\u{61c}\u{ad}\u{2028}\u{fff9}\u{e0041}";

/// Asserts that nothing was written that a terminal obeys, or that hides or reorders what is around it.
fn is_printable(ended: &Ended) {
    let written = format!("{}{}", String::from_utf8_lossy(&ended.stdout), ended.stderr);
    let evil = written.chars().find(|c| {
        *c != '\n' && (c.is_control() || EVIL.chars().any(|e| e != 'x' && e == *c && !c.is_ascii()))
    });
    assert_eq!(evil, None, "{written:?}");
}

fn recipe(home: &Home) -> Value {
    let ended =
        home.run(["export", "--model", "demo:gpt2", "--ids", "1,2", "--format", "json", "--out", "-"]);
    serde_json::from_str::<Value>(ended.text()).unwrap()["recipe"].clone()
}

#[test]
fn what_a_recipe_says_is_not_obeyed() {
    let home = Home::new();
    let good = recipe(&home);
    for key in [
        "program",
        "view",
        "model",
        "revision",
        "family",
        "device",
        "dtype",
        "format",
        "normalisation",
        "key",
    ] {
        let mut recipe = good.clone();
        recipe[if key == "key" { EVIL } else { key }] = EVIL.into();
        fs::write(home.path("recipe.json"), recipe.to_string()).unwrap();
        for format in ["csv", "json"] {
            if key != "format" {
                recipe["format"] = format.into();
                fs::write(home.path("recipe.json"), recipe.to_string()).unwrap();
            }
            let ended = home.run(["render", "recipe.json", "--out", "-"]);
            is_printable(&ended);
            assert!((0..=1).contains(&ended.code) && !ended.stderr.is_empty(), "{key}: {}", ended.stderr);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        }
    }
}

#[test]
fn what_settings_say_is_not_obeyed() {
    let home = Home::new();
    let quoted = toml::Value::String(EVIL.to_owned());
    for (text, code) in [
        (format!("prompt = {quoted}"), 0),
        (format!("[pairs.{quoted}]\nleft = {quoted}\nright = {quoted}"), 0),
        (format!("pair = {quoted}"), 1),
        (format!("dtype = {quoted}"), 1),
        (format!("{quoted} = 1"), 1),
        (format!("[keys]\n{quoted} = []"), 1),
        (format!("[keys]\nmean = [{quoted}]"), 1),
        (format!("[theme]\ncolor = {quoted}"), 1),
    ] {
        fs::write(home.path("my.toml"), &text).unwrap();
        let models = home.run(["models", "--config", "my.toml"]);
        is_printable(&models);
        assert_eq!(models.code, code, "{text:?}: {}", models.stderr);
        is_printable(&home.run(["config", "--show", "--config", "my.toml"]));
        is_printable(&home.run(["print", "--config", "my.toml"]));
    }
}

#[test]
fn what_a_model_says_is_not_obeyed() {
    let home = Home::new();
    // Its name, and the text of one of its tokens.
    let model = copy(&golden("gpt2-tiny"), home.path("evil\u{1b}]0;PWN\u{7}\u{202e}"));
    let path = model.join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    tokenizer["added_tokens"] = json!([{ "id": 5, "content": EVIL, "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": false }]);
    fs::write(&path, tokenizer.to_string()).unwrap();
    let model = text(&model);
    for line in [
        "print",
        "heads",
        "heads --json",
        "heads --map",
        "lens",
        "lens --json",
        "ablate --heads 0.0",
        "ablate --heads 0.0 --json",
        "bench --lengths 3 --repeats 1",
        "bench --lengths 3 --repeats 1 --json",
        "export --out - --format csv",
        "export --out - --format csv --view all",
        "export --out - --format json",
        "export --out - --format md",
        "export --out - --format md --view all",
        "export --out - --format svg",
        "export --out - --format html",
        "print --view layer:99",
    ] {
        let input = if line.starts_with("bench") { vec![] } else { vec!["--ids", "5,6,5"] };
        let ended = home.run(line.split(' ').chain(["--model", model]).chain(input));
        is_printable(&ended);
        assert_eq!(ended.code, i32::from(line.ends_with("99")), "{line}: {}", ended.stderr);
    }
    let both = ["--model", model, "--model", model, "--prompt", "a story"];
    for line in ["compare", "compare --json", "compare --report -"] {
        let ended = home.run(line.split(' ').chain(both));
        is_printable(&ended);
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);
    }
    edit_config(&home.path("evil\u{1b}]0;PWN\u{7}\u{202e}"), |config| {
        config.insert("model_type".to_owned(), EVIL.into());
        config.insert("architectures".to_owned(), json!([EVIL]));
    });
    let ended = home.run(["print", "--model", model]);
    is_printable(&ended);
    assert_eq!(ended.code, 1);
}

/// A page's text is no markup and hides nothing; nothing but its own script may run.
#[test]
fn pages_and_figures_hold_only_what_they_may() {
    let home = Home::new();
    let prompt = format!("</script><script>alert(1)</script><img src=x onerror=alert(1)>]]>&\u{fffe}{EVIL}");
    for format in ["html", "svg"] {
        let line = ["export", "--pair", "demo", "--format", format, "--out", "-", "--prompt", &prompt];
        let ended = home.run(line);
        is_printable(&ended);
        let written = ended.text();
        assert!(
            !written.contains("<img") && !written.contains('\u{fffe}') && !written.contains("<script>alert")
        );
    }
    let report = home.run(["compare", "--report", "-", "--prompt", &prompt]);
    is_printable(&report);
    let page = report.text();
    assert!(
        page.contains("Content-Security-Policy\" content=\"default-src 'none';") && !page.contains("<script")
    );
    assert!(!page.contains("<img"));
}

/// Two megabytes that unpack to two thousand are not unpacked.
#[test]
fn a_packed_recipe_is_unpacked_up_to_a_limit() {
    let home = Home::new();
    let mut text = png::text_metadata::ITXtChunk::new("recipe", " ".repeat(64 << 20));
    text.compressed = true;
    text.compress_text().unwrap();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_text_chunk(&text).unwrap();
    writer.write_image_data(&[0]).unwrap();
    drop(writer);
    assert!(bytes.len() < 1 << 20);
    fs::write(home.path("bomb.png"), bytes).unwrap();
    home.run(["render", "bomb.png", "--out", "-"]).failed(1, &["bomb.png: its recipe is longer than 16 MB"]);
}

/// Whatever a file begins with, no more than a recipe can take is read of it.
#[test]
fn long_files_are_not_read_to_their_end() {
    let home = Home::new();
    let length = 4 << 40;
    for (start, words) in [
        ("", "has no recipe"),
        ("#", "longer than 16 MB"),
        ("{", "not JSON"),
        ("{\"a\":\"", "not JSON"),
        ("<svg><metadata>", "longer than 16 MB"),
        ("<!doctype html><script type=\"application/json\" id=\"recipe\">", "longer than 16 MB"),
        ("\u{10}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "has no recipe"),
    ] {
        let mut file = fs::File::create(home.path("long")).unwrap();
        file.write_all(start.as_bytes()).unwrap();
        if file.set_len(length).is_err() {
            return; // A file system without holes.
        }
        home.run(["render", "long", "--out", "-"]).failed(1, &["long: ", words]);
    }
    let many = format!("{{\"ids\":[{}0]}}", "0,".repeat(10 << 20));
    fs::write(home.path("many.json"), many).unwrap();
    home.run(["render", "many.json", "--out", "-"])
        .failed(1, &["many.json: its recipe is longer than 16 MB"]);
    let mut file = fs::File::create(home.path("long.txt")).unwrap();
    file.write_all(b"a").unwrap();
    file.set_len(length).unwrap();
    let line = ["print", "--model", "demo:gpt2", "--prompt-file", "long.txt"];
    home.run(line)
        .failed(1, &["long.txt: too long for a prompt: shorten it to what the model reads, 2 MB at most"]);
    home.run(["models", "--config", "long.txt"]).failed(1, &["long.txt:1: too long for a file of settings"]);
}
