//! `attnscope verify`, on a small model whose numbers are known as well as the published ones.

use std::fs;
use std::path::Path;

use safetensors::SafeTensors;

use crate::support::numbers::{floats, ids};
use crate::support::program::{Home, golden, text};

/// What transformers computed for the article's prompt, as verify reads it. `off` is added to one value.
fn expected(model: &Path, off: f32) -> String {
    let bytes = fs::read(model.join("expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let input = ids(&file, "case1.input_ids");
    let size = input.len();
    let attention = floats(&file, "case1.attentions");
    let squares = attention.len() / (size * size);
    let mean = |at: usize| attention.iter().skip(at).step_by(size * size).sum::<f32>() / squares as f32;
    let mut rows: Vec<Vec<f32>> =
        (0..size).map(|query| (0..=query).map(|key| mean(query * size + key)).collect()).collect();
    rows[3][1] += off;
    format!(
        "[[models]]
reference = '{}'
download = 'nothing'
[[models.matrices]]
source = 'transformers'
prompt = 'write a story about AI'
ids = {input:?}
view = 'mean'
tolerance = 0.001
rows = {rows:?}
[[models.heads]]
pattern = 'previous'
above = 0.0
heads = ['head:0.0', 'head:2.3']
[[models.continuations]]
source = 'transformers'
input = {input:?}
continues = {:?}
",
        model.display(),
        [likeliest(&floats(&file, "case1.logits_last"))]
    )
}

fn likeliest(logits: &[f32]) -> usize {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0
}

#[test]
fn numbers_that_are_met_pass() {
    let home = Home::new();
    fs::write(home.path("numbers.toml"), expected(&golden("gpt2-tiny"), 0.0)).unwrap();
    let ended = home.run(["verify", "--expected", "numbers.toml"]);
    let lines: Vec<&str> = ended.text().lines().collect();
    assert!(lines[0].ends_with("gpt2-tiny, f32 on cpu"), "{}", lines[0]);
    // Token ids, seven rows, two heads, a continuation.
    assert_eq!(lines.len(), 1 + 1 + 7 + 2 + 1);
    assert!(lines[1..].iter().all(|line| line.starts_with("  pass  ")), "{}", ended.text());
}

#[test]
fn a_number_that_is_off_fails_by_name() {
    let home = Home::new();
    fs::write(home.path("numbers.toml"), expected(&golden("gpt2-tiny"), 0.002)).unwrap();
    let ended = home.run(["verify", "--expected", "numbers.toml"]);
    let failed: Vec<&str> =
        std::str::from_utf8(&ended.stdout).unwrap().lines().filter(|line| line.contains("FAIL")).collect();
    assert_eq!((ended.code, failed.len()), (1, 1), "{}", ended.stderr);
    assert!(failed[0].contains("query 3 \"a\"") && failed[0].contains("0.0020"), "{}", failed[0]);
    assert!(ended.stderr.contains("1 of the published numbers"), "{}", ended.stderr);
}

#[test]
fn a_continuation_may_be_text() {
    let home = Home::new();
    let continuation = "
[[models.continuations]]
source = 'nobody'
input = 'write'
continues = ' nothing at all'
";
    let numbers = expected(&golden("gpt2-tiny"), 0.0) + continuation;
    fs::write(home.path("numbers.toml"), numbers).unwrap();
    let ended = home.run(["verify", "--expected", "numbers.toml"]);
    let last = std::str::from_utf8(&ended.stdout).unwrap().lines().last().unwrap();
    assert!(last.starts_with("  FAIL  \"write\" continues (nobody)"), "{last}");
    assert!(last.ends_with("published \" nothing at all\""), "{last}");
}

#[test]
fn weights_that_are_not_here_are_named_with_their_size() {
    let home = Home::new();
    home.run(["verify"])
        .failed(1, &["openai-community/gpt2 (0.55 GB", "openai/gpt-oss-20b (13.8 GB", "--yes"]);
    home.run(["verify", "--model", "openai/gpt-oss-20b"]).failed(1, &["13.8 GB"]);
    home.run(["verify", "--model", text(&golden("gpt2-tiny"))]).failed(2, &["openai-community/gpt2"]);
}
