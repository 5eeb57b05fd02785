//! Work of a layer that the rest of the pass needn't wait for.

use crate::model::Profile;

/// Weights of a product from which on other work is done beside it: for less it takes longer to wake another thread.
const MUCH: usize = 1 << 17;

/// Whether work that the next product doesn't wait for is done beside that, by whichever thread is free, so that weights
/// are read meanwhile; or before it.
#[derive(Debug, Clone, Copy)]
pub struct Aside(bool);

impl Aside {
    /// Beside a product of so many weights, on the host or elsewhere. A profile tells parts apart: of these, one comes after
    /// the other.
    pub fn new(weights: usize, on_host: bool, profile: &Profile) -> Self {
        Self(on_host && profile.device.is_none() && weights >= MUCH)
    }

    /// Does both.
    pub fn run<A: Send, R>(self, aside: impl FnOnce() -> A + Send, work: impl FnOnce() -> R) -> (A, R) {
        if !self.0 {
            return (aside(), work());
        }
        let mut done = None;
        let result = rayon::in_place_scope(|scope| {
            scope.spawn(|_| done = Some(aside()));
            work()
        });
        let Some(done) = done else { unreachable!("a scope ends when all is done that it was given") };
        (done, result)
    }
}
