//! A shell that waits for us to end, and gives the terminal back if we could not: after an abort, a bus error, a stack
//! overflow, or when the system is out of memory and kills us. No handler could (what is safe to call in one is not
//! enough, and some of these leave no time for one), so that another process does. Where there is no shell, there is
//! no watcher either.

use std::io::{Read as _, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Waits for a word while nothing is to be done at our end, and for the end. What it is told before that end is how the
/// terminal was; it ignores what the terminal sends to all of us.
const SCRIPT: &str = r#"trap '' HUP INT QUIT TERM TSTP TTIN TTOU
state=$(stty -g </dev/tty 2>/dev/null)
echo
taken=no
while read -r word; do taken=$word; done
[ "$taken" = no ] && exit 0
printf '%b' "$1" 2>/dev/null >/dev/tty
[ "$taken" = yes ] && stty "$state" 2>/dev/null </dev/tty"#;

/// The watcher, if there is one.
pub struct Watcher(Mutex<Option<Child>>);

struct Child {
    input: ChildStdin,
    /// Says a line when it knows how the terminal is.
    output: Option<ChildStdout>,
}

impl Watcher {
    /// Starts it. It takes a few milliseconds to look at the terminal, in which others may do so, too.
    pub fn start(sequences: &[u8]) -> Self {
        let escaped: String = sequences.iter().map(|byte| format!("\\0{byte:03o}")).collect();
        Self(Mutex::new(Child::spawn(&escaped)))
    }

    /// Waits until it knows how the terminal is: nothing may be changed about it before.
    pub fn ready(&self) {
        if let Some(Child { output, .. }) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && let Some(mut output) = output.take()
        {
            let _ = output.read(&mut [0]);
        }
    }

    /// The terminal is ours from now on.
    pub fn taken(&self) {
        self.tell("yes\n");
    }

    /// Keys go to others as they did, but its screen may still be as it was while it was ours.
    pub fn line_left(&self) {
        self.tell("line\n");
    }

    /// It is not ours, and all is as it was.
    pub fn left(&self) {
        self.tell("no\n");
    }

    fn tell(&self, word: &str) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if child.as_mut().is_some_and(|child| child.input.write_all(word.as_bytes()).is_err()) {
            *child = None;
        }
    }
}

impl Child {
    fn spawn(escaped: &str) -> Option<Self> {
        if !cfg!(unix) {
            return None;
        }
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "attnscope-watcher", escaped])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .current_dir("/")
            .spawn()
            .inspect_err(|error| tracing::warn!("nothing watches over the terminal: {error}"))
            .ok()?;
        Some(Self { input: child.stdin.take()?, output: child.stdout.take() })
    }
}
