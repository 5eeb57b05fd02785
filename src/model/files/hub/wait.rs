//! Waits for servers. A cancel takes effect at once, and the wait is reported.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::failure::Failure;
use crate::model::{Control, LoadProgress, ModelError};

/// Requests in a row that may bring nothing.
pub(super) const ATTEMPTS: u32 = 5;
/// A server that asks to be left alone for longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How soon a wait notices that it was cancelled.
pub(super) const TICK: Duration = Duration::from_millis(50);
const CHUNK: usize = 128 * 1024;
/// Chunks that may wait to be taken.
const WAITING: usize = 4;

/// Why a file did not come.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The hub or the way to it.
    Hub(Failure),
    /// What came isn't what was announced; it was deleted.
    Corrupt(String),
    /// This machine, or somebody who cancelled.
    Here(ModelError),
}

impl From<ModelError> for Stopped {
    fn from(error: ModelError) -> Self {
        Self::Here(error)
    }
}

/// Does `request` on a thread of its own and waits for it; reports each second how long. A cancelled request is left
/// alone and ends by its own timeout.
pub(super) fn attend<T: Send + 'static>(
    control: &mut Control<'_>,
    request: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Stopped> {
    control.cancel.check()?;
    let (promise, answer) = sync_channel(1);
    spawn(move || {
        let _ = promise.send(request());
    })?;
    match take(&answer, control)? {
        Some(answer) => answer.map_err(Stopped::Hub),
        None => Err(Stopped::Hub(Failure::Unexpected("the request ended without an answer".to_owned()))),
    }
}

/// Reads `reader` on a thread of its own.
pub(super) fn pump(mut reader: impl Read + Send + 'static) -> Result<Flow, Stopped> {
    let (sender, chunks) = sync_channel(WAITING);
    spawn(move || {
        let mut chunk = vec![0; CHUNK];
        loop {
            let came = reader.read(&mut chunk).map_err(Failure::from);
            let is_over = !matches!(came, Ok(1..));
            // Nobody takes it any more: dropping the reader closes the connection.
            if sender.send(came.map(|came| chunk[..came].to_vec())).is_err() || is_over {
                return;
            }
        }
    })?;
    Ok(Flow { chunks })
}

/// Bytes on their way.
pub(super) struct Flow {
    chunks: Receiver<Result<Vec<u8>, Failure>>,
}

impl Flow {
    /// The next bytes; none at the end.
    pub(super) fn next(&self, control: &mut Control<'_>) -> Result<Vec<u8>, Stopped> {
        take(&self.chunks, control)?.unwrap_or_else(|| Ok(Vec::new())).map_err(Stopped::Hub)
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<(), ModelError> {
    let thread = thread::Builder::new().name("attnscope-hub".to_owned()).spawn(work);
    thread.map(drop).map_err(|error| ModelError::Invalid(format!("cannot start a thread: {error}")))
}

/// What comes next; `None` if the other side has gone.
fn take<T>(receiver: &Receiver<T>, control: &mut Control<'_>) -> Result<Option<T>, ModelError> {
    let mut clock = Clock::start();
    loop {
        control.cancel.check()?;
        match receiver.recv_timeout(TICK) {
            Ok(value) => return Ok(Some(value)),
            Err(RecvTimeoutError::Timeout) => clock.report(control),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

/// Reports how long something takes.
struct Clock {
    begun: Instant,
    reported: u64,
}

impl Clock {
    fn start() -> Self {
        Self { begun: Instant::now(), reported: 0 }
    }

    fn report(&mut self, control: &mut Control<'_>) {
        let seconds = self.begun.elapsed().as_secs();
        if seconds > self.reported {
            self.reported = seconds;
            (control.progress)(LoadProgress::Waiting { seconds });
        }
    }
}

/// Does `request` until it succeeds, fails for good, or has failed too often.
pub(super) fn retry<T>(
    control: &mut Control<'_>,
    mut request: impl FnMut(&mut Control<'_>) -> Result<T, Stopped>,
) -> Result<T, Stopped> {
    let mut failed = 0;
    loop {
        match request(control) {
            Err(Stopped::Hub(failure)) => {
                failed += 1;
                if failed == ATTEMPTS || !failure.is_passing() {
                    return Err(Stopped::Hub(failure));
                }
                pause(failure, failed, control)?;
            }
            done => return done,
        }
    }
}

/// Rests after a failure: as long as the server wants, else twice as long each time. Gives the failure back if that
/// is longer than anybody wants to wait.
pub(super) fn pause(failure: Failure, failed: u32, control: &mut Control<'_>) -> Result<(), Stopped> {
    let own = FIRST_PAUSE * 2_u32.pow(failed.saturating_sub(1).min(5));
    let rest = failure.retry_after().unwrap_or_default().max(own);
    if rest > PATIENCE {
        return Err(Stopped::Hub(failure));
    }
    let mut clock = Clock::start();
    while let Some(left) = rest.checked_sub(clock.begun.elapsed()).filter(|left| !left.is_zero()) {
        control.cancel.check()?;
        clock.report(control);
        thread::sleep(left.min(TICK));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::failure::Refusal;
    use super::*;
    use crate::model::Cancel;

    #[test]
    fn a_request_that_does_not_end_is_left_alone_once_somebody_cancels() {
        let cancel = Cancel::new();
        let raiser = cancel.clone();
        let begun = Instant::now();
        let mut seconds = Vec::new();
        let mut progress = |step| {
            seconds.push(step);
            raiser.cancel();
        };
        let mut control = Control { cancel, progress: &mut progress };
        let stopped = attend(&mut control, || {
            thread::sleep(Duration::from_secs(60));
            Ok(())
        });
        assert!(matches!(stopped, Err(Stopped::Here(ModelError::Cancelled))));
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert_eq!(seconds, [LoadProgress::Waiting { seconds: 1 }]);
    }

    #[test]
    fn a_server_that_wants_to_be_left_alone_is_waited_for_or_given_up() {
        let busy = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            Failure::Status(Refusal { status: 429, code: None, retry_after, elsewhere: None })
        };
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        let mut asked = Vec::new();
        let answer = retry(&mut control, |_| {
            asked.push(Instant::now());
            if asked.len() == 1 { Err(Stopped::Hub(busy(1))) } else { Ok(()) }
        });
        assert!(answer.is_ok() && asked[1] - asked[0] >= Duration::from_secs(1));
        let mut count = 0;
        let answer: Result<(), _> = retry(&mut control, |_| {
            count += 1;
            Err(Stopped::Hub(busy(3600)))
        });
        assert!(matches!(answer, Err(Stopped::Hub(Failure::Status(_)))) && count == 1);
    }

    #[test]
    fn a_flow_brings_everything_and_then_nothing() {
        let bytes: Vec<u8> = (0..3 * CHUNK + 7).map(|at| (at % 251) as u8).collect();
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        let flow = pump(std::io::Cursor::new(bytes.clone())).unwrap();
        let mut came = Vec::new();
        loop {
            let chunk = flow.next(&mut control).unwrap();
            if chunk.is_empty() {
                break;
            }
            came.extend(chunk);
        }
        assert!(came == bytes && flow.next(&mut control).unwrap().is_empty());
    }
}
