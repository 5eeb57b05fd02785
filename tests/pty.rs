//! The real program in a terminal of its own: what it shows, what keys do, and how it leaves.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::thread;
use std::time::Duration;

use support::hub::{Fault, Repository, TestHub};
use support::terminal::{BINARY, Terminal};

#[path = "support"]
mod support {
    #[expect(dead_code, reason = "tests/hub.rs makes it misbehave")]
    pub mod hub;
    pub mod patience;
    pub mod terminal;
}

/// Backgrounds on screen that are no terminal's own.
fn colours(screen: &vt100::Screen) -> usize {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let cells = (0..rows).flat_map(|row| (0..columns).filter_map(move |column| screen.cell(row, column)));
    cells.filter(|cell| matches!(cell.bgcolor(), vt100::Color::Rgb(..))).count()
}

#[test]
fn a_first_visit() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for("attnscope");
    terminal.wait_for_both();
    terminal.wait_for("mean of all layers and heads");
    terminal.wait_until("a heatmap on both sides", |screen| colours(screen) > 200);
    assert!(terminal.screen.lock().unwrap().screen().alternate_screen());

    terminal.keys("i");
    terminal.wait_for("type replaces it");
    terminal.keys("the quick cat sat!");
    terminal.wait_for("❯ the quick cat sat!");
    terminal.keys("\r");
    terminal.wait_for_times("! → ", 2);
    terminal.wait_for_both();

    terminal.keys("\r");
    terminal.wait_for("layer 0, mean of its heads");
    terminal.keys("\r");
    terminal.wait_for("layer 0, head 0");
    terminal.wait_for_times("layer 0 · head 0", 2);
    terminal.keys("]}");
    terminal.wait_for_times("layer 1 · head 1", 2);
    terminal.wait_for_both();

    terminal.resize(24, 80);
    terminal.wait_until("the smaller screen is filled", |screen| screen.contents().lines().count() == 24);
    terminal.wait_for_times("layer 1 · head 1", 2);

    terminal.keys("?");
    terminal.wait_for("keys");
    terminal.keys("q");
    terminal.wait_until("the help is closed", |screen| !screen.contents().contains("↓ more"));
    terminal.quit();
}

#[test]
fn a_prompt_of_an_earlier_run_comes_back() {
    let state = tempfile::tempdir().unwrap();
    let environment = [("XDG_STATE_HOME", state.path().to_str().unwrap())];
    let mut terminal = Terminal::viewer(&environment);
    terminal.wait_for_both();
    terminal.keys("ithe quick cat sat!\r");
    terminal.wait_for_times("! → ", 2);
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);

    let mut terminal = Terminal::viewer(&environment);
    terminal.wait_for_both();
    terminal.keys("ia draft\x1b[A");
    terminal.wait_for("❯ write a story");
    terminal.keys("\x1b[A");
    terminal.wait_for("❯ the quick cat sat!");
    terminal.keys("\x1b[B\x1b[B");
    terminal.wait_for("❯ a draft");
    terminal.keys("\x1b[A\x1b[A\r");
    terminal.wait_for_times("! → ", 2);
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn prompts_run_as_they_are_typed() {
    let state = tempfile::tempdir().unwrap();
    let environment = [("XDG_STATE_HOME", state.path().to_str().unwrap())];
    let mut terminal = Terminal::viewer(&environment);
    terminal.wait_for_both();
    terminal.keys("i\x14");
    terminal.wait_for("live ❯ write a story");
    terminal.keys("\x15");
    terminal.wait_for_times("the prompt is empty", 2);
    terminal.keys("the cat?");
    terminal.wait_for_times("? → ", 2);
    terminal.keys("\x7f\x1b\rand!");
    terminal.wait_for("❯ the cat⏎");
    terminal.wait_for("and!");
    terminal.wait_for_times("! → ", 2);
    terminal.wait_for_times("\\n", 2);
    terminal.keys("\x1b");
    terminal.wait_for("i prompt");
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
    let history = std::fs::read_to_string(state.path().join("attnscope/history")).unwrap();
    assert_eq!(history, "\"the cat\\nand!\"\n", "what ran on the way there is not kept");
}

