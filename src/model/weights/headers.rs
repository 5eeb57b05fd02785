//! Which tensors files have, by their headers.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, SafeTensors};

use super::Bytes;
use super::stored::{Kind, Stored};
use crate::kernels::blocks::BlockType;
use crate::model::ModelError;
use crate::model::files::{ModelFile, foreign, gguf_error};
use crate::model::gguf::Parts;

/// The tensors of safetensors files, by name.
pub(super) fn safetensors(files: &[ModelFile]) -> Result<BTreeMap<String, Stored>, ModelError> {
    let mut tensors = BTreeMap::new();
    for file in files {
        let name = file.name().into_owned();
        let bytes = Bytes::open(file)?;
        let whole = SafeTensors::deserialize(bytes.as_slice()).map_err(|error| {
            ModelError::Invalid(match foreign(bytes.as_slice()) {
                Some(what) => format!("{name} {what}"),
                None => {
                    format!("{name}: truncated, corrupt or no safetensors file ({error}): fetch it again")
                }
            })
        })?;
        let start = bytes.as_slice().as_ptr() as usize;
        for (tensor, view) in whole.iter() {
            let at = view.data().as_ptr() as usize - start;
            let part = bytes.slice(at..at + view.data().len());
            let stored = Stored {
                file: name.clone(),
                kind: Kind::Plain(view.dtype()),
                shape: view.shape().to_vec(),
                bytes: part,
            };
            tensors.insert(tensor.to_owned(), stored);
        }
    }
    Ok(tensors)
}

/// The tensors of GGUF files, by name.
pub(super) fn gguf(files: &[ModelFile]) -> Result<BTreeMap<String, Stored>, ModelError> {
    let mapped = files.iter().map(Bytes::open).collect::<Result<Vec<_>, _>>()?;
    let slices: Vec<&[u8]> = mapped.iter().map(Bytes::as_slice).collect();
    let parts = Parts::parse(&slices).map_err(|(at, error)| gguf_error(&files[at], slices[at], &error))?;
    let stored = parts.tensors().map(|(file, name, info)| {
        let kind = match info.kind {
            BlockType::F32 => Kind::Plain(Dtype::F32),
            BlockType::F16 => Kind::Plain(Dtype::F16),
            BlockType::Bf16 => Kind::Plain(Dtype::BF16),
            blocks => Kind::Blocks(blocks),
        };
        let (shape, bytes) = (info.shape.clone(), mapped[file].slice(info.bytes.clone()));
        (name.to_owned(), Stored { file: files[file].name().into_owned(), kind, shape, bytes })
    });
    Ok(stored.collect())
}
