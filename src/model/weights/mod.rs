//! The tensors of a checkpoint.
//!
//! [`Weights::open`] maps the safetensors files and reads their headers. A family then asks for each tensor by name
//! and shape. Each is checked (name, shape, type, no NaN) and placed as `placement` says: on a device as a candle
//! tensor, or left in the mapped file for the CPU's kernels (`matrix`, `mxfp4`). `diagnosis` finds the likely cause
//! when a tensor is missing. `memmap` watches that no file changes while it is mapped.

mod diagnosis;
mod experts;
mod lora;
mod matrix;
mod memmap;
mod mxfp4;
mod placement;
mod stored;

pub use experts::ExpertMatrices;
pub use matrix::{HostMatrix, Matrix};
pub use memmap::{Bytes, Watch};
pub use mxfp4::PackedExperts;
pub use placement::Placement;

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors};

use super::ModelError;
use super::control::{Cancel, Control, LoadProgress};
use super::files::{LoraFiles, ModelFile, foreign};
use super::spec::DecoderSpec;
use crate::kernels::mxfp4::{BLOCK, BLOCK_BYTES, NAN_SCALE};
use diagnosis::Evidence;
use stored::{Stored, is_packed};

/// Ends of the names of causal masks and of rotary tables, which are computed here.
const UNUSED_ENDS: [&str; 5] =
    [".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq"];
/// Parts of the names of what isn't run: cross-attention without an encoder, and what sees pictures.
const UNUSED_PARTS: [&str; 6] = [
    ".crossattention.",
    ".ln_cross_attn.",
    "vision_tower.",
    "vision_model.",
    "vision_encoder.",
    "multi_modal_projector.",
];

/// The tensors of a checkpoint, being placed on a device.
pub struct Weights<'a> {
    tensors: BTreeMap<String, Stored>,
    /// The files that were looked into.
    files: Vec<ModelFile>,
    expected: Expected,
    placement: Placement,
    cancel: Cancel,
    progress: &'a mut dyn FnMut(LoadProgress),
    done: usize,
    packed: bool,
}

/// What is known of the tensors that are asked for.
#[derive(Debug, Default)]
struct Expected {
    /// What the names of all but the output head begin with, in some files; the usual one first.
    prefixes: &'static [&'static str],
    /// What config.json says they are packed with.
    quantization: Option<String>,
    /// Layers that config.json says.
    layers: usize,
}

impl<'a> Weights<'a> {
    /// Maps the files and reads their headers.
    ///
    /// # Errors
    /// If a file is missing, truncated or no safetensors.
    pub fn open(
        files: &[ModelFile],
        placement: Placement,
        control: &'a mut Control<'_>,
    ) -> Result<Self, ModelError> {
        let mut tensors = BTreeMap::new();
        for file in files {
            tensors.extend(tensors_of(file)?);
        }
        let Control { cancel, progress } = control;
        Ok(Self {
            tensors,
            files: files.to_vec(),
            expected: Expected::default(),
            placement,
            cancel: cancel.clone(),
            progress: &mut **progress,
            done: 0,
            packed: false,
        })
    }

    /// Adds an adapter to the tensors that it changes. Weights of layers are \[in, out\], or the other way round.
    ///
    /// # Errors
    /// If it can't be read, is of another kind than LoRA, or of another model.
    pub fn add(&mut self, adapter: &LoraFiles, in_out: bool) -> Result<(), ModelError> {
        let added = tensors_of(&adapter.weights)?;
        lora::add(&mut self.tensors, adapter, &added, in_out, &self.cancel)
    }

    /// Watches the files that the tensors are in.
    pub fn watch(&self) -> Watch {
        Watch::new(self.tensors.values().map(|stored| &stored.bytes))
    }

