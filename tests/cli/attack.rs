//! Files that are too long, too deep or no files, and settings that ask for too much: one line that names them, soon.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::checkpoint::copy;
use crate::support::program::{Home, golden, text};

/// A file that is longer than any memory, if the file system has such.
fn endless(path: &Path, start: &str) {
    fs::write(path, start).unwrap();
    let _ = fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1 << 40);
}

#[test]
fn no_file_of_a_model_is_read_that_is_longer_than_it_can_be() {
    let home = Home::new();
    let fresh = |name: &str| copy(&golden("gpt2-tiny"), home.path(name));
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        let model = fresh(&format!("long-{name}"));
        endless(&model.join(name), "{\"a\": [");
        let line = ["print", "--model", text(&model), "--prompt", "a"];
        home.run(line).failed(1, &[name, ": longer than ", " MB, too long for a ", "fetch it again"]);
    }
    let model = fresh("long-index");
    fs::rename(model.join("model.safetensors"), model.join("model-1.safetensors")).unwrap();
    endless(&model.join("model.safetensors.index.json"), "{");
    let line = ["print", "--model", text(&model), "--ids", "1"];
    home.run(line).failed(1, &["model.safetensors.index.json: longer than 40 MB"]);
    // It may be anything: what it is called is enough.
    let model = fresh("long-adapter");
    endless(&model.join("adapter_config.json"), "{");
    let ended = home.run(["print", "--model", text(&model), "--ids", "1"]);
    assert_eq!((ended.code, ended.stderr.contains("adapter")), (0, true), "{}", ended.stderr);
    endless(&home.path("expected.toml"), "");
    home.run(["verify", "--expected", "expected.toml"]).failed(1, &["expected.toml: longer than 4 MB"]);
}

/// What is there and can't be read is not what isn't there.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_named() {
    let home = Home::new();
    for (at, name) in ["config.json", "model.safetensors", "tokenizer.json", "model.safetensors.index.json"]
        .into_iter()
        .enumerate()
    {
        let model = copy(&golden("gpt2-tiny"), home.path(&format!("model-{at}")));
        if name.ends_with("index.json") {
            fs::remove_file(model.join("model.safetensors")).unwrap();
        }
        let path = model.join(name);
        let _ = fs::remove_file(&path);
        let print = || home.run(["print", "--model", text(&model), "--ids", "1"]);
        fs::create_dir(&path).unwrap();
        print().failed(1, &[text(&path), "no file but a folder"]);
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        print().failed(1, &[text(&path), "a link to a file that isn't there"]);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(name, &path).unwrap();
        print().failed(1, &[text(&path), "symbolic links"]);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        print().failed(1, &[text(&path), "a device"]);
    }
    home.run(["print", "--model", "./none", "--ids", "1"]).failed(1, &["none: no such folder"]);
}

#[cfg(unix)]
#[test]
fn no_pipe_is_waited_for_without_an_end() {
    let home = Home::new();
    let made = std::process::Command::new("mkfifo").arg(home.path("pipe")).status().unwrap();
    assert!(made.success());
    let lines = [
        ("render pipe --out -", "nobody writes"),
        ("models --config pipe", "nobody writes"),
        ("print --model demo:gpt2 --prompt-file pipe", "nobody writes"),
        ("verify --expected pipe", "nobody writes"),
        ("export --model demo:gpt2 --ids 1 --format csv --out pipe", "nobody reads"),
        ("models --log pipe", "nobody reads"),
    ];
    // One after the other, for one that waits to read is who is waited for by one that waits to write.
    for (line, why) in lines {
        home.run(line.split(' ')).failed(1, &["pipe", why]);
    }
    let written = home.path("pipe");
    let writing = thread::spawn(move || fs::write(written, "a prompt"));
    home.run(["print", "--model", "demo:gpt2", "--prompt-file", "pipe"]).text();
    writing.join().unwrap().unwrap();
}

