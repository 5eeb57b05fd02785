//! Runs over many prompts that are killed midway, and gone on with.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::patience::patience;
use crate::support::program::{Home, golden, text};

/// Prompts, so many that a run takes long enough to be killed.
const PROMPTS: usize = 300;

fn write_prompts(path: &Path) {
    let words = ["story", "cat", "dog", "end", "time"];
    let prompt = |at: usize| {
        let words = (0..12).map(|word| words[(at + word * (1 + at % 3)) % words.len()]);
        format!("{at} {}\n", words.collect::<Vec<_>>().join(" "))
    };
    std::fs::write(path, (0..PROMPTS).map(prompt).collect::<String>()).unwrap();
}

/// Kills a run as soon as some of its work is done, with a signal that it can't hear.
fn kill_when(mut run: Child, is_midway: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_midway() {
        assert!(start.elapsed() < patience(), "it never comes that far");
        assert!(run.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    run.kill().unwrap();
    assert!(!run.wait().unwrap().success(), "it was done before");
}

/// How many passes a log tells of.
fn passes(log: &Path) -> usize {
    std::fs::read_to_string(log).unwrap().lines().filter(|line| line.contains(" ran ")).count()
}

#[test]
fn results_that_were_cut_off_by_a_kill_end_as_if_nothing_had_happened() {
    let home = Home::new();
    let prompts = home.path("prompts.txt");
    write_prompts(&prompts);
    let model = golden("gpt2-tiny");
    let [whole, killed, log] = ["whole.jsonl", "killed.jsonl", "log"].map(|name| home.path(name));
    let asked = |results: &Path| {
        let command =
            ["heads", "--model", text(&model), "--prompts", text(&prompts), "--results", text(results)];
        command.map(ToOwned::to_owned)
    };
    let uninterrupted = home.run(asked(&whole).iter().map(String::as_str));
    let mut command = home.command(asked(&killed).iter().map(String::as_str));
    let lines = || std::fs::read(&killed).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
    kill_when(command.stdout(Stdio::null()).spawn().unwrap(), || lines() > 3);
    let done = lines() - 1;
    assert!(done < PROMPTS, "{done} of {PROMPTS} were done");
    let logged = ["--log".to_owned(), text(&log).to_owned()];
    let again = home.run(asked(&killed).iter().chain(&logged).map(String::as_str));
    assert_eq!(again.text(), uninterrupted.text());
    assert_eq!(passes(&log), PROMPTS - done, "nothing runs twice");
    assert_eq!(std::fs::read(&killed).unwrap(), std::fs::read(&whole).unwrap());
}

#[test]
fn an_archive_that_a_kill_kept_from_being_made_is_gone_on_with() {
    let home = Home::new();
    let prompts = home.path("prompts.txt");
    write_prompts(&prompts);
    let model = golden("gpt2-tiny");
    let [whole, killed, log] = ["whole.npz", "killed.npz", "log"].map(|name| home.path(name));
    let asked = |out: &Path| {
        let command =
            ["export", "--model", text(&model), "--prompts", text(&prompts), "--format", "npz", "--out"];
        command.into_iter().chain([text(out)]).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(home.run(asked(&whole).iter().map(String::as_str)).text(), "");
    let folder = home.path("killed.npz.partial");
    // What is being written has another name.
    let is_done = |name: &str| name.ends_with(".npz") && !name.starts_with('.');
    let files = || {
        let names = std::fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().file_name());
        names.filter(|name| is_done(name.to_str().unwrap())).count()
    };
    let run = home.command(asked(&killed).iter().map(String::as_str)).spawn().unwrap();
    kill_when(run, || files() > 2);
    let done = files();
    assert!(done < PROMPTS && !killed.exists(), "{done} of {PROMPTS} were done");
    let logged = ["--log".to_owned(), text(&log).to_owned()];
    let again = home.run(asked(&killed).iter().chain(&logged).map(String::as_str));
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains(&format!("{done} of {PROMPTS} prompts are in ")), "{}", again.stderr);
    assert_eq!(passes(&log), PROMPTS - done, "nothing runs twice");
    assert_eq!(std::fs::read(&killed).unwrap(), std::fs::read(&whole).unwrap());
    assert!(!folder.exists());
}

/// Other flags, or a file of somebody else's: nothing of it is taken for what is asked.
#[test]
fn what_was_done_for_something_else_is_not_taken() {
    let home = Home::new();
    let [prompts, out, other] = ["prompts.txt", "a.npz", "b.npz"].map(|name| home.path(name));
    std::fs::write(&prompts, "write a story\nthe end of it\n").unwrap();
    let model = golden("gpt2-tiny");
    let export = ["export", "--model", text(&model), "--format", "npz", "--out"];
    let many = |out: &Path, more: &[&str]| {
        let command = export.into_iter().chain([text(out), "--prompts", text(&prompts)]);
        home.run(command.chain(more.iter().copied()))
    };
    let folder = home.path("a.npz.partial");
    std::fs::create_dir(&folder).unwrap();
    let one = folder.join("0.npz");
    let single = export.into_iter().chain([text(&one), "--prompt", "write a story"]);
    assert_eq!(home.run(single).text(), "");
    std::fs::write(folder.join("1.npz"), "PK\x03\x04").unwrap();
    std::fs::write(folder.join("notes"), "mine").unwrap();
    let another_view = many(&out, &["--view", "layer:1"]);
    assert!(another_view.stderr.contains("a.npz.partial still holds prompts"), "{}", another_view.stderr);
    assert_eq!(many(&other, &["--view", "layer:1"]).text(), "");
    assert_eq!(std::fs::read(&out).unwrap(), std::fs::read(&other).unwrap());
    assert!(folder.join("notes").exists(), "what is not ours stays");
    assert!(one.exists(), "nor does it go with what was done for another view");
    let again = many(&out, &[]);
    assert!(again.stderr.contains("1 of 2 prompts are in "), "{}", again.stderr);
    assert_eq!(many(&other, &[]).text(), "");
    assert_eq!(std::fs::read(&out).unwrap(), std::fs::read(&other).unwrap());
    assert!(!one.exists(), "what is in the archive needs no file of its own");
}
