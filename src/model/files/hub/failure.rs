//! Why a request brought nothing.

use std::time::{Duration, SystemTime};

use ureq::http::{HeaderMap, header};
use ureq::{Error, Timeout};

/// Why a request brought nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// A server refused.
    Status(Refusal),
    /// No server answered.
    Unreachable(String),
    /// Somebody is there and says nothing.
    Silent,
    /// Somebody is there whose certificate isn't trusted, or who doesn't speak TLS.
    Untrusted {
        /// The server.
        server: String,
        /// What is wrong.
        problem: String,
        /// Whether it would be right if somebody else were trusted.
        unknown_issuer: bool,
    },
    /// The connection broke off.
    Broken(String),
    /// The answer is none of a hub.
    Unexpected(String),
    /// What this user has set can't be used, so nobody was asked.
    Setting(String),
}

/// A server's refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub(super) status: u16,
    /// The hub's own name for the problem.
    pub(super) code: Option<String>,
    /// How long it wants to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// The server, if it isn't the hub itself but the one that it sent us to.
    pub(super) elsewhere: Option<String>,
}

impl Failure {
    /// Whether the same request may well succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Status(refusal) => {
                // An address that the hub gives is signed, and may have run out: it gives another.
                matches!(refusal.status, 408 | 429 | 500..)
                    || (refusal.elsewhere.is_some() && matches!(refusal.status, 401 | 403))
            }
            _ => false,
        }
    }

    /// Whether the hub is there and the file isn't.
    pub(super) fn is_missing_file(&self) -> bool {
        matches!(
            self,
            Self::Status(Refusal { status: 404, code, elsewhere: None, .. })
                if code.as_deref().is_none_or(|code| code == "EntryNotFound")
        )
    }

    /// How long the server wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// What `error` means, of a request to `server`.
    pub(super) fn of(error: Error, server: &str) -> Self {
        use std::io::ErrorKind as Kind;
        match error {
            Error::HostNotFound => Self::Unreachable(format!("the name {server} can't be resolved")),
            Error::Timeout(Timeout::Resolve) => {
                Self::Unreachable(format!("the name {server} isn't resolved in time"))
            }
            Error::Timeout(Timeout::Connect) => Self::Unreachable(format!("{server} doesn't answer in time")),
            Error::Timeout(_) => Self::Silent,
            Error::Rustls(error) => untrusted(&error, server),
            Error::Io(error) => {
                let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
                if let Some(inner) = inner {
                    return untrusted(inner, server);
                }
                match error.kind() {
                    Kind::ConnectionReset
                    | Kind::ConnectionAborted
                    | Kind::BrokenPipe
                    | Kind::UnexpectedEof
                    | Kind::TimedOut => Self::Broken(error.to_string()),
                    // Refused, no route, or a name that isn't known, which has no kind of its own.
                    _ => Self::Unreachable(format!("{server}: {error}")),
                }
            }
            Error::Protocol(error) => Self::Broken(error.to_string()),
            Error::ConnectProxyFailed(problem) => {
                Self::Unreachable(format!("the proxy doesn't let us through to {server}: {}", problem.trim()))
            }
            // These can hold an address with a password.
            Error::BadUri(_) | Error::Http(_) => Self::Setting(format!("{server} is no address of a server")),
            error => Self::Unreachable(format!("{server}: {error}")),
        }
    }
}

/// While a body is read.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match Self::of(Error::from(error), "the server") {
            Self::Unreachable(problem) => Self::Broken(problem),
            other => other,
        }
    }
}