#[test]
fn two_prompts_of_one_model_stand_side_by_side() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys("p");
    terminal.wait_for("demo:gpt2  pinned: write a story about AI");
    terminal.wait_for("demo:gpt-oss is behind this: p unpins");
    terminal.keys("iwrite a long story about AI\r");
    terminal.wait_for("❯ write a long story about AI");
    terminal.wait_until("each prompt has its words", |screen| {
        screen.contents().contains("long ") && !screen.contents().contains("running")
    });
    assert!(terminal.text().contains("pinned: write a story about AI"));
    terminal.keys("\r\r");
    terminal.wait_for_times("layer 0 · head 0", 2);
    terminal.keys("p");
    terminal.wait_for("○ demo:gpt-oss");
    terminal.wait_for_both();
    terminal.wait_until("nothing is pinned", |screen| !screen.contents().contains("pinned"));
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_head_is_chosen_from_the_grid_and_a_row_of_it_copied() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys("g");
    terminal.wait_for("all heads of a model");
    terminal.keys("\x1b[C\x1b[B\r");
    terminal.wait_for_times("layer 1 · head 1", 2);
    terminal.keys("ny");
    terminal.wait_for("row sent to the terminal's clipboard");
    terminal.wait_for("n renormalised");
    // The first two words of the row's heading, "key" and "AI".
    let copied = terminal.screen.lock().unwrap().callbacks().0.clone();
    assert!(copied.starts_with("a2V5CUFJ"), "{copied}");
    terminal.keys("Y");
    terminal.wait_for("matrix sent to the terminal's clipboard");
    // "query", a tab, and the first token.
    let copied = terminal.screen.lock().unwrap().callbacks().0.clone();
    assert!(copied.starts_with("cXVlcnkJd3JpdGUJ"), "{copied}");
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_command_is_found_by_a_few_letters() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys(":");
    terminal.wait_for("commands");
    terminal.keys("nxlay");
    terminal.wait_for("▸ next-layer");
    terminal.wait_until("the screen's cursor is where one types", |screen| !screen.hide_cursor());
    terminal.keys("\r");
    terminal.wait_for("layer 0, mean of its heads");
    terminal.keys(":head-grid\r");
    terminal.wait_for("all heads of a model");
    terminal.keys(":quit\r");
    assert_eq!(terminal.wait_for_end(), 0);
    terminal.assert_restored();
}

#[test]
fn one_side_is_swapped_from_the_list_and_by_a_folder() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys("M");
    terminal.wait_for("model for the left pane");
    terminal.wait_for("free on ");
    terminal.keys("oss");
    terminal.wait_for("▸ demo:gpt-oss");
    terminal.keys("\r");
    terminal.wait_for("● demo:gpt-oss");
    terminal.wait_for("○ demo:gpt-oss");
    terminal.wait_until("both have sinks", |screen| screen.contents().matches(" + sink 0.").count() == 2);

    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/gpt2-tiny");
    terminal.keys("\tM");
    terminal.wait_for("model for the right pane");
    terminal.keys("./nowhere\r");
    terminal.wait_for("no such folder");
    terminal.keys("\x1b");
    terminal.wait_for("❯ ./nowhere");
    terminal.keys(&format!("\x15{folder}\r"));
    terminal.wait_for("row 1.000, sink –");
    terminal.wait_for("○ demo:gpt-oss");
    terminal.quit();
}

/// A hub with one small model, which claims to be larger if it must.
fn small_hub(claimed_size: Option<u64>) -> TestHub {
    let read = |file: &str| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/gpt2-tiny");
        (file.to_owned(), std::fs::read(std::path::Path::new(path).join(file)).unwrap())
    };
    TestHub::start(Repository {
        name: "org/tiny",
        revisions: vec!["main"],
        files: ["config.json", "tokenizer.json", "model.safetensors"].map(read).into(),
        claimed_size,
        ..Repository::default()
    })
}

