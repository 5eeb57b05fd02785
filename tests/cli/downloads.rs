//! Models from a hub: what is said before they are downloaded, and who must agree.

use std::fs;
use std::io::{Read as _, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::support::hub::{HubFault, Repository, TestHub};
use crate::support::patience::patience;
use crate::support::program::{Ended, Home, golden};

const GIGABYTES: u64 = 5_000_000_000;

/// A hub with one small model, which claims to be larger if it must.
fn hub(claimed_size: Option<u64>) -> TestHub {
    let files = ["config.json", "tokenizer.json", "model.safetensors"];
    let read = |file: &str| (file.to_owned(), fs::read(golden("gpt2-tiny").join(file)).unwrap());
    TestHub::start(Repository {
        name: "org/tiny",
        revisions: vec!["main"],
        files: files.into_iter().map(read).collect(),
        claimed_size,
        ..Repository::default()
    })
}

fn run(home: &Home, hub: &TestHub, arguments: &[&str]) -> Ended {
    let mut command = home.command(arguments.iter().copied());
    command.env_remove("HF_HUB_OFFLINE").env("HF_ENDPOINT", &hub.endpoint).output().unwrap().into()
}

#[test]
fn a_small_model_is_announced_once_and_then_at_hand() {
    let (home, hub) = (Home::new(), hub(None));
    let print = ["print", "--model", "org/tiny", "--prompt", "write a story about AI"];
    let first = run(&home, &hub, &print);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(
        first.stderr.starts_with("org/tiny: ") && first.stderr.contains(" to download to "),
        "{}",
        first.stderr
    );
    assert!(first.stderr.contains("memory"), "{}", first.stderr);
    let expected = include_str!("../expected/print-gpt2-tiny.txt");
    assert_eq!(String::from_utf8(first.stdout).unwrap(), expected);
    assert_eq!(home.run(print).text(), expected, "without a network");
    let models = home.run(["models"]);
    let line = models.text().lines().find(|line| line.starts_with("org/tiny")).unwrap().to_owned();
    assert!(line.contains("cache") && line.ends_with("yes"), "{line}");
}

#[test]
fn a_gguf_file_of_a_repository_is_named_behind_a_colon() {
    let home = Home::new();
    let file = golden("gguf/qwen2/model.gguf");
    let hub = TestHub::start(Repository {
        name: "org/tiny-GGUF",
        revisions: vec!["main"],
        files: [("tiny.Q8_0.gguf".to_owned(), fs::read(&file).unwrap())].into(),
        ..Repository::default()
    });
    let rows = |ended: &Ended| {
        let lines = str::from_utf8(&ended.stdout).unwrap().lines();
        lines.filter(|line| line.contains(" -> ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let print = |model| ["print", "--ids", "1,2,5", "--model", model];
    let unnamed = run(&home, &hub, &print("org/tiny-GGUF"));
    unnamed.failed(1, &["it holds GGUF models: name one of them, as org/tiny-GGUF:tiny.Q8_0.gguf"]);
    let name = "org/tiny-GGUF:tiny.Q8_0.gguf";
    let fetched = run(&home, &hub, &print(name));
    assert!(
        fetched.stderr.starts_with(name) && fetched.stderr.contains(" to download to "),
        "{}",
        fetched.stderr
    );
    let expected = rows(&home.run(print(file.to_str().unwrap())));
    assert_eq!((rows(&fetched), expected.len()), (expected.clone(), 3));
    assert_eq!(rows(&home.run(print(name))), expected, "without a network");
    let models = home.run(["models"]);
    let line = models.text().lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line.contains("cache") && line.ends_with("yes"), "{}", models.text());
    let rounded = format!("{name}~q4_0");
    assert_eq!(rows(&home.run(print(&rounded))).len(), 3);
    home.run(["print", "--model", &format!("demo:gpt2+{name}")]).failed(1, &["is no adapter"]);
}

#[test]
fn gigabytes_need_a_yes_where_nobody_can_be_asked() {
    let (home, hub) = (Home::new(), hub(Some(GIGABYTES)));
    let ended = run(&home, &hub, &["print", "--model", "org/tiny"]);
    ended.failed(1, &["org/tiny: 5.0 GB to download", "free", "memory", "--yes"]);
}

#[test]
fn a_hub_that_cannot_say_how_large_a_model_is_gets_no_second_chance_to_send_it() {
    for fault in [
        HubFault::RefusesOnce(400, "x: y"),
        HubFault::Refuses(500, "retry-after: 1000"),
        HubFault::Says("x-linked-size", "99999999999999999999"),
    ] {
        let (home, hub) = (Home::new(), hub(Some(GIGABYTES)));
        hub.hub_fault(fault);
        run(&home, &hub, &["print", "--model", "org/tiny"]).failed(1, &["org/tiny"]);
        assert!(hub.asked().iter().all(|asked| !asked.large));
    }
}

#[test]
fn a_viewer_asks_a_hub_that_is_down_once_and_downloads_nothing_large_later() {
    let (home, hub) = (Home::new(), hub(Some(GIGABYTES)));
    hub.hub_fault(HubFault::RefusesOnce(400, "x: y"));
    let out = home.path("x.svg");
    let arguments = ["screenshot", "--left", "org/tiny", "--right", "demo:gpt2", "--out"];
    run(&home, &hub, &[&arguments[..], &[out.to_str().unwrap()]].concat());
    assert_eq!(hub.asked().len(), 1);
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_a_wait_for_a_silent_hub_at_once() {
    use rustix::process::{Pid, Signal, kill_process};

    let (home, hub) = (Home::new(), hub(None));
    hub.hub_fault(HubFault::Silent);
    let mut command = home.command(["print", "--model", "org/tiny"]);
    command.env_remove("HF_HUB_OFFLINE").env("HF_ENDPOINT", &hub.endpoint);
    command.env("HF_HUB_DOWNLOAD_TIMEOUT", "600").stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let begun = std::time::Instant::now();
    while hub.asked().is_empty() {
        assert!(begun.elapsed() < patience(), "the hub was never asked");
        thread::sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert_eq!(ended.stderr, "attnscope: interrupted\n");
    assert!(begun.elapsed() < patience(), "{:?}", begun.elapsed());
}

#[test]
fn somebody_at_a_terminal_is_asked_and_may_say_no() {
    let (home, hub) = (Home::new(), hub(Some(GIGABYTES)));
    let pty = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_attnscope"));
    command.args(["print", "--model", "org/tiny"]);
    command.env_remove("HF_HUB_OFFLINE");
    for (name, value) in [("HF_HOME", home.path("hub")), ("XDG_CONFIG_HOME", home.path("config"))] {
        command.env(name, value);
    }
    command.env("HF_ENDPOINT", &hub.endpoint);
    let mut child = pty.slave.spawn_command(command).unwrap();
    let mut output = pty.master.try_clone_reader().unwrap();
    let (sender, pieces) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            let _ = sender.send(String::from_utf8_lossy(&bytes[..count]).into_owned());
        }
    });
    let mut screen = String::new();
    let mut read_until = |wanted: &str| {
        while !screen.contains(wanted) {
            let piece = pieces.recv_timeout(patience());
            screen += &piece.unwrap_or_else(|_| panic!("no {wanted:?} in {screen:?}"));
        }
        screen.clone()
    };
    let question = read_until("Download it? [y/N]");
    assert!(question.contains("5.0 GB to download"), "{question}");
    writeln!(pty.master.take_writer().unwrap(), "n").unwrap();
    read_until("org/tiny: not downloaded");
    assert_eq!(child.wait().unwrap().exit_code(), 1);
    // Only now: what a terminal still holds when its last program leaves can get lost.
    drop(pty.slave);
}

#[test]
fn a_disk_that_is_too_small_is_told_of_before() {
    let (home, hub) = (Home::new(), hub(Some(u64::MAX / 2)));
    let ended = run(&home, &hub, &["print", "--model", "org/tiny", "--yes"]);
    ended.failed(1, &["make room", "HF_HOME"]);
}
