//! The prompt: how it is written, when it is run, and what of it is remembered.

use tui_input::InputRequest;

use super::pane::Pass;
use super::typed::{self, LONGEST_PROMPT};
use super::{Effect, History, Mode, State};
use crate::worker::protocol::{JobId, Request, Side};

/// Ticks that a text is left alone before it runs by itself.
const PAUSE: usize = 3;

/// Opens the editor. A text that was run is selected; one that was not goes on.
pub(super) fn open(state: &mut State) {
    let was_open = state.mode == Mode::EditPrompt;
    state.mode = Mode::EditPrompt;
    state.is_draft_selected = !was_open && !state.is_edited() && !state.draft.value().is_empty();
    if state.is_draft_selected {
        state.draft.handle(InputRequest::GoToEnd);
    }
}

/// A key in the editor. What types takes the place of a text that is selected, and what deletes empties it; whatever
/// else keeps the text.
pub(super) fn edit(state: &mut State, request: InputRequest) -> Vec<Effect> {
    let is_selected = std::mem::take(&mut state.is_draft_selected);
    write(state, |state| match request {
        InputRequest::InsertChar(_) if is_selected => {
            empty(state);
            handle(state, request)
        }
        InputRequest::Yank if is_selected => {
            let before = state.draft.value().to_owned();
            empty(state);
            state.draft.handle(request);
            if state.draft.value().is_empty() {
                state.draft = std::mem::take(&mut state.draft).with_value(before);
            }
            Ok(())
        }
        InputRequest::DeletePrevChar | InputRequest::DeleteNextChar if is_selected => {
            handle(state, InputRequest::DeleteLine)
        }
        request => handle(state, request),
    })
}

/// Characters that are typed in the editor, one after the other.
pub(super) fn insert(state: &mut State, text: &str) -> Vec<Effect> {
    let is_selected = std::mem::take(&mut state.is_draft_selected);
    write(state, |state| {
        if is_selected {
            empty(state);
        }
        typed::insert_fitting(&mut state.draft, text, LONGEST_PROMPT)
    })
}

fn handle(state: &mut State, request: InputRequest) -> Result<(), String> {
    typed::handle(&mut state.draft, request, LONGEST_PROMPT).map(drop)
}

/// Takes the text out of the editor; what was cut can still be pasted.
fn empty(state: &mut State) {
    state.draft = std::mem::take(&mut state.draft).with_value(String::new());
}

/// Changes the text that is being written; if it is to run by itself, then after a pause. What runs of an
/// older text is of no use any more.
fn write(state: &mut State, change: impl FnOnce(&mut State) -> Result<(), String>) -> Vec<Effect> {
    // A copy for each key is dear where the text is long.
    let before = state.live.then(|| state.draft.value().to_owned());
    state.refused = change(state).err();
    if before.is_none_or(|before| before == state.draft.value()) {
        return vec![];
    }
    let mut effects = Vec::new();
    let under_way = Side::BOTH.into_iter().any(|side| state.resident(side).is_passing());
    if under_way && state.pause.is_none() {
        announce(state);
        effects.push(Effect::Send(Request::CancelPasses));
    }
    state.pause = (under_way || state.is_edited()).then_some(PAUSE);
    effects
}

/// Adds a text that was pasted, its line ends as prompts have them. It takes the place of one that is selected, as
/// that is where the paste opens the editor.
pub(super) fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    if state.mode != Mode::EditPrompt {
        open(state);
    }
    if text.is_empty() {
        return vec![];
    }
    let is_selected = std::mem::take(&mut state.is_draft_selected);
    write(state, |state| {
        let before = is_selected.then(|| state.draft.clone());
        if is_selected {
            empty(state);
        }
        // Measured first: no line end takes more than two bytes.
        let inserted = if text.len() > 2 * LONGEST_PROMPT {
            Err(typed::too_long(LONGEST_PROMPT))
        } else {
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            typed::insert(&mut state.draft, &text, LONGEST_PROMPT)
        };
        if let Some(before) = before.filter(|_| inserted.is_err()) {
            state.draft = before;
        }
        inserted
    })
}

