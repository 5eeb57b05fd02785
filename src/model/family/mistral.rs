//! Mistral: Llama whose layers all slide. Mistral Small 3.1 (`mistral3`) keeps it in `text_config`.

use super::common::{DEFAULTS, Defaults, llama_like, set_windows, sliding_window};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout};
use crate::model::ModelError;
use crate::model::spec::DecoderSpec;

/// Mistral.
pub const FAMILY: Family =
    Family { name: "mistral", models: "Mistral, Mistral Nemo", class: "Mistral", aliases: &[], read };
/// Mistral beside something that sees pictures.
pub const MULTIMODAL: Family = Family {
    name: "mistral3",
    models: "Mistral Small 3.1, its text part",
    class: "Mistral3",
    aliases: &[],
    read: read_multimodal,
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec =
        llama_like(config, &Defaults { intermediate: 14_336, kv_heads: 8, context: 131_072, ..DEFAULTS })?;
    slide_all(config, &mut spec, Some(4096))?;
    Ok(Read { spec, layout: LLAMA })
}

fn read_multimodal(config: &Config) -> Result<Read, ModelError> {
    let Read { mut spec, layout } = text_part(config, read)?;
    spec.tied_head = config.flag("tie_word_embeddings", spec.tied_head)?;
    Ok(Read { spec, layout })
}

/// What names begin with where something that sees pictures stands beside the decoder.
const BESIDE_PICTURES: &[&str] =
    &["language_model.model.", "model.language_model.", "model.", "language_model."];

/// The decoder of a model that sees pictures, too.
///
/// # Errors
/// If there is none, or a key of it isn't what it may be.
pub fn text_part(config: &Config, read: fn(&Config) -> Result<Read, ModelError>) -> Result<Read, ModelError> {
    let text = config.object("text_config")?;
    let text = text.ok_or_else(|| config.error("the key \"text_config\" is missing"))?;
    let Read { spec, layout } = read(&text)?;
    Ok(Read { spec, layout: Layout { prefixes: BESIDE_PICTURES, ..layout } })
}

/// All layers slide, if there is a window.
///
/// # Errors
/// If the window isn't what it may be.
pub fn slide_all(config: &Config, spec: &mut DecoderSpec, absent: Option<usize>) -> Result<(), ModelError> {
    let window = sliding_window(config, absent)?;
    let slides = vec![window.is_some(); spec.layers.len()];
    set_windows(config, &mut spec.layers, &slides, window)
}
