//! One file from the hub to a blob: resumed, retried, checked, stopped.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::checksum::{Checksum, Hasher};
use super::failure::{Failure, Refusal};
use super::wait::{ATTEMPTS, Flow, Stopped, TICK, pause};
use crate::model::{Cancel, Control, LoadProgress, ModelError};

/// Transfers in a row in which a server may fall silent; each is a whole timeout.
const SILENCES: u32 = 2;
/// How often a file may be begun again, because a server doesn't know ranges.
const RESTARTS: u32 = 3;
/// Progress is reported at most so often.
const REPORT: Duration = Duration::from_millis(100);
const CHUNK: usize = 128 * 1024;

/// Holds `path` locked until the file is dropped, waiting for whoever has it: two loads of one model at once,
/// here or in two programs, download it once.
pub(super) fn lock(path: &Path, cancel: &Cancel) -> Result<File, ModelError> {
    let file = File::create(path).map_err(|source| ModelError::io(path, source))?;
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
            Err(TryLockError::Error(source)) => return Err(ModelError::io(path, source)),
        }
    }
}

/// A file that is being gathered in `part`.
pub(super) struct Download<'a> {
    /// Its name in the repository.
    pub(super) name: &'a str,
    /// How many bytes it has.
    pub(super) size: u64,
    /// What its bytes must give.
    pub(super) checksum: Checksum,
    /// Where it is gathered; what is there already is kept.
    pub(super) part: &'a Path,
}

impl Download<'_> {
    /// Gathers the whole file, on the disk and not only in its cache. `open` asks for the bytes from a position on
    /// and returns where they really start.
    ///
    /// Cancelling drops the connection, so that nothing is sent any more. A connection that brings nothing is given
    /// up after the client's timeout. What came is kept and the next call goes on with it, unless it is damaged.
    pub(super) fn run(
        &self,
        control: &mut Control<'_>,
        mut open: impl FnMut(u64, &mut Control<'_>) -> Result<(u64, Flow), Stopped>,
    ) -> Result<(), Stopped> {
        let mut part_file = PartFile::resume(self, &control.cancel)?;
        if part_file.done > self.size {
            part_file.restart()?;
        }
        let mut meter = Meter { download: self, reported: None };
        meter.report_now(part_file.done, control);
        let (mut failed, mut silent) = (0, 0);
        while part_file.done < self.size {
            control.cancel.check()?;
            let before = part_file.done;
            match self.transfer(&mut part_file, &mut meter, control, &mut open) {
                Ok(()) => {}
                Err(Stopped::Hub(Failure::Status(Refusal { status: 416, .. }))) => {
                    return Err(self.corrupt("it is shorter than announced".to_owned()));
                }
                Err(Stopped::Hub(failure)) => {
                    if part_file.done > before {
                        (failed, silent) = (0, 0);
                    }
                    failed += 1;
                    silent += u32::from(matches!(failure, Failure::Silent));
                    // What has begun to come is worth waiting for, even if the network is gone for a while.
                    let passing =
                        failure.is_passing() || matches!(failure, Failure::Silent | Failure::Unreachable(_));
                    let too_often = failed >= ATTEMPTS || silent >= SILENCES || part_file.restarts > RESTARTS;
                    if too_often || !passing {
                        return Err(Stopped::Hub(failure));
                    }
                    tracing::warn!(file = self.name, done = part_file.done, ?failure, "transfer broke off");
                    pause(failure, failed, control)?;
                }
                Err(stopped) => return Err(stopped),
            }
        }
        part_file.finish()?.map_err(|problem| self.corrupt(problem))
    }

    /// Takes the bytes of one connection.
    fn transfer(
        &self,
        part_file: &mut PartFile<'_>,
        meter: &mut Meter<'_>,
        control: &mut Control<'_>,
        open: &mut impl FnMut(u64, &mut Control<'_>) -> Result<(u64, Flow), Stopped>,
    ) -> Result<(), Stopped> {
        let (start, flow) = open(part_file.done, control)?;
        if start != part_file.done {
            part_file.restart()?;
        }
        while part_file.done < self.size {
            let came = flow.next(control)?;
            if came.is_empty() {
                return Err(Stopped::Hub(Failure::Broken("the connection was closed".to_owned())));
            }
            if part_file.done + came.len() as u64 > self.size {
                return Err(self.corrupt("it is longer than announced".to_owned()));
            }
            part_file.push(&came)?;
            meter.report(part_file.done, control);
        }
        Ok(())
    }

    /// Deletes what came.
    fn corrupt(&self, problem: String) -> Stopped {
        match std::fs::remove_file(self.part) {
            Ok(()) => Stopped::Corrupt(problem),
            Err(source) => Stopped::Here(ModelError::io(self.part, source)),
        }
    }
}

/// The bytes that have come, in their `.part` file, and their checksum so far.
struct PartFile<'a> {
    download: &'a Download<'a>,
    file: File,
    done: u64,
    hasher: Hasher,
    restarts: u32,
}

