//! A figure before it is laid out: plain data.

use super::panel::Panel;
use crate::theme::Ramp;
use crate::vocabulary::Background;

/// A figure before it is laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// From left to right.
    pub panels: Vec<Panel>,
    /// How heights on the colour scales of the panels become colours.
    pub ramp: Ramp,
    /// Dark on light, or light on dark.
    pub theme: Background,
    /// Written under it, a paragraph each.
    pub caption: Vec<String>,
    /// The recipe as JSON, for programs.
    pub metadata: String,
}
