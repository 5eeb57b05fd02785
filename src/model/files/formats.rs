//! Formats of weights by their names: those that are not read, so that a message can name them.

use std::path::{Path, PathBuf};

use crate::model::ModelError;

/// The names of an adapter's files of weights begin so.
const ADAPTER: &str = "adapter";
/// How the names of weights in other formats end.
const OTHER_FORMATS: [&str; 9] =
    [".bin", ".bin.index.json", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack", ".onnx"];

/// Files in `folder` that hold weights in a format that isn't read, sorted.
pub(super) fn other_formats(folder: &Path) -> Vec<String> {
    let names = entries(folder).unwrap_or_default().into_iter().filter(|path| path.is_file());
    let names = names.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let is_other = |name: &String| {
        let known = OTHER_FORMATS.iter().any(|end| name.ends_with(end));
        // What a training leaves beside a model.
        let leftover = ["training_args", "optimizer", "scheduler", "rng_state"];
        known && !is_adapter(name) && !leftover.iter().any(|start| name.starts_with(start))
    };
    let mut names: Vec<String> = names.filter(is_other).collect();
    names.sort();
    names
}

/// The paths of what is in `folder`.
///
/// # Errors
/// If it can't be read.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|source| ModelError::io(folder, source))
}

/// Whether a file of this name holds an adapter's weights.
pub fn is_adapter(name: &str) -> bool {
    name.starts_with(ADAPTER) && [".safetensors", ".bin"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_adapters_go_by_their_names() {
        assert!(
            ["adapter_model.safetensors", "adapters.safetensors", "adapter_model.bin"].map(is_adapter)
                == [true; 3]
        );
        assert!(
            ["model.safetensors", "adapter_config.json", "my_adapter.safetensors"].map(is_adapter)
                == [false; 3]
        );
    }
}
