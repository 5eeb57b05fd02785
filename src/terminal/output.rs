//! What goes to the terminal, on a thread of its own: a terminal that reads nothing holds up that thread, and
//! neither keys nor signals.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

/// Bytes of one write: what is given up is given up between two of them.
const CHUNK: usize = 16 * 1024;
/// Bytes that may wait. A frame waits for the one before it, so that only clipboards can come to this.
const MOST_WAITING: usize = 32 << 20;
/// How long a terminal that is full is left alone, where it says so instead of taking its time.
const FULL: Duration = Duration::from_millis(5);

/// Gathers what is written and hands it on when it is flushed.
pub struct Output {
    gathered: Vec<u8>,
    pipe: Arc<Pipe>,
}

/// What waits to be written, shared with the thread that writes it.
pub struct Pipe {
    state: Mutex<State>,
    changed: Condvar,
    idle: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    is_writing: bool,
    /// Whether what is drawn is dropped: the terminal is somebody else's.
    is_shut: bool,
    /// Nothing is to be written any more: the terminal is gone.
    is_gone: bool,
    /// How often everything was given up.
    given_up: usize,
}

impl Output {
    /// One that hands on to `pipe`.
    pub fn new(pipe: Arc<Pipe>) -> Self {
        Self { gathered: Vec::new(), pipe }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// What a terminal that is gone doesn't get is no error here: who draws is told by [`Pipe::is_gone`], and nobody
    /// else could do anything about it.
    fn flush(&mut self) -> io::Result<()> {
        let gathered = std::mem::take(&mut self.gathered);
        self.pipe.push(gathered).or_else(|error| if self.pipe.is_gone() { Ok(()) } else { Err(error) })
    }
}

impl Pipe {
    /// Starts to write to standard output.
    ///
    /// # Errors
    /// If the thread can't be started, or there is no standard output.
    pub fn to_stdout() -> io::Result<Arc<Self>> {
        #[cfg(unix)]
        let device = std::fs::File::from(std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?);
        #[cfg(not(unix))]
        let device = io::stdout();
        Self::to(device)
    }

