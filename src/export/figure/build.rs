//! From passes and a recipe to a figure.

use super::caption;
use super::contents::Figure;
use super::panel::{self, Panel};
use crate::attention::{Capture, Comparison, Extent, Scale};
use crate::export::error::ExportError;
use crate::export::found::Found;
use crate::export::printable;
use crate::export::recipe::{FigureStyle, Recipe, texts};
use crate::export::selection::Selection;
use crate::export::subject::Subject;
use crate::theme::Ramp;
use crate::vocabulary::ColorRange;

impl Figure {
    /// What a recipe says of the passes that it names, in its order.
    ///
    /// # Errors
    /// If a model has no such view, or the prompt is too long for a difference, or two prompts share nothing.
    pub fn new(captures: &[&Capture], recipe: &Recipe) -> Result<Self, ExportError> {
        let style = recipe.style.unwrap_or_default();
        if style.difference.is_some() {
            return Self::of_panels(vec![difference(captures, recipe, &style)?], recipe);
        }
        let pixels = (style.pooling, panel::bin(captures));
        let mut panels = Vec::new();
        for (source, capture) in recipe.sources().zip(captures) {
            match source.subject {
                Subject::Map(statistic) => panels.push(Panel::map(capture, source, recipe, statistic)?),
                _ => panels.push(Panel::new(capture, source, recipe, pixels)?),
            }
            panels.extend(Panel::expected(capture, source, recipe)?);
        }
        Self::of_panels(panels, recipe)
    }

    /// What a recipe says of what was found about passes.
    ///
    /// # Errors
    /// If the recipe cannot be written.
    pub fn of_found(found: &Found, recipe: &Recipe) -> Result<Self, ExportError> {
        Self::of_panels(found.panels(recipe), recipe)
    }

    fn of_panels(mut panels: Vec<Panel>, recipe: &Recipe) -> Result<Self, ExportError> {
        let style = recipe.style.unwrap_or_default();
        let is_signed = style.difference.is_some() || recipe.source.subject.is_signed();
        set_scales(&mut panels, &style);
        let mut figure = Self {
            ramp: if is_signed { Ramp::of_differences(style.theme) } else { Ramp::of_values(style.colors) },
            theme: style.theme,
            caption: vec![],
            metadata: printable::json(recipe)?,
            panels,
        };
        if style.caption {
            figure.caption = caption::caption(&figure, recipe, &style);
        }
        Ok(figure)
    }
}

/// The panel of left minus right.
fn difference(captures: &[&Capture], recipe: &Recipe, style: &FigureStyle) -> Result<Panel, ExportError> {
    let granularity = style.difference.unwrap_or_default();
    let (&[left, right], Some(beside)) = (captures, &recipe.beside) else {
        return Err(ExportError::OneModel);
    };
    let matrix = |capture: &Capture, subject: Subject| match subject {
        Subject::Matrices(Selection::One(view)) => Ok(capture.matrix(view)?),
        _ => Err(ExportError::DifferenceOfAll),
    };
    let matrices = [matrix(left, recipe.source.subject)?, matrix(right, beside.subject)?];
    let texts = texts([(left, &recipe.source), (right, beside)]);
    let sides = [(&*left.tokens, &matrices[0]), (&*right.tokens, &matrices[1])];
    let comparison = Comparison::new(sides, granularity, texts)?;
    Ok(Panel::difference(&comparison, left, recipe, granularity))
}

/// Gives each panel the scale that the range asks for, from what they are to show of themselves.
fn set_scales(panels: &mut [Panel], style: &FigureStyle) {
    let all = panels.iter().map(|panel| panel.extent).fold(Extent::NONE, Extent::and);
    for panel in panels {
        let extent = match style.range {
            ColorRange::Shared => all,
            ColorRange::Own => panel.extent,
            ColorRange::Top(top) => Extent { top, ..all },
        };
        panel.scale = Scale::new(style.curve, extent);
    }
}
