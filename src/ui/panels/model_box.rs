//! The box of a panel that is about a model: its name, what sets its pass apart, and whether keys go to it.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Block;

use crate::app::{Side, State};
use crate::theme::Theme;
use crate::ui::box_title::{Apart, BoxTitle};
use crate::ui::widgets::area::boxed;

/// Columns of a box beside those of a title: its corners, the mark of the focus, and blanks.
const BESIDE: u16 = 6;

/// The box of a side that is so many columns wide, with what else is said behind the model's name.
pub fn model_box(state: &State, side: Side, width: u16, more: &[String], theme: &Theme) -> Block<'static> {
    let (pane, chrome) = (state.pane(side), &theme.chrome);
    let focused = state.panes.focus == side;
    let (mark, style) = if focused { (" ● ", chrome.strong) } else { (" ○ ", chrome.text) };
    let border = if focused { chrome.focus } else { chrome.border };
    let name = pane.shown.as_ref().map_or(&pane.reference, |shown| &shown.capture.model.name);
    let apart = pane.shown.as_ref().map(|shown| Apart::of(state, side, shown)).unwrap_or_default();
    let BoxTitle { name, apart, more } = BoxTitle::new(name, &apart, more, room(width));
    let parts = [(mark.to_owned(), border), (name, style), (apart, chrome.accent), (more, chrome.dim)];
    let parts = parts.into_iter().chain([(" ".to_owned(), Style::new())]);
    boxed(border).title(Line::from_iter(parts.map(|(text, style)| Span::styled(text, style))))
}

/// Columns that there are for words in the border of a box.
pub fn room(width: u16) -> usize {
    usize::from(width.saturating_sub(BESIDE))
}
