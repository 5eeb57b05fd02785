//! Models that other programs keep on this machine: Ollama, LM Studio, and folders that the configuration names.
//!
//! | where | what is there |
//! |---|---|
//! | `OLLAMA_MODELS`, else `~/.ollama/models` | `manifests/HOST/OWNER/NAME/TAG` names the files in `blobs`: `ollama:NAME:TAG` |
//! | `~/.lmstudio/models`, `~/.cache/lm-studio/models` | `PUBLISHER/NAME/*.gguf` |
//! | `model-folders` of config.toml | models, or folders of models, two levels deep |

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::formats::entries;
use super::gguf;
use super::index;
use crate::bounded;
use crate::model::{ModelError, Reference};

/// Models of a place that are listed: more would bury the others.
const MOST: usize = 200;
/// The longest list of a model's files that is believed to be one.
const LONGEST_MANIFEST: u64 = 1 << 20;
/// The owner whose name is left out.
const LIBRARY: &str = "library";
/// The tag that is meant where none is named.
const LATEST: &str = "latest";
/// What a list calls the file with the weights.
const WEIGHTS: &str = "application/vnd.ollama.image.model";

/// The places of this machine.
#[derive(Debug, Clone, Default)]
pub struct Stores {
    ollama: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

/// A list of a model's files, as Ollama keeps it.
#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
}

impl Stores {
    /// The places that the environment says, and `folders`.
    pub fn of_machine(folders: &[PathBuf]) -> Self {
        let home = std::env::home_dir();
        let of_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let named = std::env::var_os("OLLAMA_MODELS").filter(|path| !path.is_empty()).map(PathBuf::from);
        let studio = [".lmstudio/models", ".cache/lm-studio/models"].into_iter().filter_map(of_home);
        let home_of = |path: &PathBuf| match path.strip_prefix("~") {
            Ok(rest) => home.as_ref().map_or_else(|| path.clone(), |home| home.join(rest)),
            Err(_) => path.clone(),
        };
        let folders = folders.iter().map(home_of).chain(studio).collect();
        Self { ollama: named.or_else(|| of_home(".ollama/models")), folders }
    }

    /// The names by which their models are loaded, sorted by place.
    pub fn models(&self) -> Vec<String> {
        let of_folders =
            self.folders.iter().flat_map(|folder| models_below(folder, 2).into_iter().take(MOST));
        let ollama = self.ollama.iter().flat_map(|root| ollama_models(root).into_iter().take(MOST));
        ollama.chain(of_folders.map(|path| path.display().to_string())).collect()
    }

    /// The file with the weights of one of Ollama's models: `NAME`, `NAME:TAG` or `OWNER/NAME:TAG`.
    ///
    /// # Errors
    /// If there is none of that name, or what Ollama says of it can't be read.
    pub fn ollama(&self, model: &str) -> Result<PathBuf, ModelError> {
        let invalid = |what: String| ModelError::Invalid(format!("ollama:{model}: {what}"));
        let root = self
            .ollama
            .as_ref()
            .ok_or_else(|| invalid("the home folder is unknown: set OLLAMA_MODELS".to_owned()))?;
        let known = manifests(root);
        let (name, tag) = model.split_once(':').unwrap_or((model, LATEST));
        let Some((_, manifest)) = known.iter().find(|(known, _)| *known == format!("{name}:{tag}")) else {
            let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).take(8).collect();
            let there = match names.as_slice() {
                [] => "there is no model at all".to_owned(),
                names => format!("there is {}", names.join(", ")),
            };
            return Err(invalid(format!("no such model in {}; {there}", root.display())));
        };
        let digest = weights(manifest).map_err(|why| {
            ModelError::Invalid(format!("{}: no list of a model's files: {why}", manifest.display()))
        })?;
        let blob = root.join("blobs").join(digest);
        match blob.is_file() {
            true => Ok(blob),
            false => Err(invalid(format!("{} is missing: ask Ollama to pull it again", blob.display()))),
        }
    }
}

/// The name of the file with the weights, from a list of files.
fn weights(manifest: &Path) -> Result<String, String> {
    let bytes = bounded::read(manifest, LONGEST_MANIFEST).map_err(|error| error.to_string())?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let layer = manifest.layers.into_iter().find(|layer| layer.media_type == WEIGHTS);
    let digest = layer.ok_or("it names no weights")?.digest;
    // A digest and nothing else: it becomes a part of a path.
    match digest.split_once(':') {
        Some(("sha256", hash)) if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(format!("sha256-{hash}"))
        }
        _ => Err(format!("{digest:?} is no sha256")),
    }
}

