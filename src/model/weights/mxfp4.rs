//! The experts of a layer in MXFP4: packed in memory, decoded when a token is routed to them.

use candle_core::{DType, Device, Tensor};

use super::{Bytes, Placement};
use crate::kernels::elementwise::fill_rows;
use crate::kernels::mxfp4::{self, BLOCK, BLOCK_BYTES, CODES};
use crate::model::host::with_values;
use crate::model::{Cancel, ModelError};

/// `count` matrices of `to` rows of `from` values.
#[derive(Debug)]
pub struct PackedExperts {
    count: usize,
    in_features: usize,
    out_features: usize,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// In the mapped file, for the CPU's kernel.
    Mapped { blocks: Bytes, scales: Bytes },
    /// On a device, decoded by table lookups that every device has.
    Device(DeviceBlocks),
}

#[derive(Debug)]
struct DeviceBlocks {
    /// u8 \[count, out · in / 2\]
    blocks: Tensor,
    /// u8 \[count, out · in / 32\]
    scales: Tensor,
    /// \[256 · 256, 2\]: for each scale byte, the two values of each byte.
    values: Tensor,
    dtype: DType,
}

impl PackedExperts {
    /// From the blocks \[count, out, in / 32, 16\] and scales \[count, out, in / 32\], of lengths that
    /// were checked; `sizes` is \[count, in, out\].
    ///
    /// # Errors
    /// If the device has no memory for it.
    pub fn new(
        blocks: Bytes,
        scales: Bytes,
        [count, in_features, out_features]: [usize; 3],
        placement: &Placement,
    ) -> Result<Self, ModelError> {
        let place = if placement.mapped {
            Place::Mapped { blocks, scales }
        } else {
            Place::Device(DeviceBlocks::new(&blocks, &scales, count, placement)?)
        };
        Ok(Self { count, in_features, out_features, place })
    }

    /// Weights of all experts.
    pub fn weights(&self) -> usize {
        self.count * self.in_features * self.out_features
    }

    /// Values that go in and out, and blocks and scales as they lie in the file.
    ///
    /// # Errors
    /// If they are on a device.
    pub fn as_stored(&self) -> Result<([usize; 2], [&[u8]; 2]), ModelError> {
        match &self.place {
            Place::Mapped { blocks, scales } => {
                Ok(([self.in_features, self.out_features], [blocks.as_slice(), scales.as_slice()]))
            }
            Place::Device(_) => Err(ModelError::Invalid("experts that are on a device already".to_owned())),
        }
    }

    /// x Wᵀ + bias of one expert: \[tokens, in\] → \[tokens, out\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, expert: usize, x: &Tensor, bias: &Tensor) -> Result<Tensor, ModelError> {
        match &self.place {
            Place::Mapped { blocks, scales } => {
                let tokens = x.dim(0)?;
                let groups = self.out_features * self.in_features / BLOCK;
                let blocks = &blocks.as_slice()[expert * groups * BLOCK_BYTES..][..groups * BLOCK_BYTES];
                let scales = &scales.as_slice()[expert * groups..][..groups];
                let mut y = vec![0.0; tokens * self.out_features];
                with_values(bias, |bias| fill_rows(&mut y, Some(bias)))?;
                with_values(x, |x| mxfp4::add_product(x, blocks, scales, self.in_features, &mut y))?;
                Ok(Tensor::from_vec(y, (tokens, self.out_features), &Device::Cpu)?)
            }
            Place::Device(packed) => {
                let weight = packed.decode(expert, self.in_features, self.out_features)?;
                Ok(x.matmul(&weight.t()?)?.broadcast_add(bias)?)
            }
        }
    }

    /// All of them decoded, \[count, in, out\], in the precision of dense weights.
    ///
    /// # Errors
    /// If they are in a mapped file, it was cancelled, or the device has no room.
    pub fn unpacked(&self, cancel: &Cancel) -> Result<Tensor, ModelError> {
        let Place::Device(packed) = &self.place else {
            return Err(ModelError::Invalid("the CPU's kernels take experts packed as they are".to_owned()));
        };
        let matrix = |expert: usize| {
            cancel.check()?;
            Ok(packed.decode(expert, self.in_features, self.out_features)?.t()?.contiguous()?)
        };
        let matrices = (0..self.count).map(matrix).collect::<Result<Vec<_>, ModelError>>()?;
        Ok(Tensor::stack(&matrices, 0)?)
    }
}

impl DeviceBlocks {
    fn new(blocks: &Bytes, scales: &Bytes, count: usize, placement: &Placement) -> Result<Self, ModelError> {
        let device = &placement.device;
        let place = |bytes: &[u8]| Tensor::from_slice(bytes, (count, bytes.len() / count), device);
        // The range of f16 is too small for the scales: there only what is decoded is rounded.
        let exact = if placement.dtype == DType::F16 { DType::F32 } else { placement.dtype };
        Ok(Self {
            blocks: place(blocks.as_slice())?,
            scales: place(scales.as_slice())?,
            values: values()?.to_dtype(exact)?.to_device(device)?,
            dtype: placement.dtype,
        })
    }