#[test]
fn a_download_beside_the_picture_can_be_stopped() {
    let (hub, cache) = (small_hub(None), tempfile::tempdir().unwrap());
    // However slow the machine is, it is not over when it is stopped.
    hub.fault(Fault::StallOnce(50_000));
    let environment = [
        ("HF_ENDPOINT", hub.endpoint.as_str()),
        ("HF_HOME", cache.path().to_str().unwrap()),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "600"),
    ];
    let mut terminal = Terminal::viewer(&environment);
    terminal.wait_for_both();
    terminal.keys("Morg/tiny\r");
    terminal.wait_for("loading org/tiny, ");
    terminal.wait_until("a heatmap on both sides", |screen| colours(screen) > 200);
    terminal.keys("\x18");
    terminal.wait_for("demo:gpt2 stays");
    hub.behave();
    terminal.keys("Morg/tiny\r");
    terminal.wait_for("● org/tiny");
    terminal.wait_for_both();
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn gigabytes_are_asked_about_before_they_are_downloaded() {
    let hub = small_hub(Some(5_000_000_000));
    let cache = tempfile::tempdir().unwrap();
    let environment = [("HF_ENDPOINT", hub.endpoint.as_str()), ("HF_HOME", cache.path().to_str().unwrap())];
    let mut terminal = Terminal::viewer(&environment);
    terminal.wait_for_both();
    terminal.keys("Morg/tiny\r");
    terminal.wait_for("y downloads it");
    terminal.wait_for("5.0 GB to download");
    terminal.keys("\r");
    terminal.keys("n");
    terminal.wait_for("❯ org/tiny");
    terminal.keys("\x1b");
    terminal.wait_for("● demo:gpt2");
    terminal.wait_until("the picker is closed", |screen| !screen.contents().contains("pane ─"));
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn it_can_be_left_while_models_load() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for("attnscope");
    terminal.keys("\x03");
    assert_eq!(terminal.wait_for_end(), 0);
    terminal.assert_restored();
}

#[test]
#[ignore = "a panic in a terminal of its own: the test below starts it"]
fn panics_in_the_viewer() {
    let look = attnscope::terminal::Look::new(None, None).unwrap();
    let (mut session, _reports) =
        attnscope::terminal::Session::start(&look, true, &std::sync::OnceLock::new(), |_| false).unwrap();
    session.draw(|_| panic!("on purpose")).unwrap();
}

#[test]
fn a_panic_restores_the_terminal_and_is_told() {
    let this = std::env::current_exe().unwrap();
    let arguments = ["panics_in_the_viewer", "--exact", "--ignored", "--nocapture"];
    let mut terminal = Terminal::new(this.to_str().unwrap(), &arguments, &[]);
    terminal.wait_for("on purpose");
    terminal.wait_for_end();
    terminal.assert_restored();
}

#[test]
fn ctrl_z_gives_the_shell_back_and_fg_returns() {
    let mut terminal = Terminal::new("/bin/sh", &["-i"], &[("PS1", "shell> ")]);
    terminal.wait_for("shell> ");
    terminal.keys(&format!("{BINARY}\n"));
    terminal.wait_for_both();
    terminal.keys("\x1a");
    terminal.wait_until("the shell is back", |screen| {
        !screen.alternate_screen() && screen.contents().matches("shell> ").count() >= 2
    });
    terminal.keys("echo $((20 + 3))\n");
    terminal.wait_for("23");
    terminal.keys("fg\n");
    terminal.wait_until("the viewer is back", |screen| screen.alternate_screen());
    terminal.wait_for_both();
    terminal.keys("\r");
    terminal.wait_for("layer 0, mean of its heads");
    terminal.keys("q");
    // Typed before its prompt, it may still go to the viewer.
    terminal.wait_until("the shell is back", |screen| {
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && screen.contents().trim_end().ends_with("shell>")
    });
    terminal.keys("exit\n");
    terminal.wait_for_end();
}