fn ollama_models(root: &Path) -> Vec<String> {
    manifests(root).into_iter().map(|(name, _)| Reference::Ollama(name).to_string()).collect()
}

/// The models that Ollama has, and their lists of files, by name.
fn manifests(root: &Path) -> Vec<(String, PathBuf)> {
    let folders = |path: PathBuf| entries(&path).unwrap_or_default().into_iter();
    let hosts = folders(root.join("manifests"));
    let tags = hosts.flat_map(folders).flat_map(folders).flat_map(folders).filter(|path| path.is_file());
    let named = |path: PathBuf| {
        let mut parts = path.components().rev().map(|part| part.as_os_str().to_str());
        let (tag, name, owner) = (parts.next()??, parts.next()??, parts.next()??);
        let name = match owner {
            LIBRARY => format!("{name}:{tag}"),
            owner => format!("{owner}/{name}:{tag}"),
        };
        Some((name, path.clone()))
    };
    let mut models: Vec<_> = tags.filter_map(named).collect();
    models.sort();
    models
}

/// Models in a folder and in those below it, sorted: files in GGUF, and folders in the hub's format.
fn models_below(folder: &Path, levels: usize) -> Vec<PathBuf> {
    let has = |name: &str| folder.join(name).is_file();
    if has("config.json") && (has(index::SINGLE) || has(index::INDEX)) {
        return vec![folder.to_owned()];
    }
    let mut models = gguf::models(folder);
    if levels > 0 {
        let mut below: Vec<PathBuf> =
            entries(folder).unwrap_or_default().into_iter().filter(|path| path.is_dir()).collect();
        below.sort();
        models.extend(below.iter().flat_map(|folder| models_below(folder, levels - 1)));
    }
    models
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(root: &Path, name: &str, content: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn manifest(digest: &str) -> String {
        format!(
            r#"{{"layers": [{{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:0"}},
                {{"mediaType": "{WEIGHTS}", "digest": "{digest}", "size": 4}}]}}"#
        )
    }

    #[test]
    fn ollamas_models_are_found_by_name() {
        let root = tempfile::tempdir().unwrap();
        let hash = "ab".repeat(32);
        write(root.path(), "manifests/host/library/llama3.2/1b", &manifest(&format!("sha256:{hash}")));
        write(root.path(), "manifests/host/someone/tiny/latest", &manifest("sha256:../../etc/passwd"));
        write(root.path(), "manifests/host/library/broken/latest", "{}");
        write(root.path(), &format!("blobs/sha256-{hash}"), "GGUF");
        let stores = Stores { ollama: Some(root.path().to_owned()), folders: Vec::new() };
        assert_eq!(
            stores.models(),
            ["ollama:broken:latest", "ollama:llama3.2:1b", "ollama:someone/tiny:latest"]
        );
        assert!(stores.ollama("llama3.2:1b").unwrap().ends_with(format!("blobs/sha256-{hash}")));
        let said = |model: &str| stores.ollama(model).unwrap_err().to_string();
        assert!(said("llama3.2").contains("no such model") && said("llama3.2").contains("llama3.2:1b"));
        assert!(said("someone/tiny").contains("is no sha256"), "{}", said("someone/tiny"));
        assert!(said("broken").contains("no list of a model's files"));
        fs::remove_file(root.path().join(format!("blobs/sha256-{hash}"))).unwrap();
        assert!(said("llama3.2:1b").contains("pull it again"));
    }

    #[test]
    fn folders_hold_models_of_both_formats_two_levels_deep() {
        let root = tempfile::tempdir().unwrap();
        for name in
            ["b.gguf", "org/a/x.Q4_0.gguf", "org/a/mmproj-x.gguf", "org/hub/config.json", "a/b/c/deep.gguf"]
        {
            write(root.path(), name, "");
        }
        write(root.path(), "org/hub/model.safetensors", "");
        let stores = Stores { ollama: None, folders: vec![root.path().to_owned(), "/nowhere".into()] };
        let path = |name: &str| root.path().join(name).display().to_string();
        assert_eq!(stores.models(), ["b.gguf", "org/a/x.Q4_0.gguf", "org/hub"].map(path));
    }
}
