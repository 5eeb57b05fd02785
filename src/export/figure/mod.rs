//! Matrices as a figure for a paper: one model or two beside each other with one colour bar, all heads of a
//! model, or the difference of two. What is drawn is [`Figure`], plain data; where it goes is [`layout`];
//! [`Figure::svg`] writes it down.

mod bar;
mod bitmap;
mod caption;
mod cells;
mod layout;
mod panel;
mod pixels;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod xml;

use crate::attention::{Capture, ColorScale, Comparison, Extent, Normalisation, Scale};
use crate::theme::{Background, Ramp};

use super::{ColorRange, ExportError, Look, Recipe, Selection};
pub use bitmap::{Bitmap, MissingGlyphs, RECIPE};
pub(super) use caption::inputs;
pub use panel::{Content, Heads, Panel, Square};
pub(super) use panel::{source_title, view_name};
pub(super) use xml::unescape;

/// A figure before it is laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// From left to right.
    pub panels: Vec<Panel>,
    /// How heights on the colour scales of the panels become colours.
    pub ramp: Ramp,
    /// What the colours are of: `attention`.
    pub quantity: String,
    /// Dark on light, or light on dark.
    pub theme: Background,
    /// Written under it, a paragraph each.
    pub caption: Vec<String>,
    /// For programs: the recipe as JSON.
    pub metadata: String,
}

impl Figure {
    /// What a recipe says of the passes that it names, in its order.
    ///
    /// # Errors
    /// If a model has no such view, or the prompt is too long for a difference.
    pub fn new(captures: &[&Capture], recipe: &Recipe) -> Result<Self, ExportError> {
        let look = recipe.look.unwrap_or_default();
        let is_difference = look.difference.is_some();
        let mut panels = match look.difference {
            Some(_) => vec![difference(captures, recipe, &look)?],
            None => {
                let pixels = (look.pooling, panel::bin(captures));
                let of = recipe.sources().zip(captures);
                of.map(|(source, capture)| Panel::new(capture, source, recipe.normalisation, pixels))
                    .collect::<Result<_, _>>()?
            }
        };
        set_scales(&mut panels, &look);
        let quantity = if is_difference { "difference of attention" } else { "attention" };
        let mut figure = Self {
            ramp: if is_difference { Ramp::of_differences(look.theme) } else { Ramp::of_values(look.colors) },
            quantity: quantity.to_owned(),
            theme: look.theme,
            caption: vec![],
            metadata: super::printable::json(recipe)?,
            panels,
        };
        if look.caption {
            figure.caption = caption::caption(&figure, captures, recipe, &look);
        }
        Ok(figure)
    }
}

/// The panel of left minus right.
fn difference(captures: &[&Capture], recipe: &Recipe, look: &Look) -> Result<Panel, ExportError> {
    let granularity = look.difference.unwrap_or_default();
    let (&[left, right], Some(beside)) = (captures, &recipe.beside) else {
        return Err(ExportError::OneModel);
    };
    let matrix = |capture: &Capture, selection| match selection {
        Selection::One(view) => Ok(capture.matrix(view)?),
        Selection::All => Err(ExportError::DifferenceOfAll),
    };
    let matrices = [matrix(left, recipe.source.selection)?, matrix(right, beside.selection)?];
    let sides = [(left.tokens.as_slice(), &matrices[0]), (right.tokens.as_slice(), &matrices[1])];
    let comparison = Comparison::new(sides, granularity).ok_or(ExportError::LongDifference)?;
    Ok(Panel::difference(&comparison, recipe, granularity))
}

/// Gives each panel the scale that the range asks for, from what they are to show of themselves.
fn set_scales(panels: &mut [Panel], look: &Look) {
    let all = panels.iter().map(|panel| panel.extent).fold(Extent::NONE, Extent::and);
    for panel in panels {
        let extent = match look.range {
            ColorRange::Shared => all,
            ColorRange::Own => panel.extent,
            ColorRange::Top(top) => Extent { top, ..all },
        };
        panel.scale = Scale::new(look.curve, extent);
    }
}

/// A normalisation as people read it, and what it leaves out.
fn rule(normalisation: Normalisation, has_sinks: bool) -> &'static str {
    match (normalisation, has_sinks) {
        (Normalisation::Raw, _) => "raw",
        (Normalisation::Renormalised, false) => "renormalised",
        (Normalisation::Renormalised, true) => "renormalised without sink",
        (Normalisation::WithoutFirst, false) => "without first token",
        (Normalisation::WithoutFirst, true) => "without first token and sink",
    }
}

/// Why the values of a scale are where they are.
fn curve(curve: ColorScale) -> &'static str {
    match curve {
        ColorScale::Linear => "linear",
        ColorScale::Log => "logarithmic",
    }
}
