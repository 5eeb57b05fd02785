//! The tensors of a checkpoint: safetensors files, mapped, checked as they are asked for.

mod matrix;
mod memmap;
mod mxfp4;

pub use matrix::{HostMatrix, Matrix};
pub use memmap::{Bytes, Watch};
pub use mxfp4::PackedExperts;

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors};

use super::control::{Cancel, Control, LoadProgress};
use super::decoder::ExpertMatrices;
use super::files::ModelFile;
use super::{Engine, LoadOptions, ModelError, Precision, device};
use crate::kernels::mxfp4::{BLOCK, BLOCK_BYTES, NAN_SCALE};

/// The tensors of a checkpoint, being placed on a device.
pub struct Weights<'a> {
    tensors: HashMap<String, Stored>,
    placement: Placement,
    cancel: Cancel,
    progress: &'a mut dyn FnMut(LoadProgress),
    done: usize,
    packed: bool,
}

/// Where tensors go, and how.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Where dense tensors go.
    pub device: Device,
    /// What dense tensors become there.
    pub dtype: DType,
    /// Whether matrices stay in the mapped file, for the CPU's kernels.
    pub mapped: bool,
    /// Whether experts in MXFP4 become dense tensors once and for all.
    pub unpacked: bool,
}

impl Placement {
    /// As `options` ask for.
    ///
    /// # Errors
    /// If this build or machine hasn't the device, or the device not the precision.
    pub fn new(options: &LoadOptions) -> Result<Self, ModelError> {
        let device = device::open(options.device)?;
        Ok(Self {
            dtype: device::dtype(options.precision, &device)?,
            mapped: device.is_cpu() && options.engine == Engine::Auto,
            unpacked: options.precision == Precision::Bf16,
            device,
        })
    }
}

/// A tensor where it lies in its file.
#[derive(Debug, Clone)]
struct Stored {
    file: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Bytes,
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
        let mut tensors = HashMap::new();
        for file in files {
            let name = file.name().into_owned();
            let bytes = Bytes::open(file)?;
            let whole = SafeTensors::deserialize(bytes.as_slice()).map_err(|error| {
                ModelError::Invalid(format!(
                    "{name}: truncated, corrupt or no safetensors file ({error}): fetch it again"
                ))
            })?;
            let start = bytes.as_slice().as_ptr() as usize;
            for (tensor, view) in whole.iter() {
                let at = view.data().as_ptr() as usize - start;
                let part = bytes.slice(at..at + view.data().len());
                let stored = Stored {
                    file: name.clone(),
                    dtype: view.dtype(),
                    shape: view.shape().to_vec(),
                    bytes: part,
                };
                tensors.insert(tensor.to_owned(), stored);
            }
        }
        let Control { cancel, progress } = control;
        Ok(Self {
            tensors,
            placement,
            cancel: cancel.clone(),
            progress: &mut **progress,
            done: 0,
            packed: false,
        })
    }

    /// Watches the files that the tensors are in.
    pub fn watch(&self) -> Watch {
        Watch::new(self.tensors.values().map(|stored| &stored.bytes))
    }

    /// Whether the checkpoint has a tensor.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
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

    /// How the weights are held: `mxfp4` if any are packed, else the dense tensors' type.
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

    /// A matrix \[rows, columns\]: placed, or for the CPU's kernels left where it lies in its file.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Result<Matrix, ModelError> {
        if !self.placement.mapped {
            return Ok(Matrix::Device(self.tensor(name, &shape)?));
        }
        let (stored, columns) = (self.find(name, &shape)?, shape[1]);
        let bytes = || stored.bytes.clone();
        let mapped = match stored.dtype {
            Dtype::F32 => HostMatrix::mapped(bytes(), columns),
            Dtype::BF16 => HostMatrix::mapped_bf16(bytes(), columns),
            _ => None,
        };
        let Some(matrix) = mapped else {
            return Ok(Matrix::Host(HostMatrix::owned(self.host_tensor(name, &shape)?, columns)));
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
        let stored = self.find(name, shape)?;
        let bytes = stored.bytes.as_slice();
        let values = match stored.dtype {
            Dtype::F32 => widen(bytes, f32::from_le_bytes),
            Dtype::F16 => widen(bytes, f16_value),
            Dtype::BF16 => widen(bytes, bf16_value),
            other => {
                return Err(stored.error(name, format!("holds {other:?}; F32, F16 and BF16 are supported")));
            }
        };
        stored.check_finite(name)?;
        self.step()?;
        Ok(values)
    }

    /// The MXFP4 matrices of a layer's experts, which `name` with `_blocks` and `_scales` hold:
    /// `count` matrices from `from` to `to` values; packed, or dense if they are to be unpacked.
    ///
    /// # Errors
    /// If one is missing, of another shape or type, or has a scale that stands for NaN.
    pub fn packed_experts(
        &mut self,
        name: &str,
        count: usize,
        from: usize,
        to: usize,
    ) -> Result<ExpertMatrices, ModelError> {
        if !from.is_multiple_of(BLOCK) {
            return Err(ModelError::Invalid(format!(
                "{name}: rows of {from} values can't be packed in blocks of {BLOCK}"
            )));
        }
        let mut part = |suffix: &str, shape: &[usize]| {
            let name = format!("{name}_{suffix}");
            let stored = self.find(&name, shape)?;
            if !is_packed(stored.dtype) {
                return Err(stored.error(&name, format!("holds {:?} where bytes are expected", stored.dtype)));
            }
            if suffix == "scales" && stored.bytes.as_slice().par_iter().any(|&scale| scale == NAN_SCALE) {
                return Err(
                    stored.error(&name, "holds a scale that stands for NaN: the checkpoint is broken")
                );
            }
            let bytes = stored.bytes.clone();
            self.step()?;
            Ok(bytes)
        };
        let groups = from / BLOCK;
        let blocks = part("blocks", &[count, to, groups, BLOCK_BYTES])?;
        let scales = part("scales", &[count, to, groups])?;
        let packed = PackedExperts::new(blocks, scales, [count, from, to], &self.placement)?;
        if self.placement.unpacked {
            return Ok(ExpertMatrices::Dense(packed.unpacked(&self.cancel)?));
        }
        self.packed = true;
        Ok(ExpertMatrices::Packed(packed))
    }

    fn find(&self, name: &str, shape: &[usize]) -> Result<&Stored, ModelError> {
        let Some(stored) = self.tensors.get(name) else {
            return Err(ModelError::Invalid(format!(
                "the checkpoint has no tensor \"{name}\" (wanted {shape:?})"
            )));
        };
        if stored.shape != shape {
            return Err(
                stored.error(name, format!("has shape {:?}, config.json wants {shape:?}", stored.shape))
            );
        }
        stored.bytes.check()?;
        Ok(stored)
    }

    fn step(&mut self) -> Result<(), ModelError> {
        self.cancel.check()?;
        self.done += 1;
        let total = self.model_tensors().count();
        (self.progress)(LoadProgress::Weights { done: self.done.min(total), total });
        Ok(())
    }

    /// All tensors but the causal masks that some exports of GPT-2 carry.
    fn model_tensors(&self) -> impl Iterator<Item = (&String, &Stored)> {
        self.tensors
            .iter()
            .filter(|(name, _)| !name.ends_with(".attn.bias") && !name.ends_with(".attn.masked_bias"))
    }
}