    /// Starts to write to a device.
    ///
    /// # Errors
    /// If the thread can't be started.
    pub fn to(mut device: impl Write + Send + 'static) -> io::Result<Arc<Self>> {
        let pipe = Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), idle: Notify::new() });
        let shared = Arc::clone(&pipe);
        thread::Builder::new().name("terminal output".into()).spawn(move || shared.work(&mut device))?;
        Ok(pipe)
    }

    /// Has bytes written after those that wait; drops them while it is shut.
    ///
    /// # Errors
    /// If the terminal is gone, or too much waits for it.
    pub fn push(&self, bytes: Vec<u8>) -> io::Result<()> {
        let state = self.lock();
        if state.is_shut { Ok(()) } else { self.put(state, bytes) }
    }

    /// Has bytes written, whether it is shut or not: what gives the terminal back.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_last(&self, bytes: Vec<u8>) -> io::Result<()> {
        self.put(self.lock(), bytes)
    }

    /// From now on, nothing is written but [the last words](Self::push_last).
    pub fn shut(&self) {
        self.lock().is_shut = true;
    }

    /// From now on, everything is written again.
    pub fn open(&self) {
        self.lock().is_shut = false;
    }

    fn put(&self, mut state: MutexGuard<'_, State>, bytes: Vec<u8>) -> io::Result<()> {
        if state.is_gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if state.bytes + bytes.len() > MOST_WAITING {
            return Err(io::Error::other("it takes nothing any more"));
        }
        if !bytes.is_empty() {
            state.bytes += bytes.len();
            state.waiting.push_back(bytes);
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Whether everything is written.
    pub fn is_idle(&self) -> bool {
        self.lock().is_idle()
    }

    /// Whether the terminal is gone.
    pub fn is_gone(&self) -> bool {
        self.lock().is_gone
    }

    /// Waits until everything is written, or the terminal is gone.
    pub async fn idle(&self) {
        loop {
            let notified = self.idle.notified();
            if self.is_idle() {
                return;
            }
            notified.await;
        }
    }

    /// Waits so long for everything to be written; returns whether it is.
    pub fn wait(&self, patience: Duration) -> bool {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, patience, |state| !state.is_idle());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_idle()
    }

    /// Gives up what is not written yet, the rest of what is being written included.
    pub fn give_up(&self) {
        let mut state = self.lock();
        state.given_up += 1;
        state.waiting.clear();
        state.bytes = 0;
    }

    fn work(&self, device: &mut impl Write) {
        loop {
            let (bytes, epoch) = {
                let state = self.lock();
                let waited = self.changed.wait_while(state, |state| state.waiting.is_empty());
                let mut state = waited.unwrap_or_else(PoisonError::into_inner);
                let Some(bytes) = state.waiting.pop_front() else { continue };
                state.is_writing = true;
                (bytes, state.given_up)
            };
            let written = self.write(device, &bytes, epoch);
            let mut state = self.lock();
            state.is_writing = false;
            state.bytes = state.bytes.saturating_sub(bytes.len());
            if written.is_err() {
                (state.is_gone, state.bytes) = (true, 0);
                state.waiting.clear();
            }
            let (is_idle, is_gone) = (state.is_idle(), state.is_gone);
            drop(state);
            self.changed.notify_all();
            if is_idle {
                self.idle.notify_waiters();
            }
            if is_gone {
                return;
            }
        }
    }

    fn write(&self, device: &mut impl Write, mut bytes: &[u8], epoch: usize) -> io::Result<()> {
        while !bytes.is_empty() && self.lock().given_up == epoch {
            match device.write(&bytes[..bytes.len().min(CHUNK)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL),
                Err(error) => return Err(error),
            }
        }
        device.flush()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.is_gone || self.waiting.is_empty() && !self.is_writing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A terminal that takes a write when it is told to, and says what it took.
    struct Slow(mpsc::Receiver<io::Result<()>>, mpsc::Sender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().unwrap_or(Ok(()))?;
            let _ = self.1.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Arc<Pipe>, mpsc::Sender<io::Result<()>>, mpsc::Receiver<Vec<u8>>) {
        let (go, told) = mpsc::channel();
        let (took, taken) = mpsc::channel();
        (Pipe::to(Slow(told, took)).unwrap(), go, taken)
    }

    #[test]
    fn a_terminal_that_reads_nothing_holds_nobody_up() {
        let (pipe, go, taken) = slow();
        let mut output = Output::new(Arc::clone(&pipe));
        output.write_all(&[b'x'; 3 * CHUNK]).unwrap();
        output.flush().unwrap();
        assert!(!pipe.wait(Duration::from_millis(20)));
        pipe.give_up();
        pipe.push(b"left".to_vec()).unwrap();
        go.send(Ok(())).unwrap();
        assert_eq!(taken.recv().unwrap().len(), CHUNK, "what the terminal had begun to take");
        go.send(Ok(())).unwrap();
        assert_eq!(taken.recv().unwrap(), b"left");
        assert!(pipe.wait(Duration::from_secs(60)));
    }

    #[test]
    fn who_draws_while_the_terminal_is_given_back_draws_nothing() {
        let (pipe, go, taken) = slow();
        let mut output = Output::new(Arc::clone(&pipe));
        output.write_all(b"half a frame").unwrap();
        pipe.shut();
        pipe.push_last(b"left".to_vec()).unwrap();
        output.flush().unwrap();
        pipe.open();
        pipe.push(b"taken again".to_vec()).unwrap();
        for expected in [&b"left"[..], b"taken again"] {
            go.send(Ok(())).unwrap();
            assert_eq!(taken.recv().unwrap(), expected);
        }
    }

    #[test]
    fn what_waits_has_a_limit_and_ends_with_the_terminal() {
        let (pipe, go, _taken) = slow();
        for _ in 0..2 {
            pipe.push(vec![b'x'; MOST_WAITING / 2]).unwrap();
        }
        assert!(pipe.push(vec![b'x'; 1]).is_err());
        go.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        assert!(pipe.wait(Duration::from_secs(60)));
        assert_eq!(pipe.push(vec![b'x'; 1]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
