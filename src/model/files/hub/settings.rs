//! What the environment says about the hub.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::ModelError;

/// Where the hub is, where its cache is, and who asks. Nothing below reads the environment.
#[derive(Clone, PartialEq, Eq)]
pub struct HubSettings {
    /// Where the hub answers; `None` is the public one.
    pub endpoint: Option<String>,
    /// The folder of `models--org--name`.
    pub cache: PathBuf,
    /// Who asks, for gated and private models.
    pub token: Option<String>,
    /// Never ask the hub.
    pub offline: bool,
    /// How long a connection may take, or bring nothing.
    pub timeout: Duration,
}

impl HubSettings {
    /// Python's default.
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// Reads the variables that Python's `huggingface_hub` reads, through `lookup`, and the file with the token
    /// that its login writes. An empty variable counts as none.
    ///
    /// | variable | sets |
    /// |---|---|
    /// | `HF_ENDPOINT` | where the hub is |
    /// | `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `HF_HOME` + `/hub`, `XDG_CACHE_HOME` + `/huggingface/hub` | the cache; else `~/.cache/huggingface/hub` |
    /// | `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, the file `HF_TOKEN_PATH`, the file `token` in `HF_HOME` | who asks |
    /// | `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE`: `1`, `true`, `yes`, `on` | never ask the hub |
    /// | `HF_HUB_DOWNLOAD_TIMEOUT` | seconds a connection may bring nothing; 10 if unset |
    ///
    /// # Errors
    /// If nothing says where the cache is, not even a home folder.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ModelError> {
        let text = |name: &str| lookup(name).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let user = text("HOME").or_else(|| text("USERPROFILE")).map(PathBuf::from);
        let path = |name: &str| text(name).map(|path| expand(&path, user.as_deref()));

        let home = path("HF_HOME")
            .or_else(|| path("XDG_CACHE_HOME").map(|cache| cache.join("huggingface")))
            .or_else(|| user.as_ref().map(|user| user.join(".cache/huggingface")));
        let cache = path("HF_HUB_CACHE")
            .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| home.as_ref().map(|home| home.join("hub")))
            .ok_or_else(|| {
                ModelError::Invalid("no home folder for the hub's cache: set HF_HOME".to_owned())
            })?;
        let token_file = path("HF_TOKEN_PATH").or_else(|| home.map(|home| home.join("token")));
        Ok(Self {
            endpoint: text("HF_ENDPOINT").map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
            cache,
            token: text("HF_TOKEN")
                .or_else(|| text("HUGGING_FACE_HUB_TOKEN"))
                .or_else(|| token_in(&token_file?)),
            offline: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
                .into_iter()
                .any(|name| text(name).is_some_and(|value| is_true(&value))),
            timeout: text("HF_HUB_DOWNLOAD_TIMEOUT")
                .and_then(|seconds| seconds.parse().ok())
                .filter(|seconds| *seconds > 0)
                .map_or(Self::TIMEOUT, Duration::from_secs),
        })
    }
}

/// The token is nobody's business.
impl fmt::Debug for HubSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubSettings")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("offline", &self.offline)
            .field("timeout", &self.timeout)
            .finish()
    }
}

fn expand(path: &str, user: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), user) {
        (Some(rest), Some(user)) => user.join(rest),
        _ => PathBuf::from(path),
    }
}

fn token_in(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    Some(text.trim().to_owned()).filter(|token| !token.is_empty())
}

fn is_true(value: &str) -> bool {
    ["1", "true", "yes", "on"].iter().any(|truth| value.eq_ignore_ascii_case(truth))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> HubSettings {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        HubSettings::from_env(lookup).unwrap()
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
        assert_eq!(read(&[("HF_HOME", home)]).token.as_deref(), Some("from-file"));
        let path = folder.path().join("token");
        let named = [("HF_TOKEN_PATH", path.to_str().unwrap()), ("HOME", "/home/nobody-at-all")];
        assert_eq!(read(&named).token.as_deref(), Some("from-file"));
        let old = [("HF_HOME", home), ("HUGGING_FACE_HUB_TOKEN", "old")];
        assert_eq!(read(&old).token.as_deref(), Some("old"));
        let settings = read(&[("HF_HOME", home), ("HF_TOKEN", " new "), ("HUGGING_FACE_HUB_TOKEN", "old")]);
        assert_eq!(settings.token.as_deref(), Some("new"));
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
