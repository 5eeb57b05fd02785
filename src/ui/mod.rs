//! From the state to a frame: pure functions.
//!
//! [`layout`](layout::layout) says once a frame where everything goes; [`draw`] and the mouse both read it. The screen is
//! made of `chrome` (the lines around), of one of the `panels` between them, and of one of the `popups` over it. Panels
//! and popups have the names that they have in `app`; `pane` holds the parts of a pane, and `widgets` what all of them
//! are made of. `app::panels` says how to add a panel.

mod box_title;
mod chrome;
mod facts;
mod layout;
mod names;
mod pane;
mod panels;
mod picture;
mod places;
mod popups;
mod widgets;

pub use chrome::prompt::{editor_place, prompt_byte};
pub use layout::{Layout, layout};
pub use picture::svg;
pub use places::{Body, DifferenceLayout, Hit, PaneLayout, PanelLayout, Part};
pub use popups::place::PopupLayout;
pub use widgets::grid::Grid;
pub use widgets::overview::Overview;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Mode, State};
use crate::theme::Theme;
use chrome::{hints, legend, prompt, title};
use layout::SMALLEST;
use popups::{help, popup};
use widgets::text::{clean, put_centered, wrap};

/// Draws everything where `layout` says, which is of this state and of the frame's area, and which the state was
/// [fitted](State::fit) to.
pub fn draw(state: &State, layout: &Layout, theme: &Theme, frame: &mut Frame<'_>) {
    let buffer = frame.buffer_mut();
    if layout.too_small {
        draw_too_small(layout.area, theme, buffer);
        return;
    }
    let face = panels::face(state);
    title::draw(face.title, state, layout, theme, buffer);
    (face.draw)(state, &layout.body, theme, buffer);
    let legend = |words| (face.legend)(state, &layout.body, words, theme);
    legend::draw(legend, layout.legend, theme, buffer);
    hints::draw(face.hints, state, layout.hints, theme, buffer);
    let cursor = prompt::draw(state, layout, theme, buffer);
    if state.screen.mode() == Mode::Help {
        help::draw(state, layout.area, theme, buffer);
    } else if let (Some(popup), Some(place)) = (&state.popup, &layout.popup) {
        if let Some(position) = popup::draw(state, popup, place, theme, buffer) {
            frame.set_cursor_position(position);
        }
    } else if let Some(position) = cursor {
        frame.set_cursor_position(position);
    }
    clean(frame.buffer_mut());
}

/// Says that there is no room.
fn draw_too_small(area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let text = format!("{}×{} is too small: {}×{} at least", area.width, area.height, SMALLEST.0, SMALLEST.1);
    let lines = wrap(&text, usize::from(area.width));
    let top = area.y + usize::from(area.height).saturating_sub(lines.len()) as u16 / 2;
    for (y, line) in (top..area.bottom()).zip(&lines) {
        put_centered(buffer, area, y, line, theme.chrome.text);
    }
}
