//! A hub on 127.0.0.1 with one model, and beside it the server that large files are redirected to.
//!
//! Speaks as much HTTP/1.1 as a client of the hub needs, remembers what it was asked, and misbehaves on demand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::patience::patience;

/// The commit of everything.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const CHUNK: usize = 16 * 1024;

/// How the server that has the bytes misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Closes the next transfer after so many bytes.
    CutOnce(usize),
    /// Falls silent in the next transfer after so many bytes.
    StallOnce(usize),
    /// Rests between chunks.
    Slow(Duration),
    /// Changes the last byte.
    Damage,
    /// Changes the last byte of the next transfer.
    DamageOnce,
    /// Sends the whole file whatever range is asked for.
    NoRanges,
    /// Answers the next request with this status.
    StatusOnce(u16),
    /// Answers every request with this status.
    Status(u16),
    /// Sends other bytes than it says: those one further on.
    WrongBytes,
    /// Says that it sends other bytes than it does.
    WrongRange,
    /// Hears, and says nothing.
    Silent,
}

/// How the hub itself misbehaves, which says what files there are and sends the small ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubFault {
    /// Hears, and says nothing.
    Silent,
    /// Answers with this status and header.
    Refuses(u16, &'static str),
    /// Answers the next request with this status and header.
    RefusesOnce(u16, &'static str),
    /// Says this of every file, instead of what it would say in that header.
    Says(&'static str, &'static str),
    /// Changes a bit of the body of a file.
    Flips(&'static str, usize),
    /// Says that this is somewhere else.
    Redirects(&'static str),
}

/// The model that is served.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// `org/name`
    pub name: &'static str,
    /// Branches and tags besides the commit.
    pub revisions: Vec<&'static str>,
    /// By name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Who may read; anybody if `None`.
    pub token: Option<&'static str>,
    /// Whether somebody with another token is told that the model is gated.
    pub gated: bool,
    /// How large the hub says that the large files are, if it lies.
    pub claimed_size: Option<u64>,
    /// Another name, from which the hub redirects.
    pub old_name: Option<&'static str>,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Whether it was the server of large files.
    pub large: bool,
    /// Without the query.
    pub path: String,
    /// Its `Range`.
    pub range: Option<String>,
    /// Its `Authorization`.
    pub authorization: Option<String>,
}

struct Shared {
    repository: Repository,
    fault: Mutex<Option<Fault>>,
    hub_fault: Mutex<Option<HubFault>>,
    asked: Mutex<Vec<Asked>>,
    sent: AtomicUsize,
    open: AtomicUsize,
    stop: AtomicBool,
    large_endpoint: String,
}

/// Both servers; they stop when this is dropped.
pub struct TestHub {
    /// What `HF_ENDPOINT` would say.
    pub endpoint: String,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl TestHub {
    pub fn start(repository: Repository) -> Self {
        let hub = TcpListener::bind("127.0.0.1:0").unwrap();
        let large = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let endpoint = url(&hub);
        let shared = Arc::new(Shared {
            repository,
            fault: Mutex::new(None),
            hub_fault: Mutex::new(None),
            asked: Mutex::new(Vec::new()),
            sent: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            large_endpoint: url(&large),
        });
        let threads = [(hub, false), (large, true)].map(|(listener, large)| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || accept(&listener, large, &shared))
        });
        Self { endpoint, shared, threads: threads.into() }
    }

    /// Misbehaves from now on.
    pub fn fault(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = Some(fault);
    }

    /// The hub itself misbehaves from now on.
    pub fn hub_fault(&self, fault: HubFault) {
        *self.shared.hub_fault.lock().unwrap() = Some(fault);
    }

    /// Behaves again.
    pub fn behave(&self) {
        *self.shared.fault.lock().unwrap() = None;
        *self.shared.hub_fault.lock().unwrap() = None;
    }

    /// What was asked since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }

    /// Bytes of bodies that were sent, once every connection is closed.
    pub fn sent(&self) -> usize {
        let begun = Instant::now();
        while self.shared.open.load(Ordering::SeqCst) > 0 {
            assert!(begun.elapsed() < patience(), "a connection is still open");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.shared.sent.load(Ordering::SeqCst)
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for url in [&self.endpoint, &self.shared.large_endpoint] {
            // Wakes the listener.
            let _ = TcpStream::connect(url.trim_start_matches("http://"));
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The name of some content, as the hub names large files.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name of some content, as git and so the hub names small files.
pub fn git_hash(bytes: &[u8]) -> String {
    let digest = Sha1::new_with_prefix(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn accept(listener: &TcpListener, large: bool, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let (Ok(stream), shared) = (stream, Arc::clone(shared)) else { continue };
        shared.open.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(move || {
            // A client that goes away is none of our business.
            let _ = answer(stream, large, &shared);
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

fn answer(stream: TcpStream, large: bool, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let Some(request) = lines.next().transpose()? else { return Ok(()) };
    let mut asked = Asked { large, path: String::new(), range: None, authorization: None };
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    asked.path = path.split('?').next().unwrap_or_default().to_owned();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "range" => asked.range = Some(value.to_owned()),
            "authorization" => asked.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    shared.asked.lock().unwrap().push(asked.clone());
    let reply = Reply { stream, with_body: method == "GET", shared };
    if large { reply.large(&asked) } else { reply.hub(&asked) }
}

struct Reply<'a> {
    stream: TcpStream,
    with_body: bool,
    shared: &'a Shared,
}

impl Reply<'_> {
    /// `/{repository}/resolve/{revision}/{file}`
    fn hub(mut self, asked: &Asked) -> std::io::Result<()> {
        let repository = &self.shared.repository;
        let fault = {
            let mut fault = self.shared.hub_fault.lock().unwrap();
            match &*fault {
                Some(HubFault::RefusesOnce(..)) => fault.take(),
                lasting => lasting.clone(),
            }
        };
        match &fault {
            Some(HubFault::Silent) => return self.silence(),
            Some(HubFault::Refuses(status, header) | HubFault::RefusesOnce(status, header)) => {
                let headers = [(*header).to_owned(), "content-length: 0".to_owned()];
                return self.head(&format!("{status} Some Status"), &headers);
            }
            Some(HubFault::Redirects(to)) => {
                let headers = [format!("location: {to}"), "content-length: 0".to_owned()];
                return self.head("302 Found", &headers);
            }
            _ => {}
        }
        let path = asked.path.trim_start_matches('/').to_owned();
        let list = path.strip_prefix("api/models/").and_then(|rest| rest.strip_prefix(repository.name));
        if list.is_some_and(|rest| rest.starts_with("/revision/")) {
            let names = repository.files.keys().map(|name| format!("{{\"rfilename\": {name:?}}}"));
            let text = format!("{{\"siblings\": [{}]}}", names.collect::<Vec<_>>().join(", "));
            return self.file(text.as_bytes(), None, Vec::new(), None);
        }
        if let Some(rest) = repository.old_name.and_then(|old| path.strip_prefix(old)) {
            let to = format!("location: /{}{rest}", repository.name);
            return self.head("307 Temporary Redirect", &[to, "content-length: 0".to_owned()]);
        }
        let Some(rest) = path.strip_prefix(repository.name).and_then(|rest| rest.strip_prefix("/resolve/"))
        else {
            return self.refuse("401 Unauthorized", "RepoNotFound");
        };
        let bearer = repository.token.map(|token| format!("Bearer {token}"));
        if bearer.is_some() && bearer != asked.authorization {
            return match (repository.gated, &asked.authorization) {
                (true, Some(_)) => self.refuse("403 Forbidden", "GatedRepo"),
                (true, None) => self.refuse("401 Unauthorized", "GatedRepo"),
                (false, _) => self.refuse("401 Unauthorized", "RepoNotFound"),
            };
        }
        let (revision, file) = rest.split_once('/').unwrap_or((rest, ""));
        let revision = revision.replace("%2F", "/");
        if revision != COMMIT && !repository.revisions.contains(&revision.as_str()) {
            return self.refuse("404 Not Found", "RevisionNotFound");
        }
        let Some(bytes) = repository.files.get(file) else {
            return self.refuse("404 Not Found", "EntryNotFound");
        };
        let commit = format!("x-repo-commit: {COMMIT}");
        let sha256 = sha256(bytes);
        if file.ends_with(".safetensors") || file.ends_with(".gguf") {
            let mut headers = vec![
                commit,
                format!("x-linked-etag: \"{sha256}\""),
                format!("x-linked-size: {}", repository.claimed_size.unwrap_or(bytes.len() as u64)),
                format!("location: {}/{file}", self.shared.large_endpoint),
                "content-length: 0".to_owned(),
            ];
            say(&mut headers, fault.as_ref());
            return self.head("302 Found", &headers);
        }
        let mut headers = vec![commit, format!("etag: W/\"{}\"", git_hash(bytes))];
        say(&mut headers, fault.as_ref());
        let mut sent = bytes.clone();
        if let Some(HubFault::Flips(name, bit)) = fault
            && name == file
        {
            sent[bit / 8 % bytes.len()] ^= 1 << (bit % 8);
        }
        self.file(&sent, asked.range.as_deref(), headers, None)
    }

    /// `/{file}`
    fn large(mut self, asked: &Asked) -> std::io::Result<()> {
        let Some(bytes) = self.shared.repository.files.get(asked.path.trim_start_matches('/')) else {
            return self.refuse("404 Not Found", "EntryNotFound");
        };
        let fault = {
            let mut fault = self.shared.fault.lock().unwrap();
            match *fault {
                Some(Fault::CutOnce(_) | Fault::StallOnce(_) | Fault::StatusOnce(_) | Fault::DamageOnce) => {
                    fault.take()
                }
                lasting => lasting,
            }
        };
        if fault == Some(Fault::Silent) {
            return self.silence();
        }
        if let Some(Fault::StatusOnce(status) | Fault::Status(status)) = fault {
            return self.head(&format!("{status} Some Status"), &["content-length: 0".to_owned()]);
        }
        self.file(bytes, asked.range.as_deref(), Vec::new(), fault)
    }

    fn file(
        &mut self,
        bytes: &[u8],
        range: Option<&str>,
        mut headers: Vec<String>,
        fault: Option<Fault>,
    ) -> std::io::Result<()> {
        let asked = range.filter(|_| fault != Some(Fault::NoRanges)).map(|range| part(range, bytes.len()));
        let (status, body) = match asked {
            None => ("200 OK", bytes),
            Some(Some((first, end))) => {
                let said = if fault == Some(Fault::WrongRange) { first + 1 } else { first };
                headers.push(format!("content-range: bytes {said}-{}/{}", end - 1, bytes.len()));
                let shift = usize::from(fault == Some(Fault::WrongBytes));
                ("206 Partial Content", &bytes[(first + shift).min(end)..end])
            }
            Some(None) => return self.head("416 Range Not Satisfiable", &["content-length: 0".to_owned()]),
        };
        headers.push(format!("content-length: {}", body.len()));
        self.head(status, &headers)?;
        if self.with_body { self.body(body, fault) } else { Ok(()) }
    }

    fn body(&mut self, body: &[u8], fault: Option<Fault>) -> std::io::Result<()> {
        let mut body = body.to_vec();
        match (fault, body.last_mut()) {
            (Some(Fault::Damage | Fault::DamageOnce), Some(last)) => *last ^= 1,
            (Some(Fault::CutOnce(length) | Fault::StallOnce(length)), _) => body.truncate(length),
            _ => {}
        }
        for chunk in body.chunks(CHUNK) {
            self.stream.write_all(chunk)?;
            self.shared.sent.fetch_add(chunk.len(), Ordering::SeqCst);
            if let Some(Fault::Slow(rest)) = fault {
                std::thread::sleep(rest);
            }
        }
        if let Some(Fault::StallOnce(_)) = fault {
            return self.silence();
        }
        Ok(())
    }

    /// Until the other side has gone.
    fn silence(&mut self) -> std::io::Result<()> {
        self.stream.set_read_timeout(Some(Duration::from_millis(50)))?;
        let mut byte = [0];
        while !self.shared.stop.load(Ordering::SeqCst) {
            match self.stream.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn refuse(&mut self, status: &str, code: &str) -> std::io::Result<()> {
        self.head(status, &[format!("x-error-code: {code}"), "content-length: 0".to_owned()])
    }

    fn head(&mut self, status: &str, headers: &[String]) -> std::io::Result<()> {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        write!(self.stream, "HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n")
    }
}

/// Puts what a hub says that lies into its headers.
fn say(headers: &mut Vec<String>, fault: Option<&HubFault>) {
    let Some(HubFault::Says(name, value)) = fault else { return };
    let prefix = format!("{name}: ");
    headers.retain(|header| !header.starts_with(&prefix));
    headers.push(format!("{prefix}{value}"));
}

/// First and end of `bytes=first-[last]`, if the file has such bytes.
fn part(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first = first.parse().ok()?;
    let end = last.parse().map_or(length, |last: usize| length.min(last + 1));
    (first < end).then_some((first, end))
}
