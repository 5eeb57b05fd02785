//! One model at one revision: finds it in the cache or on the hub, and downloads what is missing.

use std::cell::OnceCell;
use std::io::ErrorKind;
use std::sync::Arc;

use super::HubError;
use super::answer::Metadata;
use super::asked::HubModel;
use super::cache::{self, CachedRepository};
use super::checksum::Checksum;
use super::client::{Client, Incoming};
use super::download::{self, Download};
use super::settings::HubSettings;
use super::sound::SMALL;
use super::wait::{Stopped, attend, pump, retry};
use crate::model::files::plan::LARGE;
use crate::model::files::{
    ADAPTER_CONFIG, ADAPTER_WEIGHTS, Adapter, ModelFile, ModelFiles, TokenizerFiles, disk, index,
};
use crate::model::{Control, LoadProgress, ModelError};

/// The largest list of shards, or settings of an adapter, that is believed to be one: it is fetched before anybody is
/// asked. The largest known has 10 MB.
const LARGEST_INDEX: u64 = 64 << 20;
/// The most shards that are asked for one by one.
pub(super) const MOST_SHARDS: usize = 2_000;

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
    pub(super) commit: String,
    /// config.json, or the first file of a GGUF model.
    pub(super) config: String,
    pub(super) tokenizer: TokenizerFiles,
    pub(super) weights: Vec<String>,
    pub(super) files: Vec<RemoteFile>,
}

/// Where a model is.
pub(super) enum Found {
    /// All of it, here.
    Here(ModelFiles),
    /// At least some of it, there.
    OnHub(Survey),
}

