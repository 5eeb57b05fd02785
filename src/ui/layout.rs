//! Where everything goes: made once before each frame, read by drawing and by the mouse.

use ratatui::layout::{Position, Rect};

use super::chrome::editor;
use super::chrome::prompt_line::{self, has_border, inner};
use super::panels;
use super::places::{Body, Hit, PaneLayout};
use super::popups::place::PopupLayout;
use super::popups::{help, popup};
use super::widgets::area::{take_bottom, take_top};
use crate::app::{Mode, Side, State, Viewports};

/// The smallest screen on which something can be seen.
pub const SMALLEST: (u16, u16) = (24, 9);

/// Where everything goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// The screen.
    pub area: Rect,
    /// Whether nothing can be shown but that.
    pub too_small: bool,
    /// The line at the top.
    pub title: Rect,
    /// What is between title and legend.
    pub body: Body,
    /// The colour scale.
    pub legend: Rect,
    /// The prompt, with its border if there is room for one.
    pub prompt: Rect,
    /// What is said above the prompt, where there is no room for it beside that; empty otherwise.
    pub note: Rect,
    /// Columns of the prompt's editor, if that has several rows.
    pub editor: Option<usize>,
    /// The line of hints; empty on a small screen.
    pub hints: Rect,
    /// What lies over everything else.
    pub popup: Option<PopupLayout>,
    /// Rows of the help that don't fit; 0 unless it is open.
    pub help_overflow: usize,
}

impl Layout {
    /// What is at a position of the screen.
    pub fn hit(&self, at: Position) -> Option<Hit> {
        if let Some(popup) = &self.popup {
            let elsewhere = if popup.frame.contains(at) { Hit::Popup } else { Hit::Behind };
            return Some(popup.row(at).map_or(elsewhere, Hit::Row));
        }
        if self.prompt.contains(at) { Some(Hit::Prompt) } else { self.body.hit(at) }
    }

    /// The panes that are on screen, left before right.
    pub fn panes(&self) -> impl Iterator<Item = &PaneLayout> {
        let panes = if let Body::Panes(panes) = &self.body { panes.as_slice() } else { &[] };
        panes.iter().flatten()
    }

    /// The pane of a side, if it is on screen.
    pub fn pane(&self, side: Side) -> Option<&PaneLayout> {
        self.panes().find(|pane| pane.side == side)
    }

    /// What there is room for: what the state takes before the layout is drawn.
    pub fn viewports(&self) -> Viewports {
        let mut viewports =
            Viewports { help_overflow: self.help_overflow, editor: self.editor, ..Viewports::default() };
        match &self.body {
            Body::Panes(panes) => {
                let viewport = |pane: &Option<PaneLayout>| Some(pane.as_ref()?.grid?.viewport);
                viewports.panes = panes.each_ref().map(viewport);
                let text = |pane: &Option<PaneLayout>| Some(pane.as_ref()?.text.as_ref()?.viewport);
                viewports.texts = panes.each_ref().map(text);
            }
            Body::Difference(placed) => viewports.difference = Some(placed.grid.viewport),
            Body::Panel(_) | Body::Cells(..) => {}
        }
        viewports
    }
}

/// Where everything goes on a screen of that size.
pub fn layout(state: &State, area: Rect) -> Layout {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return Layout { area, too_small: true, ..Layout::default() };
    }
    let mut rest = area;
    let title = take_top(&mut rest, 1);
    let hints = take_bottom(&mut rest, if area.height >= 14 { 1 } else { 0 });
    let border = 2 * u16::from(has_border(area));
    let line = take_bottom(&mut rest, border + 1);
    // While it is edited, a text of several rows lies over what is above it: nothing moves as one types.
    let more = editor::height(state, area) - 1;
    let prompt = Rect { y: line.y - more, height: line.height + more, ..line };
    let said = prompt_line::above(state, inner(prompt, area), usize::from(area.width - 2)).len() as u16;
    let said = said.min(prompt.y - title.bottom());
    let note = Rect { y: prompt.y - said, height: said, ..prompt };
    let legend = take_bottom(&mut rest, 1);
    let body = (panels::face(state).place)(state, rest, area.height);
    let popup = state.popup.as_ref().map(|popup| popup::place(popup, area));
    let help_overflow = if state.screen.mode() == Mode::Help { help::overflow(state, area) } else { 0 };
    let editor = editor::columns(state, inner(prompt, area));
    Layout { area, too_small: false, title, body, legend, prompt, note, editor, hints, popup, help_overflow }
}
