//! Everything that can go wrong with the hub, each with what to do.

use std::path::PathBuf;

use crate::model::files::human_bytes;

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
        /// Which.
        model: String,
        /// Where it was looked for.
        cache: PathBuf,
    },
    /// 404 or, for somebody unknown, 401.
    #[error(
        "{model}: the hub has no such model, or it is private: check the name; if it is yours, set HF_TOKEN"
    )]
    NoRepository {
        /// Which.
        model: String,
    },
    /// 404.
    #[error("{model}: the model has no such branch, tag or commit")]
    NoRevision {
        /// Which.
        model: String,
    },
    /// 404.
    #[error("{model}: there is no {file} in it; is it a transformers model?")]
    NoFile {
        /// Which.
        model: String,
        /// The file.
        file: String,
    },
    /// The model is in a format that isn't read.
    #[error(
        "{model}: neither model.safetensors nor model.safetensors.index.json is in it; if it holds \
         pytorch_model.bin or GGUF, look for a revision or a conversion with safetensors"
    )]
    NoWeights {
        /// Which.
        model: String,
    },
    /// 401 or 403.
    #[error(
        "{model}: the hub refuses {file} (status {status}): accept the model's licence on its page{}",
        if *with_token { ", and check that the token in HF_TOKEN may read it" } else { " and set HF_TOKEN" }
    )]
    Denied {
        /// Which.
        model: String,
        /// The file.
        file: String,
        /// 401 or 403.
        status: u16,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// No network, or no hub there.
    #[error(
        "{model}: the hub{} can't be reached ({problem}): check the network; --offline takes only what is in the \
         cache, and demo:gpt2 needs neither",
        endpoint.as_ref().map_or_else(String::new, |endpoint| format!(" at {endpoint} (HF_ENDPOINT)"))
    )]
    Unreachable {
        /// Which.
        model: String,
        /// Where it was looked for; `None` is the public hub.
        endpoint: Option<String>,
        /// What the network said.
        problem: String,
    },
    /// The transfer broke off, and again each time it was resumed.
    #[error(
        "{model}: the download of {file} broke off ({problem}): what has come is kept, run again to go on"
    )]
    Interrupted {
        /// Which.
        model: String,
        /// The file.
        file: String,
        /// What the network said.
        problem: String,
    },
    /// An answer that a hub doesn't give.
    #[error("{model}: unexpected answer for {file}: {problem}; is HF_ENDPOINT a hub?")]
    Unexpected {
        /// Which.
        model: String,
        /// The file.
        file: String,
        /// What was wrong.
        problem: String,
    },
    /// What came isn't what the hub announced.
    #[error("{model}: {file} came damaged ({problem}) and was deleted: run again")]
    Corrupt {
        /// Which.
        model: String,
        /// The file.
        file: String,
        /// What was wrong.
        problem: String,
    },
    /// It doesn't fit.
    #[error(
        "{model}: {} are missing and only {} are free in {}: make room, or set HF_HOME to another disk",
        human_bytes(*missing),
        human_bytes(*free),
        cache.display()
    )]
    DiskFull {
        /// Which.
        model: String,
        /// Bytes that are missing.
        missing: u64,
        /// Bytes that are free.
        free: u64,
        /// Where.
        cache: PathBuf,
    },
}
