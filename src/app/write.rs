//! Texts that both models go on with, each its own way or one for both; and the steps of them that are looked at again.

use std::sync::Arc;
use std::time::Duration;

use super::action::Effect;
use super::state::State;
use super::state::writing::{self, Writer, WriterStage};
use crate::app::state::side::Side;
use crate::attention::{Capture, NextToken, TextEnding};
use crate::config::keys::Command;
use crate::vocabulary::Conversation;
use crate::worker::protocol::{Choice, JobId, ReadJob, Request, Slot, WorkerError, WriteJob};

/// Lets both models go on with what is on screen; the focused one for both, if `is_one_text`. Waits for a pass that is
/// under way.
pub(super) fn begin(state: &mut State, is_one_text: bool) -> Vec<Effect> {
    if state.is_edited() {
        state.note = Some("the prompt was edited: run it first".to_owned());
        return vec![];
    }
    if is_passing(state) {
        state.writing.awaited = Some(is_one_text);
        state.note = Some("writes as soon as the prompt has run".to_owned());
        return vec![];
    }
    start(state, is_one_text)
}

/// Whether a model that is there, or is being loaded, is to run the newest prompt.
fn is_passing(state: &State) -> bool {
    state.panes.present().into_iter().any(|slot| {
        let pane = state.panes.resident(slot);
        pane.is_passing() && pane.is_busy()
    })
}

fn start(state: &mut State, is_one_text: bool) -> Vec<Effect> {
    let leader = is_one_text.then(|| state.panes.focus.slot());
    if is_one_text && state.panes.pinned(state.panes.focus).is_some() {
        state.note = Some("this is pinned: it writes nothing".to_owned());
        return vec![];
    }
    let is_other_text = is_one_text && state.writing.leader != leader;
    if state.writing.of != state.run.job || is_other_text {
        let starts = state.writing.writers.each_ref().map(|writer| writer.start.clone());
        state.writing = state.writing.renewed(state.run.job);
        if is_other_text {
            for (writer, start) in state.writing.writers.iter_mut().zip(starts) {
                writer.start = start;
            }
        }
    }
    state.writing.id = JobId(state.writing.id.0 + 1);
    (state.writing.leader, state.writing.reads) = (leader, false);
    // Where the text of both is another one from a step on, the reader reads it from there.
    let branch = leader.and_then(|leader| Some((marked(state, leader)?, state.writing.step_of(leader))));
    let cut = branch.zip(leader).filter(|((id, at), leader)| is_new(state.writing.writer(*leader), *at, *id));
    let cut = cut.map(|((_, at), _)| at);
    let begun: Vec<Effect> =
        state.panes.present().into_iter().filter_map(|slot| start_slot(state, slot, cut)).collect();
    state.writing.at = None;
    state.panes.both.iter_mut().for_each(|pane| pane.chosen = None);
    if begun.is_empty() {
        state.note = Some("no model has read the prompt yet".to_owned());
    } else if state.panes.pin.as_ref().is_some_and(|pin| pin.is_before) {
        state.note = Some("with all heads on the text would be another one: not written".to_owned());
    } else if nobody_reads(state) {
        let picker = state.keys.hint(Command::ModelPicker);
        state.note = Some(format!("nobody reads along: that needs two models, {picker} loads one"));
    }
    begun
}

/// Whether one model writes for both, and the other one is not there to read it.
fn nobody_reads(state: &State) -> bool {
    state.writing.leader.is_some_and(|leader| {
        let reader = state.writing.writer(Side::of(leader).other().slot());
        reader.stage == WriterStage::Idle && reader.count() == 0
    })
}

/// Lets the model of a slot go on: with the token that is marked, or else from the end of what it wrote.
fn start_slot(state: &mut State, slot: Slot, cut: Option<usize>) -> Option<Effect> {
    let pane = state.panes.resident(slot);
    let of_prompt = pane.shown.as_ref().filter(|shown| shown.job == state.run.job)?;
    if !pane.model.as_ref().is_some_and(|model| Arc::ptr_eq(model, &of_prompt.capture.model)) {
        return None;
    }
    let (capture, bytes) = (of_prompt.capture.clone(), state.run.prompt.len());
    let marked = marked(state, slot);
    let at = state.writing.step_of(slot);
    let is_reader = state.writing.leader.is_some_and(|leader| leader != slot);
    let (id, sampling) = (state.writing.id, state.run.sampling);
    let writer = &mut state.writing.writers[slot.index()];
    writer.start.get_or_insert(capture);
    if is_reader {
        if let Some(cut) = cut {
            writer.cut(cut);
        }
        writer.stage = WriterStage::Running;
        return None;
    }
    let first = marked.filter(|id| is_new(writer, at, *id));
    if first.is_some() {
        writer.cut(at);
    }
    writer.stage = WriterStage::Running;
    let capture = writer.capture(writer.count())?.clone();
    let choice = Choice { sampling, is_drawn: state.run.is_drawn };
    Some(Effect::Send(Request::Write(WriteJob {
        slot,
        id,
        capture,
        prompt_bytes: Some(bytes),
        first,
        choice,
        limit: state.run.most_tokens,
        written: 0,
    })))
}

