//! What the environment says about the hub.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::proxy::Proxies;
use super::token::Token;
use super::trust::Trust;
use super::{address, expand};
use crate::model::ModelError;

/// Where the hub is, where its cache is, and who asks. Nothing below reads the environment.
#[derive(Clone, PartialEq, Eq)]
pub struct HubSettings {
    /// Where the hub answers; `None` is the public one.
    pub endpoint: Option<String>,
    /// The folder of `models--org--name`.
    pub cache: PathBuf,
    /// Who asks, for gated and private models.
    pub token: Option<Token>,
    /// Never ask the hub.
    pub offline: bool,
    /// How long a server may take to answer, or bring nothing.
    pub timeout: Duration,
    /// Whose certificates a server may show.
    pub trust: Trust,
    /// What stands between us and the servers.
    pub proxies: Proxies,
}

impl HubSettings {
    /// Python's default.
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// Settings for a cache, of the public hub; nobody in particular asks.
    pub fn new(cache: PathBuf) -> Self {
        Self {
            endpoint: None,
            cache,
            token: None,
            offline: false,
            timeout: Self::TIMEOUT,
            trust: Trust::default(),
            proxies: Proxies::default(),
        }
    }

    /// Reads the variables that Python's `huggingface_hub` reads, through `lookup`, and the file with the token
    /// that its login writes. An empty variable counts as none. In paths, `~` and `$NAME` are filled in.
    ///
    /// | variable | sets |
    /// |---|---|
    /// | `HF_ENDPOINT` | where the hub is |
    /// | `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `HF_HOME` + `/hub`, `XDG_CACHE_HOME` + `/huggingface/hub` | the cache; else `~/.cache/huggingface/hub` |
    /// | `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, the file `HF_TOKEN_PATH`, the file `token` in `HF_HOME` | who asks |
    /// | `HF_HUB_DISABLE_IMPLICIT_TOKEN` | nobody in particular asks |
    /// | `HF_HUB_OFFLINE`, else `TRANSFORMERS_OFFLINE`: `1`, `true`, `yes`, `on` | never ask the hub |
    /// | `HF_HUB_DOWNLOAD_TIMEOUT` | seconds a server may bring nothing; 10 if unset |
    /// | `SSL_CERT_FILE`, `SSL_CERT_DIR`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` | see [`Trust::from_env`] |
    /// | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` | see [`Proxies::from_env`] |
    ///
    /// # Errors
    /// If nothing says where the cache is, not even a home folder, or a path can't be filled in.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ModelError> {
        let written = |name: &str| lookup(name).filter(|text| !text.is_empty());
        let text = |name: &str| lookup(name).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let user = written("HOME").or_else(|| written("USERPROFILE"));
        let path = |name: &str| {
            let filled = |path: String| expand::path(&path, user.as_deref(), &lookup);
            let path = written(name).map(filled).transpose();
            path.map_err(|problem| ModelError::Invalid(format!("{name}: {problem}")))
        };

        let home = match path("HF_HOME")? {
            Some(home) => Some(home),
            None => match path("XDG_CACHE_HOME")? {
                Some(caches) => Some(caches.join("huggingface")),
                None => user.as_ref().map(|user| PathBuf::from(user).join(".cache/huggingface")),
            },
        };
        let named = match path("HF_HUB_CACHE")? {
            Some(cache) => Some(cache),
            None => path("HUGGINGFACE_HUB_CACHE")?,
        };
        let cache = named.or_else(|| home.as_ref().map(|home| home.join("hub"))).ok_or_else(|| {
            ModelError::Invalid("no home folder for the hub's cache: set HF_HOME".to_owned())
        })?;
        let token_file = path("HF_TOKEN_PATH")?.or_else(|| home.map(|home| home.join("token")));
        // Python takes the first of two variables that is set, even if the other says something else.
        let is_offline = written("HF_HUB_OFFLINE").or_else(|| written("TRANSFORMERS_OFFLINE"));
        let token = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]
            .into_iter()
            .find_map(|name| Token::new(&written(name)?, name))
            .or_else(|| Token::in_file(&token_file?));
        let is_nobody = text("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some_and(|value| is_true(&value));
        Ok(Self {
            endpoint: text("HF_ENDPOINT").map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
            cache,
            token: token.filter(|_| !is_nobody),
            offline: is_offline.is_some_and(|value| is_true(value.trim())),
            timeout: text("HF_HUB_DOWNLOAD_TIMEOUT")
                .and_then(|seconds| seconds.parse().ok())
                .filter(|seconds| *seconds > 0)
                .map_or(Self::TIMEOUT, Duration::from_secs),
            trust: Trust::from_env(&lookup),
            proxies: Proxies::from_env(&lookup),
        })
    }

    /// Where the hub answers, for messages: without a password; `None` is the public one.
    pub(super) fn shown_endpoint(&self) -> Option<String> {
        self.endpoint.as_deref().map(address::shown)
    }
}

/// Passwords are nobody's business.
impl fmt::Debug for HubSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubSettings")
            .field("endpoint", &self.shown_endpoint())
            .field("cache", &self.cache)
            .field("token", &self.token)
            .field("offline", &self.offline)
            .field("timeout", &self.timeout)
            .field("trust", &self.trust)
            .field("proxies", &self.proxies)
            .finish()
    }
}

