//! Everything that can go wrong with the hub, each with what to do.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::files::gguf_name::listed;
use crate::vocabulary::human_bytes;

/// Why the hub or its cache did not give a model. `model` is `org/name[@revision]` as it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// Offline, and not here.
    #[error(
        "{model} is not in the cache ({}) and offline the hub isn't asked: run once without --offline and \
         HF_HUB_OFFLINE, or name a folder or demo:gpt2",
        cache.display()
    )]
    NotCached {
        /// The model, as it was asked for.
        model: String,
        /// Where it was looked for.
        cache: PathBuf,
    },
    /// Offline, and not whole here.
    #[error(
        "{model}: the cache has a part of it ({}), but {problem}; offline the hub isn't asked: run once without \
         --offline and HF_HUB_OFFLINE, which fetches what is missing or damaged",
        folder.display()
    )]
    Incomplete {
        /// The model, as it was asked for.
        model: String,
        /// Its part of the cache.
        folder: PathBuf,
        /// What is there and what isn't.
        problem: String,
    },
    /// 404 or, for somebody unknown, 401.
    #[error(
        "{model}: the hub has no such model, or it is private: check the name; if it is yours, {}",
        match token {
            Some(token) => format!("check that the token of {token} may read it"),
            None => "set HF_TOKEN".to_owned(),
        }
    )]
    NoRepository {
        /// The model, as it was asked for.
        model: String,
        /// Where the token came from that was sent.
        token: Option<String>,
    },
    /// Status 404 for a revision.
    #[error("{model}: the model has no such branch, tag or commit")]
    NoRevision {
        /// The model, as it was asked for.
        model: String,
    },
    /// Status 404 for a file.
    #[error("{model}: there is no {file} in it; is it a transformers model?")]
    NoFile {
        /// The model, as it was asked for.
        model: String,
        /// The file.
        file: String,
    },
    /// The model is in a format that isn't read.
    #[error(
        "{model}: neither model.safetensors nor model.safetensors.index.json is in it; if it holds \
         pytorch_model.bin, look for a revision or a conversion with safetensors"
    )]
    NoWeights {
        /// The model, as it was asked for.
        model: String,
    },
    /// There are GGUF models, of which none is named.
    #[error(
        "{model}: it holds GGUF models: name one of them, as {model}:{}; there are {}",
        there.first().map_or("file.gguf", String::as_str),
        listed(there)
    )]
    OnlyGguf {
        /// The model, as it was asked for.
        model: String,
        /// The first file of each GGUF model, at least one.
        there: Vec<String>,
    },
    /// Status 404 for a GGUF file.
    #[error(
        "{model}: the repository has no file {file}{}",
        match there.is_empty() {
            true => String::new(),
            false => format!("; its GGUF models are {}", listed(there)),
        }
    )]
    NoGguf {
        /// The model, as it was asked for.
        model: String,
        /// The file.
        file: String,
        /// The first file of each GGUF model; none if the hub doesn't say.
        there: Vec<String>,
    },
    /// Status 401 or 403.
    #[error(
        "{model}: the hub refuses {file} (status {status}): accept the model's licence on its page{}",
        match token {
            Some(token) => format!(", and check that the token of {token} may read it"),
            None => " and set HF_TOKEN".to_owned(),
        }
    )]
    Denied {
        /// The model, as it was asked for.
        model: String,
        /// The file.
        file: String,
        /// Its status, 401 or 403.
        status: u16,
        /// Where the token came from that was sent.
        token: Option<String>,
    },
    /// No network, or no hub there.
    #[error(
        "{model}: the hub{} can't be reached ({problem}): check the network; --offline takes only what is in the \
         cache, and demo:gpt2 needs neither{}",
        at(endpoint),
        but(lack)
    )]
    Unreachable {
        /// The model, as it was asked for.
        model: String,
        /// Where it was looked for; `None` is the public hub.
        endpoint: Option<String>,
        /// What the network said.
        problem: String,
        /// What keeps the cache from having it, if it has a part.
        lack: Option<String>,
    },
    /// A server is there and does not answer.
    #[error(
        "{model}: the hub{} does not answer (nothing came for {seconds} s): check the network and the proxy, or try \
         again later; --offline takes only what is in the cache, and demo:gpt2 needs neither{}",
        at(endpoint),
        but(lack)
    )]
    Silent {
        /// The model, as it was asked for.
        model: String,
        /// Where it was looked for; `None` is the public hub.
        endpoint: Option<String>,
        /// How long it was waited for.
        seconds: u64,
        /// What keeps the cache from having it, if it has a part.
        lack: Option<String>,
    },
    /// A certificate, or no TLS.
    #[error(
        "{model}: {server} isn't trusted: {problem}{}",
        match variables.as_deref() {
            None => String::new(),
            Some([]) => ": if a proxy of your company stands between, set SSL_CERT_FILE to the file with its \
                         certificate (PEM)".to_owned(),
            Some(variables) => format!(
                ": the certificates that {} names don't include who did; if a proxy of your company stands between, \
                 add its certificate (PEM)",
                variables.join(", ")
            ),
        }
    )]
    Untrusted {
        /// The model, as it was asked for.
        model: String,
        /// The server.
        server: String,
        /// What TLS said.
        problem: String,
        /// If nobody who is trusted has signed: the variables that say who is trusted.
        variables: Option<Vec<&'static str>>,
    },
    /// Status 429.
    #[error(
        "{model}: {} limits how often it is asked (status 429): come back in {}{}",
        server.as_deref().unwrap_or("the hub"),
        wait.map_or_else(|| "a few minutes".to_owned(), human_wait),
        if *with_token { "" } else { "; with a token it allows more: set HF_TOKEN" }
    )]
    RateLimited {
        /// The model, as it was asked for.
        model: String,
        /// The server, if it isn't the hub itself.
        server: Option<String>,
        /// How long it wants to be left alone, if it says.
        wait: Option<Duration>,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// Status 500 and above.
    #[error(
        "{model}: {} is out of order (status {status} for {file}): try again {}; --offline takes only what is in \
         the cache",
        server.as_deref().unwrap_or("the hub"),
        wait.map_or_else(|| "later".to_owned(), |wait| format!("in {}", human_wait(wait)))
    )]
    OutOfOrder {
        /// The model, as it was asked for.
        model: String,
        /// The file.
        file: String,
        /// The server, if it isn't the hub itself.
        server: Option<String>,
        /// Its status, 500 and above.
        status: u16,
        /// How long it wants to be left alone, if it says.
        wait: Option<Duration>,
    },
    /// A server that the hub sends to refuses.
    #[error(
        "{model}: {server}, where the hub keeps {file}, refuses it (status {status}): the address that the hub gave \
         may have run out, or a proxy forbids that server: check the clock and the proxy, and run again to go on"
    )]
    Elsewhere {
        /// The model, as it was asked for.
        model: String,
        /// The file.
        file: String,
        /// The server.
        server: String,
        /// Its status, 400 to 499.
        status: u16,
    },
    /// The transfer broke off, and again each time it was resumed.
    #[error(
        "{model}: the download of {file} broke off ({problem}): what has come is kept, run again to go on"
    )]
    Interrupted {
        /// The model, as it was asked for.
        model: String,
        /// The file.
        file: String,
        /// What the network said.
        problem: String,
    },
    /// An answer that a hub doesn't give.
    #[error("{model}: unexpected answer for {file}: {problem}; is HF_ENDPOINT a hub?")]
    Unexpected {
        /// The model, as it was asked for.
        model: String,
        /// The file.
        file: String,
        /// What was wrong.
        problem: String,
    },
    /// What this user has set can't be used.
    #[error("{model}: {problem}")]
    Setting {
        /// The model, as it was asked for.
        model: String,
        /// The setting, what is wrong with it, and what to write instead.
        problem: String,
    },
    /// What came isn't what the hub announced.
    #[error("{model}: {file} came damaged ({problem}) and was deleted: run again")]
    Corrupt {
        /// The model, as it was asked for.
        model: String,
        /// The file.
        file: String,
        /// What was wrong.
        problem: String,
    },
    /// It is large, and nobody has agreed to it.
    #[error(
        "{model}: {} to download, which nobody has agreed to: choose it with M in the viewer, or run again to be \
         asked; --yes agrees beforehand",
        human_bytes(*missing)
    )]
    NotAgreed {
        /// The model, as it was asked for.
        model: String,
        /// Bytes that are missing.
        missing: u64,
    },
    /// The disk is too full.
    #[error(
        "{model}: {} are missing and only {} are free in {}: make room, or set HF_HOME to another disk",
        human_bytes(*missing),
        human_bytes(*free),
        cache.display()
    )]
    DiskFull {
        /// The model, as it was asked for.
        model: String,
        /// Bytes that are missing.
        missing: u64,
        /// Bytes that are free.
        free: u64,
        /// The cache folder.
        cache: PathBuf,
    },
}

