//! What heads give on average over a prompt: what is put in their place when they are off, but not zero.

use std::collections::BTreeMap;

use super::heads::Ablation;
use crate::attention::Capture;
use crate::kernels::attention::{QUERIES, Rows};
use crate::kernels::shared::CHUNK;

/// What some heads take from the values of a prompt on average, before the output projection, layer after layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeadMeans(BTreeMap<usize, Vec<f32>>);

impl HeadMeans {
    /// \[heads · head_dim\] of a layer: 0 for heads that are on; nothing if all of them are.
    pub fn of_layer(&self, layer: usize) -> Option<&[f32]> {
        self.0.get(&layer).map(Vec::as_slice)
    }
}

impl Capture {
    /// The means of the heads of `ablation` over all tokens of this pass: mean over q of Σ_k A\[q,k\] v_k.
    pub fn means_of(&self, ablation: &Ablation) -> HeadMeans {
        let mut means = HeadMeans::default();
        for (layer, head) in ablation.heads() {
            let Some(of) = self.layers.get(layer).filter(|of| head < of.heads.len()) else { continue };
            let width = of.qkv.get().value.head_dim();
            let all = means.0.entry(layer).or_insert_with(|| vec![0.0; of.heads.len() * width]);
            all[head * width..][..width].copy_from_slice(&self.mean_of(layer, head));
        }
        means
    }

    fn mean_of(&self, layer: usize, head: usize) -> Vec<f32> {
        let (of, tokens) = (&self.layers[layer], self.tokens.len());
        let seen = of.head(head);
        // What all queries together give to each key.
        let (mut received, mut rows) = (vec![0.0; tokens], Rows::default());
        for first in (0..tokens).step_by(QUERIES) {
            seen.rows(first..(first + QUERIES).min(tokens), &mut rows);
            for row in rows.iter() {
                let of_keys = received[row.first_key..].iter_mut();
                of_keys.zip(row.weights).for_each(|(sum, weight)| *sum += f64::from(*weight));
            }
        }
        let value = &of.qkv.get().value;
        let width = value.head_dim();
        let mut mean = vec![0.0; width];
        for (at, received) in received.chunks(CHUNK).enumerate() {
            let values = value.panel(seen.kv_head, at).chunks_exact(width);
            for (weight, value) in received.iter().zip(values) {
                mean.iter_mut().zip(value).for_each(|(sum, value)| *sum += weight * f64::from(*value));
            }
        }
        mean.into_iter().map(|sum: f64| (sum / tokens as f64) as f32).collect()
    }
}
