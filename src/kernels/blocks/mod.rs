//! Products with a weight in blocks: some values share a scale, and each takes few bits. These are the ways in which
//! GGUF files store matrices. Decoding is exact, so that a product is that with the decoded matrix.
//!
//! `plain` holds numbers stored one by one, `small` blocks of 32 values, `large` blocks of 256 (the "K" types), `table`
//! those whose four bits name a number of a table; `lanes` are the registers that they use, `row` runs them, and
//! `product` multiplies. To add a type: a decoder in one of these files, a variant, and a row in `TYPES`. Source of all
//! layouts: ggml-quants.c of llama.cpp; the numbers equal those of the `gguf` package of Python.

mod binary16;
mod block_type;
mod encode;

mod lanes;
mod large;
mod nibbles;
mod plain;
mod product;
mod row;
mod small;
mod table;

#[cfg(test)]
mod tests;

pub use block_type::BlockType;
pub use encode::encode;
pub use product::{add_product_transposed, decode_all, first_broken};
