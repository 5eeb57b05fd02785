//! Products on a processor's matrix unit: Intel's AMX, which multiplies tiles of 16 rows of bf16 and sums them in f32.
//!
//! An f32 has 24 significant bits, a bf16 has 8: cut into three parts of 8 bits each, an f32 is their exact sum
//! (`parts`). The product of two bf16 is exact in f32, too. So three products of tiles give the product of f32 with a
//! weight in bf16, and six give that of two f32, less what is below the last bit of an f32.
//!
//! Each panel of a weight is decoded into tiles, and multiplied by all batch rows while it is in a core's cache
//! (`product`). What differs from other kernels: a part below f32's normal range counts as zero. That is below 2⁻¹²⁶, and
//! no larger than the last bit of a number of 2⁻¹⁰³. Of a number that isn't finite, all results are NaN or infinite, as
//! elsewhere.
//!
//! `scalar` does the same without the instructions, for tests.

pub(super) mod parts;
pub(super) mod product;
#[cfg(any(test, not(all(target_arch = "x86_64", target_os = "linux"))))]
mod scalar;
#[cfg(test)]
mod tests;
pub(super) mod tile;
mod unit;
pub(super) mod weight;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod x86;

use std::sync::OnceLock;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
use scalar::Scalar as Unit;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use x86::Amx as Unit;

/// The variable of the environment that turns the unit off, when it is `off`: for comparisons.
const SWITCH: &str = "ATTNSCOPE_AMX";

/// This processor's matrix unit, if it has one, the system lets us use it, and nobody turned it off.
pub(super) fn unit() -> Option<impl unit::Unit> {
    static UNIT: OnceLock<Option<Unit>> = OnceLock::new();
    #[cfg(test)]
    if OFF.get() {
        return None;
    }
    *UNIT.get_or_init(|| match std::env::var(SWITCH) {
        Ok(value) if value == "off" => None,
        _ => Unit::new(),
    })
}

#[cfg(test)]
thread_local! {
    static OFF: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs a test with the unit, and without it. Products that begin on this thread see which.
#[cfg(test)]
pub(super) fn on_and_off(test: impl Fn()) {
    test();
    OFF.set(true);
    test();
    OFF.set(false);
}
