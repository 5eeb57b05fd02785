//! From the state to a frame: pure functions, one file per panel. [`layout`](layout::layout) says where
//! everything goes; drawing and the mouse both read it.

mod axes;
mod difference;
mod export;
mod glossary;
mod grid;
mod heads;
mod help;
mod inspector;
mod layout;
mod leaderboard;
mod legend;
mod lens;
mod line;
mod matrix;
mod minimap;
mod next;
mod notice;
mod overview;
mod palette;
mod pane;
mod picker;
mod picture;
mod popup;
mod prompt;
mod text;
mod thumbnails;
mod title;
mod values;

pub use difference::DifferenceLayout;
pub use grid::Grid;
pub use layout::{HeadsLayout, Hit, Layout, PaneLayout, layout};
pub use leaderboard::LeaderboardLayout;
pub use lens::LensLayout;
pub use overview::Overview;
pub use picture::svg;
pub use popup::PopupLayout;
pub use prompt::prompt_byte;

use ratatui::Frame;

use crate::app::{Mode, State};
use crate::theme::Theme;

/// Draws everything. The layout that is returned is the one the mouse is to be read with.
pub fn draw(state: &State, theme: &Theme, frame: &mut Frame<'_>) -> Layout {
    let layout = layout(state, frame.area());
    let buffer = frame.buffer_mut();
    if layout.too_small {
        notice::too_small(layout.area, theme, buffer);
        return layout;
    }
    title::draw(state, &layout, theme, buffer);
    for pane in layout.panes.iter().flatten() {
        pane::draw(state, pane, theme, buffer);
        inspector::draw(state, pane, theme, buffer);
    }
    if let Some(heads) = &layout.heads {
        heads::draw(state, heads, theme, buffer);
    }
    if let Some(board) = &layout.leaderboard {
        leaderboard::draw(state, board, theme, buffer);
    }
    for panel in layout.lens.iter().flatten() {
        lens::draw(state, panel, theme, buffer);
    }
    if let Some(compared) = &layout.difference {
        difference::draw(state, compared, theme, buffer);
    }
    legend::draw(state, &layout, theme, buffer);
    let cursor = prompt::draw(state, &layout, theme, buffer);
    if state.mode == Mode::Help {
        help::draw(state, layout.area, theme, buffer);
    } else if let (Some(popup), Some(place)) = (&state.popup, &layout.popup) {
        if let Some(position) = popup::draw(state, popup, place, theme, buffer) {
            frame.set_cursor_position(position);
        }
    } else if let Some(position) = cursor {
        frame.set_cursor_position(position);
    }
    text::clean(frame.buffer_mut());
    layout
}
