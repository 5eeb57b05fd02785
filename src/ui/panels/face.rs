//! What every panel shows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::State;
use crate::theme::Theme;
use crate::ui::chrome::hints::Hint;
use crate::ui::chrome::legend::{Legend, Words};
use crate::ui::places::Body;

/// What a panel shows, as pure functions of the state.
pub struct Face {
    /// What is looked at, for the line at the top: the same in fewer and fewer words. The second argument is what is said
    /// of the other pane.
    pub title: fn(&State, &str) -> Vec<String>,
    /// The keys that are needed most.
    pub hints: fn(&State) -> Vec<Hint>,
    /// What its colours mean; nothing if it has none.
    pub legend: for<'a> fn(&State, &Body, Words, &'a Theme) -> Option<Legend<'a>>,
    /// Where its parts are in an area of a screen of so many rows: the mouse finds them there.
    pub place: fn(&State, Rect, u16) -> Body,
    /// Draws it where it was placed.
    pub draw: fn(&State, &Body, &Theme, &mut Buffer),
}

/// Of a panel without colours to explain.
pub fn no_legend<'a>(_: &State, _: &Body, _: Words, _: &'a Theme) -> Option<Legend<'a>> {
    None
}
