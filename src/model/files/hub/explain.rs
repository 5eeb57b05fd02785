//! What keeps a model from being had, in our words.

use super::HubError;
use super::asked::HubModel;
use super::failure::{Failure, Refusal};
use super::lookup::{Lookup, RemoteFile};
use super::wait::Stopped;
use crate::model::ModelError;
use crate::model::files::ModelFiles;
use crate::vocabulary::human_bytes;

/// What the cache has of a model that it doesn't have whole: a clause.
pub(super) type Lack = Option<String>;

impl Lookup<'_> {
    /// The model, if the cache has all of it. Unless `trusting`, a missing tokenizer counts only if the hub has
    /// said that there is none, and a snapshot only if the hub has said that it is the one that is asked for.
    ///
    /// # Errors
    /// What is there and what isn't; `None` if nothing is there.
    pub(super) fn cached(&self, trusting: bool) -> Result<ModelFiles, Lack> {
        if let Some(commit) = self.cache.commit().filter(|commit| self.cache.snapshots().contains(commit)) {
            let whole = self.whole(&commit, trusting);
            return whole.map_err(|problem| Some(self.with_another(&commit, problem)));
        }
        let refs = self.cache.refs();
        let snapshots = self.cache.snapshots();
        let unnamed: Vec<&String> =
            snapshots.iter().filter(|commit| refs.iter().all(|(_, named)| named != *commit)).collect();
        match (self.revision, unnamed.as_slice()) {
            // Copied without its refs: there is no other that could be meant.
            ("main", [only]) if self.cache.commit().is_none() => match trusting {
                true => self.whole(only, true).map_err(Some),
                false => Err(Some(format!("nothing says whether its snapshot {only} is main"))),
            },
            _ => Err(self.other_snapshots(&refs, &snapshots)),
        }
    }

    /// What was asked for, if the snapshot of `commit` has all of it.
    fn whole(&self, commit: &str, trusting: bool) -> Result<ModelFiles, String> {
        match self.file {
            Some(file) => self.cache.gguf(commit, &self.model, file),
            None => self.cache.whole(commit, &self.model, trusting),
        }
    }

    /// What there is of a model whose asked revision isn't there.
    fn other_snapshots(&self, refs: &[(String, String)], snapshots: &[String]) -> Lack {
        let asked = |revision: &str| self.named(Some(revision).filter(|revision| *revision != "main"));
        let names: Vec<String> = snapshots
            .iter()
            .map(|commit| {
                let named = refs.iter().find(|(_, named)| named == commit).map_or(commit, |(name, _)| name);
                asked(named)
            })
            .collect();
        if !names.is_empty() {
            let revision = self.revision;
            return Some(format!("of its revisions not {revision}, but {}", names.join(", ")));
        }
        let unfinished = super::cache::names(&self.cache.root().join("blobs"));
        let is_unfinished = |name: &String| name.ends_with(".incomplete") || name.ends_with(".part");
        unfinished.iter().any(is_unfinished).then(|| "an unfinished download is all there is".to_owned())
    }

    /// The problem with the snapshot of a commit, and another one that has none.
    fn with_another(&self, commit: &str, problem: String) -> String {
        let is_whole = |other: &String| other != commit && self.whole(other, true).is_ok();
        match self.cache.snapshots().into_iter().find(is_whole) {
            Some(other) => format!("{problem} (whole is {})", self.named(Some(&other))),
            None => problem,
        }
    }

    /// How the same is asked for at another revision.
    fn named(&self, revision: Option<&str>) -> String {
        HubModel { repository: self.repository, revision, file: self.file }.to_string()
    }

    pub(super) fn not_here(&self, lack: Lack) -> ModelError {
        let (model, cache) = (self.model.clone(), self.settings.cache.clone());
        match lack {
            None => HubError::NotCached { model, cache }.into(),
            Some(problem) => {
                HubError::Incomplete { model, folder: self.cache.root().to_owned(), problem }.into()
            }
        }
    }

    pub(super) fn absurd(&self, file: &RemoteFile) -> ModelError {
        let problem = format!("{} is more than any such file has", human_bytes(file.size));
        self.unexpected(&file.name, problem)
    }

    pub(super) fn unexpected(&self, file: &str, problem: String) -> ModelError {
        HubError::Unexpected { model: self.model.clone(), file: file.to_owned(), problem }.into()
    }

    pub(super) fn stopped(&self, stopped: Stopped, file: &str) -> ModelError {
        match stopped {
            Stopped::Here(error) => error,
            Stopped::Hub(failure) => self.explain(failure, file),
            Stopped::Corrupt(problem) => {
                HubError::Corrupt { model: self.model.clone(), file: file.to_owned(), problem }.into()
            }
        }
    }

    /// The hub's answer in our words.
    pub(super) fn explain(&self, failure: Failure, file: &str) -> ModelError {
        let (model, file) = (self.model.clone(), file.to_owned());
        let endpoint = self.settings.shown_endpoint();
        let error = match failure {
            Failure::Unreachable(problem) => HubError::Unreachable { model, endpoint, problem, lack: None },
            Failure::Silent => {
                let seconds = self.settings.timeout.as_secs();
                HubError::Silent { model, endpoint, seconds, lack: None }
            }
            Failure::Untrusted { server, problem, unknown_issuer } => HubError::Untrusted {
                model,
                server,
                problem,
                variables: unknown_issuer.then(|| self.settings.trust.variables()),
            },
            Failure::Broken(problem) => HubError::Interrupted { model, file, problem },
            Failure::Unexpected(problem) => HubError::Unexpected { model, file, problem },
            Failure::Setting(problem) => HubError::Setting { model, problem },
            Failure::Status(refusal) => self.refused(refusal, model, file),
        };
        error.into()
    }

    fn refused(&self, refusal: Refusal, model: String, file: String) -> HubError {
        let Refusal { status, code, retry_after: wait, elsewhere } = refusal;
        let token = self.settings.token.as_ref().map(|token| token.origin().to_owned());
        match (status, code.as_deref(), elsewhere) {
            (429, _, server) => HubError::RateLimited { model, server, wait, with_token: token.is_some() },
            (408 | 500.., _, server) => HubError::OutOfOrder { model, file, server, status, wait },
            (_, _, Some(server)) => HubError::Elsewhere { model, file, server, status },
            (_, Some("RepoNotFound"), _) => HubError::NoRepository { model, token },
            (_, Some("RevisionNotFound"), _) => HubError::NoRevision { model },
            (401 | 403, _, _) => HubError::Denied { model, file, status, token },
            (407, _, _) => HubError::Unexpected {
                model,
                file,
                problem: "status 407: the proxy wants a name and a password, as in http://name:password@host"
                    .to_owned(),
            },
            (404, _, _) => HubError::NoFile { model, file },
            _ => HubError::Unexpected { model, file, problem: format!("status {status}") },
        }
    }
}