#[test]
fn a_stop_from_outside_gives_the_shell_back_as_ctrl_z_does() {
    let mut terminal = Terminal::new("/bin/sh", &["-i"], &[("PS1", "shell> ")]);
    terminal.wait_for("shell> ");
    let file = tempfile::NamedTempFile::new().unwrap();
    terminal.keys(&format!("/bin/sh -c 'echo $$ > {}; exec {BINARY}'\n", file.path().display()));
    terminal.wait_for_both();
    let pid = std::fs::read_to_string(file.path()).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    for _ in 0..2 {
        rustix::process::kill_process(pid, rustix::process::Signal::TSTP).unwrap();
        // Typed before its prompt, it may still go to the viewer.
        terminal.wait_until("the shell is back", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && screen.contents().trim_end().ends_with("shell>")
        });
        terminal.keys("echo $((20 + 3)); fg\n");
        terminal.wait_until("the viewer is back", |screen| screen.alternate_screen());
        terminal.wait_for_both();
        assert!(!terminal.text().contains("shell> "), "{}", terminal.text());
    }
    terminal.keys("q");
    terminal.wait_until("the shell is back", |screen| {
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && screen.contents().trim_end().ends_with("shell>")
    });
    terminal.wait_for("23");
    terminal.keys("exit\n");
    terminal.wait_for_end();
}

/// A program in the place of an editor.
fn editor(script: &str) -> (tempfile::TempDir, String) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("editor");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let name = path.to_str().unwrap().to_owned();
    (folder, name)
}

#[test]
fn another_program_edits_the_prompt_and_has_the_terminal_for_itself() {
    let (_folder, name) = editor(
        "trap '' INT; printf 'was: '; cat \"$2\"; printf '\\neditor here\\n'; read typed; \
         printf 'the quick cat\\nsat %s!\\n' \"$typed\" > \"$2\"",
    );
    let mut terminal = Terminal::viewer(&[("VISUAL", &format!("{name} --flag"))]);
    terminal.wait_for_both();
    terminal.keys("E");
    terminal.wait_for("editor here");
    assert!(terminal.text().contains("was: write a story about AI"), "{}", terminal.text());
    assert!(!terminal.screen.lock().unwrap().screen().alternate_screen());
    // Ctrl-C is the editor's, and so is every other key.
    terminal.keys("\x03");
    thread::sleep(Duration::from_millis(300));
    terminal.keys("qq still\n");
    terminal.wait_until("the viewer is back", |screen| screen.alternate_screen());
    terminal.wait_for("the quick cat");
    terminal.wait_for("still!");
    terminal.keys("\r");
    terminal.wait_for_times("! → ", 2);
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn an_editor_that_fails_or_is_stopped_takes_nothing_away() {
    let mut terminal = Terminal::viewer(&[("EDITOR", "/no/such/editor")]);
    terminal.wait_for_both();
    terminal.keys("E");
    terminal.wait_for("/no/such/editor was not found");
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);

    let (_folder, name) = editor("echo editor here; kill -TSTP 0; printf 'went on' > \"$1\"");
    let mut terminal = Terminal::new("/bin/sh", &["-i"], &[("PS1", "shell> "), ("EDITOR", &name)]);
    terminal.wait_for("shell> ");
    terminal.keys(&format!("{BINARY}\n"));
    terminal.wait_for_both();
    terminal.keys("E");
    terminal.wait_until("the shell is back", |screen| {
        let text = screen.contents();
        !screen.alternate_screen() && text.contains("editor here") && text.trim_end().ends_with("shell>")
    });
    terminal.keys("fg\n");
    terminal.wait_until("the viewer is back", |screen| screen.alternate_screen());
    terminal.wait_for("went on");
    terminal.keys("\x03");
    // Typed before its prompt, it may still go to the viewer.
    terminal.wait_until("the shell is back", |screen| {
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && screen.contents().trim_end().ends_with("shell>")
    });
    terminal.keys("exit\n");
    terminal.wait_for_end();
}

#[test]
fn the_file_of_the_prompt_is_read_again() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "the quick cat sat!").unwrap();
    let mut terminal = Terminal::new(BINARY, &["--prompt-file", file.path().to_str().unwrap()], &[]);
    terminal.wait_for_times("! → ", 2);
    std::fs::write(file.path(), "the slow cat sat?").unwrap();
    terminal.keys("\x12");
    terminal.wait_for_times("? → ", 2);
    terminal.keys("\x12");
    terminal.wait_for("the file is as it was");
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn what_others_wrote_on_the_screen_is_drawn_over() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    // On the second key there is no shell to go back to: the viewer leaves and returns.
    for key in ["\x0c", "\x1a"] {
        terminal.screen.lock().unwrap().process(b"\x1b[12;30Hwall: the system goes down\x1b[2;2H\x1b[?25h");
        terminal.wait_for("wall: ");
        terminal.keys(key);
        terminal.wait_until("it is gone", |screen| {
            screen.alternate_screen() && screen.hide_cursor() && !screen.contents().contains("wall: ")
        });
        terminal.wait_for_both();
    }
    terminal.keys("\r");
    terminal.wait_for("layer 0, mean of its heads");
    terminal.quit();
}

