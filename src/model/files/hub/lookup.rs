//! One model at one revision: what the hub and the cache have of it.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::HubError;
use super::cache::CachedRepository;
use super::client::{Client, Failure, Incoming, Metadata};
use super::download::{self, Download, Stopped};
use super::settings::HubSettings;
use crate::model::files::{ModelFile, ModelFiles, disk, index, io_error};
use crate::model::{Control, LoadProgress, ModelError};

/// A file of a model on the hub.
#[derive(Debug)]
pub(super) struct RemoteFile {
    pub(super) name: String,
    pub(super) size: u64,
    /// What its content is called; `None` if the snapshot has it.
    etag: Option<String>,
}

/// What a model consists of at one commit.
#[derive(Debug)]
pub(super) struct Survey {
    commit: String,
    has_tokenizer: bool,
    weights: Vec<String>,
    pub(super) files: Vec<RemoteFile>,
}

/// Where a model is.
pub(super) enum Found {
    /// All of it, here.
    Here(ModelFiles),
    /// At least some of it, there.
    OnHub(Box<Client>, Survey),
}

/// One model, asked for once.
pub(super) struct Lookup<'a> {
    settings: &'a HubSettings,
    repository: &'a str,
    revision: &'a str,
    /// As it was asked for.
    model: String,
    cache: CachedRepository,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(settings: &'a HubSettings, repository: &'a str, revision: Option<&'a str>) -> Self {
        let model = match revision {
            Some(revision) => format!("{repository}@{revision}"),
            None => repository.to_owned(),
        };
        let revision = revision.unwrap_or("main");
        let cache = CachedRepository::new(&settings.cache, repository, revision);
        Self { settings, repository, revision, model, cache }
    }

    /// The model in the cache or, unless offline, on the hub.
    pub(super) fn find(&self, control: &mut Control<'_>) -> Result<Found, ModelError> {
        control.cancel.check()?;
        if let Some(files) = self.cached(self.settings.offline) {
            return Ok(Found::Here(files));
        }
        if self.settings.offline {
            let cache = self.settings.cache.clone();
            return Err(HubError::NotCached { model: self.model.clone(), cache }.into());
        }
        (control.progress)(LoadProgress::Resolving);
        let client = Client::new(self.settings).map_err(|failure| self.explain(failure, "config.json"))?;
        match self.survey(&client, control) {
            Ok(survey) => Ok(Found::OnHub(Box::new(client), survey)),
            // Nobody can say whether there is a tokenizer: better a model without one than none.
            Err(ModelError::Hub(error @ HubError::Unreachable { .. })) => {
                self.cached(true).map(Found::Here).ok_or(error.into())
            }
            Err(error) => Err(error),
        }
    }

    /// The model, if the cache has all of it. Unless `trusting`, a missing tokenizer counts only if the hub has
    /// said that there is none.
    fn cached(&self, trusting: bool) -> Option<ModelFiles> {
        self.cache.whole(&self.cache.commit()?, &self.model, trusting)
    }

    /// Downloads what is missing.
    pub(super) fn download(
        &self,
        client: &Client,
        survey: &Survey,
        control: &mut Control<'_>,
    ) -> Result<ModelFiles, ModelError> {
        let missing = self.missing_bytes(survey);
        if let Some(free) = disk::free_bytes(&self.settings.cache).filter(|free| *free < missing) {
            return Err(self.disk_full(missing, free));
        }
        for file in &survey.files {
            self.fetch(client, &survey.commit, file, control)?;
        }
        Ok(self.files(survey))
    }

    /// Asks the hub which files there are. The index of shards is fetched on the way.
    fn survey(&self, client: &Client, control: &mut Control<'_>) -> Result<Survey, ModelError> {
        let config = self
            .metadata(client, self.revision, "config.json", control)?
            .ok_or_else(|| HubError::NoFile { model: self.model.clone(), file: "config.json".to_owned() })?;
        let commit = config.commit.clone();
        self.cache.set_commit(&commit)?;
        let mut files = vec![self.remote("config.json", config)];

        let tokenizer = self.file(client, &commit, "tokenizer.json", control)?;
        let has_tokenizer = tokenizer.is_some();
        files.extend(tokenizer);
        if !has_tokenizer {
            self.cache.set_absent(&commit, "tokenizer.json")?;
        }

        let mut weights = vec![index::SINGLE.to_owned()];
        match self.file(client, &commit, index::SINGLE, control)? {
            Some(single) => files.push(single),
            None => {
                let no_weights = || HubError::NoWeights { model: self.model.clone() };
                let list = self.file(client, &commit, index::INDEX, control)?.ok_or_else(no_weights)?;
                self.fetch(client, &commit, &list, control)?;
                files.push(RemoteFile { etag: None, ..list });
                weights = index::shards(&self.cache.path(&commit, index::INDEX))?;
                for shard in &weights {
                    let no_shard = || HubError::NoFile { model: self.model.clone(), file: shard.clone() };
                    files.push(self.file(client, &commit, shard, control)?.ok_or_else(no_shard)?);
                }
            }
        }
        Ok(Survey { commit, has_tokenizer, weights, files })
    }

    /// A file at `commit`; the hub is not asked if the snapshot has it.
    fn file(
        &self,
        client: &Client,
        commit: &str,
        name: &str,
        control: &Control<'_>,
    ) -> Result<Option<RemoteFile>, ModelError> {
        if let Some(path) = self.cache.present(commit, name) {
            let size = ModelFile::Path(path).size()?;
            return Ok(Some(RemoteFile { name: name.to_owned(), size, etag: None }));
        }
        let metadata = self.metadata(client, commit, name, control)?;
        Ok(metadata.map(|metadata| self.remote(name, metadata)))
    }

    fn metadata(
        &self,
        client: &Client,
        revision: &str,
        name: &str,
        control: &Control<'_>,
    ) -> Result<Option<Metadata>, ModelError> {
        let asked = download::persist(&control.cancel, || client.metadata(self.repository, revision, name));
        match asked {
            Ok(metadata) => Ok(Some(metadata)),
            Err(Stopped::Hub(failure)) if failure.is_missing_file() => Ok(None),
            Err(stopped) => Err(self.stopped(stopped, name)),
        }
    }

    fn remote(&self, name: &str, metadata: Metadata) -> RemoteFile {
        let present = self.cache.present(&metadata.commit, name).is_some();
        let etag = (!present).then_some(metadata.etag);
        RemoteFile { name: name.to_owned(), size: metadata.size, etag }
    }

    /// Bytes that are neither in the snapshot, nor among the blobs, nor left by an interrupted download.
    pub(super) fn missing_bytes(&self, survey: &Survey) -> u64 {
        let length = |path: PathBuf| std::fs::metadata(path).map_or(0, |data| data.len());
        let missing = |file: &RemoteFile| {
            let etag = file.etag.as_ref()?;
            let here = length(self.cache.blob(etag)).max(length(self.cache.part(etag)));
            Some(file.size.saturating_sub(here))
        };
        survey.files.iter().filter_map(missing).sum()
    }

    fn disk_full(&self, missing: u64, free: u64) -> ModelError {
        let cache = self.settings.cache.clone();
        HubError::DiskFull { model: self.model.clone(), missing, free, cache }.into()
    }

    /// Downloads a file unless it is here, and names it in the snapshot.
    fn fetch(
        &self,
        client: &Client,
        commit: &str,
        file: &RemoteFile,
        control: &mut Control<'_>,
    ) -> Result<(), ModelError> {
        let Some(etag) = &file.etag else { return Ok(()) };
        let (blob, part) = (self.cache.blob(etag), self.cache.part(etag));
        if let Some(blobs) = blob.parent() {
            std::fs::create_dir_all(blobs).map_err(|source| io_error(blobs, source))?;
        }
        let lock = download::lock(&self.cache.lock(etag), &control.cancel)?;
        let is_here = std::fs::metadata(&blob).is_ok_and(|data| data.len() == file.size);
        if !is_here {
            let is_sha256 = etag.len() == 64 && etag.bytes().all(|b| b.is_ascii_hexdigit());
            let sha256 = is_sha256.then_some(etag.as_str());
            let download = Download { name: &file.name, size: file.size, sha256, part: &part };
            let open = |start| {
                let Incoming { start, reader } = client.open(self.repository, commit, &file.name, start)?;
                Ok((start, reader))
            };
            download.run(control, open).map_err(|stopped| match stopped {
                Stopped::Here(ModelError::Io { source, .. }) if source.kind() == ErrorKind::StorageFull => {
                    let here = std::fs::metadata(&part).map_or(0, |data| data.len());
                    self.disk_full(file.size.saturating_sub(here), disk::free_bytes(&part).unwrap_or(0))
                }
                stopped => self.stopped(stopped, &file.name),
            })?;
            std::fs::rename(&part, &blob).map_err(|source| io_error(&part, source))?;
        }
        drop(lock);
        self.cache.link(commit, &file.name, etag)
    }

    fn files(&self, survey: &Survey) -> ModelFiles {
        let file = |name: &str| ModelFile::Path(self.cache.path(&survey.commit, name));
        ModelFiles {
            name: self.model.clone(),
            revision: Some(survey.commit.clone()),
            config: file("config.json"),
            tokenizer: survey.has_tokenizer.then(|| file("tokenizer.json")),
            weights: survey.weights.iter().map(|name| file(name)).collect(),
            adapter: None,
        }
    }

    fn stopped(&self, stopped: Stopped, file: &str) -> ModelError {
        match stopped {
            Stopped::Here(error) => error,
            Stopped::Hub(failure) => self.explain(failure, file),
            Stopped::Corrupt(problem) => {
                HubError::Corrupt { model: self.model.clone(), file: file.to_owned(), problem }.into()
            }
        }
    }

    /// The hub's answer in our words.
    fn explain(&self, failure: Failure, file: &str) -> ModelError {
        let (model, file) = (self.model.clone(), file.to_owned());
        let error = match failure {
            Failure::Unreachable(problem) => {
                HubError::Unreachable { model, endpoint: self.settings.endpoint.clone(), problem }
            }
            Failure::Broken(problem) => HubError::Interrupted { model, file, problem },
            Failure::Unexpected(problem) => HubError::Unexpected { model, file, problem },
            Failure::Status { status, code } => match (status, code.as_deref()) {
                (_, Some("RepoNotFound")) => HubError::NoRepository { model },
                (_, Some("RevisionNotFound")) => HubError::NoRevision { model },
                (401 | 403, _) => {
                    HubError::Denied { model, file, status, with_token: self.settings.token.is_some() }
                }
                (404, _) => HubError::NoFile { model, file },
                _ => HubError::Unexpected { model, file, problem: format!("status {status}") },
            },
        };
        error.into()
    }
}
