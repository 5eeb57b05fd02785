//! A model on a CUDA device: what its decoder holds is uploaded once (`upload`), a pass is run there (`gpu::run`), and what
//! it leaves becomes the same captures as the CPU's (`capture`). The CPU's decoder stays, mapped and not read: it embeds the
//! tokens, serves whoever looks into a pass, and goes on if the device fails.

mod capture;
mod decoder;
mod placed;
mod self_check;
mod upload;

pub use decoder::CudaDecoder;
pub use placed::Placed;
