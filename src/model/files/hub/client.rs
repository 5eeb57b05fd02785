//! The hub's protocol: what a file is, and its bytes from some position on.
//!
//! `hf-hub` knows the addresses; the requests are our own, because its client sets no timeout, so that a stalled
//! connection would hang for ever, and its progress callback can't stop a transfer.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use serde::Deserialize;
use ureq::config::Config;
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body, BodyReader};

use super::address::{self, origin};
use super::answer::{self, Metadata};
use super::connector;
use super::failure::{Failure, Refusal, retry_after};
use super::settings::HubSettings;

/// The longest list of the files of a repository, in bytes: the largest known have some megabytes.
const LONGEST_LIST: u64 = 32 << 20;
const MAX_REDIRECTS: usize = 10;

/// Bytes of a file on their way.
pub(super) struct Incoming {
    /// The position of the first byte; 0 if the server doesn't know ranges.
    pub(super) start: u64,
    /// Reads them.
    pub(super) reader: BodyReader<'static>,
}

pub(super) struct Client {
    settings: HubSettings,
    addresses: Api,
    plain: Agent,
    /// Speaks TLS; certificates are read once somebody must.
    secure: OnceLock<Result<Agent, String>>,
}

impl Client {
    /// # Errors
    /// If the settings can't be meant; nobody is asked.
    pub(super) fn new(settings: &HubSettings) -> Result<Self, Failure> {
        let mut builder = ApiBuilder::from_cache(Cache::new(settings.cache.clone())).with_progress(false);
        if let Some(endpoint) = &settings.endpoint {
            if !address::is_web(endpoint) {
                let shown = address::shown(endpoint);
                return Err(Failure::Setting(format!(
                    "HF_ENDPOINT is {shown:?}, which is no address of a hub: write https://host"
                )));
            }
            builder = builder.with_endpoint(endpoint.clone());
        }
        if let Some(token) = &settings.token {
            token.secret().map_err(Failure::Setting)?;
        }
        let addresses = builder.build().map_err(|error| Failure::Unexpected(error.to_string()))?;
        let plain = config(settings.timeout).into();
        Ok(Self { settings: settings.clone(), addresses, plain, secure: OnceLock::new() })
    }

    /// Asks what `file` is at `revision`. All of it takes no longer than the timeout.
    pub(super) fn metadata(&self, repository: &str, revision: &str, file: &str) -> Result<Metadata, Failure> {
        let asked = Asked { range: Some("bytes=0-0"), until: Some(Instant::now() + self.settings.timeout) };
        let answer = self.ask(&self.url(repository, revision, file), &asked)?;
        let mut metadata = answer::metadata(answer.response.headers())?;
        let size = match metadata.size.take() {
            Some(size) => size,
            None => answer::size(&self.follow(answer, &asked)?)?,
        };
        Ok(Metadata { size: Some(size), ..metadata })
    }

    /// Asks for the bytes of `file`, which has `size`, from `start` on.
    pub(super) fn open(
        &self,
        repository: &str,
        revision: &str,
        file: &str,
        (start, size): (u64, u64),
    ) -> Result<Incoming, Failure> {
        let range = format!("bytes={start}-");
        let asked = Asked { range: Some(&range), until: None };
        let answer = self.ask(&self.url(repository, revision, file), &asked)?;
        let response = self.follow(answer, &asked)?;
        let start = answer::start(&response, start, size)?;
        Ok(Incoming { start, reader: response.into_body().into_reader() })
    }

    /// Asks which files there are at `revision`.
    pub(super) fn files(&self, repository: &str, revision: &str) -> Result<Vec<String>, Failure> {
        let repo = Repo::with_revision(repository.to_owned(), RepoType::Model, revision.to_owned());
        let file = self.url(repository, revision, "");
        let folder = format!("/{}/resolve/{}/", repo.url(), repo.url_revision());
        let url = format!("{}/api/{}", file.strip_suffix(&folder).unwrap_or_default(), repo.api_url());
        let asked = Asked { range: None, until: Some(Instant::now() + self.settings.timeout) };
        let answer = self.ask(&url, &asked)?;
        let mut body = self.follow(answer, &asked)?.into_body();
        let text = body.with_config().limit(LONGEST_LIST).read_to_vec();
        let text = text.map_err(|error| Failure::of(error, address::host(&url)))?;
        let list: FileList = serde_json::from_slice(&text)
            .map_err(|error| Failure::Unexpected(format!("no list of files: {error}")))?;
        Ok(list.siblings.into_iter().map(|file| file.rfilename).collect())
    }

