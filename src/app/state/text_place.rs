//! Where in a text one is, and the part of it that is on screen.

use super::cursor::Column;
use super::text_viewport::TextViewport;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextPlace {
    /// The token of the cursor's row, where that stands for several.
    pub(in crate::app) token: usize,
    /// The column that moving by lines keeps to.
    pub(in crate::app) goal: Option<usize>,
    /// The first line on screen.
    pub scroll: usize,
    /// How it is laid out.
    pub viewport: TextViewport,
    /// What was brought on screen last: it may have been scrolled away since.
    pub(super) revealed: Option<(usize, Column, TextViewport)>,
}
