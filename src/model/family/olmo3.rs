//! OLMo 3: OLMo 2 three of four of whose layers slide; only the others are stretched for long contexts.

use super::common::{Defaults, llama_like, slide};
use super::config::Config;
use super::definition::{Family, Read};
use super::olmo2::{LAYOUT, OLMO2, post_norms};
use super::rope;
use crate::model::ModelError;

/// OLMo 3.
pub const FAMILY: Family = Family { name: "olmo3", models: "OLMo 3", class: "Olmo3", aliases: &[], read };

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &Defaults { theta: 500_000.0, ..OLMO2 })?;
    post_norms(config, &mut spec)?;
    let slides = slide(config, &mut spec, Some(4096), |layer| !(layer + 1).is_multiple_of(4))?;
    let theta = ("rope_theta", 500_000.0);
    spec.rotaries = rope::by_kind(config, spec.head_dim, spec.context, theta, theta)?.to_vec();
    for (layer, slides) in spec.layers.iter_mut().zip(slides) {
        layer.rotary = Some(usize::from(slides));
    }
    Ok(Read { spec, layout: LAYOUT })
}
