//! What becomes of files that commands write: whole or not there, and nobody else's touched.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::patience::patience;
use crate::support::program::{Ended, Home};

fn export(home: &Home, out: &str) -> Ended {
    home.run(["export", "--model", "demo:gpt2", "--ids", "1", "--format", "csv", "--out", out])
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode() {
    let home = Home::new();
    let path = home.path("a.csv");
    for mode in [0o600, 0o664] {
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(export(&home, "a.csv").text(), "");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
        assert!(fs::read_to_string(&path).unwrap().starts_with("# {"));
    }
}

#[test]
fn what_must_stay_stays_and_is_named() {
    let home = Home::new();
    fs::write(home.path("mine"), "old").unwrap();
    fs::set_permissions(home.path("mine"), Permissions::from_mode(0o444)).unwrap();
    symlink("mine", home.path("link")).unwrap();
    symlink("nowhere", home.path("broken")).unwrap();
    fs::create_dir(home.path("folder")).unwrap();
    for (out, words) in [
        ("mine", "mine: is read-only, and stays as it is"),
        ("link", "link: is read-only, and stays as it is"),
        ("broken", "broken: is a link to nothing, and stays as it is"),
        ("folder", "folder: is a folder: name a file in it"),
        ("new/", "'new/': a file needs a name"),
        ("mine/a", "mine: there is no such folder"),
    ] {
        export(&home, out).failed(1, &[words]);
        // Every command that writes a file.
        home.run(["screenshot", "--out", out]).failed(1, &[words]);
        home.run(["compare", "--report", out]).failed(1, &[words]);
    }
    for (out, words) in [("folder", "is a folder"), ("new/", "needs a name"), ("nowhere/a", "no such folder")]
    {
        home.run(["export", "--format", "csv", "--out", out]).failed(1, &[words]);
    }
    assert_eq!(fs::read_to_string(home.path("mine")).unwrap(), "old");
    assert!(home.path("broken").is_symlink() && !home.path("nowhere").exists());
    assert_eq!(fs::read_dir(home.folder.path()).unwrap().count(), 4);
}

#[test]
fn a_full_disk_is_named_with_its_file() {
    let full = std::path::Path::new("/dev/full");
    if full.exists() {
        export(&Home::new(), "/dev/full")
            .failed(1, &["/dev/full: No space left on device: choose another place"]);
    }
}

/// An export that takes long, and has begun to write.
fn long_export(home: &Home) -> Child {
    let ids = vec!["5"; 1000].join(",");
    let line = "export --model demo:gpt-oss --view all --format csv --out a.csv --ids";
    let mut command = home.command(line.split(' ').chain([ids.as_str()]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_more(home, 0);
    child
}

/// Waits until more than so many bytes are written, and says how many.
fn wait_for_more(home: &Home, bytes: u64) -> u64 {
    let start = Instant::now();
    loop {
        let written: u64 = fs::read_dir(home.folder.path())
            .unwrap()
            .filter_map(|file| Some(file.ok()?.metadata().ok()?.len()))
            .sum();
        if written > bytes {
            return written;
        }
        assert!(start.elapsed() < patience(), "nothing more is written");
        sleep(Duration::from_millis(5));
    }
}

fn files(home: &Home) -> usize {
    fs::read_dir(home.folder.path()).unwrap().count()
}

fn kill(child: &Child, signal: &str) {
    Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
}

/// However a command is told to end, it leaves no file behind that is half written.
#[test]
fn signals_leave_no_half_written_file() {
    for (signal, code) in [("TERM", 143), ("HUP", 129), ("QUIT", 131), ("INT", 130)] {
        let home = Home::new();
        let child = long_export(&home);
        wait_for_more(&home, 1 << 20);
        kill(&child, signal);
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(ended.code, code, "{signal}: {}", ended.stderr);
        assert_eq!(files(&home), 0, "{signal} left something");
        if signal == "INT" {
            assert_eq!(ended.stderr, "attnscope: interrupted\n");
        }
    }
}

/// As `nohup` has it.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let home = Home::new();
    let ids = vec!["5"; 1000].join(",");
    let command = home.command([]);
    let line = r#"trap "" HUP; exec "$0" export --model demo:gpt-oss --view all --format csv --out a.csv --ids "$1""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).arg(command.get_program()).arg(ids).current_dir(home.folder.path());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    let mut child = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let before = wait_for_more(&home, 0);
    kill(&child, "HUP");
    wait_for_more(&home, before + (1 << 20));
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    kill(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert_eq!(files(&home), 0);
}

/// Each command, of whose output somebody reads a byte and no more.
#[test]
fn no_command_minds_a_reader_that_leaves() {
    let home = Home::new();
    let program = home.command([]).get_program().to_str().unwrap().to_owned();
    for line in [
        "--help",
        "print",
        "heads",
        "lens",
        "models",
        "man",
        "completions bash",
        "config --show",
        "compare --json",
        "ablate --heads 0.0",
        "export --format svg --out -",
        "bench --lengths 3 --repeats 1 --json",
    ] {
        let mut shell = Command::new("sh");
        let script = format!("{{ \"{program}\" {line}; echo $? >code; }} | head -c 1 >/dev/null");
        shell.args(["-c", &script]).current_dir(home.folder.path()).stdin(Stdio::null());
        for (name, value) in home.command([]).get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        let output = shell.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
        assert_eq!(fs::read_to_string(home.path("code")).unwrap(), "0\n", "{line}");
    }
    // Nobody hears of a failure where standard error is closed, too; it is one all the same.
    let script = format!("\"{program}\" print --model ./nowhere 2>&- ; echo $?");
    let output = Command::new("sh").args(["-c", &script]).current_dir(home.folder.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n");
}
