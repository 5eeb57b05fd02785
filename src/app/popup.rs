//! What lies over the matrices and takes the keys while it is there: a list, and a line to search it with.

use tui_input::InputRequest;

use super::update::command;
use super::{Action, Chooser, Effect, ExportDialog, Palette, State, export};

/// What lies over the matrices. The mode below stays as it is.
#[derive(Debug, Clone)]
pub enum Popup {
    /// Every command.
    Palette(Palette),
    /// What goes into a file.
    Export(ExportDialog),
}

impl Popup {
    /// Its line and its list.
    pub fn chooser(&self) -> &Chooser {
        match self {
            Self::Palette(palette) => &palette.chooser,
            Self::Export(dialog) => &dialog.chooser,
        }
    }

    fn chooser_mut(&mut self) -> &mut Chooser {
        match self {
            Self::Palette(palette) => &mut palette.chooser,
            Self::Export(dialog) => &mut dialog.chooser,
        }
    }
}

/// What an action does to the popup. What means nothing to it, or comes while there is none, is given back.
pub(super) fn update(state: &mut State, action: Action) -> Result<Vec<Effect>, Action> {
    let action = match export::update(state, action) {
        Ok(effects) => return Ok(effects),
        Err(action) => action,
    };
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
        // Its own business, and done above.
        Some(Popup::Export(_)) | None => vec![],
    }
}
