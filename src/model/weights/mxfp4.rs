//! The experts of a layer in MXFP4, packed in memory and decoded when a token comes through.

use candle_core::{DType, Device, Tensor};

use super::{Bytes, Placement};
use crate::kernels::mxfp4::{self, BLOCK, BLOCK_BYTES, CODES};
use crate::model::ModelError;
use crate::model::decoder::with_values;

/// `count` matrices of `to` rows of `from` values.
#[derive(Debug)]
pub struct PackedExperts {
    count: usize,
    from: usize,
    to: usize,
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
    /// u8 \[count, to · from / 2\]
    blocks: Tensor,
    /// u8 \[count, to · from / 32\]
    scales: Tensor,
    /// \[256, 2\]: the two values of a byte.
    pairs: Tensor,
    /// \[256, 1\]: the power of two of a scale byte.
    powers: Tensor,
    dtype: DType,
}

impl PackedExperts {
    /// From the blocks \[count, to, from / 32, 16\] and scales \[count, to, from / 32\], of lengths that
    /// were checked; `sizes` is \[count, from, to\].
    ///
    /// # Errors
    /// If the device has no room.
    pub fn new(
        blocks: Bytes,
        scales: Bytes,
        [count, from, to]: [usize; 3],
        placement: &Placement,
    ) -> Result<Self, ModelError> {
        let place = if placement.mapped {
            Place::Mapped { blocks, scales }
        } else {
            Place::Device(DeviceBlocks::new(&blocks, &scales, count, placement)?)
        };
        Ok(Self { count, from, to, place })
    }

    /// Weights of all experts.
    pub fn weights(&self) -> usize {
        self.count * self.from * self.to
    }

    /// x W^T of one expert: \[tokens, from\] → \[tokens, to\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, expert: usize, x: &Tensor) -> Result<Tensor, ModelError> {
        match &self.place {
            Place::Mapped { blocks, scales } => {
                let tokens = x.dim(0)?;
                let groups = self.to * self.from / BLOCK;
                let blocks = &blocks.as_slice()[expert * groups * BLOCK_BYTES..][..groups * BLOCK_BYTES];
                let scales = &scales.as_slice()[expert * groups..][..groups];
                let mut y = vec![0.0; tokens * self.to];
                with_values(x, |x| mxfp4::add_product(x, blocks, scales, self.from, &mut y))?;
                Ok(Tensor::from_vec(y, (tokens, self.to), &Device::Cpu)?)
            }
            Place::Device(packed) => Ok(x.matmul(&packed.decode(expert, self.from, self.to)?.t()?)?),
        }
    }
}

impl DeviceBlocks {
    fn new(blocks: &Bytes, scales: &Bytes, count: usize, placement: &Placement) -> Result<Self, ModelError> {
        let device = &placement.device;
        let place = |bytes: &[u8]| Tensor::from_slice(bytes, (count, bytes.len() / count), device);
        let pairs: Vec<f32> = (0..=255u8)
            .flat_map(|byte| [CODES[usize::from(byte & 15)], CODES[usize::from(byte >> 4)]])
            .collect();
        let powers: Vec<f32> = (0..=255u8).map(mxfp4::scale_value).collect();
        Ok(Self {
            blocks: place(blocks.as_slice())?,
            scales: place(scales.as_slice())?,
            pairs: Tensor::from_vec(pairs, (256, 2), device)?,
            powers: Tensor::from_vec(powers, (256, 1), device)?,
            dtype: placement.dtype,
        })
    }

    /// One expert's matrix \[to, from\]. The product of a code and a power of two is exact in f32.
    fn decode(&self, expert: usize, from: usize, to: usize) -> Result<Tensor, ModelError> {
        // index_select takes the largest value of the index's type as "none" and gives zeros: 255 is a byte here.
        let bytes = |packed: &Tensor| packed.get(expert)?.to_dtype(DType::U32);
        let codes = self.pairs.index_select(&bytes(&self.blocks)?, 0)?.reshape(((), BLOCK))?;
        let powers = self.powers.index_select(&bytes(&self.scales)?, 0)?;
        Ok(codes.broadcast_mul(&powers)?.reshape((to, from))?.to_dtype(self.dtype)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::files::ModelFile;

    #[test]
    fn table_lookup_and_kernel_agree() {
        let bytes =
            |data: Vec<u8>| Bytes::open(&ModelFile::Embedded { name: "test", bytes: data.leak() }).unwrap();
        let (count, from, to) = (2, 64, 5);
        // Every byte there is, 255 among them.
        let blocks = bytes((0..count * to * from / 2).map(|i| 255 - (i % 256) as u8).collect());
        let scales = bytes((0..count * to * from / BLOCK).map(|i| 120 + i as u8).collect());
        let experts = |mapped| {
            let placement = Placement { device: Device::Cpu, dtype: DType::F32, mapped };
            PackedExperts::new(blocks.clone(), scales.clone(), [count, from, to], &placement).unwrap()
        };
        let x = Tensor::arange(0f32, 192., &Device::Cpu).unwrap().reshape((3, 64)).unwrap();
        for expert in 0..count {
            let y = |mapped| experts(mapped).forward(expert, &x).unwrap().to_vec2::<f32>().unwrap();
            for (kernel, lookup) in y(true).concat().into_iter().zip(y(false).concat()) {
                assert!((kernel - lookup).abs() <= 1e-5 * lookup.abs(), "{kernel} is not {lookup}");
            }
        }
    }
}
