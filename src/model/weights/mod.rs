//! The tensors of a checkpoint.
//!
//! [`Weights::open`] maps the safetensors or GGUF files and reads their headers. A family then asks for each tensor by name
//! and shape. Each is checked (name, shape, type, no NaN) and placed as `placement` says: on a device as a candle
//! tensor, or left in the mapped file for the CPU's kernels (`matrix`, `experts`, `mxfp4`). `headers` reads what files hold,
//! `stored` is a tensor as it lies there; `lora` adds an adapter before, `rounding` rounds linear weights on the way. `diagnosis` finds the likely cause
//! when a tensor is missing. `memmap` watches that no file changes while it is mapped.

mod diagnosis;
mod expected;
mod experts;
mod headers;
mod lora;
mod matrix;
mod memmap;
mod mxfp4;
mod placement;
mod rounding;
mod stored;

pub use expected::Expected;
pub use experts::ExpertMatrices;
pub use matrix::{HostMatrix, Matrix};
pub use memmap::{Bytes, Watch};
pub use mxfp4::PackedExperts;
pub use placement::Placement;

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};
use safetensors::tensor::Dtype;

use super::ModelError;
use super::control::{Cancel, Control, LoadProgress};
use super::files::{LoraFiles, ModelFile};
use crate::vocabulary::Rounding;
use diagnosis::Evidence;
use stored::{Kind, Stored, is_packed};

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
    /// Whether they are of that format.
    is_gguf: bool,
    expected: Expected,
    placement: Placement,
    cancel: Cancel,
    progress: &'a mut dyn FnMut(LoadProgress),
    done: usize,
    /// Tensors that will be asked for, about.
    total: usize,
    /// Whether any are MXFP4 in two tensors, as gpt-oss has them.
    packed: bool,
    /// What linear weights are rounded to.
    rounding: Option<Rounding>,
}

impl<'a> Weights<'a> {
    /// Maps the files and reads their headers.
    ///
    /// # Errors
    /// If a file is missing, truncated, or of another format than its name says.
    pub fn open(
        files: &[ModelFile],
        placement: Placement,
        control: &'a mut Control<'_>,
    ) -> Result<Self, ModelError> {
        let is_gguf = files.iter().any(ModelFile::is_gguf);
        let tensors = if is_gguf { headers::gguf(files)? } else { headers::safetensors(files)? };
        let Control { cancel, progress } = control;
        let total = tensors.keys().filter(|name| is_used(name)).count();
        Ok(Self {
            tensors,
            files: files.to_vec(),
            is_gguf,
            expected: Expected::default(),
            placement,
            cancel: cancel.clone(),
            progress: &mut **progress,
            done: 0,
            total,
            packed: false,
            rounding: None,
        })
    }

    /// Adds an adapter to the tensors that it changes. Weights of layers are \[in, out\], or the other way round.
    ///
    /// # Errors
    /// If it can't be read, is of another kind than LoRA, or of another model.
    pub fn add(&mut self, adapter: &LoraFiles, in_out: bool) -> Result<(), ModelError> {
        let added = headers::safetensors(std::slice::from_ref(&adapter.weights))?;
        lora::add(&mut self.tensors, adapter, &added, in_out, &self.cancel)
    }

    /// Watches the files that the tensors are in.
    pub fn watch(&self) -> Watch {
        Watch::new(self.tensors.values().map(|stored| &stored.bytes))
    }

    /// Announces the model whose tensors will be asked for. They are named without prefix.
    pub fn expect(&mut self, expected: Expected) {
        self.expected = expected;
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

    /// Bytes that the tensors will take once placed, as far as their names tell what they are for.
    pub fn resident_bytes(&self) -> u64 {
        self.model_tensors().map(|(name, stored)| self.bytes_of(name, stored)).sum()
    }

    fn bytes_of(&self, name: &str, stored: &Stored) -> u64 {
        match stored.kind {
            kind if is_packed(kind) && !self.placement.unpacked => return stored.values(),
            _ if !self.placement.mapped || stored.shape.len() < 2 => {}
            _ => {
                if let Some(kind) = self.rounds_to(name, stored) {
                    return (stored.values() as usize / kind.values() * kind.bytes()) as u64;
                }
                if self.stays(name, stored) {
                    return stored.bytes.as_slice().len() as u64;
                }
            }
        }
        self.placement.dtype.size_in_bytes() as u64 * stored.weights(name)
    }

    /// Whether a matrix is multiplied where it lies in its file. Those \[in, out\] are packed in f32, but for bf16 that
    /// the processor can read two at a time; learned positions are vectors.
    fn stays(&self, name: &str, stored: &Stored) -> bool {
        let is_even = stored.shape.last().is_some_and(|columns| columns.is_multiple_of(2));
        let is_in_out = self.expected.in_out && self.expected.is_linear(name, stored);
        match stored.kind {
            Kind::Blocks(_) => true,
            Kind::Plain(Dtype::BF16) if is_in_out => is_even,
            Kind::Plain(Dtype::F16) if is_in_out => false,
            Kind::Plain(Dtype::BF16 | Dtype::F16) => {
                (stored.shape.len() == 2 || self.is_gguf) && !self.expected.is_positions(name)
            }
            Kind::Plain(_) => false,
        }
    }

    /// The precision of the weights: what linear weights are rounded to, `mxfp4` if any are packed, the commonest type by bytes of a GGUF file that is read
    /// where it lies, else the type of dense tensors.
    pub fn precision(&self) -> String {
        if let Some(rounding) = self.rounding {
            return rounding.to_string();
        }
        if self.packed {
            return "mxfp4".to_owned();
        }
        if self.is_gguf && self.placement.mapped {
            let mut bytes: BTreeMap<String, usize> = BTreeMap::new();
            for stored in self.tensors.values() {
                *bytes.entry(stored.kind.to_string().to_lowercase()).or_default() +=
                    stored.bytes.as_slice().len();
            }
            return bytes
                .into_iter()
                .max_by_key(|(_, bytes)| *bytes)
                .map(|(name, _)| name)
                .unwrap_or_default();
        }
        format!("{:?}", self.placement.dtype).to_lowercase()
    }

    /// A dense tensor, placed.
    ///
    /// # Errors
    /// If it is missing, of another shape or type, or holds NaN or infinity.
    pub fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let values = self.host_tensor(name, shape)?;
        self.placement.place(values, shape, self.placement.dtype)
    }