/// Whether a token would be another one than what was written after a step.
fn is_new(writer: &Writer, at: usize, id: u32) -> bool {
    let written = writer.step(at + 1).and_then(|step| step.capture.tokens.last());
    written.is_none_or(|token| token.id != id)
}

/// The next token that the user marked in the pane of a slot, if that is on screen.
fn marked(state: &State, slot: Slot) -> Option<u32> {
    let side = Side::of(slot);
    let is_marked = state.panes.pinned(side).is_none() && state.pane(side).chosen.is_some();
    is_marked.then(|| Some(state.candidates(side).get(state.marked(side))?.token.id))?
}

/// Stops what is being written; what there is stays.
pub(super) fn stop(state: &mut State) -> Vec<Effect> {
    for writer in &mut state.writing.writers {
        if writer.stage == WriterStage::Running {
            writer.stage = WriterStage::Idle;
        }
    }
    state.writing.reads = false;
    vec![Effect::Send(Request::StopWriting)]
}

/// Does not begin to write any more when the prompt has run; whether it was to.
pub(super) fn drop_awaited(state: &mut State) -> bool {
    state.writing.awaited.take().is_some()
}

/// A text is a token longer.
pub(super) fn take(
    state: &mut State,
    (slot, id): (Slot, JobId),
    capture: Arc<Capture>,
    next: Option<Box<NextToken>>,
    took: Duration,
) {
    if id != state.writing.id {
        return;
    }
    if state.writing.leader.is_some_and(|leader| leader != slot) {
        state.writing.reads = false;
    }
    state.writing.writers[slot.index()].push(capture, next, took);
    state.fit_kept();
}

/// A text does not go on.
pub(super) fn end(state: &mut State, slot: Slot, id: JobId, ended: Result<TextEnding, WorkerError>) {
    if id != state.writing.id {
        return;
    }
    let writer = &mut state.writing.writers[slot.index()];
    writer.stage = match ended {
        Ok(ending) => WriterStage::Ended(ending),
        Err(WorkerError::Cancelled) => WriterStage::Idle,
        Err(error) => WriterStage::Failed(error),
    };
    if !state.writing.is_running() && state.writing.count() > 0 {
        let key = |command| state.keys.hint(command);
        let (back, forward, on) = (key(Command::StepBack), key(Command::StepForward), key(Command::Write));
        let ended = |writer: &Writer| {
            matches!(writer.stage, WriterStage::Ended(TextEnding::EndOfText(_) | TextEnding::Context(_)))
        };
        let goes_on = match state.panes.present().into_iter().all(|slot| ended(state.writing.writer(slot))) {
            true => "the text has ended".to_owned(),
            false => format!("{on} goes on"),
        };
        let alone = if nobody_reads(state) { ", nobody read along" } else { "" };
        state.note = Some(format!("written{alone}: {back} {forward} go through the steps, {goes_on}"));
    }
}

/// Another pass over the prompt is here: what was written before it is of another model.
pub(super) fn forget(state: &mut State, slot: Slot) {
    state.writing.writers[slot.index()] = Writer::default();
}

/// After every action: begins what waits for a pass, lets the reader read on, and brings the step that is looked at on
/// screen.
pub(super) fn go_on(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Some(is_one_text) = state.writing.awaited.filter(|_| !is_passing(state)) {
        state.writing.awaited = None;
        state.note = None;
        effects.extend(start(state, is_one_text));
    }
    effects.extend(read_on(state));
    if state.writing.of == state.run.job {
        effects.extend(Slot::ALL.into_iter().filter_map(|slot| show(state, slot)));
    }
    effects
}

