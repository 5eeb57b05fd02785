//! The hub's protocol: what a file is, and its bytes from some position on.
//!
//! `hf-hub` knows the addresses; the requests are our own, because its client sets no timeout, so that a stalled
//! connection would hang for ever, and its progress callback can't stop a transfer.

use std::time::Duration;

use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body, BodyReader, Error, Timeout};

use super::cache::is_safe_name;
use super::settings::HubSettings;

const MAX_REDIRECTS: usize = 10;

/// What the hub says about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    /// The commit that the asked revision is.
    pub(super) commit: String,
    /// What its content is called: the sha256 for large files.
    pub(super) etag: String,
    /// How many bytes it has.
    pub(super) size: u64,
}

/// Why a request brought nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The hub answered, with this status and its own name for the problem.
    Status { status: u16, code: Option<String> },
    /// Nobody answered.
    Unreachable(String),
    /// The connection broke off or fell silent.
    Broken(String),
    /// The answer is none of a hub.
    Unexpected(String),
}

impl Failure {
    /// Whether the same request may well succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            Self::Unreachable(_) | Self::Unexpected(_) => false,
        }
    }

    /// Whether the hub is there and the file isn't.
    pub(super) fn is_missing_file(&self) -> bool {
        matches!(self, Self::Status { status: 404, code } if code.as_deref().is_none_or(|c| c == "EntryNotFound"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error {
            Error::HostNotFound => Self::Unreachable("its name can't be resolved".to_owned()),
            Error::Timeout(at @ (Timeout::Resolve | Timeout::Connect)) => {
                Self::Unreachable(format!("no answer in time: {at}"))
            }
            Error::Timeout(_) => Self::Broken("nothing came for too long".to_owned()),
            Error::Io(error) => match error.kind() {
                Kind::ConnectionReset
                | Kind::ConnectionAborted
                | Kind::BrokenPipe
                | Kind::UnexpectedEof
                | Kind::TimedOut => Self::Broken(error.to_string()),
                // Refused, no route, or a name that isn't known, which has no kind of its own.
                _ => Self::Unreachable(error.to_string()),
            },
            Error::Protocol(error) => Self::Broken(error.to_string()),
            error => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::from(Error::from(error))
    }
}

/// Bytes of a file on their way.
pub(super) struct Incoming {
    /// The position of the first; 0 if the server doesn't know ranges.
    pub(super) start: u64,
    /// They.
    pub(super) reader: BodyReader<'static>,
}

pub(super) struct Client {
    agent: Agent,
    addresses: Api,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(settings: &HubSettings) -> Result<Self, Failure> {
        let mut builder = ApiBuilder::from_cache(Cache::new(settings.cache.clone())).with_progress(false);
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        let addresses = builder.build().map_err(|error| Failure::Unexpected(error.to_string()))?;
        Ok(Self { agent: agent(settings.timeout), addresses, token: settings.token.clone() })
    }

    /// Asks what `file` is at `revision`.
    pub(super) fn metadata(&self, repository: &str, revision: &str, file: &str) -> Result<Metadata, Failure> {
        let range = "bytes=0-0";
        let answer = self.ask(&self.url(repository, revision, file), range)?;
        let text = |name| answer.response.headers().get(name).and_then(|value| value.to_str().ok());
        let commit = text("x-repo-commit").ok_or_else(|| missing("x-repo-commit"))?.to_owned();
        let etag = text("x-linked-etag").or_else(|| text("etag")).ok_or_else(|| missing("etag"))?;
        let etag = etag.trim_start_matches("W/").trim_matches('"').to_owned();
        for (name, value) in [("commit", &commit), ("etag", &etag)] {
            if !is_safe_name(value) {
                return Err(Failure::Unexpected(format!("{value:?} is no {name}")));
            }
        }
        let size = match text("x-linked-size").and_then(|size| size.parse().ok()) {
            Some(size) => size,
            None => size_in(&self.follow(answer, range)?).ok_or_else(|| missing("content-range"))?,
        };
        Ok(Metadata { commit, etag, size })
    }

    /// Asks for the bytes of `file` from `start` on.
    pub(super) fn open(
        &self,
        repository: &str,
        revision: &str,
        file: &str,
        start: u64,
    ) -> Result<Incoming, Failure> {
        let range = format!("bytes={start}-");
        let answer = self.ask(&self.url(repository, revision, file), &range)?;
        let response = self.follow(answer, &range)?;
        let start = if response.status() == StatusCode::PARTIAL_CONTENT { start } else { 0 };
        Ok(Incoming { start, reader: response.into_body().into_reader() })
    }

    fn url(&self, repository: &str, revision: &str, file: &str) -> String {
        let repo = Repo::with_revision(repository.to_owned(), RepoType::Model, revision.to_owned());
        self.addresses.repo(repo).url(file)
    }

    /// The hub's own last answer, which says what a file is. Redirects are followed by hand, because the one that
    /// leads to the bytes leads to a server of somebody else, and the token must not go there.
    fn ask(&self, url: &str, range: &str) -> Result<Answer, Failure> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get(&url, range, self.token.as_deref())?;
            match redirect(&url, &response)? {
                Some(next) if origin(&next) == origin(&url) => url = next,
                elsewhere => return Ok(Answer { response, elsewhere }),
            }
        }
        Err(Failure::Unexpected("too many redirects".to_owned()))
    }

    /// Where the bytes are.
    fn follow(&self, answer: Answer, range: &str) -> Result<Response<Body>, Failure> {
        let Some(mut url) = answer.elsewhere else { return Ok(answer.response) };
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get(&url, range, None)?;
            match redirect(&url, &response)? {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(Failure::Unexpected("too many redirects".to_owned()))
    }

    fn get(&self, url: &str, range: &str, token: Option<&str>) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(url).header(header::RANGE, range);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = request.call()?;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            let code = response.headers().get("x-error-code").and_then(|code| code.to_str().ok());
            return Err(Failure::Status { status: status.as_u16(), code: code.map(str::to_owned) });
        }
        Ok(response)
    }
}

