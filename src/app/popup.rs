//! What lies over the matrices and takes the keys while it is there: a list, and a line to search it with.

use tui_input::InputRequest;

use super::update::command;
use super::{Action, Chooser, Effect, Palette, State};

/// What lies over the matrices. The mode below stays as it is.
#[derive(Debug, Clone)]
pub enum Popup {
    /// Every command.
    Palette(Palette),
}

impl Popup {
    /// Its line and its list.
    pub fn chooser(&self) -> &Chooser {
        match self {
            Self::Palette(palette) => &palette.chooser,
        }
    }

    fn chooser_mut(&mut self) -> &mut Chooser {
        match self {
            Self::Palette(palette) => &mut palette.chooser,
        }
    }
}

/// What an action does to the popup. What means nothing to it, or comes while there is none, is given back.
pub(super) fn update(state: &mut State, action: Action) -> Result<Vec<Effect>, Action> {
    let Some(popup) = &mut state.popup else { return Err(action) };
    let chooser = popup.chooser_mut();
    match action {
        Action::Edit(request) => chooser.edit(request),
        Action::Paste(text) => {
            // The line is one line.
            for c in text.chars().filter(|c| !c.is_control()) {
                chooser.edit(InputRequest::InsertChar(c));
            }
        }
        Action::Choose(rows) => chooser.walk(rows),
        Action::Pick(row) if row < chooser.found.len() => {
            chooser.chosen = row;
            return Ok(submit(state));
        }
        Action::Pick(_) => {}
        Action::Submit => return Ok(submit(state)),
        Action::LeaveEditor => state.popup = None,
        other => return Err(other),
    }
    Ok(vec![])
}

/// Does what is chosen.
fn submit(state: &mut State) -> Vec<Effect> {
    match &state.popup {
        Some(Popup::Palette(palette)) => {
            let Some(chosen) = palette.command() else { return vec![] };
            state.popup = None;
            command(state, chosen)
        }
        None => vec![],
    }
}
