//! A model on a CUDA device: what its decoder holds is uploaded once (`upload`), a pass is run there (`gpu::run`), and what
//! it leaves becomes the same captures as the CPU's (`capture`). Their queries, keys and values stay on the device (`rows`,
//! `held`), and come to the host when somebody looks at a head. Hooks look into a pass (`looking`). The CPU's decoder stays,
//! mapped and not read: it embeds the tokens, and goes on if the device fails.

mod capture;
mod decoder;
mod held;
mod looking;
mod placed;
mod rows;
mod self_check;
mod upload;

pub use decoder::CudaDecoder;
pub use placed::Placed;
