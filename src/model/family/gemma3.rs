//! Gemma 3: as Gemma 2 without a cap on scores, with norms of queries and keys. Layers that slide turn by another base
//! than the others. Models that see pictures (`gemma3`) keep it in `text_config`.

use super::common::{Defaults, llama_like, slide};
use super::config::Config;
use super::definition::{Family, Read};
use super::gemma2::{GEMMA2, SANDWICH, read_cap, sandwich};
use super::mistral::text_part;
use super::ranges::LAYERS;
use super::rope;
use crate::model::ModelError;
use crate::model::spec::{NormSpan, QkNormSpec};

/// Gemma 3.
pub const FAMILY: Family = Family {
    name: "gemma3_text",
    models: "Gemma 3, 270m and 1b",
    class: "Gemma3ForCausalLM",
    aliases: &[],
    read,
};
/// Gemma 3 beside something that sees pictures.
pub const MULTIMODAL: Family = Family {
    name: "gemma3",
    models: "Gemma 3 from 4b on, its text part",
    class: "Gemma3ForConditionalGeneration",
    aliases: &[],
    read: read_multimodal,
};

fn read(config: &Config) -> Result<Read, ModelError> {
    if config.flag("use_bidirectional_attention", false)? {
        return Err(config.error("use_bidirectional_attention is true: only causal attention is supported"));
    }
    let mut spec =
        llama_like(config, &Defaults { vocabulary: 262_208, context: 131_072, theta: 1e6, ..GEMMA2 })?;
    sandwich(config, &mut spec)?;
    spec.qk_norm = Some(QkNormSpec { norm: spec.norm, over: NormSpan::Head });
    spec.logits.softcap = read_cap(config, "final_logit_softcapping", None)?;
    let pattern = config.whole("sliding_window_pattern", 6, LAYERS)?;
    let slides = slide(config, &mut spec, Some(4096), |layer| !(layer + 1).is_multiple_of(pattern))?;
    let (full, sliding) = (("rope_theta", 1e6), ("rope_local_base_freq", 10_000.0));
    spec.rotaries = rope::by_kind(config, spec.head_dim, spec.context, full, sliding)?.to_vec();
    for (layer, slides) in spec.layers.iter_mut().zip(slides) {
        layer.rotary = Some(usize::from(slides));
    }
    Ok(Read { spec, layout: SANDWICH })
}

fn read_multimodal(config: &Config) -> Result<Read, ModelError> {
    text_part(config, read)
}
