//! Looking for a text in the text on screen: the field that it is written into, and going from place to place.

use super::action::{Action, Effect};
use super::panels::{Mode, Opened};
use super::state::State;
use super::state::find::Find;
use super::state::typed::{self, LONGEST_LINE};
use super::{prompt, text};
use crate::config::keys::Command;

/// Opens the field; where no text is on screen, the prompt's editor.
pub(super) fn open(state: &mut State) {
    if state.shows_text().is_none() {
        prompt::open(state);
        return;
    }
    state.find = Find::from(marked(state));
    state.screen.open(Opened::Find);
}

/// What an action does to the field, if it is open. What means nothing to it is given back.
pub(super) fn in_field(state: &mut State, action: Action) -> Result<Vec<Effect>, Action> {
    if state.screen.mode() != Mode::Find {
        return Err(action);
    }
    let line = &mut state.find.line;
    let changed = match action {
        Action::Edit(request) => typed::handle(line, request, LONGEST_LINE).map(drop),
        Action::Insert(text) => typed::insert_fitting(line, &text, LONGEST_LINE),
        Action::Paste(text) => typed::paste(line, &text),
        Action::EarlierPrompt | Action::LaterPrompt => {
            go_on(state, matches!(action, Action::LaterPrompt));
            return Ok(vec![]);
        }
        Action::Submit => {
            state.screen.close();
            state.note = state.find.is_on().then(|| says(state));
            return Ok(vec![]);
        }
        Action::LeaveEditor => {
            state.screen.close();
            let from = state.find.from;
            clear(state);
            text::point(state, state.panes.focus, from);
            return Ok(vec![]);
        }
        action => return Err(action),
    };
    if changed.is_ok() {
        refresh(state);
        let from = state.find.from;
        let places = &state.find.found[state.panes.focus.index()];
        let first = places.iter().find(|place| place.start >= from).or(places.first());
        let token = first.map_or(from, |place| place.start);
        text::point(state, state.panes.focus, token);
    }
    Ok(vec![])
}

/// Goes to the next place, or to the one before, from the token that is marked: after the last it is the first.
pub(super) fn step(state: &mut State, command: Command) {
    if state.shows_text().is_none() || !state.find.is_on() {
        let (text, find) = (state.keys.hint(Command::Text), state.keys.hint(Command::Find));
        state.note = Some(match state.shows_text() {
            Some(_) => format!("nothing is looked for: {find} finds a text"),
            None => format!("{text} shows the text, {find} finds something in it"),
        });
        return;
    }
    go_on(state, command == Command::NextMatch);
    state.note = Some(says(state));
}

fn go_on(state: &mut State, forwards: bool) {
    let (side, at) = (state.panes.focus, marked(state));
    let places = &state.find.found[side.index()];
    let place = match forwards {
        true => places.iter().find(|place| place.start > at).or(places.first()),
        false => places.iter().rev().find(|place| place.start < at).or(places.last()),
    };
    if let Some(token) = place.map(|place| place.start) {
        text::point(state, side, token);
    }
}

fn says(state: &State) -> String {
    let which = state.find.says(state.panes.focus.index(), marked(state));
    format!("“{}”: {which}", state.find.line.value())
}

fn marked(state: &State) -> usize {
    state.focused().marked_token(state.display.rows)
}

/// Looks for nothing any more; false if nothing was looked for.
pub(super) fn clear(state: &mut State) -> bool {
    let was_on = state.find.is_on();
    state.find = Find::default();
    was_on
}

/// Looks in what is on screen now.
pub(super) fn refresh(state: &mut State) {
    let captures = state.panes.both.each_ref().map(|pane| pane.shown.as_ref().map(|shown| &shown.capture));
    state.find.refresh(captures);
}
