//! A model in a folder, laid out as the hub does.

use std::path::{Path, PathBuf};

use super::formats::{entries, is_adapter, other_formats};
use super::{ADAPTER_CONFIG, Adapter, ModelFile, ModelFiles, TokenizerFiles, gguf, index};
use crate::model::ModelError;

/// The files of the model in `folder`: those of the hub, else those of a GGUF model. Subfolders are never looked into: `original/` and `metal/` hold copies.
///
/// # Errors
/// If the folder, its config.json or its weights are missing.
pub(super) fn files(folder: &Path) -> Result<ModelFiles, ModelError> {
    match std::fs::metadata(folder) {
        Ok(there) if there.is_dir() => {}
        Ok(_) => {
            let name = folder.display();
            return Err(ModelError::Invalid(format!("{name}: is a file, not a model's folder")));
        }
        Err(error) if is_absent(&error) => {
            return Err(ModelError::Invalid(format!("{}: no such folder", folder.display())));
        }
        Err(error) => return Err(ModelError::io(folder, error)),
    }
    let adapter = Adapter::beside(folder);
    let config = folder.join("config.json");
    let has_config = is_there(&config)?;
    let is_bare = !has_config || weights(folder).is_err();
    if let Some(gguf) = is_bare.then(|| gguf::only_one(folder)).transpose()?.flatten() {
        return Ok(gguf);
    }
    if !has_config {
        // Whatever else lies beside an adapter, under none of the hub's names, is no model.
        if let Some(adapter) = adapter.filter(|_| !matches!(named_weights(folder), Ok(Some(_)))) {
            return Err(ModelError::Invalid(adapter.instead_of_weights()));
        }
        let hint = cache_hint(folder).map_or_else(String::new, |hint| format!("; {hint}"));
        return Err(ModelError::Invalid(format!("{}: no config.json in it{hint}", folder.display())));
    }
    let there = |name: &str| {
        let path = folder.join(name);
        Ok::<_, ModelError>(is_there(&path)?.then_some(ModelFile::Path(path)))
    };
    Ok(ModelFiles {
        name: folder.display().to_string(),
        revision: None,
        config: ModelFile::Path(config),
        tokenizer: TokenizerFiles::gather(there)?,
        weights: weights(folder)?.into_iter().map(ModelFile::Path).collect(),
        adapter,
        rounding: None,
    })
}

/// The adapter in `folder`.
///
/// # Errors
/// If there is none.
pub(super) fn adapter(folder: &Path) -> Result<Adapter, ModelError> {
    if !folder.is_dir() {
        return Err(ModelError::Invalid(format!("{}: no such folder", folder.display())));
    }
    let none = || ModelError::Invalid(format!("{}: no adapter in it: no {ADAPTER_CONFIG}", folder.display()));
    Adapter::beside(folder).ok_or_else(none)
}

