//! GGUF files of a repository: those that are asked for, and those that are there instead of a model.

use super::HubError;
use super::lookup::{Lookup, MOST_SHARDS, Survey};
use super::wait::{Stopped, attend};
use crate::model::files::{ADAPTER_CONFIG, Adapter, TokenizerFiles, gguf_name};
use crate::model::{Control, ModelError, Reference};

impl Lookup<'_> {
    /// Asks the hub for all parts of the GGUF model of which `file` is one. It has config and tokenizer in itself.
    pub(super) fn survey_gguf(&self, file: &str, control: &mut Control<'_>) -> Result<Survey, ModelError> {
        let weights = gguf_name::part_names(file);
        if weights.len() > MOST_SHARDS {
            let problem = format!("it is one of {} parts, and {MOST_SHARDS} are read at most", weights.len());
            return Err(self.unexpected(file, problem));
        }
        let mut files = Vec::new();
        let mut commit: Option<String> = None;
        for part in &weights {
            let found = match &commit {
                Some(commit) => self.file(commit, part, control)?,
                None => self.metadata(self.revision, part, control)?.map(|metadata| {
                    commit = Some(metadata.commit.clone());
                    self.remote(part, metadata)
                }),
            };
            let Some(found) = found else {
                let (model, file) = (self.model.clone(), part.clone());
                return Err(HubError::NoGguf { model, file, there: self.ggufs(control)? }.into());
            };
            files.push(found);
        }
        let commit = commit.unwrap_or_default();
        self.cache.set_commit(&commit)?;
        let (config, tokenizer) = (weights[0].clone(), TokenizerFiles::default());
        Ok(Survey { commit, config, tokenizer, weights, files })
    }

    /// Why a repository without config.json is no model: it may be an adapter, or hold GGUF files.
    pub(super) fn without_config(&self, control: &mut Control<'_>) -> Result<ModelError, ModelError> {
        if let Some(metadata) = self.metadata(self.revision, ADAPTER_CONFIG, control)? {
            let commit = metadata.commit.clone();
            self.fetch_small(&commit, &self.remote(ADAPTER_CONFIG, metadata), control)?;
            if let Some(adapter) = Adapter::beside(&self.cache.folder(&commit)) {
                return Ok(ModelError::Invalid(adapter.instead_of_weights()));
            }
        }
        let no_config = HubError::NoFile { model: self.model.clone(), file: "config.json".to_owned() };
        Ok(self.only_gguf(control)?.unwrap_or(no_config).into())
    }

    /// Why a repository without safetensors is no model.
    pub(super) fn without_weights(
        &self,
        commit: &str,
        control: &mut Control<'_>,
    ) -> Result<ModelError, ModelError> {
        if let Some(adapter) = Adapter::beside(&self.cache.folder(commit)) {
            return Ok(ModelError::Invalid(adapter.instead_of_weights()));
        }
        let no_weights = HubError::NoWeights { model: self.model.clone() };
        Ok(self.only_gguf(control)?.unwrap_or(no_weights).into())
    }

    fn only_gguf(&self, control: &mut Control<'_>) -> Result<Option<HubError>, ModelError> {
        let there = self.ggufs(control)?;
        Ok((!there.is_empty()).then(|| HubError::OnlyGguf { model: self.model.clone(), there }))
    }

    /// The GGUF models of the repository that can be named, sorted; none if the hub doesn't say, which is no reason
    /// to say anything else than what is missing.
    fn ggufs(&self, control: &mut Control<'_>) -> Result<Vec<String>, ModelError> {
        let (client, repository, revision) =
            (self.client()?, self.repository.to_owned(), self.revision.to_owned());
        let mut files = match attend(control, move || client.files(&repository, &revision)) {
            Ok(files) => files,
            Err(Stopped::Here(error)) => return Err(error),
            Err(Stopped::Hub(failure)) => {
                tracing::warn!(model = self.model, ?failure, "the hub gives no list of its files");
                return Ok(Vec::new());
            }
            Err(Stopped::Corrupt(_)) => return Ok(Vec::new()),
        };
        let can_be_named = |file: &String| {
            let name = format!("{}:{file}", self.repository).parse::<Reference>();
            matches!(name, Ok(Reference::Hub { file: Some(_), .. }))
        };
        files.retain(|file| gguf_name::is_model(file) && can_be_named(file));
        files.sort();
        Ok(files)
    }
}
