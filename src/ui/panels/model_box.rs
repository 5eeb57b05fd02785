//! The box of a panel that is about a model: its name, what sets its pass apart, and whether keys go to it.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Block;

use crate::app::{DisplayedCapture, Side, State};
use crate::theme::Theme;
use crate::ui::box_title::{Apart, BoxTitle};
use crate::ui::facts::PREVIOUS;
use crate::ui::places::Part;
use crate::ui::widgets::area::boxed;

/// Columns of a box beside those of a title: its corners, the mark of the focus, and blanks.
const BESIDE: u16 = 6;

/// What else is said in the boxes of a panel: of the facts about each side as many as there is room for in both, so that both
/// say the same.
pub fn facts_in_both(state: &State, parts: &[Part], facts: impl Fn(Side) -> Vec<String>) -> [Vec<String>; 2] {
    let mut both = Side::BOTH.map(facts);
    let said = parts.iter().filter(|part| part.view.is_none()).map(|part| {
        let facts = &both[part.side.index()];
        let said = title(state, part.side, part.area.width, facts).facts;
        // Where nothing is known yet, nothing is left out.
        if said == facts.len() { usize::MAX } else { said }
    });
    let most = said.min().unwrap_or(usize::MAX);
    both.iter_mut().for_each(|facts| facts.truncate(most));
    both
}

/// The box of a side that is so many columns wide, with what else is said behind the model's name.
pub fn model_box(state: &State, side: Side, width: u16, more: &[String], theme: &Theme) -> Block<'static> {
    let chrome = &theme.chrome;
    let focused = state.panes.focus == side;
    let (mark, style) = if focused { (" ● ", chrome.strong) } else { (" ○ ", chrome.text) };
    let border = if focused { chrome.focus } else { chrome.border };
    let BoxTitle { name, apart, more, .. } = title(state, side, width, more);
    let parts = [(mark.to_owned(), border), (name, style), (apart, chrome.accent), (more, chrome.dim)];
    let parts = parts.into_iter().chain([(" ".to_owned(), Style::new())]);
    boxed(border).title(Line::from_iter(parts.map(|(text, style)| Span::styled(text, style))))
}

fn title(state: &State, side: Side, width: u16, more: &[String]) -> BoxTitle {
    let pane = state.pane(side);
    let name = pane.shown.as_ref().map_or(&pane.reference, |shown| &shown.capture.model.name);
    let apart = pane.shown.as_ref().map(|shown| {
        let apart = Apart::of(state, side, shown);
        if is_left_behind(state, side, shown) {
            apart.and([PREVIOUS, "previous prompt", "previous"])
        } else {
            apart
        }
    });
    BoxTitle::new(name, &apart.unwrap_or_default(), more, room(width))
}

/// Whether a side stays with an older prompt: its model could not run the newest one, was stopped, or is gone.
fn is_left_behind(state: &State, side: Side, shown: &DisplayedCapture) -> bool {
    let is_busy = state.panes.resident(side.slot()).is_busy();
    shown.job != state.run.job && !is_busy && state.panes.pinned(side).is_none()
}

/// Columns that there are for words in the border of a box.
pub fn room(width: u16) -> usize {
    usize::from(width.saturating_sub(BESIDE))
}