fn untrusted(error: &rustls::Error, server: &str) -> Failure {
    use rustls::{CertificateError as Certificate, Error};
    let unknown_issuer = matches!(
        error,
        Error::InvalidCertificate(
            Certificate::UnknownIssuer | Certificate::BadSignature | Certificate::Other(_)
        )
    );
    let problem = match error {
        Error::InvalidCertificate(error @ (Certificate::UnknownIssuer | Certificate::BadSignature)) => {
            format!("nobody who is trusted has signed its certificate ({error:?})")
        }
        Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "its certificate has expired, or this machine's clock is wrong".to_owned()
        }
        Error::InvalidCertificate(Certificate::NotValidYet | Certificate::NotValidYetContext { .. }) => {
            "its certificate is not valid yet, or this machine's clock is wrong".to_owned()
        }
        Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => "its certificate is for another name".to_owned(),
        Error::InvalidMessage(_) => format!("it doesn't speak TLS: {error:?}"),
        error => error.to_string(),
    };
    Failure::Untrusted { server: server.to_owned(), problem, unknown_issuer }
}

/// How long a server wants to be left alone, at `now`: seconds or a date, or the hub's own count of requests, as in
/// `ratelimit: "api";r=0;t=55`.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let window = || {
        let mut parts = text("ratelimit")?.split(';').map(str::trim);
        let remaining = parts.clone().find_map(|part| part.strip_prefix("r="))?;
        let seconds = parts.find_map(|part| part.strip_prefix("t="))?.parse().ok()?;
        (remaining == "0").then(|| Duration::from_secs(seconds))
    };
    let asked = text(header::RETRY_AFTER.as_str()).and_then(|value| match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default()),
    });
    asked.or_else(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16) -> Refusal {
        Refusal { status, code: None, retry_after: None, elsewhere: None }
    }

    #[test]
    fn only_a_passing_failure_is_tried_again() {
        let status = |status| Failure::Status(refusal(status));
        assert!(status(503).is_passing() && status(429).is_passing() && status(408).is_passing());
        assert!(!status(404).is_passing() && !status(403).is_passing());
        let elsewhere = Some("cdn".to_owned());
        assert!(Failure::Status(Refusal { elsewhere, ..refusal(403) }).is_passing());
        assert!(!Failure::of(Error::HostNotFound, "hub").is_passing());
        assert!(!Failure::of(Error::Timeout(Timeout::PerRead), "hub").is_passing());
    }

    #[test]
    fn a_file_is_missing_only_if_the_hub_says_so() {
        let missing = |code: Option<&str>, elsewhere: Option<&str>| {
            let (code, elsewhere) = (code.map(str::to_owned), elsewhere.map(str::to_owned));
            Failure::Status(Refusal { code, elsewhere, ..refusal(404) }).is_missing_file()
        };
        assert!(missing(None, None) && missing(Some("EntryNotFound"), None));
        assert!(!missing(Some("RevisionNotFound"), None) && !missing(None, Some("cdn")));
    }

    #[test]
    fn a_server_says_when_to_come_back_in_three_ways() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        let after = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(after("retry-after", "120"), Some(120));
        assert_eq!(after("retry-after", "Wed, 21 Oct 2015 07:29:30 GMT"), Some(90));
        assert_eq!(after("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT"), Some(0));
        assert_eq!(after("ratelimit", "\"api\";r=0;t=55"), Some(55));
        assert_eq!(after("ratelimit", "\"resolvers\"; r=0; t=7"), Some(7));
        for nothing in [("retry-after", "soon"), ("retry-after", "-1"), ("ratelimit", "\"api\";r=3;t=55")] {
            assert_eq!(after(nothing.0, nothing.1), None);
        }
    }

    #[test]
    fn what_tls_says_is_put_in_words() {
        use rustls::CertificateError as Certificate;
        let message = |error: Certificate| match Failure::of(Error::Rustls(error.into()), "hub:1") {
            Failure::Untrusted { server, problem, unknown_issuer } => {
                assert_eq!(server, "hub:1");
                (problem, unknown_issuer)
            }
            other => panic!("{other:?}"),
        };
        assert!(message(Certificate::UnknownIssuer).1);
        assert!(message(Certificate::Expired).0.contains("clock") && !message(Certificate::Expired).1);
        assert!(message(Certificate::NotValidForName).0.contains("another name"));
    }
}
