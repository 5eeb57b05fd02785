//! SmolLM3: Llama some of whose layers know no positions.

use super::common::{
    DEFAULTS, Defaults, attention_biases, llama_like, set_windows, sliding_layers, sliding_window,
};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::LLAMA;
use super::ranges::LAYERS;
use crate::model::ModelError;
use crate::model::spec::Biases;

/// SmolLM3.
pub const FAMILY: Family =
    Family { name: "smollm3", models: "SmolLM3", class: "SmolLM3", aliases: &[], read };

fn read(config: &Config) -> Result<Read, ModelError> {
    let defaults = Defaults {
        hidden: 2048,
        layers: 36,
        heads: 16,
        kv_heads: 4,
        vocabulary: 128_256,
        context: 32_768,
        theta: 2e6,
        tied: true,
        ..DEFAULTS
    };
    let mut spec = llama_like(config, &defaults)?;
    spec.biases = Biases { mlp: config.flag("mlp_bias", false)?, ..attention_biases(config, false)? };
    let interval = config.whole("no_rope_layer_interval", 4, LAYERS)?;
    let turned = match config.wholes("no_rope_layers", 0..=1)? {
        Some(turned) if turned.len() < spec.layers.len() => {
            let (named, count) = (turned.len(), spec.layers.len());
            return Err(config.error(format!("no_rope_layers names {named} layers of {count}")));
        }
        Some(turned) => turned.into_iter().map(|turned| turned == 1).collect(),
        None => (1..=spec.layers.len()).map(|layer| !layer.is_multiple_of(interval)).collect::<Vec<_>>(),
    };
    for (layer, _) in spec.layers.iter_mut().zip(&turned).filter(|(_, turned)| !**turned) {
        layer.rotary = None;
    }
    let window = match config.flag("use_sliding_window", false)? {
        true => sliding_window(config, None)?,
        false => None,
    };
    let slides = sliding_layers(config, spec.layers.len(), |layer| window.is_some() && !turned[layer])?;
    let slides: Vec<bool> = slides.into_iter().map(|slides| slides && window.is_some()).collect();
    set_windows(config, &mut spec.layers, &slides, window)?;
    Ok(Read { spec, layout: LLAMA })
}