/// Puts another prompt into the editor, if there is one.
pub(super) fn recall(state: &mut State, step: fn(&mut History, &str) -> Option<String>) -> Vec<Effect> {
    state.is_draft_selected = false;
    write(state, |state| {
        if let Some(text) = step(&mut state.history, state.draft.value()) {
            // What was cut can still be pasted.
            state.draft = std::mem::take(&mut state.draft).with_value(text);
        }
        Ok(())
    })
}

/// A tenth of a second went by: maybe the last one of a pause.
pub(super) fn tick(state: &mut State) -> Vec<Effect> {
    state.ticks = state.ticks.wrapping_add(1);
    state.pause = state.pause.map(|ticks| ticks.saturating_sub(1));
    if state.pause == Some(0) { run_written(state) } else { vec![] }
}

/// Leaves the editor and runs its text, unless that ran by itself already.
pub(super) fn submit(state: &mut State) -> Vec<Effect> {
    (state.mode, state.is_draft_selected) = (Mode::Browse, false);
    let mut effects = remember(state);
    let failed = Side::BOTH.into_iter().any(|side| matches!(state.resident(side).pass, Pass::Failed(_)));
    if !state.live || failed || state.pause.is_some() || state.is_edited() {
        effects.extend(run_written(state));
    }
    effects
}

/// Leaves the editor. Its text is kept, and is left standing if it runs by itself.
pub(super) fn leave(state: &mut State) -> Vec<Effect> {
    if state.live && state.mode == Mode::EditPrompt {
        return submit(state);
    }
    (state.mode, state.is_draft_selected) = (Mode::Browse, false);
    vec![]
}

/// Lets texts run by themselves as they are written, or no more.
pub(super) fn toggle_live(state: &mut State) -> Vec<Effect> {
    state.live = !state.live;
    let says = if state.live { "what you type runs by itself" } else { "Enter runs what you type" };
    state.note = Some(says.to_owned());
    match (state.live, state.mode) {
        (true, Mode::EditPrompt) => state.pause = state.is_edited().then_some(PAUSE),
        (true, _) if state.is_edited() => {
            let mut effects = remember(state);
            effects.extend(run_written(state));
            return effects;
        }
        (false, _) if state.pause.is_some() => return run_written(state),
        _ => {}
    }
    vec![]
}

/// What is to be kept of a text that ran by itself, when the program is left.
pub(super) fn left_standing(state: &mut State) -> Vec<Effect> {
    if state.live && state.mode == Mode::EditPrompt { remember(state) } else { vec![] }
}

/// Runs a prompt through both models.
pub(super) fn run(state: &mut State, prompt: String) -> Vec<Effect> {
    state.prompt = prompt;
    state.pause = None;
    // They were to follow another text.
    state.queued.clear();
    announce(state);
    let (job, prompt, sampling) = (state.job, state.prompt.clone(), state.sampling);
    let ablations = Side::BOTH.map(|side| state.ablations.of(side));
    vec![Effect::Send(Request::Run { job, prompt, sampling, ablations })]
}

/// Runs the prompt that `change` makes, or says why it makes none.
pub(super) fn run_changed(
    state: &mut State,
    change: impl FnOnce(&mut State) -> Result<String, String>,
) -> Vec<Effect> {
    match change(state) {
        Ok(prompt) => run(state, prompt),
        Err(why) => {
            state.note = Some(why);
            vec![]
        }
    }
}

/// Runs what is in the editor; from now on all of it is the user's text.
fn run_written(state: &mut State) -> Vec<Effect> {
    state.appended.clear();
    run(state, state.draft.value().to_owned())
}

/// Remembers what is in the editor, unless it was the newest prompt already.
fn remember(state: &mut State) -> Vec<Effect> {
    let prompt = state.draft.value().to_owned();
    if state.history.remember(&prompt) { vec![Effect::Remember(prompt)] } else { vec![] }
}

/// From now on what is heard of older prompts is left out, and both models are to run a newer one.
fn announce(state: &mut State) {
    state.job = JobId(state.job.0 + 1);
    for side in Side::BOTH {
        if !state.is_absent(side) {
            state.resident_mut(side).pass = Pass::Waiting;
        }
    }
}
