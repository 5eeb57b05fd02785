//! The popup that is open.

use tui_input::InputRequest;

use super::export::{ExportDialog, ExportStage};
use super::palette::Palette;
use super::picker::{Picker, Stage};
use crate::app::action::{Action, Effect};
use crate::app::state::fuzzy_list::FuzzyList;
use crate::app::state::side::Side;
use crate::config::keys::Command;

/// What lies over the screen. What is below stays as it is.
#[derive(Debug, Clone)]
pub enum Popup {
    /// Every command.
    Palette(Palette),
    /// What goes into a file.
    Export(ExportDialog),
    /// Models to choose from.
    Picker(Picker),
}

/// What came of an action in a popup.
#[must_use]
#[derive(Debug)]
pub(in crate::app) enum Outcome {
    /// The popup stays.
    Stays(Vec<Effect>),
    /// It is closed, and this is said if there is something to say.
    Closes(Option<String>),
    /// It is closed, and the command that was chosen is to be done.
    Chosen(Command),
    /// It is closed, and a model is to be loaded.
    Load {
        /// The side of the screen that it is for.
        side: Side,
        /// Its name.
        name: String,
    },
    /// It stays, and a file is to be written.
    Write {
        /// Its name.
        file: String,
        /// Whether a file of that name may go.
        replace: bool,
    },
}

impl Popup {
    /// Its line and its list.
    pub fn list(&self) -> &FuzzyList {
        match self {
            Self::Palette(palette) => &palette.list,
            Self::Picker(picker) => &picker.list,
            Self::Export(dialog) => &dialog.list,
        }
    }

    fn list_mut(&mut self) -> &mut FuzzyList {
        match self {
            Self::Palette(palette) => &mut palette.list,
            Self::Export(dialog) => &mut dialog.list,
            Self::Picker(picker) => &mut picker.list,
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
    pub(in crate::app) fn is_busy(&self) -> bool {
        matches!(self, Self::Picker(picker) if picker.is_busy())
    }

    /// The export dialog, if it is that.
    pub(in crate::app) fn export_mut(&mut self) -> Option<&mut ExportDialog> {
        if let Self::Export(dialog) = self { Some(dialog) } else { None }
    }

    /// The model picker, if it is that.
    pub(in crate::app) fn picker_mut(&mut self) -> Option<&mut Picker> {
        if let Self::Picker(picker) = self { Some(picker) } else { None }
    }

    /// What an action does to the popup; `is_exporting` says whether a file is being written.
    ///
    /// # Errors
    /// With an action that means nothing to it.
    pub(in crate::app) fn update(&mut self, action: Action, is_exporting: bool) -> Result<Outcome, Action> {
        let is_choosing = self.is_choosing();
        match action {
            Action::Submit => return Ok(self.submit(is_exporting)),
            Action::LeaveEditor => return Ok(self.leave()),
            Action::Agree => return Ok(self.agree()),
            Action::Edit(_) | Action::Insert(_) | Action::Paste(_) | Action::Choose(_) | Action::Pick(_)
                if !is_choosing => {}
            Action::Edit(request) => self.edit(request),
            Action::Insert(text) => self.insert(&text),
            Action::Paste(text) => self.paste(&text),
            Action::Choose(rows) => match self {
                Self::Export(dialog) => dialog.choose_by(rows),
                popup => popup.list_mut().move_by(rows),
            },
            Action::Pick(row) => return Ok(self.pick(row, is_exporting)),
            other => return Err(other),
        }
        Ok(Outcome::Stays(vec![]))
    }

    fn edit(&mut self, request: InputRequest) {
        match self {
            Self::Export(dialog) => dialog.edit(request),
            popup => popup.list_mut().edit(request),
        }
    }

    fn insert(&mut self, text: &str) {
        match self {
            Self::Export(dialog) => dialog.insert(text),
            popup => popup.list_mut().insert(text),
        }
    }

    fn paste(&mut self, text: &str) {
        match self {
            Self::Export(dialog) => dialog.paste(text),
            popup => popup.list_mut().paste(text),
        }
    }

    /// A row was clicked: it is chosen, and done at once where it writes no file.
    fn pick(&mut self, row: usize, is_exporting: bool) -> Outcome {
        match self {
            Self::Export(dialog) => dialog.pick(row),
            popup if row < popup.list().found.len() => {
                popup.list_mut().chosen = row;
                return popup.submit(is_exporting);
            }
            _ => {}
        }
        Outcome::Stays(vec![])
    }

    /// Does what is chosen.
    fn submit(&mut self, is_exporting: bool) -> Outcome {
        match self {
            Self::Palette(palette) => palette.command().map_or(Outcome::Stays(vec![]), Outcome::Chosen),
            Self::Picker(picker) => Outcome::Stays(picker.submit().map(Effect::Send).into_iter().collect()),
            Self::Export(dialog) => match dialog.submit(is_exporting) {
                Some((file, replace)) => Outcome::Write { file, replace },
                None => Outcome::Stays(vec![]),
            },
        }
    }

    /// Loads what was asked about.
    fn agree(&self) -> Outcome {
        match self {
            Self::Picker(picker) => picker
                .asked()
                .map_or(Outcome::Stays(vec![]), |name| Outcome::Load { side: picker.side, name }),
            _ => Outcome::Stays(vec![]),
        }
    }

    /// Goes back to the list, or leaves it.
    fn leave(&mut self) -> Outcome {
        match self {
            Self::Picker(picker) if picker.stage != Stage::Choosing => {
                picker.stage = Stage::Choosing;
                Outcome::Stays(vec![])
            }
            Self::Export(dialog) if dialog.stage == ExportStage::Writing => {
                Outcome::Closes(Some(format!("{} is being written", dialog.list.line.value())))
            }
            _ => Outcome::Closes(None),
        }
    }
}
