//! The reducer: what each action changes, and what is to be done about it.

use super::action::{Action, Effect};
use super::popups::popup::Outcome;
use super::state::State;
use super::state::cursor::{Column, Cursor};
use super::state::exports::Exported;
use super::state::pane::Load;
use super::{
    append, commands, events, find, first_cursor, layers, loading, navigation, one_pane, prompt, text, write,
};
use crate::app::state::side::Side;
use crate::attention::View;
use crate::config::keys::Command;
use crate::worker::protocol::WorkerError;

/// Changes the state; what is to be done about it is returned.
#[must_use]
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    let was_pinned = state.panes.pin.is_some();
    let mut effects = take(state, action);
    effects.extend(append::go_on(state));
    effects.extend(write::go_on(state));
    one_pane::follow_pin(state, was_pinned);
    first_cursor::refresh(&mut state.panes, state.display.normalisation);
    effects.extend(navigation::refresh_difference(state));
    effects.extend(state.screen.refresh(&mut state.panes));
    find::refresh(state);
    effects.extend(text::refresh(state));
    effects.extend(layers::refresh(state));
    effects
}

fn take(state: &mut State, action: Action) -> Vec<Effect> {
    let action = match in_popup(state, action) {
        Ok(effects) => return effects,
        Err(action) => action,
    };
    let action = match find::in_field(state, action) {
        Ok(effects) => return effects,
        Err(action) => action,
    };
    match action {
        Action::Start => {
            let slots = state.panes.present();
            let mut effects: Vec<Effect> =
                slots.into_iter().map(|slot| loading::load(&mut state.panes, slot)).collect();
            // In reach for this run only: it is a default, or in the history of the shell.
            state.editor.history.remember(&state.run.prompt);
            effects.extend(prompt::run(state, state.run.prompt.clone()));
            return effects;
        }
        Action::Command(command) => return commands::command(state, command),
        Action::Edit(request) => return prompt::write(state, |editor| editor.edit(request)),
        Action::Insert(text) => return prompt::write(state, |editor| editor.insert(&text)),
        Action::EarlierPrompt => return prompt::go_up(state),
        Action::LaterPrompt => return prompt::go_down(state),
        Action::Edited(text) => return prompt::edited(state, text),
        Action::Reloaded(text) => return prompt::reloaded(state, text),
        Action::Paste(text) => return prompt::paste(state, &text),
        Action::Submit => return prompt::submit(state),
        Action::LeaveEditor => return prompt::leave(state),
        // There is no list to choose from, and nothing was asked.
        Action::Choose(_) | Action::Pick(_) | Action::Agree => {}
        Action::Point { side, query, column } => {
            let cursor = Cursor { query, column };
            if !navigation::point_compared(state, cursor) {
                state.panes.focus = side;
                state.panes.point(side, cursor);
            }
        }
        Action::PointToToken { side, token } => {
            state.panes.focus = side;
            text::point(state, side, token);
        }
        Action::ChooseCell { side, row, column } => {
            let Some(panel) = state.screen.panel_mut() else { return vec![] };
            let reaction = panel.choose((side, row, column), &mut state.panes);
            return commands::react(state, reaction).unwrap_or_default();
        }
        Action::ShowView { side, view } => return show_view(state, side, view),
        Action::Focus(side) => state.panes.focus = side,
        Action::Scroll { side, rows, columns } => scroll(state, side, (rows, columns)),
        Action::Hover(hover) => state.hover = hover,
        Action::Zoom { side, cell, command } => return zoom(state, side, cell, command),
        Action::Tick => return prompt::tick(state),
        Action::Exported(exported) => end_export(state, exported),
        Action::Worker(event) => return events::update(state, event),
        Action::WorkerGone => {
            state.worker = false;
            for slot in state.panes.present() {
                state.panes.resident_mut(slot).load = Load::Failed(WorkerError::WorkerGone);
            }
            if let Some(picker) = state.picker_mut() {
                picker.give_up(&WorkerError::WorkerGone);
            }
        }
    }
    vec![]
}

/// What an action does to the popup that is open. What means nothing to it, or comes while there is none, is given
/// back.
fn in_popup(state: &mut State, action: Action) -> Result<Vec<Effect>, Action> {
    let Some(popup) = &mut state.popup else { return Err(action) };
    let outcome = popup.update(action, state.is_exporting)?;
    if matches!(outcome, Outcome::Closes(_) | Outcome::Chosen(_) | Outcome::Load { .. }) {
        state.popup = None;
    }
    Ok(match outcome {
        Outcome::Stays(effects) => effects,
        Outcome::Closes(note) => {
            state.note = note.or(state.note.take());
            vec![]
        }
        Outcome::Chosen(command) => commands::command(state, command),
        Outcome::Load { side, name } => loading::begin(state, side.slot(), name),
        Outcome::Write { file, replace } => {
            let Some(dialog) = state.export_mut() else { return Ok(vec![]) };
            let (side, (content, format)) = (dialog.side, dialog.choice());
            state.is_exporting = true;
            vec![Effect::Export { side, content, format, file, replace }]
        }
    })
}

/// A thumbnail was clicked, or a head in a panel.
fn show_view(state: &mut State, side: Side, view: View) -> Vec<Effect> {
    let Some(panel) = state.screen.panel_mut() else { return state.panes.go_to(side, view) };
    let reaction = panel.open_head((side, view), &mut state.panes);
    commands::react(state, reaction).unwrap_or_default()
}

/// The wheel was turned over a pane.
fn scroll(state: &mut State, side: Side, (rows, columns): (isize, isize)) {
    if let Some(panel) = state.screen.panel_mut() {
        panel.scroll(side, (rows, columns), &state.panes);
    } else if let Some(difference) = state.screen.difference.as_mut().filter(|it| it.shown().is_some()) {
        difference.scroll_by(rows, columns);
    } else if state.shows_text().is_some() {
        state.panes.pane_mut(side).scroll_text_by(rows);
    } else {
        state.panes.pane_mut(side).scroll_by(rows, columns);
    }
}

/// The wheel was turned over a pane to zoom, the mouse being over a cell, or not.
fn zoom(state: &mut State, side: Side, cell: Option<(usize, Column)>, command: Command) -> Vec<Effect> {
    (state.panes.focus, state.note) = (side, None);
    if let Some((query, column)) = cell {
        let cursor = Cursor { query, column };
        if !navigation::point_compared(state, cursor) {
            state.panes.point(side, cursor);
        }
    }
    navigation::navigate(state, command)
}

/// Says how the writing of a file ended: in the dialog, or where notes are if it was left meanwhile.
fn end_export(state: &mut State, exported: Exported) {
    use super::popups::ExportStage::{Exists, Failed, Writing};
    state.is_exporting = false;
    let dialog = state.export_mut().filter(|dialog| dialog.stage == Writing);
    match (exported, dialog) {
        (Exported::Written(path), dialog) => {
            if dialog.is_some() {
                state.popup = None;
            }
            state.note = Some(format!("wrote {path}"));
        }
        (Exported::Exists, Some(dialog)) => dialog.stage = Exists,
        (Exported::Failed(error), Some(dialog)) => dialog.stage = Failed(error),
        (Exported::Exists, None) => state.note = Some("there is a file of that name already".to_owned()),
        (Exported::Failed(error), None) => state.note = Some(error),
    }
}
