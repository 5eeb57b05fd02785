//! Steps along something that has two ends.

/// `at` moved by `by` within 0 .. `count`.
pub(in crate::app) fn step(at: usize, by: isize, count: usize) -> usize {
    at.saturating_add_signed(by).min(count.saturating_sub(1))
}
