//! The real program in a terminal of its own.
#![allow(dead_code, reason = "each user needs a part of it")]

use std::io::{Read, Write};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::patience::patience;

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
    keyboard: Arc<Mutex<Box<dyn Write + Send>>>,
    /// Every byte that the program wrote.
    pub raw: Arc<Mutex<Vec<u8>>>,
    /// Whether it reads what the program writes.
    reads: Arc<AtomicBool>,
    reader: thread::JoinHandle<()>,
    pub screen: Arc<Mutex<vt100::Parser<Clipboard>>>,
    child: Option<Box<dyn Child + Send + Sync>>,
    /// How the line discipline was set before the program came.
    line: String,
    /// Its home, which is also where it runs.
    pub home: tempfile::TempDir,
}

impl Terminal {
    pub fn new(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::answering(program, arguments, environment, &[])
    }

    /// One that answers what it is asked: pairs of a question, and how long after it comes which answer.
    pub fn answering(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        answers: &[(&'static str, Duration, &'static str)],
    ) -> Self {
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
        let child = Some(pair.slave.spawn_command(command).unwrap());
        let (rows, columns) = (cells(size.rows), cells(size.cols));
        let parser = vt100::Parser::new_with_callbacks(rows, columns, 0, Clipboard::default());
        let screen = Arc::new(Mutex::new(parser));
        let mut output = pair.master.try_clone_reader().unwrap();
        let keyboard = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let (raw, reads) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(true)));
        let mut answers = answers.to_vec();
        let (told, shown, kept, typed) = (reads.clone(), screen.clone(), raw.clone(), keyboard.clone());
        let reader = thread::spawn(move || {
            let mut bytes = [0; 65536];
            while told.load(Ordering::SeqCst)
                && let Ok(count @ 1..) = output.read(&mut bytes)
            {
                shown.lock().unwrap().process(&bytes[..count]);
                let mut raw = kept.lock().unwrap();
                raw.extend_from_slice(&bytes[..count]);
                // All that was written is a lot to look through, and a screen would wait for it.
                if answers.is_empty() {
                    continue;
                }
                let text = String::from_utf8_lossy(&raw).into_owned();
                answers.retain(|(question, delay, answer)| {
                    let is_asked = text.contains(question);
                    if is_asked {
                        let (keyboard, delay, answer) = (Arc::clone(&typed), *delay, *answer);
                        thread::spawn(move || {
                            thread::sleep(delay);
                            let _ = keyboard.lock().unwrap().write_all(answer.as_bytes());
                        });
                    }
                    !is_asked
                });
            }
        });
        Self { master: pair.master, keyboard, raw, reads, reader, screen, child, line, home }
    }

    pub fn viewer(environment: &[(&str, &str)]) -> Self {
        Self::new(BINARY, &[], environment)
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    pub fn keys(&mut self, keys: &str) {
        self.bytes(keys.as_bytes());
    }

    /// Sends bytes; waits until the line has room for all of them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let mut keyboard = self.keyboard.lock().unwrap();
        keyboard.write_all(bytes).unwrap();
        keyboard.flush().unwrap();
    }

    /// Sends the same bytes again and again, until what is returned is dropped.
    pub fn flood(&self, bytes: &[u8]) -> Flood {
        let (goes_on, keyboard) = (Arc::new(AtomicBool::new(true)), Arc::clone(&self.keyboard));
        let (told, bytes) = (Arc::clone(&goes_on), bytes.repeat(100));
        thread::spawn(move || {
            while told.load(Ordering::SeqCst) && keyboard.lock().unwrap().write_all(&bytes).is_ok() {}
        });
        Flood(goes_on)
    }

    /// Time that the program has computed for so far, in all its threads. On Linux; nothing elsewhere.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid().as_raw_nonzero()));
        let stat = stat.unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // User and system time, in hundredths of a second on all machines that there are.
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        Duration::from_millis(10 * (ticks(11) + ticks(12)))
    }

    /// Bytes of memory that the program has held at most so far. On Linux; nothing elsewhere.
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
    }

    pub fn resize(&self, rows: u16, cols: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    #[track_caller]
    pub fn wait_until(&self, what: &str, mut is_so: impl FnMut(&vt100::Screen) -> bool) {
        let start = Instant::now();
        while !is_so(self.screen.lock().unwrap().screen()) {
            assert!(start.elapsed() < patience(), "{what}: not so on\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the program has read all that was typed. On Linux; elsewhere that is not known.
    #[track_caller]
    pub fn wait_until_read(&self) {
        let tty = format!("/proc/{}/fd/0", self.pid().as_raw_nonzero());
        let tty = std::fs::File::options().read(true).custom_flags(libc::O_NOCTTY).open(tty);
        let unread = || tty.as_ref().ok().and_then(|tty| rustix::io::ioctl_fionread(tty).ok()).unwrap_or(0);
        self.wait_until("all is read", |_| unread() == 0);
    }

    /// Waits until the program has written something, whatever has become of it on screen.
    #[track_caller]
    pub fn wait_for_bytes(&self, text: &str) {
        self.wait_until(&format!("{text:?} is written"), |_| {
            String::from_utf8_lossy(&self.raw.lock().unwrap()).contains(text)
        });
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

    /// Reads nothing any more, from the next thing on that the program writes.
    pub fn stall(&self) {
        self.reads.store(false, Ordering::SeqCst);
    }

    /// Goes away: its window is closed. Returns the program, which has lost it.
    pub fn close(mut self) -> Orphan {
        self.stall();
        // Has something written, so that the reading thread comes to its end.
        self.resize(41, 121);
        let orphan = Orphan { pid: self.pid(), child: self.child.take() };
        self.wait_for_reader(patience());
        orphan
    }

    fn wait_for_reader(&self, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        while !self.reader.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn pid(&self) -> rustix::process::Pid {
        let id = self.child.as_ref().unwrap().process_id().unwrap();
        rustix::process::Pid::from_raw(id as i32).unwrap()
    }

    /// The answer of the line discipline, which a shell would find.
    pub fn is_line_restored(&self) -> bool {
        format!("{:?}", self.master.get_termios()) == self.line
    }

    /// Its exit code; what it wrote last has been read by then, unless another program is left in the terminal.
    #[track_caller]
    pub fn wait_for_end(&mut self) -> u32 {
        let code = ended(self.child.as_mut());
        let code = code.unwrap_or_else(|| panic!("it does not end:\n{}", self.text()));
        if self.reads.load(Ordering::SeqCst) {
            self.wait_for_reader(Duration::from_secs(2));
        }
        code
    }

    /// Quits the viewer, which leaves the terminal as it was.
    #[track_caller]
    pub fn quit(&mut self) {
        self.keys("q");
        assert_eq!(self.wait_for_end(), 0);
        self.assert_restored();
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
        let pid = self.pid();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
        }
    }
}

/// Somebody who leans on the keyboard.
pub struct Flood(Arc<AtomicBool>);

impl Drop for Flood {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// A program whose terminal is gone.
pub struct Orphan {
    pub pid: rustix::process::Pid,
    child: Option<Box<dyn Child + Send + Sync>>,
}

impl Orphan {
    /// Its exit code.
    #[track_caller]
    pub fn wait_for_end(&mut self) -> u32 {
        ended(self.child.as_mut()).expect("it ends")
    }
}

/// The exit code of a program, unless it doesn't end.
fn ended(child: Option<&mut Box<dyn Child + Send + Sync>>) -> Option<u32> {
    let (child, start) = (child.unwrap(), Instant::now());
    while start.elapsed() < patience() {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.exit_code());
        }
        thread::sleep(Duration::from_millis(10));
    }
    None
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}
