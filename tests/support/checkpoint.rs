//! Checkpoints that are broken in one place, made from the good ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;

/// A tensor that can be changed.
#[derive(Clone)]
pub struct Stored {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// Copies a checkpoint to `folder`.
pub fn copy(from: &Path, folder: PathBuf) -> PathBuf {
    fs::create_dir_all(&folder).unwrap();
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), folder.join(name)).unwrap();
        }
    }
    folder
}

/// Changes the config.json of a checkpoint.
pub fn edit_config(folder: &Path, edit: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    let path = folder.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(config.as_object_mut().unwrap());
    fs::write(path, config.to_string()).unwrap();
}

/// Changes the tensors of a checkpoint.
pub fn edit_weights(folder: &Path, edit: impl FnOnce(&mut BTreeMap<String, Stored>)) {
    let path = folder.join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let stored = |view: TensorView<'_>| Stored {
        dtype: view.dtype(),
        shape: view.shape().to_vec(),
        bytes: view.data().to_vec(),
    };
    let mut tensors: BTreeMap<String, Stored> =
        file.tensors().into_iter().map(|(name, view)| (name, stored(view))).collect();
    edit(&mut tensors);
    let views = tensors.iter().map(|(name, stored)| {
        (name.as_str(), TensorView::new(stored.dtype, stored.shape.clone(), &stored.bytes).unwrap())
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}