/// What the hub itself says, and where on another server the bytes are, if they aren't here.
struct Answer {
    response: Response<Body>,
    elsewhere: Option<String>,
}

/// Where a response redirects to.
fn redirect(url: &str, response: &Response<Body>) -> Result<Option<String>, Failure> {
    if !response.status().is_redirection() {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    match resolve(url, location.unwrap_or_default()) {
        Some(next) => Ok(Some(next)),
        None => Err(Failure::Unexpected(format!("a redirect to {location:?}"))),
    }
}

fn agent(timeout: Duration) -> Agent {
    Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        // Sizes and positions are those of the files.
        .accept_encoding("identity")
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(timeout))
        .timeout_connect(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_per_read(Some(timeout))
        .build()
        .into()
}

fn missing(header: &str) -> Failure {
    Failure::Unexpected(format!("the header {header} is missing"))
}

/// How many bytes the whole file has.
fn size_in(response: &Response<Body>) -> Option<u64> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    match text(header::CONTENT_RANGE) {
        Some(range) => range.rsplit('/').next()?.parse().ok(),
        None => text(header::CONTENT_LENGTH)?.parse().ok(),
    }
}

/// `https://host:port` of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    &url[..end]
}

/// Where a redirect from `url` leads.
fn resolve(url: &str, location: &str) -> Option<String> {
    if location.starts_with("http://") || location.starts_with("https://") {
        Some(location.to_owned())
    } else if location.starts_with('/') && !location.starts_with("//") {
        Some(format!("{}{location}", origin(url)))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(origin("http://127.0.0.1:80/a/b?c"), "http://127.0.0.1:80");
        assert_eq!(origin("https://hub"), "https://hub");
        assert_ne!(origin("https://hub@evil/x"), origin("https://hub/x"));
        assert_ne!(origin("https://hub.evil/x"), origin("https://hub/x"));
    }

    #[test]
    fn redirects_lead_to_the_same_server_or_to_a_full_address() {
        assert_eq!(resolve("http://h/a", "/b").as_deref(), Some("http://h/b"));
        assert_eq!(resolve("http://h/a", "https://c/b").as_deref(), Some("https://c/b"));
        for nowhere in ["", "b", "//c/b", "file:///etc/passwd"] {
            assert_eq!(resolve("http://h/a", nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn only_a_passing_failure_is_tried_again() {
        let status = |status| Failure::Status { status, code: None };
        assert!(Failure::from(Error::Timeout(Timeout::PerRead)).is_passing());
        assert!(status(503).is_passing() && status(429).is_passing());
        assert!(!status(404).is_passing() && !status(403).is_passing());
        assert!(!Failure::from(Error::HostNotFound).is_passing());
    }
}
