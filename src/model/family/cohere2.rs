//! Command R7B: Command R three of four of whose layers slide; the others know no positions.

use super::cohere::{COHERE, side_by_side};
use super::common::{Defaults, llama_like, slide};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::LLAMA;
use super::ranges::LAYERS;
use crate::model::ModelError;

/// Command R7B.
pub const FAMILY: Family =
    Family { name: "cohere2", models: "Command R7B", class: "Cohere2", aliases: &[], read };

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &Defaults { theta: 10_000.0, ..COHERE })?;
    side_by_side(config, &mut spec, 10_000.0)?;
    let pattern = config.whole("sliding_window_pattern", 4, LAYERS)?;
    let slides = slide(config, &mut spec, Some(4096), |layer| !(layer + 1).is_multiple_of(pattern))?;
    for (layer, _) in spec.layers.iter_mut().zip(slides).filter(|(_, slides)| !slides) {
        layer.rotary = None;
    }
    Ok(Read { spec, layout: LLAMA })
}
