//! The real program in a terminal of its own.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longer than the slowest machine takes; nothing waits longer than it has to.
const PATIENCE: Duration = Duration::from_secs(60);
pub const BINARY: &str = env!("CARGO_BIN_EXE_attnscope");

/// What the program put on the clipboard last, in base 64.
#[derive(Default)]
pub struct Clipboard(pub String);

impl vt100::Callbacks for Clipboard {
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.0 = String::from_utf8_lossy(data).into_owned();
    }
}

/// A terminal with a program in it.
pub struct Terminal {
    pub master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    pub screen: Arc<Mutex<vt100::Parser<Clipboard>>>,
    child: Box<dyn Child + Send + Sync>,
    /// How the line discipline was set before the program came.
    line: String,
    /// Its home, which is also where it runs.
    pub home: tempfile::TempDir,
}

impl Terminal {
    pub fn new(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
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
        Self { master: pair.master, keyboard, screen, child, line, home }
    }

    pub fn viewer(environment: &[(&str, &str)]) -> Self {
        Self::new(BINARY, &[], environment)
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    pub fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    pub fn resize(&self, rows: u16, cols: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    #[track_caller]
    pub fn wait_until(&self, what: &str, mut is_so: impl FnMut(&vt100::Screen) -> bool) {
        let start = Instant::now();
        while !is_so(self.screen.lock().unwrap().screen()) {
            assert!(start.elapsed() < PATIENCE, "{what}: not so on\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        self.wait_for_times(text, 1);
    }

    #[track_caller]
    pub fn wait_for_times(&self, text: &str, times: usize) {
        self.wait_until(text, |screen| screen.contents().matches(text).count() >= times);
    }

    /// Both models have run a prompt.
    #[track_caller]
    pub fn wait_for_both(&self) {
        self.wait_for("row 1.000, sink –");
        self.wait_for(" + sink 0.");
        self.wait_until("nothing is under way", |screen| !screen.contents().contains("running"));
    }

    #[track_caller]
    pub fn wait_for_end(&mut self) -> u32 {
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
    pub fn assert_restored(&self) {
        self.wait_until("the terminal is restored", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        assert_eq!(format!("{:?}", self.master.get_termios()), self.line);
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
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
