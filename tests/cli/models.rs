//! `attnscope models`.

use std::fs;

use crate::support::program::{Home, golden, text};

#[test]
fn lists_the_families_and_names_the_nearest_of_one_that_is_not_there() {
    let home = Home::new();
    let ended = home.run(["models", "--families"]);
    let names: Vec<&str> = ended.text().lines().filter_map(|line| line.split("  ").next()).collect();
    assert!(names.len() == 30 && names.is_sorted(), "{names:?}");
    for (name, nearest) in [("qwen2_moe", "qwen2"), ("gemma3n", "gemma3"), ("llama4", "llama")] {
        fs::create_dir_all(home.path(name)).unwrap();
        fs::write(home.path(name).join("config.json"), format!("{{\"model_type\": \"{name}\"}}")).unwrap();
        fs::write(home.path(name).join("model.safetensors"), "").unwrap();
        let ended = home.run(["print", "--model", text(&home.path(name))]);
        let near = format!("nearest that is supported is {nearest};");
        ended.failed(1, &[&format!("model_type is \"{name}\""), &near, "all: bloom, cohere"]);
    }
}

#[test]
fn lists_what_other_programs_keep_and_runs_it() {
    let home = Home::new();
    let gguf = golden("gguf/qwen2/model.gguf");
    let hash = "0123456789abcdef".repeat(4);
    let write = |name: &str, content: &[u8]| {
        let path = home.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    let manifest = format!(
        r#"{{"layers": [{{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:{hash}"}}]}}"#
    );
    let weights = fs::read(gguf).unwrap();
    write(".ollama/models/manifests/a.host/library/tiny/0.5b", manifest.as_bytes());
    write(&format!(".ollama/models/blobs/sha256-{hash}"), &weights);
    write(".lmstudio/models/someone/tiny/tiny.Q8_0.gguf", &weights);
    write("mine/other.gguf", &weights);
    fs::write(home.path("my.toml"), "model-folders = ['~/mine']").unwrap();
    let listed = home.run(["models", "--config", "my.toml"]);
    for (name, place) in [
        ("ollama:tiny:0.5b", "ollama"),
        ("someone/tiny/tiny.Q8_0.gguf", "folder"),
        ("mine/other.gguf", "folder"),
    ] {
        let line = listed.text().lines().find(|line| line.contains(name)).unwrap_or_default();
        assert!(line.contains(place) && line.ends_with("yes"), "{name}: {}", listed.text());
    }
    let rows = |model: &str| {
        let ended = home.run(["print", "--ids", "1,2,3", "--model", model]);
        ended.text().lines().filter(|line| line.contains(" -> ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(rows("ollama:tiny:0.5b"), rows("mine/other.gguf"));
    assert_eq!(rows("mine/other.gguf").len(), 3);
    home.run(["print", "--model", "ollama:none"]).failed(1, &["ollama:none: no such model", "tiny:0.5b"]);
}

#[test]
fn lists_what_is_here_and_what_is_not() {
    let home = Home::new();
    let config = format!("[pairs.mine]\nleft = '{}'\nright = './nowhere'", text(&golden("gpt2-tiny")));
    fs::write(home.path("my.toml"), config).unwrap();
    let ended = home.run(["models", "--config", "my.toml"]);
    let line = |name: &str| {
        let line = ended.text().lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in {}", ended.text())).split_whitespace().collect::<Vec<_>>()
    };
    assert_eq!(line("MODEL"), ["MODEL", "WHERE", "PAIRS", "DISK", "MEMORY", "PROMPT", "FITS"]);
    assert_eq!(line("demo:gpt2 ")[1..3], ["binary", "demo"]);
    assert_eq!(line("demo:gpt-oss").last(), Some(&"yes"));
    // Whether it fits is a question of this machine.
    assert!(["yes", "no"].contains(line("openai/gpt-oss-20b").last().unwrap()));
    assert_eq!(line("openai/gpt-oss-20b")[1..8], ["to", "download", "article", "~13.8", "GB", "~13.8", "GB"]);
    // Nobody has named it; the hub has it.
    assert_eq!(line("openai-community/gpt2-xl")[1..6], ["to", "download", "~6.4", "GB", "~6.4"]);
    assert_eq!(line("distilbert/distilgpt2")[3..5], ["~353.0", "MB"]);
    assert_eq!(line(text(&golden("gpt2-tiny")))[1..3], ["folder", "mine"]);
    assert_eq!(line("./nowhere")[1..4], ["missing", "or", "broken"]);
}