/// Whether there is a file.
///
/// # Errors
/// If there is something else of that name, or nobody may look.
fn is_there(path: &Path) -> Result<bool, ModelError> {
    let invalid = |what| Err(ModelError::Invalid(format!("{}: {what}", path.display())));
    match std::fs::metadata(path) {
        Ok(there) if there.is_file() => Ok(true),
        Ok(_) => invalid("no file but a folder, a pipe or a device: put the file itself there"),
        Err(error) if is_absent(&error) && path.is_symlink() => {
            invalid("a link to a file that isn't there: put the file itself there")
        }
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(ModelError::io(path, error)),
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

fn weights(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    if !is_there(&folder.join(index::SINGLE))? {
        is_there(&folder.join(index::INDEX))?;
    }
    if let Some(named) = named_weights(folder)? {
        return Ok(named);
    }
    let mut loose: Vec<PathBuf> =
        entries(folder)?.into_iter().filter(|path| is_loose_weights(path) && path.is_file()).collect();
    loose.sort();
    if loose.is_empty() { Err(no_weights(folder)) } else { Ok(loose) }
}

/// An adapter's weights are not a model's.
fn is_loose_weights(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".safetensors") && !is_adapter(&name)
}

/// The weights under the names that the hub gives them, or `None` if neither name is there.
///
/// # Errors
/// If there is an index that can't be read, or one of its shards is missing.
pub(super) fn named_weights(folder: &Path) -> Result<Option<Vec<PathBuf>>, ModelError> {
    let single = folder.join(index::SINGLE);
    if single.is_file() {
        return Ok(Some(vec![single]));
    }
    let list = folder.join(index::INDEX);
    if !list.is_file() {
        return Ok(None);
    }
    let shards: Vec<PathBuf> = index::shards(&list)?.iter().map(|shard| folder.join(shard)).collect();
    match shards.iter().find(|shard| !shard.is_file()) {
        Some(missing) => Err(ModelError::Invalid(format!(
            "{}: this shard is missing, though {} names it; copy it there",
            missing.display(),
            index::INDEX
        ))),
        None => Ok(Some(shards)),
    }
}

fn no_weights(folder: &Path) -> ModelError {
    let shown = folder.display().to_string();
    if let Some(adapter) = Adapter::beside(folder) {
        return ModelError::Invalid(adapter.instead_of_weights());
    }
    ModelError::Invalid(match other_formats(folder).first() {
        Some(name) if [".bin", ".bin.index.json"].iter().any(|end| name.ends_with(end)) => format!(
            "{shown}: only {name}, which isn't read; convert it with transformers: \
             AutoModelForCausalLM.from_pretrained({shown:?}).save_pretrained({shown:?}, safe_serialization=True)"
        ),
        Some(name) => format!("{shown}: only {name}, which isn't read; take the model's safetensors"),
        None => {
            format!(
                "{shown}: no weights in it; looked for {}, {} and any *.safetensors",
                index::SINGLE,
                index::INDEX
            )
        }
    })
}

/// What to say to somebody who points into the hub's cache rather than at a snapshot.
fn cache_hint(folder: &Path) -> Option<String> {
    let snapshots = entries(&folder.join("snapshots")).unwrap_or_default();
    if let Some(snapshot) = snapshots.into_iter().find(|path| path.is_dir()) {
        return Some(format!("it is a model of the hub's cache: name {}", snapshot.display()));
    }
    let names = entries(folder).ok()?;
    let name = names.iter().find_map(|path| path.file_name()?.to_str()?.strip_prefix("models--"))?;
    Some(format!("it is the hub's cache: name a model in it, {}", name.replacen("--", "/", 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn names(files: &[ModelFile]) -> Vec<String> {
        let base = |file: &ModelFile| Path::new(&*file.name()).file_name().unwrap().to_owned();
        files.iter().map(|file| base(file).into_string().unwrap()).collect()
    }

    fn complaint(folder: &Path) -> String {
        files(folder).unwrap_err().to_string()
    }

    const INDEX_OF_TWO: &str = r#"{"weight_map": {"x": "b.safetensors", "y": "a.safetensors"}}"#;

    #[test]
    fn one_file_of_weights_is_enough_and_a_tokenizer_is_not_needed() {
        let folder = folder(&[("config.json", "{}"), ("model.safetensors", ""), ("other.safetensors", "")]);
        let files = files(folder.path()).unwrap();
        assert_eq!(names(&files.weights), ["model.safetensors"]);
        assert!(files.tokenizer.is_empty());
        assert_eq!(files.name, folder.path().display().to_string());
    }

    #[test]
    fn an_index_names_the_shards_and_a_missing_one_is_named() {
        let folder = folder(&[
            ("config.json", "{}"),
            ("tokenizer.json", "{}"),
            ("model.safetensors.index.json", INDEX_OF_TWO),
            ("a.safetensors", ""),
            ("b.safetensors", ""),
            ("unused.safetensors", ""),
        ]);
        let found = files(folder.path()).unwrap();
        assert_eq!(names(&found.weights), ["a.safetensors", "b.safetensors"]);
        assert!(found.tokenizer.get("tokenizer.json").is_some());
        std::fs::remove_file(folder.path().join("b.safetensors")).unwrap();
        assert!(complaint(folder.path()).contains("b.safetensors"));
    }

    #[test]
    fn loose_safetensors_are_taken_in_order_and_subfolders_never() {
        let folder = folder(&[
            ("config.json", "{}"),
            ("2.safetensors", ""),
            ("1.safetensors", ""),
            ("original/0.safetensors", ""),
        ]);
        assert_eq!(names(&files(folder.path()).unwrap().weights), ["1.safetensors", "2.safetensors"]);
    }

    #[test]
    fn missing_weights_say_what_was_looked_for() {
        let empty = folder(&[("config.json", "{}"), ("metal/model.safetensors", "")]);
        assert!(complaint(empty.path()).contains("model.safetensors.index.json"));
        let pickled = folder(&[("config.json", "{}"), ("pytorch_model.bin", "")]);
        let message = complaint(pickled.path());
        assert!(message.contains("pytorch_model.bin") && message.contains("safe_serialization"), "{message}");
    }

    #[test]
    fn other_formats_are_named_and_leftovers_of_a_training_are_not() {
        for (name, words) in [
            ("pytorch_model-00001-of-00002.bin", "safe_serialization"),
            ("flax_model.msgpack", "isn't read"),
            ("tf_model.h5", "isn't read"),
        ] {
            let folder = folder(&[("config.json", "{}"), (name, ""), ("training_args.bin", "")]);
            let message = complaint(folder.path());
            assert!(message.contains(&format!("only {name}")) && message.contains(words), "{message}");
        }
        let folder = folder(&[("config.json", "{}"), ("training_args.bin", ""), ("optimizer.pt", "")]);
        assert!(complaint(folder.path()).contains("no weights"));
    }

    const ADAPTER: &str = r#"{"peft_type": "LORA", "base_model_name_or_path": "a/b"}"#;

    #[test]
    fn an_adapter_is_never_the_weights() {
        for more in
            [vec![], vec![("config.json", "{}")], vec![("config.json", "{}"), ("adapter_model.bin", "")]]
        {
            let alone = [("adapter_config.json", ADAPTER), ("adapter_model.safetensors", "")];
            let folder = folder(&[alone.as_slice(), &more].concat());
            let message = complaint(folder.path());
            assert!(message.contains("LORA adapter of a/b") && !message.contains('\n'), "{message}");
        }
        let without_config = folder(&[("adapter_config.json", ADAPTER), ("model.safetensors", "")]);
        assert!(complaint(without_config.path()).contains("no config.json"));
    }

    #[test]
    fn an_adapter_beside_weights_is_known() {
        for weights in ["model.safetensors", "gpt2.safetensors"] {
            let present = ["config.json", "adapter_model.safetensors", weights].map(|name| (name, "{}"));
            let folder = folder(&[present.as_slice(), &[("adapter_config.json", ADAPTER)]].concat());
            let found = files(folder.path()).unwrap();
            assert_eq!(names(&found.weights), [weights]);
            assert_eq!(found.adapter.and_then(|adapter| adapter.base).as_deref(), Some("a/b"));
        }
    }

    #[test]
    fn a_gguf_model_is_taken_where_the_hubs_files_are_not_whole() {
        for (others, taken) in [
            (&[][..], "m.gguf"),
            (&["config.json"], "m.gguf"),
            (&["model.safetensors"], "m.gguf"),
            (&["config.json", "model.safetensors"], "model.safetensors"),
        ] {
            let all: Vec<(&str, &str)> = others.iter().chain(&["m.gguf"]).map(|name| (*name, "{}")).collect();
            let folder = folder(&all);
            let found = files(folder.path()).unwrap();
            assert_eq!((names(&found.weights), found.is_gguf()), (vec![taken.to_owned()], taken == "m.gguf"));
            assert_eq!(found.name, folder.path().display().to_string());
        }
    }

    #[test]
    fn missing_folders_and_configs_are_told_apart() {
        let there = folder(&[("file", "")]);
        assert!(complaint(&there.path().join("nowhere")).contains("no such folder"));
        assert!(complaint(&there.path().join("file")).contains("is a file"));
        assert!(complaint(there.path()).contains("no config.json"));
    }

    #[test]
    fn the_hubs_cache_is_recognised() {
        let cache = folder(&[("models--org--name/snapshots/abc/config.json", "{}")]);
        assert!(complaint(cache.path()).contains("org/name"));
        assert!(complaint(&cache.path().join("models--org--name")).contains("snapshots/abc"));
    }
}
