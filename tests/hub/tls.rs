//! Who is trusted, and by which way servers are asked.

use std::net::SocketAddr;

use attnscope::model::files::hub::{Proxies, Trust};
use attnscope::model::files::{Hub, HubError, HubSettings};

use super::front::{Authority, TestProxy, self_signed};
use super::{Scene, locate, refusal, tiny};

fn address(endpoint: &str) -> SocketAddr {
    endpoint.trim_start_matches("http://").parse().unwrap()
}

fn lookup<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

/// A hub behind TLS, and how it is asked by somebody who trusts what `variables` say.
fn by_tls(scene: &Scene, authority: &Authority, name: &str, variables: &[(&str, &str)]) -> Hub {
    let endpoint = Some(authority.front(address(&scene.server.endpoint), name));
    Hub::new(HubSettings { endpoint, trust: Trust::from_env(lookup(variables)), ..scene.settings() })
}

#[test]
fn an_authority_that_is_named_is_trusted_whatever_names_it() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("5ed36f99.0");
    std::fs::write(&file, &authority.pem).unwrap();
    let (file, folder) = (file.to_str().unwrap(), folder.path().to_str().unwrap());
    for (variable, value) in [
        ("SSL_CERT_FILE", file),
        ("SSL_CERT_DIR", folder),
        ("REQUESTS_CA_BUNDLE", file),
        ("CURL_CA_BUNDLE", folder),
    ] {
        let scene = Scene::new(tiny());
        let hub = by_tls(&scene, &authority, "127.0.0.1", &[(variable, value)]);
        assert!(locate(&hub, None).is_ok(), "{variable}: {:?}", locate(&hub, None));
        assert!(scene.server.asked().len() > 3);
    }
}

#[test]
fn a_server_may_be_named_by_its_own_certificate_and_only_as_itself() {
    let scene = Scene::new(tiny());
    let by = |name: &str| {
        let (endpoint, pem) = self_signed(address(&scene.server.endpoint), name);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.pem");
        std::fs::write(&file, pem).unwrap();
        let trust = Trust::from_env(lookup(&[("SSL_CERT_FILE", file.to_str().unwrap())]));
        let hub = Hub::new(HubSettings { endpoint: Some(endpoint), trust, ..scene.settings() });
        locate(&hub, None).map_err(|error| error.to_string())
    };
    let said = by("hub.example").unwrap_err();
    assert!(said.contains("for another name"), "{said}");
    by("127.0.0.1").unwrap();
}

#[test]
fn an_authority_that_nobody_knows_is_refused_and_the_message_says_what_to_set() {
    let (authority, other) = (Authority::new(), Authority::new());
    let scene = Scene::new(tiny());
    let error = refusal(&by_tls(&scene, &authority, "127.0.0.1", &[]), None);
    let said = error.to_string();
    assert!(matches!(error, HubError::Untrusted { .. }), "{said}");
    assert!(said.contains("127.0.0.1:") && said.contains("SSL_CERT_FILE"), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.pem");
    std::fs::write(&file, &other.pem).unwrap();
    let bundle = [("REQUESTS_CA_BUNDLE", file.to_str().unwrap())];
    let said = refusal(&by_tls(&scene, &authority, "127.0.0.1", &bundle), None).to_string();
    assert!(said.contains("REQUESTS_CA_BUNDLE") && said.contains("nobody who is trusted"), "{said}");
    assert_eq!(scene.server.asked(), []);
}

#[test]
fn a_certificate_for_another_name_is_said_to_be_one() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let scene = Scene::new(tiny());
    let hub = by_tls(&scene, &authority, "hub.example", &[("SSL_CERT_FILE", file.to_str().unwrap())]);
    let said = refusal(&hub, None).to_string();
    assert!(said.contains("for another name") && !said.contains("SSL_CERT_FILE"), "{said}");
}

#[test]
fn a_file_of_certificates_that_is_missing_or_broken_is_named_where_tls_is_spoken() {
    let authority = Authority::new();
    let scene = Scene::new(tiny());
    let trust = [("SSL_CERT_FILE", "/nowhere/ca.pem")];
    let said = refusal(&by_tls(&scene, &authority, "127.0.0.1", &trust), None).to_string();
    assert!(said.contains("SSL_CERT_FILE names /nowhere/ca.pem"), "{said}");
    assert_eq!(scene.server.asked(), []);
    // A hub without TLS needs no certificates.
    let plain = Hub::new(HubSettings { trust: Trust::from_env(lookup(&trust)), ..scene.settings() });
    assert!(locate(&plain, None).is_ok());
}

#[test]
fn a_hub_is_asked_by_its_proxy() {
    let scene = Scene::new(tiny());
    let proxy = TestProxy::start(address(&scene.server.endpoint));
    let by = |variables: &[(&str, &str)], endpoint: &str| {
        let proxies = Proxies::from_env(lookup(variables));
        let (endpoint, cache) = (Some(endpoint.to_owned()), tempfile::tempdir().unwrap());
        let settings = HubSettings { endpoint, proxies, ..HubSettings::new(cache.path().to_owned()) };
        locate(&Hub::new(settings), None)
    };
    // A name that only the proxy knows; what the hub sends to is asked directly.
    let variables = [("HTTP_PROXY", proxy.url.as_str()), ("NO_PROXY", "localhost, 127.0.0.1")];
    by(&variables, "http://hub.invalid").unwrap();
    let passed = proxy.passed();
    assert!(passed > 3, "{passed}");
    by(&variables, &scene.server.endpoint).unwrap();
    assert_eq!(proxy.passed(), passed);
    let said = by(&[("http_proxy", "ftp://me:s3cret@proxy")], "http://hub.invalid").unwrap_err().to_string();
    assert!(said.contains("http_proxy") && !said.contains("s3cret"), "{said}");
    let said =
        by(&[("ALL_PROXY", "http://me:s3cret@127.0.0.1:1")], "http://hub.invalid").unwrap_err().to_string();
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn tls_goes_through_a_proxy_too() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let scene = Scene::new(tiny());
    let front = authority.front(address(&scene.server.endpoint), "hub.invalid");
    let proxy = TestProxy::start(address(&front.replace("https", "http")));
    let variables = [("HTTPS_PROXY", proxy.url.as_str()), ("SSL_CERT_FILE", file.to_str().unwrap())];
    let hub = Hub::new(HubSettings {
        endpoint: Some("https://hub.invalid".to_owned()),
        trust: Trust::from_env(lookup(&variables)),
        proxies: Proxies::from_env(lookup(&variables)),
        ..scene.settings()
    });
    locate(&hub, None).unwrap();
    assert!(proxy.passed() > 0);
}
