//! The entry points: where the files of a model are, and what a download of them would take.

use std::path::{Path, PathBuf};

use super::hub::{CachedModel, Hub, HubModel};
use super::stores::Stores;
use super::{ADAPTER_WEIGHTS, Adapter, Consent, DownloadPlan, ModelFiles, embedded, folder, gguf};
use crate::model::{Cancel, Control, ModelError, Reference};

/// Finds the files of a model and downloads those that are missing, as far as `consent` goes.
///
/// A model that is whole in the hub's cache is taken from there and nobody is asked whether the hub has a newer
/// one: a start is instant and needs no network. With `offline` (or `HF_HUB_OFFLINE`) the hub is never asked.
///
/// # Errors
/// If a file is missing or can't be had, nobody has agreed to so large a download, the disk is too full, or
/// `control` was cancelled.
pub fn locate(
    reference: &Reference,
    offline: bool,
    consent: &Consent,
    control: &mut Control<'_>,
) -> Result<ModelFiles, ModelError> {
    match reference {
        Reference::Demo(demo) => Ok(embedded::files(*demo)),
        Reference::Folder(path) => folder::files(path),
        Reference::File(path) => gguf::files(path),
        Reference::Ollama(name) => ollama(name, reference),
        Reference::Adapted { base, adapter } => {
            let base = locate(base, offline, consent, control)?;
            let adapter = locate_adapter(adapter, offline, consent, control)?;
            Ok(ModelFiles { name: reference.to_string(), adapter: Some(adapter), ..base })
        }
        Reference::Rounded { base, rounding } => {
            let base = locate(base, offline, consent, control)?;
            Ok(ModelFiles { name: reference.to_string(), rounding: Some(*rounding), ..base })
        }
        Reference::Hub { repository, revision, file } => {
            if let Some(error) = consent.recall(reference).filter(|_| !offline) {
                return Err(error);
            }
            let limit = consent.limit(reference);
            let model = HubModel { repository, revision: revision.as_deref(), file: file.as_deref() };
            let files = Hub::from_env(offline)?.locate(model, limit, control)?;
            // Whether its tensors are here depends on what was asked for before.
            Ok(ModelFiles { adapter: files.adapter.map(Adapter::left_alone), ..files })
        }
    }
}

/// The adapter that a reference names instead of a model.
fn locate_adapter(
    reference: &Reference,
    offline: bool,
    consent: &Consent,
    control: &mut Control<'_>,
) -> Result<Adapter, ModelError> {
    let found = match reference {
        Reference::Folder(path) => folder::adapter(path),
        Reference::Hub { repository, revision, file: None } => {
            let limit = consent.limit(reference);
            let model = HubModel { repository, revision: revision.as_deref(), file: None };
            Hub::from_env(offline)?.locate_adapter(model, limit, control)
        }
        Reference::Demo(_)
        | Reference::Ollama(_)
        | Reference::Hub { file: Some(_), .. }
        | Reference::File(_)
        | Reference::Adapted { .. }
        | Reference::Rounded { .. } => {
            Err(ModelError::Invalid(format!("{reference}: is no adapter: name its folder, or org/name")))
        }
    }?;
    match found.lora {
        Some(_) => Ok(found),
        None => Err(ModelError::Invalid(format!(
            "{}: {}, without an {ADAPTER_WEIGHTS} beside it, which alone is read: save it with peft (save_pretrained)",
            found.file,
            found.description()
        ))),
    }
}

/// The files of a model that is here; nobody is asked for it.
///
/// # Errors
/// If it isn't here whole.
pub fn locate_here(reference: &Reference) -> Result<ModelFiles, ModelError> {
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    locate(reference, true, &Consent::default(), &mut control)
}

/// Which files [`locate`] would use, and how much of them it would download. Of an unknown model on the hub this
/// fetches sizes and, if it is sharded, the list of shards.
///
/// # Errors
/// As [`locate`].
pub fn plan(
    reference: &Reference,
    offline: bool,
    control: &mut Control<'_>,
) -> Result<DownloadPlan, ModelError> {
    match reference {
        Reference::Demo(demo) => DownloadPlan::of_present(&embedded::files(*demo), Path::new("")),
        Reference::Folder(path) => DownloadPlan::of_present(&folder::files(path)?, path),
        Reference::File(path) => DownloadPlan::of_present(&gguf::files(path)?, path),
        Reference::Ollama(name) => DownloadPlan::of_present(&ollama(name, reference)?, Path::new("")),
        Reference::Adapted { base, .. } | Reference::Rounded { base, .. } => plan(base, offline, control),
        Reference::Hub { repository, revision, file } => {
            let model = HubModel { repository, revision: revision.as_deref(), file: file.as_deref() };
            Hub::from_env(offline)?.plan(model, control)
        }
    }
}

fn ollama(name: &str, reference: &Reference) -> Result<ModelFiles, ModelError> {
    let blob = Stores::of_machine(&[]).ollama(name)?;
    Ok(ModelFiles { name: reference.to_string(), ..gguf::files(&blob)? })
}

/// The names of models that other programs keep on this machine, or that lie in `folders`.
pub fn stored(folders: &[PathBuf]) -> Vec<String> {
    Stores::of_machine(folders).models()
}

/// The models in the hub's cache, by name; none if there is no cache.
pub fn cached() -> Vec<CachedModel> {
    Hub::from_env(true).map(|hub| hub.cached()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DemoModel;

    #[test]
    fn demos_and_folders_are_here_and_nothing_is_missing() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/gpt2");
        let demo = Reference::Demo(DemoModel::Gpt2);
        let [embedded, on_disk] = [demo, Reference::Folder(folder)].map(|reference| {
            let files = locate_here(&reference).unwrap();
            let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
            let plan = plan(&reference, true, &mut control).unwrap();
            assert_eq!((files.name.as_str(), plan.missing_bytes), (reference.to_string().as_str(), 0));
            let names: Vec<&str> = plan.files.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["config.json", "tokenizer.json", "model.safetensors"]);
            assert!(plan.total_bytes() > 0);
            files.all().map(|file| file.read(u64::MAX).unwrap().into_owned()).collect::<Vec<_>>()
        });
        assert!(embedded == on_disk, "the demo is the folder");
    }
}