fn is_true(value: &str) -> bool {
    ["1", "true", "yes", "on"].iter().any(|truth| value.eq_ignore_ascii_case(truth))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> HubSettings {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        HubSettings::from_env(lookup).unwrap()
    }

    fn secret(variables: &[(&str, &str)]) -> Option<String> {
        read(variables).token.map(|token| token.secret().unwrap().to_owned())
    }

    #[test]
    fn defaults_are_those_of_python() {
        let settings = read(&[("HOME", "/home/nobody-at-all")]);
        assert_eq!(settings.endpoint, None);
        assert_eq!(settings.cache, Path::new("/home/nobody-at-all/.cache/huggingface/hub"));
        assert_eq!(settings.token, None);
        assert!(!settings.offline);
        assert_eq!(settings.timeout, Duration::from_secs(10));
    }

    #[test]
    fn the_nearest_variable_names_the_cache() {
        let cache = |variables: &[(&str, &str)]| read(variables).cache;
        let all = [("HF_HUB_CACHE", "/a"), ("HF_HOME", "/b"), ("XDG_CACHE_HOME", "/c"), ("HOME", "/d")];
        assert_eq!(cache(&all), Path::new("/a"));
        assert_eq!(cache(&all[1..]), Path::new("/b/hub"));
        assert_eq!(cache(&all[2..]), Path::new("/c/huggingface/hub"));
        assert_eq!(cache(&[("HF_HUB_CACHE", ""), ("HF_HOME", "~/x"), ("HOME", "/d")]), Path::new("/d/x/hub"));
        assert!(HubSettings::from_env(|_| None).unwrap_err().to_string().contains("HF_HOME"));
    }

    #[test]
    fn the_token_comes_from_a_variable_or_a_file_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        assert_eq!(read(&[("HF_HOME", home)]).token, None);
        std::fs::write(folder.path().join("token"), "from-file\n").unwrap();
        assert_eq!(secret(&[("HF_HOME", home)]).as_deref(), Some("from-file"));
        let path = folder.path().join("token");
        let named = [("HF_TOKEN_PATH", path.to_str().unwrap()), ("HOME", "/home/nobody-at-all")];
        assert_eq!(secret(&named).as_deref(), Some("from-file"));
        let old = [("HF_HOME", home), ("HUGGING_FACE_HUB_TOKEN", "old")];
        assert_eq!(secret(&old).as_deref(), Some("old"));
        let settings = read(&[("HF_HOME", home), ("HF_TOKEN", " new "), ("HUGGING_FACE_HUB_TOKEN", "old")]);
        assert_eq!(settings.token.as_ref().unwrap().secret(), Ok("new"));
        assert_eq!(settings.token.as_ref().unwrap().origin(), "HF_TOKEN");
        assert!(!format!("{settings:?}").contains("new"));
    }

    #[test]
    fn offline_is_what_python_takes_for_true() {
        for value in ["1", "true", "YES", "On"] {
            assert!(read(&[("HOME", "/x"), ("HF_HUB_OFFLINE", value)]).offline, "{value}");
        }
        for value in ["0", "false", "", "off"] {
            assert!(!read(&[("HOME", "/x"), ("HF_HUB_OFFLINE", value)]).offline, "{value}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_says_whether_it_is_offline() {
        let both = [("HOME", "/x"), ("HF_HUB_OFFLINE", "0"), ("TRANSFORMERS_OFFLINE", "1")];
        assert!(!read(&both).offline);
        assert!(read(&[("HOME", "/x"), ("HF_HUB_OFFLINE", ""), ("TRANSFORMERS_OFFLINE", "1")]).offline);
    }

    #[test]
    fn paths_are_filled_in() {
        let with = |name, value| {
            let settings = [("HOME", "/home/ada"), ("DATA", "/data"), (name, value)];
            read(&settings).cache.to_str().unwrap().to_owned()
        };
        assert_eq!(with("HF_HOME", "$DATA/hf"), "/data/hf/hub");
        assert_eq!(with("HF_HOME", "~"), "/home/ada/hub");
        assert_eq!(with("HF_HUB_CACHE", "${DATA}/hf"), "/data/hf");
        assert_eq!(with("HUGGINGFACE_HUB_CACHE", "~/$DATA"), "/home/ada//data");
        assert_eq!(with("XDG_CACHE_HOME", "$HOME/c"), "/home/ada/c/huggingface/hub");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t"), "from-file").unwrap();
        let data = folder.path().to_str().unwrap();
        let named = [("HOME", "/x"), ("DATA", data), ("HF_TOKEN_PATH", "$DATA/t")];
        assert_eq!(secret(&named).as_deref(), Some("from-file"));
        let lookup = |name: &str| (name == "HF_HOME").then(|| "~bob/x".to_owned());
        let message = HubSettings::from_env(lookup).unwrap_err().to_string();
        assert!(message.starts_with("HF_HOME: ") && message.contains("~bob/x"), "{message}");
    }

    #[test]
    fn nobody_asks_where_the_token_is_not_to_be_sent() {
        let token = |value| {
            read(&[("HOME", "/x"), ("HF_TOKEN", "t"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", value)]).token
        };
        assert_eq!(token("1"), None);
        assert!(token("0").is_some());
    }

    #[test]
    fn a_password_in_the_endpoint_is_never_shown() {
        let settings = read(&[("HOME", "/x"), ("HF_ENDPOINT", "https://me:s3cret@hub.example/")]);
        assert_eq!(settings.endpoint.as_deref(), Some("https://me:s3cret@hub.example"));
        assert_eq!(settings.shown_endpoint().as_deref(), Some("https://hub.example"));
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn endpoint_and_timeout_are_read() {
        let settings = read(&[
            ("HOME", "/x"),
            ("HF_ENDPOINT", "http://127.0.0.1:9/"),
            ("HF_HUB_DOWNLOAD_TIMEOUT", "30"),
        ]);
        assert_eq!(settings.endpoint.as_deref(), Some("http://127.0.0.1:9"));
        assert_eq!(settings.timeout, Duration::from_secs(30));
    }
}
