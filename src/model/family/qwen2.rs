//! Qwen 2 and 2.5: Llama with biases on queries, keys and values. Later layers may slide.

use super::common::{DEFAULTS, Defaults, llama_like, set_windows, sliding_layers, sliding_window};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::LLAMA;
use super::ranges::LAYERS;
use crate::model::ModelError;
use crate::model::spec::{Biases, DecoderSpec};

/// Qwen 2.
pub const FAMILY: Family =
    Family { name: "qwen2", models: "Qwen 2, 2.5", class: "Qwen2", aliases: &[], read };

/// What transformers takes for Qwen 2 and 3.
pub const QWEN: Defaults =
    Defaults { intermediate: 22_016, kv_heads: 32, vocabulary: 151_936, context: 32_768, ..DEFAULTS };

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &QWEN)?;
    spec.biases = Biases { qkv: true, ..Biases::default() };
    slide_later(config, &mut spec)?;
    Ok(Read { spec, layout: LLAMA })
}

/// With `use_sliding_window` the layers from `max_window_layers` on slide, unless `layer_types` says it.
///
/// # Errors
/// If a key isn't what it may be.
pub fn slide_later(config: &Config, spec: &mut DecoderSpec) -> Result<(), ModelError> {
    let window = match config.flag("use_sliding_window", false)? {
        true => sliding_window(config, Some(4096))?,
        false => None,
    };
    let first = config.whole("max_window_layers", 28, 0..=*LAYERS.end())?;
    let later = |layer: usize| window.is_some() && layer >= first;
    let slides = sliding_layers(config, spec.layers.len(), later)?;
    set_windows(config, &mut spec.layers, &slides, window)
}