    /// One expert's matrix \[out, in\], by one table lookup for each byte.
    fn decode(&self, expert: usize, in_features: usize, out_features: usize) -> Result<Tensor, ModelError> {
        let bytes = |packed: &Tensor, columns: usize| {
            packed.get(expert)?.reshape(((), columns))?.to_dtype(DType::U32)
        };
        let scales = (bytes(&self.scales, 1)? * 256.0)?;
        let places = bytes(&self.blocks, BLOCK_BYTES)?.broadcast_add(&scales)?.flatten_all()?;
        Ok(self
            .values
            .index_select(&places, 0)?
            .reshape((out_features, in_features))?
            .to_dtype(self.dtype)?)
    }
}

/// \[256 · 256, 2\] in f32: for each scale byte, the two values of each byte. A code has two significant bits, so
/// that f32 and bf16, whose exponents and subnormals reach as far down, hold each product exactly, or both infinity.
fn values() -> Result<Tensor, ModelError> {
    let mut values = Vec::with_capacity(2 << 16);
    for scale in (0..=255).map(mxfp4::scale_value) {
        let codes = (0..=255u8).flat_map(|byte| [byte & 15, byte >> 4]);
        values.extend(codes.map(|code| CODES[usize::from(code)] * scale));
    }
    Ok(Tensor::from_vec(values, (1 << 16, 2), &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::files::ModelFile;

    fn bytes(data: Vec<u8>) -> Bytes {
        Bytes::open(&ModelFile::Embedded { name: "test", bytes: data.leak() }).unwrap()
    }

    #[test]
    fn bf16_holds_what_f32_holds_for_every_scale() {
        let (in_features, out_features) = (16 * BLOCK, 255);
        // Each row all bytes there are, the scale of a row its number.
        let blocks = bytes((0..out_features * in_features / 2).map(|i| (i % 256) as u8).collect());
        let scales = bytes(
            (0..out_features * in_features / BLOCK).map(|i| (i / (in_features / BLOCK)) as u8).collect(),
        );
        let decoded = |dtype| {
            let placement = Placement { device: Device::Cpu, dtype, mapped: false, unpacked: false };
            let packed = DeviceBlocks::new(&blocks, &scales, 1, &placement).unwrap();
            packed
                .decode(0, in_features, out_features)
                .unwrap()
                .to_dtype(DType::F32)
                .unwrap()
                .to_vec2::<f32>()
                .unwrap()
        };
        let exact = decoded(DType::F32);
        assert_eq!(decoded(DType::BF16), exact);
        // -1.5 · 2^-127 is subnormal; 6 · 2^127 is beyond both.
        assert_eq!((exact[0][2 * 0x0b], exact[127][2 * 0x0b]), (-1.5 * 2f32.powi(-127), -1.5));
        assert_eq!((exact[254][2 * 0x07], exact[254][2 * 0x04]), (f32::INFINITY, f32::INFINITY));
        assert_eq!(decoded(DType::F16)[127], exact[127]);
    }

    #[test]
    fn table_lookup_unpacking_and_kernel_agree() {
        let (count, in_features, out_features) = (2, 64, 5);
        // Every byte there is, 255 among them.
        let blocks =
            bytes((0..count * out_features * in_features / 2).map(|i| 255 - (i % 256) as u8).collect());
        let scales = bytes((0..count * out_features * in_features / BLOCK).map(|i| 120 + i as u8).collect());
        let experts = |mapped| {
            let placement = Placement { device: Device::Cpu, dtype: DType::F32, mapped, unpacked: false };
            PackedExperts::new(blocks.clone(), scales.clone(), [count, in_features, out_features], &placement)
                .unwrap()
        };
        let x = Tensor::arange(0f32, 192., &Device::Cpu).unwrap().reshape((3, 64)).unwrap();
        for expert in 0..count {
            let bias = Tensor::arange(0f32, out_features as f32, &Device::Cpu).unwrap();
            let y = |mapped| experts(mapped).forward(expert, &x, &bias).unwrap().to_vec2::<f32>().unwrap();
            for (kernel, lookup) in y(true).concat().into_iter().zip(y(false).concat()) {
                assert!((kernel - lookup).abs() <= 1e-5 * lookup.abs(), "{kernel} is not {lookup}");
            }
            let unpacked = experts(false).unpacked(&Cancel::new()).unwrap();
            assert_eq!(unpacked.dims(), [count, in_features, out_features]);
            let dense = x.matmul(&unpacked.get(expert).unwrap()).unwrap();
            let dense = dense.broadcast_add(&bias).unwrap().to_vec2::<f32>().unwrap();
            for (dense, lookup) in dense.concat().into_iter().zip(y(false).concat()) {
                assert!((dense - lookup).abs() <= 1e-5 * lookup.abs(), "{dense} is not {lookup}");
            }
        }
    }
}
