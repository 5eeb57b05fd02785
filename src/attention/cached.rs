//! Values that are computed when they are first asked for.

use std::sync::{Arc, OnceLock};

/// Something that is computed from what it lies in, when it is first asked for: by the worker, so that the viewer has it
/// at once. Clones share it, whoever computes it; one that is changed [has it anew](Self::reset). It makes no two
/// things differ.
#[derive(Debug)]
pub struct Cached<T>(Arc<OnceLock<T>>);

impl<T> Cached<T> {
    /// One that is known already.
    pub fn of(value: T) -> Self {
        Self(Arc::new(value.into()))
    }

    /// The value, which `compute` computes if nobody has asked for it yet.
    pub fn get_or(&self, compute: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(compute)
    }

    /// The value, if somebody has asked for it.
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// Has it computed anew: what it lies in is changed. Clones of that, which are not, keep theirs.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for Cached<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_computed_once_for_all_clones_and_anew_after_a_change() {
        let mut cached = Cached::default();
        let clone = cached.clone();
        assert_eq!((*cached.get_or(|| 1), *clone.get_or(|| 2)), (1, 1));
        cached.reset();
        assert_eq!((*cached.get_or(|| 3), *clone.get_or(|| 3)), (3, 1));
        assert_eq!(cached, Cached::default(), "it makes no two things differ");
    }
}
