//! What of a decoder lies on a device.

use std::ops::Range;
use std::sync::Arc;

use super::copies::{Address, Buffer};
use super::device::{Device, Kernel};
use super::kernels;
use super::{Feature, GpuError};
use crate::model::spec::{Activation, Gating, NormKind, NormSpan, Pairs, Routing, Wiring};

/// Values that a row is cut into: behind the last one it is filled with zeros.
const BLOCK: usize = 32;

/// Queries of a block of attention, and keys of a block of a fold.
pub const QUERIES: usize = 16;
/// See [`QUERIES`].
pub const FOLD_KEYS: usize = 512;

/// How long rows of so many values are.
pub fn padded(width: usize) -> usize {
    width.next_multiple_of(BLOCK)
}

/// How a matrix is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// f32
    F32,
    /// bf16
    Bf16,
    /// MXFP4: blocks of 16 bytes and scales, apart.
    Mxfp4,
}

/// Matrices \[count, to, padded from\].
pub struct Matrix {
    /// How they are stored.
    pub kind: Kind,
    /// The values.
    pub values: Buffer,
    /// Of MXFP4, the scales.
    pub scales: Option<Buffer>,
    /// Values that come out.
    pub to: usize,
    /// Values that go in.
    pub from: usize,
}

/// A linear map, or one for each expert.
pub struct Linear {
    /// What it multiplies by.
    pub matrix: Matrix,
    /// \[count, to\]
    pub bias: Option<Buffer>,
}

/// A norm over rows.
pub struct Norm {
    /// \[width\]
    pub weight: Buffer,
    /// \[width\]
    pub bias: Option<Buffer>,
    /// What it takes off and divides by.
    pub kind: NormKind,
    /// Added before the root.
    pub epsilon: f32,
}

/// Norms of queries and of keys.
pub struct QkNorm {
    /// Of queries, and of keys; of `NormSpan::OwnHead` \[heads, head_dim\].
    pub norms: [Norm; 2],
    /// What is normalised together.
    pub span: NormSpan,
}

/// How a layer turns queries and keys by position.
#[derive(Debug, Clone, Copy)]
pub struct Rotary {
    /// Values of a head that are turned.
    pub width: usize,
    /// Which of them together.
    pub pairs: Pairs,
}

/// How scores become weights.
pub struct Rule {
    /// \[heads\]
    pub sinks: Option<Buffer>,
    /// \[heads\]
    pub slopes: Option<Buffer>,
    /// What q·k is multiplied by.
    pub scale: f32,
    /// What a score can't go beyond.
    pub softcap: Option<f32>,
    /// Keys that a query sees.
    pub window: Option<usize>,
}

/// The attention of a layer.
pub struct Attention {
    /// To all queries, all keys, all values.
    pub qkv: Linear,
    /// Norms of the first two.
    pub qk_norm: Option<QkNorm>,
    /// Which of the decoder's rotaries turns them.
    pub rotary: Option<usize>,
    /// How scores become weights.
    pub rule: Rule,
    /// Back to the residual stream.
    pub output: Linear,
}

/// How what a part of a layer gives is added to the residual stream.
pub struct Addition {
    /// Normalises it first.
    pub norm: Option<Norm>,
    /// What it is multiplied by.
    pub scale: f32,
}

/// What is done to what comes out of the first matrix of an MLP.
#[derive(Debug, Clone, Copy)]
pub enum Activated {
    /// Each value.
    Each(Activation),
    /// Gates at even places, and behind each what it lets through.
    Gated(Gating),
}

/// The MLP of a layer.
pub enum Mlp {
    /// One for all tokens.
    Dense {
        /// hidden → intermediate, or twice as many with a gate.
        up: Linear,
        /// What is done to it.
        activated: Activated,
        /// intermediate → hidden
        down: Linear,
    },
    /// Some of many for each token.
    Experts {
        /// f32 \[experts, padded hidden\]
        router: Buffer,
        /// \[experts\]
        router_bias: Option<Buffer>,
        /// How many there are.
        count: usize,
        /// Of these for each token.
        active: usize,
        /// How the router's logits become weights.
        routing: Routing,
        /// Of each expert.
        up: Linear,
        /// What is done to it.
        activated: Activated,
        /// Of each expert.
        down: Linear,
    },
}

/// A layer.
pub struct Layer {
    /// How its parts follow each other.
    pub wiring: Wiring,
    /// Before attention, or of `Wiring::NormOfSum` after its sum.
    pub attention_norm: Option<Norm>,
    /// Attention.
    pub attention: Attention,
    /// How it is added.
    pub attention_addition: Addition,
    /// Before the MLP, or of `Wiring::NormOfSum` after its sum.
    pub mlp_norm: Option<Norm>,
    /// The MLP.
    pub mlp: Mlp,
    /// How it is added.
    pub mlp_addition: Addition,
}

/// From the residual stream to logits, before they are scaled and capped.
pub struct Head {
    /// Comes first.
    pub norm: Option<Norm>,
    /// hidden → width of the embedding, where they differ.
    pub projection: Option<Linear>,
    /// width → vocabulary
    pub linear: Linear,
}

/// Sizes that all layers have in common.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Number of layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width between the matrices of an MLP, of the widest.
    pub intermediate: usize,
    /// Experts that a token goes through; 1 without experts.
    pub active: usize,
    /// Most experts of a layer; 0 without experts.
    pub experts: usize,
    /// Query heads.
    pub heads: usize,
    /// Key/value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Queries, keys and values are clamped to ± this.
    pub clip: Option<f32>,
    /// The ways in which layers turn queries and keys.
    pub rotaries: Vec<Rotary>,
    /// Values that logits are made of, and how many there are; 0 without an output head.
    pub vocabulary: usize,
    /// What statistics count.
    pub features: [Feature; kernels::FEATURES],
}