    /// Announces the model whose tensors will be asked for. They are named without prefix; files may name them with one
    /// of `prefixes`, the usual one first.
    pub fn expect(&mut self, spec: &DecoderSpec, prefixes: &'static [&'static str]) {
        let (quantization, layers) = (spec.quantization.clone(), spec.layers.len());
        self.expected = Expected { prefixes, quantization, layers };
    }

    /// Whether the checkpoint has a tensor.
    pub fn contains(&self, name: &str) -> bool {
        self.look_up(name).is_some()
    }

    /// Whether two tensors are there and the same, byte for byte.
    pub fn are_same(&self, one: &str, other: &str) -> bool {
        match (self.look_up(one), self.look_up(other)) {
            (Some((_, one)), Some((_, other))) => one.is_same(other),
            _ => false,
        }
    }

    /// Number of weights, scales of packed blocks not counted.
    pub fn parameters(&self) -> u64 {
        self.model_tensors().map(|(name, stored)| stored.weights(name)).sum()
    }

    /// Bytes that the tensors will take once placed.
    pub fn resident_bytes(&self) -> u64 {
        let dense = self.placement.dtype.size_in_bytes() as u64;
        self.model_tensors()
            .map(|(name, stored)| {
                let stays = self.placement.mapped && stored.dtype == Dtype::BF16 && stored.shape.len() == 2;
                match stored.dtype {
                    dtype if is_packed(dtype) && !self.placement.unpacked => stored.values(),
                    _ if stays => 2 * stored.values(),
                    _ => dense * stored.weights(name),
                }
            })
            .sum()
    }

    /// The precision of the weights: `mxfp4` if any are packed, else the type of dense tensors.
    pub fn precision(&self) -> String {
        if self.packed {
            return "mxfp4".to_owned();
        }
        format!("{:?}", self.placement.dtype).to_lowercase()
    }

    /// A dense tensor, placed.
    ///
    /// # Errors
    /// If it is missing, of another shape or type, or holds NaN or infinity.
    pub fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let values = self.host_tensor(name, shape)?;
        let Placement { device, dtype, .. } = &self.placement;
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?.to_device(device)?.to_dtype(*dtype)?)
    }

    /// A tensor of ones, placed: it takes part where a checkpoint has none.
    ///
    /// # Errors
    /// If the device has no room.
    pub fn ones(&self, shape: &[usize]) -> Result<Tensor, ModelError> {
        Ok(Tensor::ones(shape, self.placement.dtype, &self.placement.device)?)
    }

    /// A matrix \[rows, columns\]: placed on a device, or left in its file for the CPU's kernels.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Result<Matrix, ModelError> {
        if !self.placement.mapped {
            return Ok(Matrix::Device(self.tensor(name, &shape)?));
        }
        let ((name, stored), columns) = (self.find(name, &shape)?, shape[1]);
        let bytes = || stored.bytes.clone();
        let mapped = match stored.dtype {
            Dtype::F32 => HostMatrix::mapped(bytes(), columns),
            Dtype::BF16 => HostMatrix::mapped_bf16(bytes(), columns),
            _ => None,
        };
        let Some(matrix) = mapped else {
            let name = name.to_owned();
            return Ok(Matrix::Host(HostMatrix::owned(self.host_tensor(&name, &shape)?, columns)));
        };
        stored.check_finite(name)?;
        self.step()?;
        Ok(Matrix::Host(matrix))
    }

    /// A matrix \[in, out\] of a linear map: as [`matrix`](Self::matrix), for the CPU's kernels packed.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn in_out_matrix(&mut self, name: &str, shape: [usize; 2]) -> Result<Matrix, ModelError> {
        match self.matrix(name, shape)? {
            Matrix::Host(matrix) => Ok(Matrix::Host(matrix.packed()?)),
            placed => Ok(placed),
        }
    }

    /// A dense tensor's values, on the host.
    ///
    /// # Errors
    /// If it is missing, of another shape or type, or holds NaN or infinity.
    pub fn host_tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let (name, stored) = self.find(name, shape)?;
        let Some(values) = stored.floats() else {
            let what = format!("holds {:?}; F64, F32, F16 and BF16 are supported", stored.dtype);
            return Err(stored.error(name, self.evidence().with_cause(name, &what)));
        };
        stored.check_finite(name)?;
        self.step()?;
        Ok(values)
    }

    /// The MXFP4 matrices of a layer's experts, which `name` with `_blocks` and `_scales` hold:
    /// `count` matrices from `in_features` to `out_features` values; packed, or dense if they are to be unpacked.
    ///
    /// # Errors
    /// If one is missing, of another shape or type, or has a scale that stands for NaN.
    pub fn packed_experts(
        &mut self,
        name: &str,
        count: usize,
        in_features: usize,
        out_features: usize,
    ) -> Result<ExpertMatrices, ModelError> {
        if !in_features.is_multiple_of(BLOCK) {
            return Err(ModelError::Invalid(format!(
                "{name}: rows of {in_features} values can't be packed in blocks of {BLOCK}"
            )));
        }
        let mut part = |suffix: &str, shape: &[usize]| {
            let name = format!("{name}_{suffix}");
            let (name, stored) = self.find(&name, shape)?;
            if !is_packed(stored.dtype) {
                let what = format!("holds {:?} where bytes are expected", stored.dtype);
                return Err(stored.error(name, self.evidence().with_cause(name, &what)));
            }
            if suffix == "scales" && stored.bytes.as_slice().par_iter().any(|&scale| scale == NAN_SCALE) {
                return Err(stored.error(name, "holds a scale that stands for NaN: the checkpoint is broken"));
            }
            let bytes = stored.bytes.clone();
            self.step()?;
            Ok(bytes)
        };
        let groups = in_features / BLOCK;
        let blocks = part("blocks", &[count, out_features, groups, BLOCK_BYTES])?;
        let scales = part("scales", &[count, out_features, groups])?;
        let packed = PackedExperts::new(blocks, scales, [count, in_features, out_features], &self.placement)?;
        if self.placement.unpacked {
            return Ok(ExpertMatrices::Dense(packed.unpacked(&self.cancel)?));
        }
        self.packed = true;
        Ok(ExpertMatrices::Packed(packed))
    }

    /// A tensor, with the name that its file has for it.
    fn find(&self, name: &str, shape: &[usize]) -> Result<(&str, &Stored), ModelError> {
        let Some((name, stored)) = self.look_up(name) else {
            return Err(ModelError::Invalid(self.evidence().missing(name, shape)));
        };
        if stored.shape != shape {
            let what = format!("has shape {:?}, config.json wants {shape:?}", stored.shape);
            let what = if diagnosis::is_transposed(&stored.shape, shape) {
                format!("{what}: it is transposed, as nanoGPT saves it: save the transpose")
            } else {
                self.evidence().with_cause(name, &what)
            };
            return Err(stored.error(name, what));
        }
        stored.bytes.check()?;
        Ok((name, stored))
    }

    /// As transformers finds it: with the family's prefix, without, or with one too many.
    fn look_up(&self, name: &str) -> Option<(&str, &Stored)> {
        let prefixes = self.expected.prefixes;
        let with = prefixes.iter().map(|prefix| format!("{prefix}{name}"));
        let twice = prefixes.iter().map(|prefix| format!("{prefix}{prefix}{name}"));
        let mut names = with.chain([name.to_owned()]).chain(twice);
        let found = names.find_map(|name| self.tensors.get_key_value(&name));
        found.map(|(name, stored)| (name.as_str(), stored))
    }

    fn evidence(&self) -> Evidence<'_> {
        let Expected { prefixes, quantization, layers } = &self.expected;
        Evidence {
            files: self.files.iter().map(ModelFile::name).collect(),
            beside: self.files.iter().flat_map(ModelFile::other_formats).next(),
            names: self.tensors.keys().map(String::as_str).collect(),
            prefix: prefixes.first().copied().unwrap_or_default(),
            quantization: quantization.as_deref(),
            has_fp8: self
                .tensors
                .values()
                .any(|stored| matches!(stored.dtype, Dtype::F8_E4M3 | Dtype::F8_E5M2)),
            layers: *layers,
        }
    }

    fn step(&mut self) -> Result<(), ModelError> {
        self.cancel.check()?;
        self.done += 1;
        let total = self.model_tensors().count();
        (self.progress)(LoadProgress::Weights { done: self.done.min(total), total });
        Ok(())
    }

    /// All tensors but those that files carry for nothing here.
    fn model_tensors(&self) -> impl Iterator<Item = (&String, &Stored)> {
        self.tensors.iter().filter(|(name, _)| {
            !UNUSED_ENDS.iter().any(|end| name.ends_with(end))
                && !UNUSED_PARTS.iter().any(|part| name.contains(part))
        })
    }
}

/// The tensors of a file, by name.
fn tensors_of(file: &ModelFile) -> Result<BTreeMap<String, Stored>, ModelError> {
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
    let mut tensors = BTreeMap::new();
    for (tensor, view) in whole.iter() {
        let at = view.data().as_ptr() as usize - start;
        let part = bytes.slice(at..at + view.data().len());
        let stored =
            Stored { file: name.clone(), dtype: view.dtype(), shape: view.shape().to_vec(), bytes: part };
        tensors.insert(tensor.to_owned(), stored);
    }
    Ok(tensors)
}