impl HubError {
    /// Whether the hub may well say something else another time, so that what is in the cache must do.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Silent { .. }
                | Self::Untrusted { .. }
                | Self::RateLimited { .. }
                | Self::OutOfOrder { .. }
                | Self::Interrupted { .. }
        )
    }

    /// The same, of a model of which the cache has a part.
    pub(super) fn with_lack(mut self, missing: Option<String>) -> Self {
        if let Self::Unreachable { lack, .. } | Self::Silent { lack, .. } = &mut self {
            *lack = missing;
        }
        self
    }
}

fn at(endpoint: &Option<String>) -> String {
    endpoint.as_ref().map_or_else(String::new, |endpoint| format!(" at {endpoint} (HF_ENDPOINT)"))
}

fn but(lack: &Option<String>) -> String {
    lack.as_ref().map_or_else(String::new, |lack| format!("; the cache has a part of the model, but {lack}"))
}

/// `4 min 10 s`
fn human_wait(wait: Duration) -> String {
    match wait.as_secs() {
        seconds @ 0..60 => format!("{} s", seconds.max(1)),
        seconds @ 60..3600 if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_written_as_people_say_them() {
        let shown = [0, 7, 60, 250, 3600, 7500].map(|seconds| human_wait(Duration::from_secs(seconds)));
        assert_eq!(shown, ["1 s", "7 s", "1 min", "4 min 10 s", "1 h 0 min", "2 h 5 min"]);
    }
}
