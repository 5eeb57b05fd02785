//! The prompt: how it is written, when it is run, and what of it is remembered.

use std::sync::Arc;

use super::action::Effect;
use super::captured;
use super::panels::{Mode, Opened};
use super::state::State;
use super::state::editor::Editor;
use super::state::history::History;
use super::state::pane::{Load, Pass};
use crate::attention::{Ablation, Capture};
use crate::worker::protocol::{JobId, Request, Slot};

/// Ticks that a text is left alone before it takes the place of one that runs.
const PAUSE: usize = 3;

/// Opens the editor. A text that was run is selected; one that was not goes on.
pub(super) fn open(state: &mut State) {
    let was_open = state.screen.mode() == Mode::EditPrompt;
    let is_selected = !was_open && !state.is_edited() && !state.editor.text().is_empty();
    state.screen.open(Opened::Editor);
    state.editor.select(is_selected);
}

/// Changes the text that is being written. If it is to run by itself, it does so at once; while an older text runs, when
/// that is done, or after a pause: what is new in it costs the least once the older one is known.
pub(super) fn write(
    state: &mut State,
    change: impl FnOnce(&mut Editor) -> Result<(), String>,
) -> Vec<Effect> {
    // A copy for each key is dear where the text is long.
    let before = state.editor.is_live.then(|| state.editor.text().to_owned());
    state.editor.refused = change(&mut state.editor).err();
    if before.is_none_or(|before| before == state.editor.text()) {
        return vec![];
    }
    let under_way = is_under_way(state);
    state.editor.pause = under_way.then_some(PAUSE);
    if !under_way && state.is_edited() { run_written(state) } else { vec![] }
}

/// Whether a model still runs the newest prompt.
fn is_under_way(state: &State) -> bool {
    state.panes.present().into_iter().any(|slot| state.panes.resident(slot).is_passing())
}

/// A pass has ended: what was written meanwhile runs now.
pub(super) fn catch_up(state: &mut State) -> Vec<Effect> {
    let waits = state.editor.is_live && state.editor.pause.is_some();
    match waits && !is_under_way(state) {
        true if state.is_edited() => run_written(state),
        true => {
            state.editor.pause = None;
            vec![]
        }
        false => vec![],
    }
}

/// Adds a text that was pasted; it opens the editor.
pub(super) fn paste(state: &mut State, text: &str) -> Vec<Effect> {
    if state.screen.mode() != Mode::EditPrompt {
        open(state);
    }
    if text.is_empty() { vec![] } else { write(state, |editor| editor.paste(text)) }
}

/// Goes a row up, and from the first one to the prompt of before.
pub(super) fn go_up(state: &mut State) -> Vec<Effect> {
    if state.editor.go_to_row(false) {
        return vec![];
    }
    write(state, |editor| {
        editor.recall_earlier();
        Ok(())
    })
}

/// Goes a row down, and from the last one to the prompt of after.
pub(super) fn go_down(state: &mut State) -> Vec<Effect> {
    if state.editor.go_to_row(true) {
        return vec![];
    }
    write(state, |editor| {
        editor.recall(History::later);
        Ok(())
    })
}

/// The text as another program left it, or why there is none; it is not run before somebody says so, unless it runs by
/// itself.
pub(super) fn edited(state: &mut State, text: Result<String, String>) -> Vec<Effect> {
    let text = match text {
        Ok(text) if text == state.editor.text() => return vec![],
        Ok(text) => text,
        Err(why) => {
            state.editor.refused = Some(why.clone());
            state.note = Some(why);
            return vec![];
        }
    };
    state.screen.open(Opened::Editor);
    write(state, |editor| {
        editor.select(false);
        editor.replace(text);
        Ok(())
    })
}

/// The text of the file that the first prompt came from, as it is now: it runs at once. Or why there is none.
pub(super) fn reloaded(state: &mut State, text: Result<String, String>) -> Vec<Effect> {
    match text {
        Ok(text) if text == state.run.prompt && !state.is_edited() => {
            state.note = Some("the file is as it was".to_owned());
            vec![]
        }
        Ok(text) => {
            state.editor.replace(text);
            submit(state)
        }
        Err(why) => {
            state.editor.refused = Some(why.clone());
            state.note = Some(why);
            vec![]
        }
    }
}

/// A tenth of a second went by: maybe the last one of a pause.
pub(super) fn tick(state: &mut State) -> Vec<Effect> {
    state.ticks = state.ticks.wrapping_add(1);
    state.editor.pause = state.editor.pause.map(|ticks| ticks.saturating_sub(1));
    if state.editor.pause == Some(0) { run_written(state) } else { vec![] }
}

