//! One file from the hub to a blob: resumed, retried, checked, stopped.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::client::Failure;
use crate::model::files::io_error;
use crate::model::{Cancel, Control, LoadProgress, ModelError};

/// Requests in a row that may bring nothing.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How soon a wait notices that it was cancelled.
const TICK: Duration = Duration::from_millis(50);
/// Progress is told at most so often.
const REPORT: Duration = Duration::from_millis(100);
const CHUNK: usize = 128 * 1024;

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

/// Calls `request` until it succeeds, fails for good, or has failed too often.
pub(super) fn persist<T>(
    cancel: &Cancel,
    mut request: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Stopped> {
    let mut failed = 0;
    loop {
        cancel.check()?;
        match request() {
            Ok(value) => return Ok(value),
            Err(failure) => {
                failed += 1;
                if failed == ATTEMPTS || !failure.is_passing() {
                    return Err(Stopped::Hub(failure));
                }
                pause(cancel, failed)?;
            }
        }
    }
}

/// Twice as long each time.
fn pause(cancel: &Cancel, failed: u32) -> Result<(), ModelError> {
    let end = Instant::now() + FIRST_PAUSE * 2_u32.pow(failed.saturating_sub(1).min(5));
    while Instant::now() < end {
        cancel.check()?;
        std::thread::sleep(TICK);
    }
    Ok(())
}

/// Holds `path` locked until the file is dropped, waiting for whoever has it: two loads of one model at once,
/// here or in two programs, download it once.
pub(super) fn lock(path: &Path, cancel: &Cancel) -> Result<File, ModelError> {
    let file = File::create(path).map_err(|source| io_error(path, source))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                cancel.check()?;
                std::thread::sleep(TICK);
            }
            // A network disk without locks: as good as alone.
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
                return Ok(file);
            }
            Err(TryLockError::Error(source)) => return Err(io_error(path, source)),
        }
    }
}

/// A file that is being gathered in `part`.
pub(super) struct Download<'a> {
    /// Its name in the repository.
    pub(super) name: &'a str,
    /// How many bytes it has.
    pub(super) size: u64,
    /// Its sha256, if the hub's etag is one.
    pub(super) sha256: Option<&'a str>,
    /// Where it is gathered; what is there already is kept.
    pub(super) part: &'a Path,
}

impl Download<'_> {
    /// Gathers the whole file. `open` asks for the bytes from a position on and returns where they really start.
    ///
    /// Cancelling drops the connection between two reads, so that nothing is sent any more. A connection that
    /// brings nothing is given up after the client's timeout. What came is kept and the next call goes on with
    /// it, unless it is damaged.
    pub(super) fn run<R: Read>(
        &self,
        control: &mut Control<'_>,
        mut open: impl FnMut(u64) -> Result<(u64, R), Failure>,
    ) -> Result<(), Stopped> {
        let mut gathered = Gathered::open(self.part, self.sha256.is_some(), &control.cancel)?;
        if gathered.done > self.size {
            gathered.restart()?;
        }
        let mut meter = Meter { download: self, told: None };
        meter.tell(gathered.done, control);
        let mut failed = 0;
        while gathered.done < self.size {
            control.cancel.check()?;
            let before = gathered.done;
            match self.transfer(&mut gathered, &mut meter, control, &mut open) {
                Ok(()) => {}
                Err(Stopped::Hub(Failure::Status { status: 416, .. })) => {
                    return Err(self.corrupt("it is shorter than announced".to_owned()));
                }
                Err(Stopped::Hub(failure)) => {
                    // What has begun to come is worth waiting for, even if the network is gone for a while.
                    let passing = failure.is_passing() || matches!(failure, Failure::Unreachable(_));
                    failed = if gathered.done > before { 1 } else { failed + 1 };
                    if failed >= ATTEMPTS || !passing {
                        return Err(Stopped::Hub(failure));
                    }
                    tracing::warn!(file = self.name, done = gathered.done, ?failure, "transfer broke off");
                    pause(&control.cancel, failed)?;
                }
                Err(stopped) => return Err(stopped),
            }
        }
        let found = gathered.finish();
        match (self.sha256, found) {
            (Some(wanted), Some(found)) if !wanted.eq_ignore_ascii_case(&found) => {
                Err(self.corrupt(format!("its sha256 is {found}, not {wanted}")))
            }
            _ => Ok(()),
        }
    }

    /// One connection's worth.
    fn transfer<R: Read>(
        &self,
        gathered: &mut Gathered<'_>,
        meter: &mut Meter<'_>,
        control: &mut Control<'_>,
        open: &mut impl FnMut(u64) -> Result<(u64, R), Failure>,
    ) -> Result<(), Stopped> {
        let (start, mut reader) = open(gathered.done).map_err(Stopped::Hub)?;
        if start != gathered.done {
            gathered.restart()?;
        }
        let mut chunk = vec![0; CHUNK];
        while gathered.done < self.size {
            control.cancel.check()?;
            let came = reader.read(&mut chunk).map_err(|error| Stopped::Hub(error.into()))?;
            if came == 0 {
                return Err(Stopped::Hub(Failure::Broken("the connection was closed".to_owned())));
            }
            if gathered.done + came as u64 > self.size {
                return Err(self.corrupt("it is longer than announced".to_owned()));
            }
            gathered.push(&chunk[..came])?;
            meter.report(gathered.done, control);
        }
        Ok(())
    }

    /// Deletes what came.
    fn corrupt(&self, problem: String) -> Stopped {
        match std::fs::remove_file(self.part) {
            Ok(()) => Stopped::Corrupt(problem),
            Err(source) => Stopped::Here(io_error(self.part, source)),
        }
    }
}

