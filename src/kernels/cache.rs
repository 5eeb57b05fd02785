//! The processor's cache: the size of its lines, and a request for one of them ahead of time.

#![allow(unsafe_code)]

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;

/// Asks for a line of memory that will be read soon. Processors other than x86 do so by themselves.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables))]
pub(super) fn fetch(bytes: &[u8], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(byte) = bytes.get(at) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction, which reads nothing that the program sees.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(byte).cast()) };
    }
}
