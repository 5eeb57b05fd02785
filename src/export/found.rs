//! What was found about the passes of a model or two.

use super::effect::EffectPass;
use super::error::ExportError;
use super::patch::PatchedPass;
use super::push::PushPass;
use super::recipe::{FigureStyle, Recipe};
use super::shift::Shifted;
use super::sinks::SinkPass;
use crate::vocabulary::{ExportFormat, Normalisation};

/// What was found about the passes of a model or two, with the passes.
#[derive(Debug, Clone)]
pub enum Found {
    /// What each part adds to the logit of a next token.
    Push(Vec<PushPass>),
    /// What hiding spans does to a next token.
    Effect(Vec<EffectPass>),
    /// How far parts of the pass over one prompt bring another one.
    Patch(Box<PatchedPass>),
    /// Where heads put what they give to no word.
    Sinks(Vec<SinkPass>),
    /// How far the heads of two passes are apart.
    Shift(Box<Shifted>),
}

impl Found {
    /// How a file of it is made.
    ///
    /// # Errors
    /// If it is of no pass.
    pub fn recipe(&self, format: ExportFormat, style: FigureStyle) -> Result<Recipe, ExportError> {
        let recipes: Vec<&Recipe> = match self {
            Self::Push(passes) => passes.iter().map(|pass| &pass.recipe).collect(),
            Self::Effect(passes) => passes.iter().map(|pass| &pass.recipe).collect(),
            Self::Patch(pass) => pass.recipes.iter().collect(),
            Self::Shift(shifted) => shifted.recipes.iter().collect(),
            Self::Sinks(passes) => passes.iter().map(|pass| &pass.recipe).collect(),
        };
        let mut sources = recipes.into_iter().map(|recipe| recipe.source.clone());
        let sides = (sources.next().ok_or(ExportError::NoFormat)?, sources.next());
        Ok(match format.is_figure() {
            true => Recipe::of_figure(sides, format, Normalisation::Raw, style),
            false => Recipe { beside: sides.1, ..Recipe::new(sides.0, Some(format)) },
        })
    }
}