impl<'a> PartFile<'a> {
    /// Resumes: reads what an earlier download has left, for the checksum.
    fn resume(download: &'a Download<'a>, cancel: &Cancel) -> Result<Self, ModelError> {
        let path = download.part;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|source| ModelError::io(path, source))?;
        let hasher = download.checksum.hasher(download.size);
        let mut part_file = Self { download, file, done: 0, hasher, restarts: 0 };
        let mut chunk = vec![0; CHUNK];
        loop {
            cancel.check()?;
            let came = part_file.file.read(&mut chunk).map_err(|source| ModelError::io(path, source))?;
            if came == 0 {
                return Ok(part_file);
            }
            part_file.count(&chunk[..came]);
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.file.write_all(bytes).map_err(|source| ModelError::io(self.download.part, source))?;
        self.count(bytes);
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) {
        self.done += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    fn restart(&mut self) -> Result<(), ModelError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|source| ModelError::io(self.download.part, source))?;
        self.done = 0;
        self.restarts += 1;
        self.hasher = self.download.checksum.hasher(self.download.size);
        Ok(())
    }

    /// What is wrong with the bytes, if anything is. They are on the disk: what has a name is whole, even if the
    /// power fails.
    fn finish(self) -> Result<Result<(), String>, ModelError> {
        self.file.sync_all().map_err(|source| ModelError::io(self.download.part, source))?;
        Ok(self.download.checksum.check(self.hasher))
    }
}

/// Reports progress: the start, the end, and not too often in between.
struct Meter<'a> {
    download: &'a Download<'a>,
    reported: Option<Instant>,
}

impl Meter<'_> {
    fn report(&mut self, done: u64, control: &mut Control<'_>) {
        if done == self.download.size || self.reported.is_none_or(|reported| reported.elapsed() >= REPORT) {
            self.report_now(done, control);
        }
    }

    fn report_now(&mut self, done: u64, control: &mut Control<'_>) {
        self.reported = Some(Instant::now());
        let file = self.download.name.to_owned();
        (control.progress)(LoadProgress::Downloading { file, done, total: self.download.size });
    }
}

#[cfg(test)]
mod tests {
    use super::super::wait::pump;
    use super::*;

    type Opened = Result<(u64, Flow), Stopped>;

    fn bytes(bytes: &'static [u8]) -> Flow {
        pump(bytes).unwrap()
    }

    /// Gives `served` from a position on, `cut` at a time.
    fn server(served: &'static [u8], cut: usize) -> impl FnMut(u64) -> Opened {
        move |start| {
            let rest = &served[start as usize..];
            Ok((start, bytes(&rest[..rest.len().min(cut)])))
        }
    }

    fn run(download: &Download<'_>, mut open: impl FnMut(u64) -> Opened) -> (Result<(), Stopped>, Vec<u64>) {
        let mut seen = Vec::new();
        let mut progress = |step| {
            if let LoadProgress::Downloading { done, .. } = step {
                seen.push(done);
            }
        };
        let mut control = Control { cancel: Cancel::new(), progress: &mut progress };
        let result = download.run(&mut control, |start, _| open(start));
        (result, seen)
    }

    /// Of `abc`.
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const GIT: &str = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";

    fn abc<'a>(part: &'a Path, etag: &str) -> Download<'a> {
        Download { name: "x", size: 3, checksum: Checksum::of(etag), part }
    }

    #[test]
    fn a_cut_transfer_goes_on_where_it_broke() {
        for etag in [SHA256, GIT] {
            let folder = tempfile::tempdir().unwrap();
            let part = folder.path().join("x.part");
            std::fs::write(&part, "a").unwrap();
            let mut starts = Vec::new();
            let mut serve = server(b"abc", 1);
            let (result, seen) = run(&abc(&part, etag), |start| {
                starts.push(start);
                serve(start)
            });
            result.unwrap();
            assert_eq!(starts, [1, 2]);
            assert_eq!((seen.first(), seen.last()), (Some(&1), Some(&3)));
            assert_eq!(std::fs::read(&part).unwrap(), b"abc");
        }
    }

    #[test]
    fn a_server_without_ranges_starts_again() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("x.part");
        std::fs::write(&part, "zz").unwrap();
        run(&abc(&part, SHA256), |_| Ok((0, bytes(b"abc")))).0.unwrap();
        assert_eq!(std::fs::read(&part).unwrap(), b"abc");
    }

    #[test]
    fn a_server_without_ranges_that_always_breaks_off_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("x.part");
        let mut asked = 0;
        // Each time a little further, so that something always comes.
        let (result, _) = run(&Download { size: 9, ..abc(&part, "") }, |_| {
            asked += 1;
            Ok((0, bytes(&b"abcdefgh"[..asked.min(8)])))
        });
        assert!(matches!(result, Err(Stopped::Hub(_))), "{result:?}");
        assert!(asked <= RESTARTS as usize + 2, "{asked}");
    }

    #[test]
    fn damage_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("x.part");
        for (etag, size, sent, expected) in [
            (SHA256, 3, b"abd".as_slice(), "sha256"),
            (GIT, 3, b"abd".as_slice(), "git hash"),
            (SHA256, 2, b"abc".as_slice(), "longer"),
        ] {
            let (result, _) = run(&Download { size, ..abc(&part, etag) }, server(sent, 9));
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
            cancel.cancel();
            assert!(matches!(waiting.join().unwrap(), Err(ModelError::Cancelled)));
        });
        drop(held);
        lock(&path, &Cancel::new()).unwrap();
    }
}