/// What has come, and its checksum so far.
struct Gathered<'a> {
    path: &'a Path,
    file: File,
    done: u64,
    hasher: Option<Sha256>,
}

impl<'a> Gathered<'a> {
    /// Reads what an earlier download has left, for the checksum.
    fn open(path: &'a Path, hashed: bool, cancel: &Cancel) -> Result<Self, ModelError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|source| io_error(path, source))?;
        let mut gathered = Self { path, file, done: 0, hasher: hashed.then(Sha256::new) };
        let mut chunk = vec![0; CHUNK];
        loop {
            cancel.check()?;
            let came = gathered.file.read(&mut chunk).map_err(|source| io_error(path, source))?;
            if came == 0 {
                return Ok(gathered);
            }
            gathered.count(&chunk[..came]);
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.file.write_all(bytes).map_err(|source| io_error(self.path, source))?;
        self.count(bytes);
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) {
        self.done += bytes.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
    }

    fn restart(&mut self) -> Result<(), ModelError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|source| io_error(self.path, source))?;
        self.done = 0;
        self.hasher = self.hasher.take().map(|_| Sha256::new());
        Ok(())
    }

    /// The checksum, in hexadecimal.
    fn finish(self) -> Option<String> {
        Some(self.hasher?.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Tells progress: the start, the end, and not too often in between.
struct Meter<'a> {
    download: &'a Download<'a>,
    told: Option<Instant>,
}

impl Meter<'_> {
    fn report(&mut self, done: u64, control: &mut Control<'_>) {
        if done == self.download.size || self.told.is_none_or(|told| told.elapsed() >= REPORT) {
            self.tell(done, control);
        }
    }

    fn tell(&mut self, done: u64, control: &mut Control<'_>) {
        self.told = Some(Instant::now());
        let file = self.download.name.to_owned();
        (control.progress)(LoadProgress::Downloading { file, done, total: self.download.size });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `bytes` from a position on, `cut` at a time.
    fn server<'a>(bytes: &'a [u8], cut: usize) -> impl FnMut(u64) -> Result<(u64, &'a [u8]), Failure> {
        move |start| {
            let rest = &bytes[start as usize..];
            Ok((start, &rest[..rest.len().min(cut)]))
        }
    }

    fn run<'a>(
        download: &Download<'_>,
        open: impl FnMut(u64) -> Result<(u64, &'a [u8]), Failure>,
    ) -> (Result<(), Stopped>, Vec<u64>) {
        let mut seen = Vec::new();
        let mut progress = |step| {
            if let LoadProgress::Downloading { done, .. } = step {
                seen.push(done);
            }
        };
        let mut control = Control { cancel: Cancel::new(), progress: &mut progress };
        let result = download.run(&mut control, open);
        (result, seen)
    }

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_cut_transfer_goes_on_where_it_broke() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("x.part");
        std::fs::write(&part, "a").unwrap();
        let download = Download { name: "x", size: 3, sha256: Some(ABC), part: &part };
        let mut starts = Vec::new();
        let mut serve = server(b"abc", 1);
        let (result, seen) = run(&download, |start| {
            starts.push(start);
            serve(start)
        });
        result.unwrap();
        assert_eq!(starts, [1, 2]);
        assert_eq!((seen.first(), seen.last()), (Some(&1), Some(&3)));
        assert_eq!(std::fs::read(&part).unwrap(), b"abc");
    }

    #[test]
    fn a_server_without_ranges_starts_again() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("x.part");
        std::fs::write(&part, "zz").unwrap();
        let download = Download { name: "x", size: 3, sha256: Some(ABC), part: &part };
        run(&download, |_| Ok((0, b"abc".as_slice()))).0.unwrap();
        assert_eq!(std::fs::read(&part).unwrap(), b"abc");
    }

    #[test]
    fn damage_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("x.part");
        for (size, sent, expected) in [(3, b"abd".as_slice(), "sha256"), (2, b"abc".as_slice(), "longer")] {
            let download = Download { name: "x", size, sha256: Some(ABC), part: &part };
            let (result, _) = run(&download, server(sent, 9));
            assert!(matches!(result, Err(Stopped::Corrupt(problem)) if problem.contains(expected)));
            assert!(!part.exists());
        }
    }

    #[test]
    fn a_lock_is_waited_for_until_somebody_cancels() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let cancel = Cancel::new();
        let held = lock(&path, &cancel).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| lock(&path, &cancel).map(drop));
            std::thread::sleep(TICK * 2);
            cancel.raise();
            assert!(matches!(waiting.join().unwrap(), Err(ModelError::Cancelled)));
        });
        drop(held);
        lock(&path, &Cancel::new()).unwrap();
    }
}
