//! What lies over the matrices and takes the keys while it is there: a list, and a line to search it with.

use super::update::command;
use super::{Action, Chooser, Effect, ExportDialog, Palette, Picker, Stage, State, export, picker};

/// What lies over the matrices. The mode below stays as it is.
#[derive(Debug, Clone)]
pub enum Popup {
    /// Every command.
    Palette(Palette),
    /// What goes into a file.
    Export(ExportDialog),
    /// Models.
    Picker(Picker),
}

impl Popup {
    /// Its line and its list.
    pub fn chooser(&self) -> &Chooser {
        match self {
            Self::Palette(palette) => &palette.chooser,
            Self::Picker(picker) => &picker.chooser,
            Self::Export(dialog) => &dialog.chooser,
        }
    }

    fn chooser_mut(&mut self) -> &mut Chooser {
        match self {
            Self::Palette(palette) => &mut palette.chooser,
            Self::Export(dialog) => &mut dialog.chooser,
            Self::Picker(picker) => &mut picker.chooser,
        }
    }

    /// Whether the list can be searched and chosen from.
    pub fn is_choosing(&self) -> bool {
        match self {
            Self::Palette(_) | Self::Export(_) => true,
            Self::Picker(picker) => picker.stage == Stage::Choosing,
        }
    }

    /// Whether the worker is to answer something.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Picker(picker) if picker.is_busy())
    }
}

/// What an action does to the popup. What means nothing to it, or comes while there is none, is given back.
pub(super) fn update(state: &mut State, action: Action) -> Result<Vec<Effect>, Action> {
    let action = match export::update(state, action) {
        Ok(effects) => return Ok(effects),
        Err(action) => action,
    };
    let Some(popup) = &mut state.popup else { return Err(action) };
    let is_choosing = popup.is_choosing();
    let chooser = popup.chooser_mut();
    match action {
        Action::Submit => return Ok(submit(state)),
        Action::Agree => return Ok(picker::agree(state)),
        Action::LeaveEditor => leave(state),
        Action::Edit(_) | Action::Insert(_) | Action::Paste(_) | Action::Choose(_) | Action::Pick(_)
            if !is_choosing => {}
        Action::Edit(request) => chooser.edit(request),
        Action::Insert(text) => chooser.insert(&text),
        Action::Paste(text) => chooser.paste(&text),
        Action::Choose(rows) => chooser.walk(rows),
        Action::Pick(row) if row < chooser.found.len() => {
            chooser.chosen = row;
            return Ok(submit(state));
        }
        Action::Pick(_) => {}
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
        Some(Popup::Picker(_)) => picker::submit(state),
        // Its own business, and done above.
        Some(Popup::Export(_)) | None => vec![],
    }
}

/// Goes back to the list, or leaves it.
fn leave(state: &mut State) {
    match &mut state.popup {
        Some(Popup::Picker(picker)) if picker.stage != Stage::Choosing => picker.stage = Stage::Choosing,
        _ => state.popup = None,
    }
}