#[test]
fn what_is_on_screen_goes_to_a_file_that_is_not_overwritten() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys("\re");
    terminal.wait_for("demo-gpt2-layer-0.csv");
    terminal.keys("\r");
    terminal.wait_for("wrote /");
    let file = terminal.home.path().join("demo-gpt2-layer-0.csv");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("# {") && written.contains("\"view\":\"layer:0\""), "{written}");
    assert!(written.contains("write a story about AI"), "{written}");

    std::fs::write(&file, "mine").unwrap();
    terminal.keys("e\r");
    terminal.wait_for("there is a file of that name");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    terminal.keys("\r");
    // What was said of the first file is still on screen.
    let is_closed = |screen: &vt100::Screen| !screen.contents().contains(" to a file ");
    terminal.wait_until("it is written again", |screen| {
        is_closed(screen) && std::fs::read_to_string(&file).unwrap() == written
    });

    terminal.keys(&format!("e{}", "\x1b[B".repeat(9)));
    terminal.wait_for("demo-gpt2-and-demo-gpt-oss.png");
    terminal.keys("\r");
    let figure = terminal.home.path().join("demo-gpt2-and-demo-gpt-oss.png");
    terminal.wait_until("the figure is there", |screen| is_closed(screen) && figure.exists());
    let figure = std::fs::read(figure).unwrap();
    assert!(figure.starts_with(b"\x89PNG") && figure.windows(6).any(|bytes| bytes == b"recipe"));

    terminal.keys(&format!("e{}", "\x1b[B".repeat(19)));
    terminal.wait_for("attnscope-screen.svg");
    terminal.keys("\x15no/such.svg\r");
    terminal.wait_for("no such folder");
    terminal.keys("\x15screen.svg\r");
    let picture = terminal.home.path().join("screen.svg");
    terminal.wait_until("the picture is there", |screen| is_closed(screen) && picture.exists());
    let picture = std::fs::read_to_string(picture).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains(">layer 0</text>"), "{picture}");
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn sizes_that_change_all_the_time_end_with_the_last_one() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    for step in 0..80 {
        terminal.resize(8 + step % 40, 20 + step);
        // As fast as somebody who drags a corner of the window.
        thread::sleep(Duration::from_millis(2));
    }
    terminal.resize(30, 100);
    terminal.keys("\r");
    terminal.wait_for("layer 0, mean of its heads");
    terminal.wait_until("the screen is filled", |screen| {
        let contents = screen.contents();
        contents.lines().count() == 30
            && contents.lines().any(|line| line.ends_with('┐') || line.ends_with('╮'))
    });
    terminal.wait_for_both();
    terminal.quit();
}

#[test]
fn keys_and_more_than_a_kilobyte_pasted_arrive_at_once() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    let words = "the quick cat sat on the mat! ".repeat(100);
    terminal.keys(&format!("i\x15\x1b[200~{words}\x1b[201~and then\r"));
    terminal.wait_for("mat! and then");
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_long_prompt_is_seen_whole() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    let words = "the quick cat sat! ".repeat(30);
    terminal.keys(&format!("i\x1b[200~{words}\x1b[201~\r"));
    terminal.wait_for_times(", largest of 5×5", 2);
    terminal.wait_until("heatmaps", |screen| colours(screen) > 200);
    terminal.keys("0");
    terminal.wait_for("keys ");
    terminal.quit();
}

