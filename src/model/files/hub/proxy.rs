//! Which proxy stands between us and a server.

use std::fmt;

use ureq::Proxy;

use super::address;

/// The proxies of this user. A variable in small letters comes before the same one in capitals, as everywhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// `HTTPS_PROXY`, and its name as it is written.
    https: Option<(String, String)>,
    /// `HTTP_PROXY`
    http: Option<(String, String)>,
    /// `ALL_PROXY`, for what has none of its own.
    all: Option<(String, String)>,
    /// `NO_PROXY`: hosts that are asked directly.
    direct: Vec<String>,
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` through `lookup`, in small letters or in
    /// capitals; an empty one counts as none.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            [name.to_ascii_lowercase(), name.to_owned()].into_iter().find_map(|name| {
                let text = lookup(&name)?.trim().to_owned();
                (!text.is_empty()).then_some((name, text))
            })
        };
        let direct = either("NO_PROXY").map(|(_, text)| text).unwrap_or_default();
        let direct = direct.split([',', ' ']).filter(|entry| !entry.is_empty());
        Self {
            https: either("HTTPS_PROXY"),
            http: either("HTTP_PROXY"),
            all: either("ALL_PROXY"),
            direct: direct.map(str::to_ascii_lowercase).collect(),
        }
    }

    /// The proxy by which `url` is asked for, if any.
    ///
    /// # Errors
    /// If what a variable says is none; without its password.
    pub(super) fn to(&self, url: &str) -> Result<Option<Proxy>, String> {
        let own = if address::is_secure(url) { &self.https } else { &self.http };
        let Some((variable, text)) = own.as_ref().or(self.all.as_ref()) else { return Ok(None) };
        if self.is_direct(&host_name(url)) {
            return Ok(None);
        }
        let proxy = Proxy::new(text);
        proxy.map(Some).map_err(|_| {
            format!("{variable} is {:?}, which is no proxy: write http://host:port", address::shown(text))
        })
    }

    /// Whether a host is asked directly: it is named, or lies below a domain that is.
    fn is_direct(&self, host: &str) -> bool {
        self.direct.iter().any(|entry| {
            let domain = entry.trim_start_matches('*').trim_start_matches('.');
            let domain = domain.rsplit_once(':').map_or(domain, |(name, port)| {
                if port.bytes().all(|b| b.is_ascii_digit()) && !name.contains(':') { name } else { domain }
            });
            entry == "*"
                || host == domain
                || (!domain.is_empty() && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
        })
    }
}

/// The name of a URL's host in small letters, without its port.
fn host_name(url: &str) -> String {
    let host = address::host(url).to_ascii_lowercase();
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((number, _)) => number.to_owned(),
        None => host.split(':').next().unwrap_or_default().to_owned(),
    }
}

/// A proxy's password is nobody's business.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |proxy: &Option<(String, String)>| proxy.as_ref().map(|(_, text)| address::shown(text));
        f.debug_struct("Proxies")
            .field("https", &shown(&self.https))
            .field("http", &shown(&self.http))
            .field("all", &shown(&self.all))
            .field("direct", &self.direct)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_env(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn host(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.to(url).unwrap().map(|proxy| proxy.host().to_owned())
    }

    #[test]
    fn each_scheme_has_its_own_and_one_is_for_all() {
        let both =
            proxies(&[("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "p:2"), ("ALL_PROXY", "http://a:3")]);
        assert_eq!(host(&both, "https://hub/x").as_deref(), Some("s"));
        assert_eq!(host(&both, "http://hub/x").as_deref(), Some("p"));
        let all = proxies(&[("HTTP_PROXY", "http://p:2"), ("all_proxy", "socks5h://a:3")]);
        assert_eq!(host(&all, "https://hub/x").as_deref(), Some("a"));
        assert_eq!(host(&proxies(&[("HTTP_PROXY", "http://p:2")]), "https://hub/x"), None);
        let small = proxies(&[("HTTPS_PROXY", "http://big:1"), ("https_proxy", "http://small:1")]);
        assert_eq!(host(&small, "https://hub").as_deref(), Some("small"));
        assert_eq!(host(&proxies(&[("HTTPS_PROXY", " ")]), "https://hub"), None);
    }

    #[test]
    fn hosts_that_are_named_are_asked_directly() {
        let entries = "localhost, 127.0.0.1,example.com .corp,*.lab intern:8080,::1";
        let some = proxies(&[("ALL_PROXY", "http://p:2"), ("NO_PROXY", entries)]);
        for direct in [
            "http://localhost:80/x",
            "https://127.0.0.1:9/x",
            "https://EXAMPLE.com",
            "https://hub.example.com/x",
            "https://hub.corp",
            "https://hub.lab",
            "https://me:pw@intern:8080/x",
            "http://[::1]:9/",
        ] {
            assert_eq!(host(&some, direct), None, "{direct}");
        }
        for by_proxy in
            ["https://badexample.com", "https://example.com.evil", "https://huggingface.co", "http://[::2]"]
        {
            assert!(host(&some, by_proxy).is_some(), "{by_proxy}");
        }
        let none = proxies(&[("ALL_PROXY", "http://p:2"), ("no_proxy", "*")]);
        assert_eq!(host(&none, "https://huggingface.co"), None);
    }

    #[test]
    fn what_is_no_proxy_is_said_without_its_password() {
        for text in ["ftp://me:secret@p:2", "http://me:secret@"] {
            let message = proxies(&[("https_proxy", text)]).to("https://hub").unwrap_err();
            assert!(message.contains("https_proxy") && !message.contains("secret"), "{message}");
        }
        assert!(!format!("{:?}", proxies(&[("https_proxy", "http://me:secret@p:2")])).contains("secret"));
    }
}