#[test]
fn a_long_value_is_not_printed_whole() {
    let home = Home::new();
    let long = "x".repeat(100_000);
    let ended = home.run(["export", "--model", "demo:gpt2", "--ids", "1", "--format", "json", "--out", "-"]);
    let recipe = serde_json::from_str::<Value>(ended.text()).unwrap()["recipe"].clone();
    for key in ["view", "device", "format", "model"] {
        let mut recipe = recipe.clone();
        recipe[key] = long.as_str().into();
        fs::write(home.path("recipe.json"), recipe.to_string()).unwrap();
        let ended = home.run(["render", "recipe.json", "--out", "-"]);
        assert!(ended.stderr.contains("recipe.json") && ended.stderr.len() < 4000, "{key}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{key}: {}", ended.stderr);
    }
    fs::write(home.path("my.toml"), format!("dtype = '{long}'")).unwrap();
    let ended = home.run(["print", "--config", "my.toml"]);
    ended.failed(1, &["my.toml:1: ", "f32"]);
    assert!(ended.stderr.len() < 2000, "{}", ended.stderr);
}

/// The library that reads tokenizers believes sizes in them, and does what their rules say however long that gets.
#[test]
fn a_tokenizer_takes_no_memory_that_its_file_asks_for() {
    let home = Home::new();
    let model = copy(&golden("gpt-oss-tiny"), home.path("model"));
    let path = model.join("tokenizer.json");
    let good: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let print = |key: &str, value: Value| {
        let mut tokenizer = good.clone();
        tokenizer[key] = value;
        fs::write(&path, tokenizer.to_string()).unwrap();
        home.run(["print", "--model", text(&model), "--prompt", "a story"])
    };
    let precompiled = json!({"type": "Precompiled", "precompiled_charsmap": "//////////8="});
    let words = [text(&path), "no valid tokenizer", "precompiled_charsmap"];
    print("normalizer", precompiled.clone()).failed(1, &words);
    print("normalizer", json!({"type": "Sequence", "normalizers": [precompiled]})).failed(1, &words);
    let replace = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "a".repeat(100)});
    let many = json!({"type": "Sequence", "normalizers": vec![replace; 8]});
    print("normalizer", many.clone())
        .failed(1, &[text(&model), "its tokenizer refuses this prompt", "normalizer"]);
    let mut tokenizer = good.clone();
    tokenizer["normalizer"] = many;
    tokenizer["added_tokens"][0]["normalized"] = true.into();
    fs::write(&path, tokenizer.to_string()).unwrap();
    let ended = home.run(["print", "--model", text(&model), "--ids", "1"]);
    ended.failed(1, &[text(&path), "its normalizer would make", "added_tokens"]);
    let part = json!({"Sequence": {"id": "A", "type_id": 0}});
    let template = json!({"type": "TemplateProcessing", "single": vec![part; 100_000], "pair": [], "special_tokens": {}});
    print("post_processor", template).failed(1, &[text(&model), "post_processor repeats the prompt"]);
    let nothing = json!({"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}});
    print("post_processor", nothing).failed(1, &[text(&model), "makes no tokens of this prompt", "--ids"]);
}

/// Threads that share cores take each other's time: no more of them are made than that.
#[test]
fn more_threads_than_cores_are_not_slow() {
    let home = Home::new();
    let line = "bench --model demo:gpt2 --lengths 1 --repeats 1 --json --threads 1000";
    let report: Value = serde_json::from_str(home.run(line.split(' ')).text()).unwrap();
    let cores = thread::available_parallelism().unwrap().get() as u64;
    let threads = report["threads"].as_u64().unwrap();
    assert!((cores..=4 * cores).contains(&threads), "{threads} on {cores} cores");
}

/// However many tokens a file adds, each is looked up, and not compared with all others.
#[test]
fn very_many_added_tokens_take_no_very_long_time() {
    let home = Home::new();
    let model = copy(&golden("gpt-oss-tiny"), home.path("model"));
    let path = model.join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let token = |id: usize| {
        json!({"id": id, "content": format!("<{id}>"), "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true})
    };
    tokenizer["added_tokens"] = (0..100_000).map(|at| token(1000 + at)).collect();
    fs::write(&path, tokenizer.to_string()).unwrap();
    let started = Instant::now();
    home.run(["print", "--model", text(&model), "--prompt", "a story"]).text();
    assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
}
