//! The real program in a terminal of its own: what it shows, what keys do, and how it leaves.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longer than the slowest machine takes; nothing waits longer than it has to.
const PATIENCE: Duration = Duration::from_secs(60);
const BINARY: &str = env!("CARGO_BIN_EXE_attnscope");

/// What the program put on the clipboard last, in base 64.
#[derive(Default)]
struct Clipboard(String);

impl vt100::Callbacks for Clipboard {
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.0 = String::from_utf8_lossy(data).into_owned();
    }
}

/// A terminal with a program in it.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser<Clipboard>>>,
    child: Box<dyn Child + Send + Sync>,
    /// How the line discipline was set before the program came.
    line: String,
    _home: tempfile::TempDir,
}

impl Terminal {
    fn new(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let line = format!("{:?}", pair.master.get_termios());
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in
            [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("PATH", "/usr/bin:/bin")]
        {
            command.env(name, value);
        }
        command.env("HOME", home.path());
        command.env("XDG_STATE_HOME", home.path().join("state"));
        environment.iter().for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).unwrap();
        let (rows, columns) = (cells(size.rows), cells(size.cols));
        let parser = vt100::Parser::new_with_callbacks(rows, columns, 0, Clipboard::default());
        let screen = Arc::new(Mutex::new(parser));
        let mut output = pair.master.try_clone_reader().unwrap();
        let parser = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 65536];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                parser.lock().unwrap().process(&bytes[..count]);
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        Self { master: pair.master, keyboard, screen, child, line, _home: home }
    }

    fn viewer(environment: &[(&str, &str)]) -> Self {
        Self::new(BINARY, &[], environment)
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    fn resize(&self, rows: u16, cols: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    #[track_caller]
    fn wait_until(&self, what: &str, mut is_so: impl FnMut(&vt100::Screen) -> bool) {
        let start = Instant::now();
        while !is_so(self.screen.lock().unwrap().screen()) {
            assert!(start.elapsed() < PATIENCE, "{what}: not so on\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        self.wait_for_times(text, 1);
    }

    #[track_caller]
    fn wait_for_times(&self, text: &str, times: usize) {
        self.wait_until(text, |screen| screen.contents().matches(text).count() >= times);
    }

    /// Both models have run a prompt.
    #[track_caller]
    fn wait_for_both(&self) {
        self.wait_for("row sums to 1.000");
        self.wait_for(" + sink 0.");
        self.wait_until("nothing is under way", |screen| !screen.contents().contains("running"));
    }

    #[track_caller]
    fn wait_for_end(&mut self) -> u32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(start.elapsed() < PATIENCE, "it does not end:\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The terminal is as it was before the program came.
    #[track_caller]
    fn assert_restored(&self) {
        self.wait_until("the terminal is restored", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        assert_eq!(format!("{:?}", self.master.get_termios()), self.line);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.process_id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
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
    terminal.wait_for("keep the text and leave");
    terminal.keys("\x15the quick cat sat!");
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
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
    terminal.assert_restored();
}

#[test]
fn a_prompt_of_an_earlier_run_comes_back() {
    let state = tempfile::tempdir().unwrap();
    let environment = [("XDG_STATE_HOME", state.path().to_str().unwrap())];
    let mut terminal = Terminal::viewer(&environment);
    terminal.wait_for_both();
    terminal.keys("i\x15the quick cat sat!\r");
    terminal.wait_for_times("! → ", 2);
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);

    let mut terminal = Terminal::viewer(&environment);
    terminal.wait_for_both();
    terminal.keys("i\x15a draft\x1b[A");
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
    terminal.keys("i\x0c");
    terminal.wait_for("live ❯ write a story");
    terminal.keys("\x15");
    terminal.wait_for_times("the prompt is empty", 2);
    terminal.keys("the cat?");
    terminal.wait_for_times("? → ", 2);
    terminal.keys("\x7f\x1b\rand!");
    terminal.wait_for("live ❯ the cat⏎and!");
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
fn it_can_be_left_while_models_load() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for("attnscope");
    terminal.keys("\x03");
    assert_eq!(terminal.wait_for_end(), 0);
    terminal.assert_restored();
}

#[test]
fn sigterm_restores_the_terminal() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.signal(rustix::process::Signal::TERM);
    terminal.wait_for_end();
    terminal.assert_restored();
}

#[test]
#[ignore = "a panic in a terminal of its own: the test below starts it"]
fn panics_in_the_viewer() {
    let mut session = attnscope::terminal::Session::start(true).unwrap();
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
    terminal.wait_until("the shell is back", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    terminal.keys("exit\n");
    terminal.wait_for_end();
}

#[test]
fn a_paste_fires_no_keys() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys("\x1b[200~ q\rq\x1b[201~");
    terminal.wait_for(" q⏎q");
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
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
    terminal.assert_restored();
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
    for text in ["layer 1, head 0", "row sums to 1.000", "sink"] {
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