/// A decoder on a device.
pub struct Decoder {
    /// Where it is.
    pub device: Arc<Device>,
    /// Its sizes.
    pub shape: Shape,
    /// Its layers, in order.
    pub layers: Vec<Layer>,
    /// \[layers\]: their rules, for what looks at all of them.
    pub rules: Buffer,
    /// W_O W_Oᵀ of each head, \[layers, heads, head_dim, head_dim\].
    pub squares: Buffer,
    /// From the residual stream to logits.
    pub head: Option<Head>,
}

impl Decoder {
    /// Of these parts; `looked_back` are [`rules`](Self::rules) and [`squares`](Self::squares).
    ///
    /// # Errors
    /// If the device hasn't the shared memory that its heads need.
    pub fn new(
        device: Arc<Device>,
        shape: Shape,
        layers: Vec<Layer>,
        looked_back: (Buffer, Buffer),
        head: Option<Head>,
    ) -> Result<Self, GpuError> {
        device.allow_shared(Kernel::Attend, 4 * attention_room(shape.head_dim))?;
        device.allow_shared(Kernel::Fold, 4 * fold_room(shape.head_dim))?;
        let (rules, squares) = looked_back;
        Ok(Self { device, shape, layers, rules, squares, head })
    }
}

impl Matrix {
    /// Matrices of f32, or of bf16 if that holds every value as it is. `rows` gives some rows of `from` values each, of all
    /// matrices one after the other; they are asked for twice.
    ///
    /// # Errors
    /// If the device has no room, or `rows` fails.
    pub fn new<E: From<GpuError>>(
        device: &Device,
        (count, to, from): (usize, usize, usize),
        mut rows: impl FnMut(Range<usize>) -> Result<Vec<f32>, E>,
    ) -> Result<Self, E> {
        let (all, stride) = (count * to, padded(from));
        let at_a_time = (UPLOADED_AT_A_TIME / stride).max(1);
        let parts = (0..all).step_by(at_a_time).map(|start| start..(start + at_a_time).min(all));
        let mut is_bf16 = true;
        for part in parts.clone() {
            is_bf16 = rows(part)?.iter().all(|value| value.to_bits().trailing_zeros() >= 16 || *value == 0.0);
            if !is_bf16 {
                break;
            }
        }
        let kind = if is_bf16 { Kind::Bf16 } else { Kind::F32 };
        let size = if is_bf16 { 2 } else { 4 };
        let values = device.zeros(all * stride * size)?;
        for part in parts {
            let mut wide = vec![0f32; part.len() * stride];
            for (wide, row) in wide.chunks_exact_mut(stride).zip(rows(part.clone())?.chunks_exact(from)) {
                wide[..from].copy_from_slice(row);
            }
            let byte = part.start * stride * size;
            if is_bf16 {
                let halves: Vec<u16> = wide.iter().map(|value| (value.to_bits() >> 16) as u16).collect();
                device.write(&values, byte, &halves)?;
                device.wait()?;
            } else {
                device.write(&values, byte, &wide)?;
                device.wait()?;
            }
        }
        Ok(Self { kind, values, scales: None, to, from })
    }

    /// Matrices in MXFP4, as they lie in a checkpoint: blocks \[count, to, from / 32, 16\], scales \[count, to, from / 32\].
    ///
    /// # Errors
    /// If the device has no room.
    pub fn mxfp4(
        device: &Device,
        (to, from): (usize, usize),
        blocks: &[u8],
        scales: &[u8],
    ) -> Result<Self, GpuError> {
        let (values, scales) = (device.upload(blocks)?, Some(device.upload(scales)?));
        Ok(Self { kind: Kind::Mxfp4, values, scales, to, from })
    }
}

/// Values that are on their way to a device at a time.
const UPLOADED_AT_A_TIME: usize = 1 << 24;

impl Rule {
    /// As kernels read it.
    pub fn parameters(&self) -> kernels::Rule {
        kernels::Rule {
            sinks: address(self.sinks.as_ref()),
            slopes: address(self.slopes.as_ref()),
            scale: self.scale,
            softcap: self.softcap.unwrap_or(0.0),
            window: self.window.unwrap_or(0) as i32,
            padding: 0,
        }
    }
}

impl Shape {
    /// What is kept of a token and a layer: queries, keys and values of all heads, and log-sum-exps.
    pub fn layer_stride(&self) -> usize {
        padded(self.qkv_width() + self.heads)
    }

    /// Heads, as kernels read them.
    pub(super) fn head_sizes(&self) -> kernels::Heads {
        let [heads, kv_heads, dim] = [self.heads, self.kv_heads, self.head_dim].map(|size| size as i32);
        kernels::Heads { heads, kv_heads, dim }
    }

    /// Queries, keys and values of all heads.
    pub fn qkv_width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }
}

/// Where something is, if it is.
pub fn address(buffer: Option<&Buffer>) -> Address {
    buffer.map_or(0, Buffer::address)
}

/// Values that a block of attention shares: 32 keys and 16 queries, as `room_for` in `attention.cuh` lays them.
pub fn attention_room(head_dim: usize) -> usize {
    let stride = head_dim.next_multiple_of(4);
    (32 + QUERIES) * (stride + if (stride / 4).is_multiple_of(2) { 4 } else { 0 })
}

/// Values that a block of a fold shares.
pub fn fold_room(head_dim: usize) -> usize {
    attention_room(head_dim) + QUERIES * FOLD_KEYS
}