    /// A dense tensor, placed in f32 whatever the others are in: of a norm, whose sums are of f32.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn float_tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let values = self.host_tensor(name, shape)?;
        self.placement.place(values, shape, DType::F32)
    }

    /// A tensor of ones in f32, placed: it takes part where a checkpoint has none.
    ///
    /// # Errors
    /// If the device has no room.
    pub fn ones(&self, shape: &[usize]) -> Result<Tensor, ModelError> {
        Ok(Tensor::ones(shape, DType::F32, &self.placement.device)?)
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
        let Some(matrix) = HostMatrix::in_place(stored.kind, bytes, columns) else {
            let name = name.to_owned();
            return Ok(Matrix::Host(HostMatrix::owned(self.host_tensor(&name, &shape)?, columns)));
        };
        stored.check_finite(name)?;
        self.step()?;
        Ok(Matrix::Host(matrix))
    }

    /// Matrix `index` of a stack \[matrices, rows, columns\]: placed on a device, or left in its file. Where it is left,
    /// blocks are not looked at: a pass may never need them, and they may be many gigabytes.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn matrix_of_stack(
        &mut self,
        name: &str,
        index: usize,
        shape: [usize; 3],
    ) -> Result<Matrix, ModelError> {
        let [count, rows, columns] = shape;
        let (name, stored) = self.find(name, &shape)?;
        assert!(index < count, "{name} has {count} matrices");
        let size = stored.bytes.as_slice().len() / count;
        let part = Stored {
            shape: vec![rows, columns],
            bytes: stored.bytes.slice(index * size..(index + 1) * size),
            ..stored.clone()
        };
        let name = name.to_owned();
        let mapped = match self.placement.mapped {
            true => HostMatrix::in_place(part.kind, || part.bytes.clone(), columns),
            false => None,
        };
        if mapped.is_none() || !matches!(part.kind, Kind::Blocks(_)) {
            part.check_finite(&name)?;
        }
        if index + 1 == count {
            self.step()?;
        } else {
            self.cancel.check()?;
        }
        match mapped {
            Some(matrix) => Ok(Matrix::Host(matrix)),
            None => {
                let values = self.floats(&name, &part)?;
                if self.placement.mapped {
                    return Ok(Matrix::Host(HostMatrix::owned(values, columns)));
                }
                let placed = self.placement.place(values, &[rows, columns], self.placement.dtype)?;
                Ok(Matrix::Device(placed))
            }
        }
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
        let values = self.floats(name, stored)?;
        stored.check_finite(name)?;
        self.step()?;
        Ok(values)
    }

    fn floats(&self, name: &str, stored: &Stored) -> Result<Vec<f32>, ModelError> {
        stored.floats().ok_or_else(|| {
            let what = format!("holds {}; F64, F32, F16 and BF16 are supported", stored.kind);
            stored.error(name, self.evidence().with_cause(name, &what))
        })
    }

    /// A tensor, with the name that its file has for it.
    fn find(&self, name: &str, shape: &[usize]) -> Result<(&str, &Stored), ModelError> {
        let Some((name, stored)) = self.look_up(name) else {
            return Err(ModelError::Invalid(self.evidence().missing(name, shape)));
        };
        if stored.shape != shape {
            let who = if self.is_gguf { "its keys want" } else { "config.json wants" };
            let what = format!("has shape {:?}, {who} {shape:?}", stored.shape);
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
        let Expected { prefixes, quantization, count, .. } = &self.expected;
        Evidence {
            files: self.files.iter().map(ModelFile::name).collect(),
            beside: self.files.iter().flat_map(ModelFile::other_formats).next(),
            names: self.tensors.keys().map(String::as_str).collect(),
            prefix: prefixes.first().copied().unwrap_or_default(),
            quantization: quantization.as_deref(),
            has_fp8: self
                .tensors
                .values()
                .any(|stored| matches!(stored.kind, Kind::Plain(Dtype::F8_E4M3 | Dtype::F8_E5M2))),
            layers: *count,
        }
    }

    fn step(&mut self) -> Result<(), ModelError> {
        self.cancel.check()?;
        self.done += 1;
        let total = self.total;
        (self.progress)(LoadProgress::Weights { done: self.done.min(total), total });
        Ok(())
    }

    /// All tensors but those that files carry for nothing here.
    fn model_tensors(&self) -> impl Iterator<Item = (&String, &Stored)> {
        self.tensors.iter().filter(|(name, _)| is_used(name))
    }
}

/// Whether a tensor is one that files don't carry for nothing here.
fn is_used(name: &str) -> bool {
    !UNUSED_ENDS.iter().any(|end| name.ends_with(end)) && !UNUSED_PARTS.iter().any(|part| name.contains(part))
}
