//! `attnscope config`, `completions` and `man`.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::program::{Home, text};

#[test]
fn settings_are_shown_with_their_places_and_can_be_pasted() {
    let home = Home::new();
    fs::write(home.path("my.toml"), "pair = 'article'\n[keys]\nmean = ['n']\n").unwrap();
    let arguments = ["config", "--show", "--config", "my.toml", "--threads", "2", "--dtype", "f32"];
    let shown = home.run(arguments).text().to_owned();
    let place = |setting: &str| {
        let line = shown.lines().find(|line| line.starts_with(setting));
        line.unwrap_or_else(|| panic!("no {setting} in {shown}")).rsplit_once("# ").unwrap().1.to_owned()
    };
    assert_eq!(place("pair = \"article\""), "my.toml");
    assert_eq!(place("device = \"cpu\""), "ATTNSCOPE_DEVICE");
    assert_eq!((place("threads = \"2\""), place("dtype = \"f32\"")), ("--threads".into(), "--dtype".into()));
    assert_eq!(place("mouse = true"), "built in");
    assert_eq!(place("mean = [\"n\"]"), "my.toml");
    assert_eq!(place("normalisation = []"), "built in; n is mean's: my.toml");

    fs::write(home.path("pasted.toml"), &shown).unwrap();
    let again = home.run(["config", "--config", "pasted.toml"]).text().to_owned();
    let settings = |shown: &str| {
        shown
            .lines()
            .filter_map(|line| Some(line.split_once(" = ")?.1.split_once("  # ")?.0.trim().to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(settings(&again), settings(&shown));
}

#[test]
fn a_file_to_begin_with_is_written_once() {
    let home = Home::new();
    let path = home.run(["config", "--path"]).text().trim_end().to_owned();
    assert_eq!(path, text(&home.path("config/attnscope/config.toml")));
    assert!(home.run(["config"]).text().contains(&format!("# There is no {path}: attnscope config --init")));

    let ended = home.run(["config", "--init"]);
    assert_eq!((ended.code, ended.stdout.len()), (0, 0));
    assert!(ended.stderr.contains(&path), "{}", ended.stderr);
    assert!(home.run(["config", "--show"]).text().contains("pair = \"demo\""));
    fs::write(&path, "pair = 'article'\n").unwrap();
    home.run(["config", "--init"]).failed(1, &[&path, "there already"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "pair = 'article'\n");
    assert!(home.run(["config", "--show"]).text().contains(&format!("# {path}")));
}

#[test]
fn what_is_wrong_with_a_file_is_told_by_show_and_in_nobodys_way() {
    let home = Home::new();
    fs::write(home.path("my.toml"), "\nthread = 1").unwrap();
    home.run(["config", "--show", "--config", "my.toml"]).failed(1, &["my.toml:2", "threads"]);
    assert_eq!(home.run(["config", "--path", "--config", "my.toml"]).text(), "my.toml\n");
    assert!(home.run(["completions", "bash", "--config", "my.toml"]).text().contains("attnscope"));
}

#[test]
fn completions_know_every_command() {
    let home = Home::new();
    let help = home.run(["--help"]).text().to_owned();
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names: Vec<&str> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() >= 8, "{names:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = home.run(["completions", shell]);
        for name in &names {
            assert!(ended.text().contains(name), "{shell}: {name}");
        }
    }
    home.run(["completions", "csh"]).failed(2, &["csh", "fish"]);
}

#[test]
fn the_manual_page_can_be_read() {
    let page = Home::new().run(["man"]).text().to_owned();
    assert!(page.contains(".TH attnscope"), "{page}");
    let man = Command::new("man")
        .args(["--warnings", "-E", "UTF-8", "-l", "-"])
        .env("MANWIDTH", "100")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    // Not every machine has it.
    let Ok(mut man) = man else { return };
    man.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = man.wait_with_output().unwrap();
    let read = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
    for words in
        ["SYNOPSIS", "--offline", "the layer before", "PgUp", "Ctrl-Z", "ATTNSCOPE_PAIR", "EXIT STATUS"]
    {
        assert!(read.contains(words), "{words} in {read}");
    }
}
