//! How large cells are on screen: all of a matrix at once, a character each, or with room for numbers.

use super::update::NOTHING_SHOWN;
use super::{Pane, State};
use crate::config::keys::Command;

/// How large cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zoom {
    /// As large as lets all columns fit, and a character at least.
    Fit,
    /// All of a matrix on screen: as large as fits, and several cells share a pixel where they don't fit otherwise.
    #[default]
    Whole,
    /// Of so many columns and rows of the screen, whatever fits.
    Cells(u16, u16),
}

/// Columns and rows of the cells that one zooms through: without numbers, then with them, then square.
const CELLS: [(u16, u16); 7] = [(1, 1), (2, 1), (3, 1), (5, 1), (7, 2), (10, 3), (14, 5)];

/// Characters that a cell takes.
fn characters((columns, rows): (u16, u16)) -> u32 {
    u32::from(columns) * u32::from(rows)
}

impl Zoom {
    /// The size of a cell, if those of size `fit` are the largest that fit; `shows_all` says whether all of
    /// a matrix is on screen with cells of a size. Cells don't shrink where that would show no more.
    pub fn cell(self, fit: (u16, u16), shows_all: impl Fn((u16, u16)) -> bool) -> (u16, u16) {
        match self {
            Zoom::Cells(columns, rows)
                if characters((columns, rows)) > characters(fit) || !shows_all((columns, rows)) =>
            {
                (columns, rows)
            }
            _ => fit,
        }
    }
}

/// Zooms as a command says, with the cursor's cell in the middle; false if the command doesn't zoom.
pub(super) fn change(state: &mut State, command: Command) -> bool {
    let is_shown = state.panes.iter().any(|pane| pane.shown.is_some());
    let (cell, is_cut, is_whole) = (state.focused().viewport.cell, state.is_cut(), state.is_whole());
    let sizes = || CELLS.into_iter();
    let larger = || sizes().find(|size| characters(*size) > characters(cell));
    let smaller = || sizes().rev().find(|size| characters(*size) < characters(cell));
    let cells = |(columns, rows)| Zoom::Cells(columns, rows);
    let zoom = match command {
        Command::Overview | Command::ZoomIn if is_whole => Ok(Zoom::Fit),
        Command::Overview if is_shown && !is_cut => Err("all of it is on screen"),
        Command::Overview => Ok(if state.zoom == Zoom::Whole { Zoom::Fit } else { Zoom::Whole }),
        Command::ZoomIn | Command::ZoomOut if !is_shown => Err(NOTHING_SHOWN),
        Command::ZoomIn => larger().map(cells).ok_or("cells are as large as they get"),
        Command::ZoomOut if is_whole || !is_cut => Err("all of it is on screen"),
        Command::ZoomOut => Ok(smaller().map_or(Zoom::Whole, cells)),
        _ => return false,
    };
    match zoom {
        Ok(zoom) => state.zoom = zoom,
        Err(why) => {
            state.note = Some(why.to_owned());
            if command == Command::Overview {
                state.zoom = Zoom::Whole;
            }
        }
    }
    state.panes.iter_mut().for_each(Pane::center);
    true
}