#[test]
fn one_model_has_the_whole_width() {
    let mut terminal = Terminal::new(BINARY, &["--model", "demo:gpt2"], &[]);
    terminal.wait_for("row sums to 1.000");
    terminal.wait_until("there is one", |screen| !screen.contents().contains("gpt-oss"));
    terminal.keys("D");
    terminal.wait_for("needs two models: z shows");
    terminal.keys("z");
    terminal.wait_for("no second model");
    terminal.keys("zq");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_paste_fires_no_keys() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys("\x1b[200~ q\rq\x1b[201~");
    terminal.wait_for(" q⏎");
    terminal.keys("\x1b");
    terminal.wait_for("not run yet");
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn the_mouse_points_until_it_is_given_back() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.wait_for("● demo:gpt2");
    terminal.keys("\x1b[<0;90;5M\x1b[<0;90;5m");
    terminal.wait_for("● demo:gpt-oss");
    terminal.keys("t");
    terminal.wait_until("the mouse is the terminal's", |screen| {
        screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    });
    terminal.wait_for("t take the mouse back");
    terminal.quit();
}

#[test]
fn without_colours_there_are_glyphs() {
    let mut terminal = Terminal::viewer(&[("NO_COLOR", "1")]);
    terminal.wait_for_both();
    terminal.wait_for("███");
    terminal.wait_until("no colours", |screen| colours(screen) == 0);
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn the_screen_can_be_had_as_a_picture() {
    let arguments = ["screenshot", "--keys", "enter enter ]", "--out", "-"];
    let output = std::process::Command::new(BINARY).args(arguments).output().unwrap();
    let picture = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && picture.starts_with("<svg"), "{picture}");
    for text in ["layer 1, head 0", "row 1.000, sink", "sink"] {
        assert!(picture.contains(&format!(">{text}</text>")), "{text} in {picture}");
    }
}

#[test]
fn without_a_terminal_it_says_what_to_run() {
    let output = std::process::Command::new(BINARY).stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("attnscope print"), "{message}");
}

/// What panels found, in two panes and at a step of what a model wrote, comes out of `render` as `e` has written it.
#[test]
fn what_a_panel_found_is_made_again_from_its_file() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys("TTT");
    made_again(&mut terminal, 0, "demo-gpt2-and-demo-gpt-oss-text-push.svg", true);
    terminal.keys("TG");
    terminal.wait_for("G go on writing");
    terminal.keys("X");
    terminal.wait_for("each span hidden from all behind it");
    made_again(&mut terminal, 0, "effect.svg", true);
    made_again(&mut terminal, 3, "effect.json", false);
    terminal.keys("X");
    terminal.wait_for("i prompt");
    terminal.keys("ithe cat and the dog\r");
    terminal.wait_for("❯ the cat and the dog");
    terminal.wait_for_both();
    terminal.keys("p");
    terminal.wait_for("pinned");
    terminal.keys("ithe dog and the cat\r");
    terminal.wait_for("❯ the dog and the cat");
    terminal.wait_until("the prompt has run", |screen| !screen.contents().contains("running"));
    terminal.keys("J");
    made_again(&mut terminal, 0, "patching.svg", true);
    made_again(&mut terminal, 3, "patching.json", true);
    terminal.keys("q");
    terminal.wait_for_end();
}

/// Writes the choice so far down under a name, as soon as it is known, and has it rendered: to the same bytes, or, of a text
/// that grew token by token, to the same recipe.
fn made_again(terminal: &mut Terminal, down: usize, name: &str, is_same: bool) {
    let (file, again) = (terminal.home.path().join(name), terminal.home.path().join(format!("again-{name}")));
    while !file.exists() {
        terminal.keys(&format!("e{}\x15{name}\r", "\x1b[B".repeat(down)));
        terminal.wait_until("it is written, or not there yet", |screen| {
            file.exists() || screen.contents().contains("not there yet")
        });
        if !file.exists() {
            terminal.keys("\x1b");
            thread::sleep(Duration::from_millis(300));
        }
    }
    let render =
        std::process::Command::new(BINARY).arg("render").arg(&file).arg("--out").arg(&again).output();
    let render = render.unwrap();
    assert!(render.status.success(), "{name}: {}", String::from_utf8_lossy(&render.stderr));
    let [made, again] = [file, again].map(|path| std::fs::read_to_string(path).unwrap());
    match is_same {
        true => assert!(made == again, "{name}: {made}\n{again}"),
        false => {
            let recipe =
                |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap()["recipe"].clone();
            assert_eq!(recipe(&made), recipe(&again), "{name}");
        }
    }
}