/// One model, asked for once.
pub(super) struct Lookup<'a> {
    pub(super) settings: &'a HubSettings,
    pub(super) repository: &'a str,
    pub(super) revision: &'a str,
    /// The GGUF file that is meant, if one is.
    pub(super) file: Option<&'a str>,
    /// As it was asked for.
    pub(super) model: String,
    pub(super) cache: CachedRepository,
    /// Made when the hub is first asked.
    client: OnceCell<Arc<Client>>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(settings: &'a HubSettings, asked: HubModel<'a>) -> Self {
        let HubModel { repository, revision, file } = asked;
        let revision = revision.unwrap_or("main");
        let cache = CachedRepository::new(&settings.cache, repository, revision);
        Self {
            settings,
            repository,
            revision,
            file,
            model: asked.to_string(),
            cache,
            client: OnceCell::new(),
        }
    }

    /// The model in the cache or, unless offline, on the hub.
    pub(super) fn find(&self, control: &mut Control<'_>) -> Result<Found, ModelError> {
        control.cancel.check()?;
        let lack = match self.cached(self.settings.offline) {
            Ok(files) => return Ok(Found::Here(files)),
            Err(lack) => lack,
        };
        if self.settings.offline {
            if let Some(adapter) = self.cache.adapter_alone().filter(|_| self.file.is_none()) {
                return Err(ModelError::Invalid(adapter.instead_of_weights()));
            }
            return Err(self.not_here(lack));
        }
        if let Some(lack) = &lack {
            tracing::info!(model = self.model, lack, "the cache has a part of it");
        }
        (control.progress)(LoadProgress::Resolving);
        match self.survey(control) {
            Ok(survey) => Ok(Found::OnHub(survey)),
            // Nobody can say whether there is a tokenizer: better a model without one than none.
            Err(ModelError::Hub(error)) if error.is_passing() => match self.cached(true) {
                Ok(files) => Ok(Found::Here(files)),
                Err(lack) => Err(error.with_lack(lack).into()),
            },
            Err(error) => Err(error),
        }
    }

    pub(super) fn client(&self) -> Result<Arc<Client>, ModelError> {
        if let Some(client) = self.client.get() {
            return Ok(Arc::clone(client));
        }
        let client = Client::new(self.settings).map_err(|failure| self.explain(failure, "config.json"))?;
        Ok(Arc::clone(self.client.get_or_init(|| Arc::new(client))))
    }

    /// Downloads what is missing, if that is no more than `limit` bytes.
    pub(super) fn download(
        &self,
        survey: &Survey,
        limit: u64,
        control: &mut Control<'_>,
    ) -> Result<ModelFiles, ModelError> {
        let missing = self.missing_bytes(survey);
        if missing > limit {
            return Err(HubError::NotAgreed { model: self.model.clone(), missing }.into());
        }
        if let Some(free) = disk::free_bytes(&self.settings.cache).filter(|free| *free < missing) {
            return Err(self.disk_full(missing, free));
        }
        for file in &survey.files {
            self.fetch(&survey.commit, file, control)?;
        }
        Ok(self.files(survey))
    }

    /// The adapter that the repository holds, in the cache or else downloaded, if that is no more than `limit` bytes.
    pub(super) fn adapter(&self, limit: u64, control: &mut Control<'_>) -> Result<Adapter, ModelError> {
        let here = |commit: &str| {
            let whole =
                [ADAPTER_CONFIG, ADAPTER_WEIGHTS].iter().all(|name| self.cache.sound(commit, name).is_ok());
            if whole { Adapter::beside(&self.cache.folder(commit)) } else { None }
        };
        if let Some(adapter) = self.cache.commit().and_then(|commit| here(&commit)) {
            return Ok(adapter);
        }
        if self.settings.offline {
            return Err(self.not_here(None));
        }
        (control.progress)(LoadProgress::Resolving);
        let no_file = |name: &str| HubError::NoFile { model: self.model.clone(), file: name.to_owned() };
        let config = self.metadata(self.revision, ADAPTER_CONFIG, control)?;
        let config = config.ok_or_else(|| no_file(ADAPTER_CONFIG))?;
        let commit = config.commit.clone();
        self.fetch_small(&commit, &self.remote(ADAPTER_CONFIG, config), control)?;
        let weights =
            self.file(&commit, ADAPTER_WEIGHTS, control)?.ok_or_else(|| no_file(ADAPTER_WEIGHTS))?;
        if weights.size > limit {
            return Err(HubError::NotAgreed { model: self.model.clone(), missing: weights.size }.into());
        }
        self.fetch(&commit, &weights, control)?;
        self.cache.set_commit(&commit)?;
        // Whether they are tensors is said by whoever reads them.
        Adapter::beside(&self.cache.folder(&commit)).ok_or_else(|| no_file(ADAPTER_CONFIG).into())
    }

    /// Asks the hub which files there are. The index of shards is fetched on the way.
    fn survey(&self, control: &mut Control<'_>) -> Result<Survey, ModelError> {
        if let Some(file) = self.file {
            return self.survey_gguf(file, control);
        }
        let Some(config) = self.metadata(self.revision, "config.json", control)? else {
            return Err(self.without_config(control)?);
        };
        let commit = config.commit.clone();
        let mut files = vec![self.remote("config.json", config)];

        let tokenizer = TokenizerFiles::gather(|name| {
            let Some(file) = self.optional(&commit, name, control)? else { return Ok(None) };
            files.push(file);
            Ok::<_, ModelError>(Some(ModelFile::Path(self.cache.path(&commit, name))))
        })?;
        let adapter = self.optional(&commit, ADAPTER_CONFIG, control)?;
        if let Some(file) = &adapter {
            self.fetch_small(&commit, file, control)?;
        }

        let mut weights = vec![index::SINGLE.to_owned()];
        match self.file(&commit, index::SINGLE, control)? {
            Some(single) => files.push(single),
            None => {
                let Some(list) = self.file(&commit, index::INDEX, control)? else {
                    return Err(self.without_weights(&commit, control)?);
                };
                self.fetch_small(&commit, &list, control)?;
                files.push(RemoteFile { etag: None, ..list });
                weights = index::shards(&self.cache.path(&commit, index::INDEX))?;
                if weights.len() > MOST_SHARDS {
                    let problem = format!("{} shards are named", weights.len());
                    return Err(self.unexpected(index::INDEX, problem));
                }
                for shard in &weights {
                    let no_shard = || HubError::NoFile { model: self.model.clone(), file: shard.clone() };
                    files.push(self.file(&commit, shard, control)?.ok_or_else(no_shard)?);
                }
            }
        }
        // Not before the hub has answered for this commit: a ref that leads nowhere would keep Python out, too.
        self.cache.set_commit(&commit)?;
        Ok(Survey { commit, config: "config.json".to_owned(), tokenizer, weights, files })
    }

    /// A file that a model may lack. That it does is remembered, so that the hub is not asked again.
    fn optional(
        &self,
        commit: &str,
        name: &str,
        control: &mut Control<'_>,
    ) -> Result<Option<RemoteFile>, ModelError> {
        if self.cache.is_absent(commit, name) {
            return Ok(None);
        }
        let file = self.file(commit, name, control)?;
        if file.is_none() {
            self.cache.set_absent(commit, name)?;
        }
        Ok(file)
    }

    /// Fetches a file that is read before anybody is asked.
    pub(super) fn fetch_small(
        &self,
        commit: &str,
        file: &RemoteFile,
        control: &mut Control<'_>,
    ) -> Result<(), ModelError> {
        if file.size > LARGEST_INDEX {
            return Err(self.absurd(file));
        }
        self.fetch(commit, file, control)
    }

    /// A file at `commit`; the hub is not asked if the snapshot has it, whole.
    pub(super) fn file(
        &self,
        commit: &str,
        name: &str,
        control: &mut Control<'_>,
    ) -> Result<Option<RemoteFile>, ModelError> {
        match self.cache.sound(commit, name) {
            Ok(path) => {
                let size = ModelFile::Path(path).size()?;
                return Ok(Some(RemoteFile { name: name.to_owned(), size, etag: None }));
            }
            Err(problem) if self.cache.has(commit, name) => {
                tracing::warn!(model = self.model, problem, "fetching it again");
            }
            Err(_) => {}
        }
        let metadata = self.metadata(commit, name, control)?;
        Ok(metadata.map(|metadata| self.remote(name, metadata)))
    }

    /// What the hub says about a file; `None` if it has none of that name.
    pub(super) fn metadata(
        &self,
        revision: &str,
        name: &str,
        control: &mut Control<'_>,
    ) -> Result<Option<Metadata>, ModelError> {
        let asked = retry(control, |control| {
            let (client, repository) = (self.client()?, self.repository.to_owned());
            let (revision, name) = (revision.to_owned(), name.to_owned());
            attend(control, move || client.metadata(&repository, &revision, &name))
        });
        match asked {
            Ok(metadata) => Ok(Some(metadata)),
            Err(Stopped::Hub(failure)) if failure.is_missing_file() => Ok(None),
            Err(stopped) => Err(self.stopped(stopped, name)),
        }
    }

    pub(super) fn remote(&self, name: &str, metadata: Metadata) -> RemoteFile {
        let here = self.cache.sound(&metadata.commit, name).is_ok();
        // The client always knows a size; without one, a file counts as larger than anything.
        let size = metadata.size.unwrap_or(u64::MAX);
        RemoteFile { name: name.to_owned(), size, etag: (!here).then_some(metadata.etag) }
    }

    /// Bytes that are neither in the snapshot, nor among the blobs, nor left by an interrupted download.
    pub(super) fn missing_bytes(&self, survey: &Survey) -> u64 {
        let missing = |file: &RemoteFile| {
            let etag = file.etag.as_ref()?;
            let part = std::fs::metadata(self.cache.part(etag)).map_or(0, |data| data.len());
            let here = if self.has_blob(etag, file.size) { file.size } else { part };
            // What is longer than the file is none of it.
            Some(if here > file.size { file.size } else { file.size - here })
        };
        survey.files.iter().filter_map(missing).fold(0, u64::saturating_add)
    }

    /// Whether the content of a file is here, as far as can be told at once.
    fn has_blob(&self, etag: &str, size: u64) -> bool {
        let blob = self.cache.blob(etag);
        std::fs::metadata(&blob).is_ok_and(|data| data.is_file() && data.len() == size)
            && (size > SMALL || Checksum::of(etag).check_file(&blob).is_ok())
    }

    fn disk_full(&self, missing: u64, free: u64) -> ModelError {
        let cache = self.settings.cache.clone();
        HubError::DiskFull { model: self.model.clone(), missing, free, cache }.into()
    }

    /// Downloads a file unless it is here, and names it in the snapshot.
    fn fetch(&self, commit: &str, file: &RemoteFile, control: &mut Control<'_>) -> Result<(), ModelError> {
        let Some(etag) = &file.etag else { return Ok(()) };
        let (blob, part) = (self.cache.blob(etag), self.cache.part(etag));
        if let Some(blobs) = blob.parent() {
            std::fs::create_dir_all(blobs).map_err(|source| ModelError::io(blobs, source))?;
        }
        let lock = download::lock(&self.cache.lock(etag), &control.cancel)?;
        if !self.has_blob(etag, file.size) {
            let checksum = Checksum::of(etag);
            let download = Download { name: &file.name, size: file.size, checksum, part: &part };
            let mut gathered = self.gather(commit, &download, control);
            if let Err(Stopped::Corrupt(problem)) = &gathered {
                // Once more, unless that is more than anybody has agreed to.
                if file.size < LARGE {
                    tracing::warn!(model = self.model, file = file.name, problem, "fetching it again");
                    gathered = self.gather(commit, &download, control);
                }
            }
            gathered.map_err(|stopped| match stopped {
                Stopped::Here(ModelError::Io { source, .. }) if source.kind() == ErrorKind::StorageFull => {
                    let here = std::fs::metadata(&part).map_or(0, |data| data.len());
                    self.disk_full(file.size.saturating_sub(here), disk::free_bytes(&part).unwrap_or(0))
                }
                stopped => self.stopped(stopped, &file.name),
            })?;
            cache::rename(&part, &blob).map_err(|source| ModelError::io(&part, source))?;
        }
        drop(lock);
        self.cache.link(commit, &file.name, etag)
    }

    fn gather(
        &self,
        commit: &str,
        download: &Download<'_>,
        control: &mut Control<'_>,
    ) -> Result<(), Stopped> {
        download.run(control, |start, control| {
            let (client, repository) = (self.client()?, self.repository.to_owned());
            let (commit, name, size) = (commit.to_owned(), download.name.to_owned(), download.size);
            let open = move || client.open(&repository, &commit, &name, (start, size));
            let Incoming { start, reader } = attend(control, open)?;
            Ok((start, pump(reader)?))
        })
    }

    fn files(&self, survey: &Survey) -> ModelFiles {
        let file = |name: &str| ModelFile::Path(self.cache.path(&survey.commit, name));
        ModelFiles {
            name: self.model.clone(),
            revision: Some(survey.commit.clone()),
            config: file(&survey.config),
            tokenizer: survey.tokenizer.clone(),
            weights: survey.weights.iter().map(|name| file(name)).collect(),
            // What is added to the weights of a GGUF file is named by whoever wants it.
            adapter: self
                .file
                .is_none()
                .then(|| Adapter::beside(&self.cache.folder(&survey.commit)))
                .flatten(),
            rounding: None,
        }
    }
}
