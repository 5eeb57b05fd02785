//! `attnscope models`.

use std::fs;

use crate::support::program::{Home, golden, text};

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
    assert_eq!(line("MODEL"), ["MODEL", "WHERE", "PAIRS", "DISK", "MEMORY", "FITS"]);
    assert_eq!(line("demo:gpt2 ")[1..3], ["binary", "demo"]);
    assert_eq!(line("demo:gpt-oss").last(), Some(&"yes"));
    assert_eq!(line("openai/gpt-oss-20b")[1..], ["to", "download", "article", "?", "?", "?"]);
    assert_eq!(line(text(&golden("gpt2-tiny")))[1..3], ["folder", "mine"]);
    assert_eq!(line("./nowhere")[1..4], ["missing", "or", "broken"]);
}
