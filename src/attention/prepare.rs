//! What takes a while and is shown of every capture, computed where the pass ran.

use rayon::prelude::*;

use super::capture::Capture;
use super::digest::Digest;
use super::logits::log_sum_exp;
use super::pictures::layer_picture;

impl Capture {
    /// What is shown of it besides its matrices. Takes a while when it is first asked for.
    pub fn digest(&self) -> &Digest {
        self.digest.get_or(|| Digest {
            labels: self.labels(),
            special: self
                .tokens
                .chunks(self.mean.bin())
                .map(|cell| cell.iter().all(|token| token.is_special))
                .collect(),
            layer_pictures: self.layers.par_iter().map(|layer| layer_picture(&layer.mean).clone()).collect(),
            heads: self.heads_extent(),
        })
    }

    /// Computes what takes a while when it is first asked for, so that it is at hand.
    pub fn prepare(&self) {
        self.digest();
        self.mean.extents();
        self.layers.par_iter().for_each(|layer| {
            layer.mean.extents();
        });
    }

    /// ln Σ exp(logit) over the vocabulary; `None` of a model without an output head.
    pub fn log_sum_exp(&self) -> Option<f64> {
        (!self.logits.is_empty()).then(|| *self.log_sum_exp.get_or(|| log_sum_exp(&self.logits)))
    }

    /// The probability that a token comes next; `None` of a model without an output head.
    pub fn probability_of(&self, id: u32) -> Option<f64> {
        Some((f64::from(*self.logits.get(id as usize)?) - self.log_sum_exp()?).exp())
    }
}