impl Stored {
    /// Number of values, as they are stored.
    fn values(&self) -> u64 {
        self.shape.iter().product::<usize>() as u64
    }

    /// Number of weights they stand for: a byte of a block for two, a scale for none.
    fn weights(&self, name: &str) -> u64 {
        match name {
            name if name.ends_with("_blocks") => 2 * self.values(),
            name if name.ends_with("_scales") => 0,
            _ => self.values(),
        }
    }

    fn check_finite(&self, name: &str) -> Result<(), ModelError> {
        let bytes = self.bytes.as_slice();
        let broken = match self.dtype {
            Dtype::F32 => find_broken(bytes, f32::from_le_bytes),
            Dtype::F16 => find_broken(bytes, f16_value),
            Dtype::BF16 => find_broken(bytes, bf16_value),
            _ => None,
        };
        match broken {
            Some((at, value)) => {
                Err(self.error(name, format!("holds {value} at element {at}: the checkpoint is broken")))
            }
            None => Ok(()),
        }
    }

    fn error(&self, name: &str, what: impl std::fmt::Display) -> ModelError {
        ModelError::Invalid(format!("{}: tensor \"{name}\" {what}", self.file))
    }
}

/// Whether values are packed in bytes rather than stored one by one.
fn is_packed(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::U8 | Dtype::F8_E8M0)
}

fn f16_value(bytes: [u8; 2]) -> f32 {
    f16::from_le_bytes(bytes).to_f32()
}

fn bf16_value(bytes: [u8; 2]) -> f32 {
    bf16::from_le_bytes(bytes).to_f32()
}

/// A value that is no number, and which one.
fn find_broken<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32 + Sync) -> Option<(usize, f32)> {
    const CHUNK: usize = 16 * 1024;
    let (values, _) = bytes.as_chunks::<N>();
    let chunks = values.par_chunks(CHUNK);
    // All of a chunk are looked at, so that many can be looked at at once.
    let chunk =
        chunks.position_any(|chunk| chunk.iter().fold(false, |any, v| any | !read(*v).is_finite()))?;
    let first = chunk * CHUNK;
    let at = first + values[first..].iter().position(|value| !read(*value).is_finite())?;
    Some((at, read(values[at])))
}

fn widen<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32 + Sync) -> Vec<f32> {
    bytes.as_chunks::<N>().0.par_iter().map(|value| read(*value)).collect()
}
