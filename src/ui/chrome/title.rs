//! The line at the top: what is looked at, in words.

use ratatui::buffer::Buffer;

use crate::app::{Arrangement, State};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::other_side;
use crate::ui::layout::Layout;
use crate::ui::places::Body;
use crate::ui::widgets::axes;
use crate::ui::widgets::text::{first_that_fits, put, width};

/// Draws the name of the program, what is looked at, and how to get help.
pub fn draw(
    title: fn(&State, &str) -> Vec<String>,
    state: &State,
    layout: &Layout,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let (area, chrome) = (layout.title, &theme.chrome);
    let x = put(buffer, area.x + 1, area.y, "attnscope", usize::from(area.width), chrome.accent) + 3;
    let help = format!("{} help", state.keys.hint(Command::Help));
    let help_x = area.right().saturating_sub(width(&help) as u16 + 1);
    let room = usize::from(help_x.saturating_sub(x + 2));
    let view = first_that_fits(&title(state, &other_pane(state, layout)), room);
    let end = put(buffer, x, area.y, &view, room, chrome.text);
    let room = usize::from(help_x.saturating_sub(end + 6));
    if let Some(text) = axes::sentence(state.display.rows, room).filter(|_| has_axes(state, layout)) {
        put(buffer, help_x - 3 - width(text) as u16, area.y, text, room, chrome.dim);
    }
    if help_x > x {
        put(buffer, help_x, area.y, &help, width(&help), chrome.dim);
    }
}

/// What is said of a pane that is not on screen, or that does not follow the other one.
fn other_pane(state: &State, layout: &Layout) -> String {
    let is_hidden = layout.panes().count() == 1 && !(state.panes.is_alone() && state.display.one_pane);
    let linked = if state.panes.linked { "" } else { " · sides not linked" };
    let key = state.keys.hint(Command::OtherModel);
    let other = if is_hidden { format!(" · {key} {}", other_side(state)) } else { String::new() };
    format!("{linked}{other}")
}

/// Whether rows are queries and columns keys.
fn has_axes(state: &State, layout: &Layout) -> bool {
    match layout.body {
        Body::Panes(_) => layout.panes().any(|pane| pane.grid.is_some()),
        Body::Difference(_) => {
            let difference = state.screen.difference.as_ref();
            difference.is_some_and(|difference| difference.arrangement != Arrangement::Split)
        }
        Body::Panel(_) | Body::Cells(..) => false,
    }
}