/// Has the model that reads read the next token that the other one wrote.
fn read_on(state: &mut State) -> Option<Effect> {
    let leader = state.writing.leader?;
    let slot = Side::of(leader).other().slot();
    let (lead, reader) = (state.writing.writer(leader), state.writing.writer(slot));
    if reader.stage != WriterStage::Running || state.writing.reads {
        return None;
    }
    if reader.count() >= lead.count() {
        if lead.stage != WriterStage::Running {
            let stage = lead.stage.clone();
            state.writing.writers[slot.index()].stage = stage;
        }
        return None;
    }
    let number = lead.nearest(reader.count() + 1);
    let text = whole_text(lead.capture(number)?);
    let start = reader.start.as_ref()?;
    let plain = || Conversation { user: state.run.prompt.clone(), ..Conversation::default() };
    let mut chat = state.run.conversation().unwrap_or_else(plain);
    chat.answer.push_str(&text);
    let job = ReadJob {
        slot,
        id: state.writing.id,
        model: start.model.clone(),
        chat,
        is_chat: state.run.is_chat,
        written: text.len(),
        sampling: state.run.sampling,
        ablation: start.ablation.clone(),
    };
    state.writing.reads = true;
    Some(Effect::Send(Request::Read(job)))
}

/// What a model wrote, without a character of which the rest is still to come.
fn whole_text(capture: &Capture) -> String {
    let text = writing::written(capture);
    let is_part = capture.tokens.last().is_some_and(|token| token.splits_a_character());
    if is_part { text.trim_end_matches('\u{fffd}').to_owned() } else { text }
}

/// Brings the step of a slot that is looked at on screen, unless a head of another one is still computed.
fn show(state: &mut State, slot: Slot) -> Option<Effect> {
    let capture = state.writing.shown(slot)?.clone();
    let (job, prompt) = (state.run.job, &state.run.prompt);
    let pane = state.panes.resident_mut(slot);
    let is_shown = pane.shown.as_ref().is_some_and(|shown| Arc::ptr_eq(&shown.capture, &capture));
    // Whoever writes faster than heads are computed would keep each of them from the screen.
    if is_shown || pane.has_incoming() {
        return None;
    }
    let text = format!("{prompt}{}", writing::written(&capture));
    let before = capture.before.clone();
    pane.take(job, text, capture, before.as_deref());
    let effect = pane.refresh().map(Effect::Send);
    state.panes.keep_linked();
    effect
}

/// Goes to another step of what was written.
pub(super) fn scrub(state: &mut State, command: Command) {
    let writing = &state.writing;
    let count = writing.count();
    if count == 0 || writing.of != state.run.job {
        let key = state.keys.hint(Command::Write);
        state.note = Some(format!("nothing is written yet: {key} lets the models go on"));
        return;
    }
    let now = writing.at.unwrap_or(count);
    // Steps that no model's memory holds are passed over.
    let kept = writing.writers.iter().filter(|writer| writer.count() > 0);
    let first = kept.map(|writer| writer.dropped + 1).min().unwrap_or(1);
    let to = match command {
        Command::FirstStep => 0,
        Command::LastStep => count,
        Command::StepBack if now <= first => 0,
        Command::StepBack => now - 1,
        _ => (now + 1).max(first).min(count),
    };
    if to == 0 && first > 1 {
        let last = first - 1;
        state.note = Some(format!("steps 1 to {last} are not kept: history.captures-mb keeps more"));
    }
    state.writing.at = (to < count).then_some(to);
}

/// Takes the newest token back of what is on screen of the focused model's text, and of the other one's if both are one
/// text; whether anything was written.
pub(super) fn take_back(state: &mut State) -> bool {
    let is_written = state.writing.of == state.run.job && state.writing.count() > 0;
    if !is_written {
        return false;
    }
    let focus = state.panes.focus;
    // What is pinned writes nothing.
    let writes = if state.panes.pinned(focus).is_some() { focus.other() } else { focus };
    let slots = match state.writing.leader {
        Some(_) => Slot::ALL.to_vec(),
        None => vec![writes.slot()],
    };
    let Some(to) = state.writing.step_of(writes.slot()).checked_sub(1) else {
        let other = state.keys.hint(Command::OtherModel);
        state.note = Some(format!("nothing of this model's text is left: {other} goes to the other"));
        return true;
    };
    for slot in slots {
        let writer = &mut state.writing.writers[slot.index()];
        writer.cut(to);
        writer.stage = WriterStage::Idle;
    }
    // A text that is longer stays at the step that it is looked at in.
    state.writing.at = state.writing.at.filter(|at| *at < state.writing.count());
    true
}