    fn url(&self, repository: &str, revision: &str, file: &str) -> String {
        let repo = Repo::with_revision(repository.to_owned(), RepoType::Model, revision.to_owned());
        self.addresses.repo(repo).url(file)
    }

    /// The hub's own last answer, which says what a file is. Redirects are followed by hand, because the one that
    /// leads to the bytes leads to a server of somebody else, and the token must not go there.
    fn ask(&self, url: &str, asked: &Asked<'_>) -> Result<Answer, Failure> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get(&url, asked, true)?;
            match redirect(&url, &response)? {
                Some(next) if origin(&next) == origin(&url) => url = next,
                elsewhere => return Ok(Answer { response, elsewhere }),
            }
        }
        Err(Failure::Unexpected("too many redirects".to_owned()))
    }

    /// Where the bytes are.
    fn follow(&self, answer: Answer, asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
        let Some(mut url) = answer.elsewhere else { return Ok(answer.response) };
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get(&url, asked, false)?;
            match redirect(&url, &response)? {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(Failure::Unexpected("too many redirects".to_owned()))
    }

    fn get(&self, url: &str, asked: &Asked<'_>, of_hub: bool) -> Result<Response<Body>, Failure> {
        let server = address::host(url);
        let proxy = self.settings.proxies.to(url).map_err(Failure::Setting)?;
        let mut request = self.agent(url)?.get(url);
        if let Some(range) = asked.range {
            request = request.header(header::RANGE, range);
        }
        if let Some(token) = self.settings.token.as_ref().filter(|_| of_hub) {
            let secret = token.secret().map_err(Failure::Setting)?;
            request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
        }
        let mut config = request.config().proxy(proxy);
        if let Some(until) = asked.until {
            let left = until.saturating_duration_since(Instant::now());
            config = config.timeout_global(Some(left.max(Duration::from_millis(1))));
        }
        let response = config.build().call().map_err(|error| Failure::of(error, server))?;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            let code = response.headers().get("x-error-code").and_then(|code| code.to_str().ok());
            return Err(Failure::Status(Refusal {
                status: status.as_u16(),
                code: code.map(str::to_owned),
                retry_after: retry_after(response.headers(), SystemTime::now()),
                elsewhere: (!of_hub).then(|| server.to_owned()),
            }));
        }
        if !status.is_redirection() && !matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
            return Err(Failure::Unexpected(format!("status {}", status.as_u16())));
        }
        Ok(response)
    }

    fn agent(&self, url: &str) -> Result<&Agent, Failure> {
        if !address::is_secure(url) {
            return Ok(&self.plain);
        }
        let secure = || connector::agent(config(self.settings.timeout), self.settings.trust.roots()?);
        self.secure.get_or_init(secure).as_ref().map_err(|problem| Failure::Setting(problem.clone()))
    }
}

/// What the hub says of a repository, as far as it is read.
#[derive(Deserialize)]
struct FileList {
    siblings: Vec<ListedFile>,
}

#[derive(Deserialize)]
struct ListedFile {
    rfilename: String,
}

/// What a request asks for.
struct Asked<'a> {
    /// The bytes, as a `Range` header; `None` is all of them.
    range: Option<&'a str>,
    /// The time until which an answer is waited for, all redirects together.
    until: Option<Instant>,
}

/// What the hub answers, and the address of the bytes if they are on another server.
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
    let location = location.unwrap_or_default();
    match address::resolve(url, location) {
        Some(next) => Ok(Some(next)),
        None => Err(Failure::Unexpected(format!("a redirect to {:?}", address::shown(location)))),
    }
}

fn config(timeout: Duration) -> Config {
    Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        // Sizes and positions are those of the files.
        .accept_encoding("identity")
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        // They go by the address, and aren't read from the environment here.
        .proxy(None)
        .timeout_resolve(Some(timeout))
        .timeout_connect(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_per_read(Some(timeout))
        .build()
}
