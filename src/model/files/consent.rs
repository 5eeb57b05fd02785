//! The downloads that somebody has agreed to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::plan::LARGE;
use crate::model::{ModelError, Reference};

/// How much of each model may be downloaded. A large download needs somebody who was told its size and did not refuse.
/// Clones share what is agreed to.
#[derive(Debug, Clone, Default)]
pub struct Consent(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Bytes, by model.
    agreed: BTreeMap<String, u64>,
    /// Bytes that the viewer shows, by model; they may still be refused.
    stated: BTreeMap<String, u64>,
    /// Whether everything is agreed to.
    all: bool,
    /// Why the hub couldn't say how large a model is, reported once to whoever asks next.
    failed: BTreeMap<String, ModelError>,
}

impl Consent {
    /// Somebody has agreed to everything.
    pub fn agree_to_all(&self) {
        self.with(|state| state.all = true);
    }

    /// Somebody has agreed to download `bytes` of a model.
    pub fn agree(&self, reference: &Reference, bytes: u64) {
        self.with(|state| state.agreed.insert(reference.to_string(), bytes));
    }

    /// Somebody is shown that `bytes` of a model are to be downloaded.
    pub fn state(&self, reference: &Reference, bytes: u64) {
        self.with(|state| state.stated.insert(reference.to_string(), bytes));
    }

    /// Somebody has agreed to the size of a model that was shown last.
    pub fn agree_to_stated(&self, reference: &Reference) {
        self.with(|state| {
            if let Some(bytes) = state.stated.remove(&reference.to_string()) {
                state.agreed.insert(reference.to_string(), bytes);
            }
        });
    }

    /// Keeps the error that the hub just gave for a model, so that the next request need not wait for the same.
    pub fn remember(&self, reference: &Reference, error: ModelError) {
        self.with(|state| state.failed.insert(reference.to_string(), error));
    }

    /// The error that was kept, once.
    pub(super) fn recall(&self, reference: &Reference) -> Option<ModelError> {
        self.with(|state| state.failed.remove(&reference.to_string()))
    }

    /// Bytes of a model that may be downloaded.
    pub(super) fn limit(&self, reference: &Reference) -> u64 {
        self.with(|state| match state.all {
            true => u64::MAX,
            false => state.agreed.get(&reference.to_string()).copied().unwrap_or_default().max(LARGE - 1),
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_is_downloaded_only_if_it_was_agreed_to() {
        let consent = Consent::default();
        let [large, other] = ["org/large", "org/other"].map(|name| name.parse::<Reference>().unwrap());
        assert_eq!(consent.limit(&large), LARGE - 1);
        consent.clone().agree(&large, 5 * LARGE);
        assert_eq!((consent.limit(&large), consent.limit(&other)), (5 * LARGE, LARGE - 1));
        consent.agree(&other, 1);
        assert_eq!(consent.limit(&other), LARGE - 1);
        consent.state(&other, 7 * LARGE);
        assert_eq!(consent.limit(&other), LARGE - 1, "said, not agreed to");
        consent.agree_to_stated(&other);
        assert_eq!(consent.limit(&other), 7 * LARGE);
        let third = "org/third".parse().unwrap();
        consent.agree_to_stated(&third);
        assert_eq!(consent.limit(&third), LARGE - 1, "nothing was said of it");
        consent.agree_to_all();
        assert_eq!(consent.limit(&other), u64::MAX);
    }

    #[test]
    fn a_failure_is_told_once() {
        let consent = Consent::default();
        let model: Reference = "org/name".parse().unwrap();
        consent.remember(&model, ModelError::Invalid("down".to_owned()));
        assert_eq!(consent.recall(&model).unwrap().to_string(), "down");
        assert!(consent.recall(&model).is_none());
    }
}
