//! Values that are computed when they are first asked for.

use std::sync::OnceLock;

/// Something that is computed from what it lies in, when it is first asked for: by the worker, so that the viewer has it
/// at once. It is no part of what it lies in: a clone, which may be changed, computes it anew, and it makes no two
/// things differ.
#[derive(Debug)]
pub struct Cached<T>(OnceLock<T>);

impl<T> Cached<T> {
    /// The value, which `compute` computes if nobody has asked for it yet.
    pub fn get_or(&self, compute: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(compute)
    }

    /// The value, if somebody has asked for it.
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// Has it computed anew: what it lies in is changed.
    pub fn reset(&mut self) {
        self.0.take();
    }
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self::default()
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
    fn it_is_computed_once_and_anew_in_a_clone_and_after_a_change() {
        let mut cached = Cached::default();
        assert_eq!((*cached.get_or(|| 1), *cached.get_or(|| 2)), (1, 1));
        assert_eq!(*cached.clone().get_or(|| 2), 2);
        cached.reset();
        assert_eq!(*cached.get_or(|| 3), 3);
        assert_eq!(cached, Cached::default(), "it makes no two things differ");
    }
}