fn close(state: &mut State) {
    state.screen.close();
    state.editor.is_selected = false;
}

/// Leaves the editor and runs its text, unless that ran by itself already.
pub(super) fn submit(state: &mut State) -> Vec<Effect> {
    close(state);
    let mut effects = remember(state);
    let has_failed = state.panes.has_failed_pass();
    if !state.editor.is_live || has_failed || state.editor.pause.is_some() || state.is_edited() {
        effects.extend(run_written(state));
    }
    effects
}

/// Leaves the editor. Its text is kept, and is left standing if it runs by itself.
pub(super) fn leave(state: &mut State) -> Vec<Effect> {
    if state.editor.is_live && state.screen.mode() == Mode::EditPrompt {
        return submit(state);
    }
    close(state);
    vec![]
}

/// Lets texts run by themselves as they are written, or no more.
pub(super) fn toggle_live(state: &mut State) -> Vec<Effect> {
    state.editor.is_live = !state.editor.is_live;
    let says = if state.editor.is_live { "what you type runs by itself" } else { "Enter runs what you type" };
    state.note = Some(says.to_owned());
    match (state.editor.is_live, state.screen.mode()) {
        (true, Mode::EditPrompt) if state.is_edited() && !is_under_way(state) => return run_written(state),
        (true, Mode::EditPrompt) => state.editor.pause = state.is_edited().then_some(PAUSE),
        (true, _) if state.is_edited() => {
            let mut effects = remember(state);
            effects.extend(run_written(state));
            return effects;
        }
        (false, _) if state.editor.pause.is_some() => return run_written(state),
        _ => {}
    }
    vec![]
}

/// What is to be kept of a text that ran by itself, when the program is left.
pub(super) fn left_standing(state: &mut State) -> Vec<Effect> {
    if state.editor.is_live && state.screen.mode() == Mode::EditPrompt { remember(state) } else { vec![] }
}

/// Runs a prompt through both models.
pub(super) fn run(state: &mut State, prompt: String) -> Vec<Effect> {
    state.run.prompt = prompt;
    state.editor.pause = None;
    // They were to follow another text.
    state.run.queued.clear();
    announce(state);
    let chat = state.run.conversation();
    let (job, prompt, sampling) = (state.run.job, state.run.prompt.clone(), state.run.sampling);
    let ablations = Slot::ALL.map(|slot| state.panes.ablations.of(slot));
    let kept = Slot::ALL.map(|slot| kept(state, slot, &ablations[slot.index()]));
    let is_kept = kept.each_ref().map(Option::is_some);
    let mut effects = vec![Effect::Send(Request::Run { job, prompt, chat, sampling, ablations, is_kept })];
    for (slot, capture) in Slot::ALL.into_iter().zip(kept) {
        if let Some(capture) = capture {
            effects.extend(captured::take(state, slot, capture));
        }
    }
    effects
}

/// The capture of the newest prompt by a slot's model, if it is kept and no other model is to come.
fn kept(state: &mut State, slot: Slot, ablation: &Ablation) -> Option<Arc<Capture>> {
    let pane = state.panes.resident(slot);
    let model = pane.model.clone().filter(|_| pane.load == Load::Ready)?;
    let text = state.kept_text();
    state.kept.find(&text, &model, ablation)
}

/// Lets models read the prompt in their chat templates, or as it is, and runs it so.
pub(super) fn toggle_chat(state: &mut State) -> Vec<Effect> {
    state.run.is_chat = !state.run.is_chat;
    let says = match state.run.is_chat {
        true => "chat: the prompt is the user's turn in a chat template",
        false => "no chat: models read the prompt as it is",
    };
    state.note = Some(says.to_owned());
    run(state, state.run.prompt.clone())
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
    state.run.appended.clear();
    run(state, state.editor.text().to_owned())
}

/// Remembers what is in the editor, unless it was the newest prompt already.
fn remember(state: &mut State) -> Vec<Effect> {
    let prompt = state.editor.text().to_owned();
    if state.editor.history.remember(&prompt) { vec![Effect::Remember(prompt)] } else { vec![] }
}

/// From now on what is heard of older prompts is left out, and both models are to run a newer one.
fn announce(state: &mut State) {
    state.run.job = JobId(state.run.job.0 + 1);
    state.writing = state.writing.renewed(state.run.job);
    for slot in state.panes.present() {
        state.panes.resident_mut(slot).pass = Pass::Waiting;
    }
}
