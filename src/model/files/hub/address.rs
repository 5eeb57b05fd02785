//! URLs: whose they are, where they lead, and how they are shown.

/// `https://host:port` of a URL, with a password that is in it.
pub(super) fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    &url[..end]
}

/// The host of a URL with its port, and nothing else.
pub(super) fn host(url: &str) -> &str {
    let origin = origin(url);
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

/// A URL for people: without names and passwords, and without a query, which may hold a signature.
pub(super) fn shown(url: &str) -> String {
    let path = &url[origin(url).len()..];
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let scheme = url.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
    format!("{scheme}{}{path}", host(url))
}

/// Whether it says where something is on the web.
pub(super) fn is_web(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    (lower.starts_with("http://") || lower.starts_with("https://")) && !host(url).is_empty()
}

/// Whether it is asked for by TLS.
pub(super) fn is_secure(url: &str) -> bool {
    url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// Where a redirect from `url` leads.
pub(super) fn resolve(url: &str, location: &str) -> Option<String> {
    if is_web(location) {
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
        assert_eq!(resolve("http://u:p@h/a", "/b").as_deref(), Some("http://u:p@h/b"));
        for nowhere in ["", "b", "//c/b", "file:///etc/passwd", "https://", "http:///x"] {
            assert_eq!(resolve("http://h/a", nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        for (url, wanted) in [
            ("https://me:pass@hub.example:8443/api", "https://hub.example:8443/api"),
            ("https://pass@hub.example", "https://hub.example"),
            ("https://a@b:c@hub.example/x", "https://hub.example/x"),
            ("https://cdn/x?X-Signature=secret#frag", "https://cdn/x"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9"),
            ("me:pass@hub.example", "hub.example"),
        ] {
            assert_eq!(shown(url), wanted);
        }
    }

    #[test]
    fn tls_goes_by_the_scheme_however_it_is_written() {
        assert!(is_secure("https://hub") && is_secure("HTTPS://hub") && !is_secure("http://hub"));
        assert!(is_web("HTTP://hub") && !is_web("hub") && !is_web("ftp://hub"));
    }
}
