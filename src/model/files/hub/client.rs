//! The hub's protocol: what a file is, and its bytes from some position on.
//!
//! `hf-hub` knows the addresses; the requests are our own, because its client sets no timeout, so that a stalled
//! connection would hang for ever, and its progress callback can't stop a transfer.

use std::time::Duration;

use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use ureq::http::{Response, header};
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
                Kind::ConnectionRefused | Kind::NetworkUnreachable | Kind::HostUnreachable => {
                    Self::Unreachable(error.to_string())
                }
                _ => Self::Broken(error.to_string()),
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

    /// Whether requests carry a token.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Asks what `file` is at `revision`.
    pub(super) fn metadata(&self, repository: &str, revision: &str, file: &str) -> Result<Metadata, Failure> {
        let url = self.url(repository, revision, file);
        let (first, last) = self.get(&url, "bytes=0-0")?;
        let linked = |name| first.headers().get(name).and_then(|value| value.to_str().ok());
        let commit = linked("x-repo-commit").ok_or_else(|| missing("x-repo-commit"))?.to_owned();
        let etag = linked("x-linked-etag").or_else(|| linked("etag")).ok_or_else(|| missing("etag"))?;
        let etag = etag.trim_start_matches("W/").trim_matches('"').to_owned();
        for (name, value) in [("commit", &commit), ("etag", &etag)] {
            if !is_safe_name(value) {
                return Err(Failure::Unexpected(format!("{value:?} is no {name}")));
            }
        }
        let size = match linked("x-linked-size").and_then(|size| size.parse().ok()) {
            Some(size) => size,
            None => size_in(last.as_ref().unwrap_or(&first)).ok_or_else(|| missing("content-range"))?,
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
        let url = self.url(repository, revision, file);
        let (first, last) = self.get(&url, &format!("bytes={start}-"))?;
        let response = last.unwrap_or(first);
        let start = if response.status() == 206 { start } else { 0 };
        Ok(Incoming { start, reader: response.into_body().into_reader() })
    }

    fn url(&self, repository: &str, revision: &str, file: &str) -> String {
        let repo = Repo::with_revision(repository.to_owned(), RepoType::Model, revision.to_owned());
        self.addresses.repo(repo).url(file)
    }

    /// Follows redirects by hand: the hub's own last answer says what a file is, and the token must not go with a
    /// redirect to a server of somebody else, which is where the bytes are. Returns both answers.
    fn get(&self, url: &str, range: &str) -> Result<(Response<Body>, Option<Response<Body>>), Failure> {
        let origin = origin(url).to_owned();
        let mut url = url.to_owned();
        let mut hub = None;
        for _ in 0..=MAX_REDIRECTS {
            let at_hub = self::origin(&url) == origin;
            let mut request = self.agent.get(&url).header(header::RANGE, range);
            if let Some(token) = self.token.as_ref().filter(|_| at_hub) {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            let response = request.call()?;
            let status = response.status();
            if status.is_client_error() || status.is_server_error() {
                let code = response.headers().get("x-error-code").and_then(|code| code.to_str().ok());
                return Err(Failure::Status { status: status.as_u16(), code: code.map(str::to_owned) });
            }
            if !status.is_redirection() {
                return Ok(match hub {
                    Some(hub) => (hub, Some(response)),
                    None => (response, None),
                });
            }
            let location = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok());
            let next = resolve(&url, location.unwrap_or_default())
                .ok_or_else(|| Failure::Unexpected(format!("a redirect to {location:?}")))?;
            if at_hub && self::origin(&next) != origin {
                hub = Some(response);
            }
            url = next;
        }
        Err(Failure::Unexpected("too many redirects".to_owned()))
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
