//! The prompt grown token by token, as text, so that both models read the same; and taken back. Which token it
//! is, is the user's choice: the likeliest, the one that was drawn, or any that is listed.

use std::borrow::Cow;

use super::action::Effect;
use super::state::State;
use super::state::notes::NOTHING_SHOWN;
use super::state::pane::Load;
use super::state::step::step;
use super::{prompt, write};
use crate::app::state::side::Side;
use crate::attention::{Capture, NO_OUTPUT_HEAD, NextToken, Token};
use crate::config::keys::Command;
use crate::vocabulary::RowReading;

/// What is less likely is not listed: it would be written as 0.0%.
const LEAST: f32 = 0.0005;

impl State {
    /// The next tokens that a side's model lists, the likeliest first; the one that was drawn is among them, or
    /// the last, if the prompt grows by that.
    pub fn candidates(&self, side: Side) -> Vec<&NextToken> {
        let Some(shown) = &self.pane(side).shown else { return Vec::new() };
        let Capture { next, drawn, .. } = &*shown.capture;
        let likely = next.iter().enumerate().filter(|(at, next)| *at == 0 || next.probability >= LEAST);
        let mut listed: Vec<&NextToken> = likely.map(|(_, next)| next).collect();
        let drawn = drawn.as_ref().filter(|_| self.run.is_drawn);
        for more in drawn.into_iter().chain(self.taken(side)) {
            if listed.iter().all(|next| next.token.id != more.token.id) {
                listed.push(more);
            }
        }
        listed
    }

    /// The token that was written after the step that a pane shows, if one was.
    fn taken(&self, side: Side) -> Option<&NextToken> {
        let (at, _) = self.step(side)?;
        self.writing.writer(side.slot()).step(at + 1)?.next.as_deref()
    }

    /// What the rows of a pane are named by: the tokens that are read there, or those that are predicted from them.
    pub fn row_labels(&self, side: Side) -> Cow<'_, [String]> {
        let Some(shown) = &self.pane(side).shown else { return Cow::default() };
        match self.display.rows {
            RowReading::Reading => shown.labels().into(),
            RowReading::Predicting => {
                let next = self.candidates(side).get(self.marked(side)).copied();
                shown.capture.predicted_labels(next).into()
            }
        }
    }

    /// Which of them is to be appended.
    pub fn marked(&self, side: Side) -> usize {
        let pane = self.pane(side);
        let drawn =
            pane.shown.as_ref().and_then(|shown| shown.capture.drawn.as_ref()).filter(|_| self.run.is_drawn);
        let listed = self.candidates(side);
        let drawn = self
            .taken(side)
            .or(drawn)
            .and_then(|drawn| listed.iter().position(|next| next.token.id == drawn.token.id));
        pane.chosen.filter(|chosen| *chosen < listed.len()).or(drawn).unwrap_or(0)
    }
}

/// Marks the token listed before or after the one that is marked.
pub(super) fn choose(state: &mut State, by: isize) {
    let side = state.panes.focus;
    let listed = state.candidates(side).len();
    if listed == 0 {
        state.note = Some(match state.panes.pane(side).info() {
            Some(model) if !model.has_output_head => without_head(),
            _ => NOTHING_SHOWN.to_owned(),
        });
        return;
    }
    let chosen = step(state.marked(side), by, listed);
    state.panes.pane_mut(side).chosen = Some(chosen);
    state.pushes.follow(side, &state.panes);
}

/// Lets the prompt grow by what is drawn, or by the likeliest.
pub(super) fn toggle_drawn(state: &mut State) {
    state.run.is_drawn = !state.run.is_drawn;
    state.panes.both.iter_mut().for_each(|pane| pane.chosen = None);
    state.note = Some(match state.run.is_drawn {
        true => format!("next token: drawn, {}", state.run.sampling),
        false => "next token: the likeliest".to_owned(),
    });
}

/// Appends the focused model's marked next token: at once, or when the pass that is under way is done.
pub(super) fn append_token(state: &mut State) -> Vec<Effect> {
    let side = state.panes.focus;
    if state.is_edited() || !is_on_its_way(state, side) {
        return prompt::run_changed(state, |state| grown(state, side));
    }
    state.run.queued.push(side);
    vec![]
}

/// Appends the next token that waits, if the pass that it waits for is done.
pub(super) fn go_on(state: &mut State) -> Vec<Effect> {
    let Some(side) = state.run.queued.first().copied().filter(|side| !is_on_its_way(state, *side)) else {
        return vec![];
    };
    let waiting = state.run.queued.split_off(1);
    let effects = prompt::run_changed(state, |state| grown(state, side));
    // What failed once would fail as often as there are tokens that wait.
    state.run.queued = if effects.is_empty() { Vec::new() } else { waiting };
    effects
}

/// Lets no token wait any more; whether one did.
pub(super) fn drop_queued(state: &mut State) -> bool {
    let count = std::mem::take(&mut state.run.queued).len();
    if count > 0 {
        state.note = Some("no token waits any more".to_owned());
    }
    count > 0
}

/// Takes the newest token that waits back, or else the newest that was appended.
pub(super) fn undo_append(state: &mut State) -> Vec<Effect> {
    match state.run.queued.pop() {
        Some(_) => vec![],
        None if write::take_back(state) => vec![],
        None => prompt::run_changed(state, shortened),
    }
}

/// Whether what a pane is to show of the newest prompt is still being computed.
fn is_on_its_way(state: &State, side: Side) -> bool {
    let pane = state.panes.pane(side);
    if pane.shown.as_ref().is_some_and(|shown| shown.job == state.run.job) {
        return false;
    }
    // What was before is renewed by the model beside it; what else is pinned, by nobody.
    let runs = match state.panes.pinned(side) {
        Some(pin) if pin.is_before => side.other(),
        Some(_) => return false,
        None => side,
    };
    let resident = state.panes.resident(runs.slot());
    let is_to_run = resident.model.is_some() || matches!(resident.load, Load::Waiting | Load::Running(_));
    resident.is_passing() && is_to_run || pane.awaits_head()
}

/// The prompt with a model's marked next token, or why there is none.
fn grown(state: &mut State, side: Side) -> Result<String, String> {
    unedited(state)?;
    let pane = state.panes.pane(side);
    let shown = pane.shown.as_ref().filter(|shown| shown.job == state.run.job);
    shown.ok_or_else(|| match state.panes.pinned(side) {
        Some(_) => {
            format!("this is pinned: {} goes to the prompt that grows", state.keys.hint(Command::OtherModel))
        }
        None => "this model has not read the prompt yet".to_owned(),
    })?;
    if state.panes.pane(side).info().is_some_and(|model| !model.has_output_head) {
        return Err(without_head());
    }
    let candidates = state.candidates(side);
    let next = candidates.get(state.marked(side)).ok_or("this model says nothing of what comes next")?;
    if next.token.splits_a_character() {
        return Err(format!("{} is a part of a character, no text to append", next.token.label()));
    }
    let text = next.token.text.clone();
    let shown = state.panes.pane(side).shown.as_ref();
    let written = shown.map_or(&[][..], |shown| &shown.capture.tokens[shown.capture.prompt_tokens()..]);
    if written.last().is_some_and(Token::splits_a_character) {
        return Err("the text ends inside a character: go a step back or forward".to_owned());
    }
    // What the model wrote becomes the user's text.
    if let Some(run) = Token::no_text(written) {
        let label = Token::joined_label(run);
        return Err(format!("{label} was written and is no text: no prompt can have it"));
    }
    let written = Token::whole_texts(written);
    let prompt = format!("{}{}{text}", state.run.prompt, written.concat());
    state.run.appended.extend(written);
    state.run.appended.push(text);
    state.editor.draft = prompt.clone().into();
    Ok(prompt)
}

/// The prompt without what was appended last, or why it stays.
fn shortened(state: &mut State) -> Result<String, String> {
    unedited(state)?;
    let text = state.run.appended.pop().ok_or("nothing was appended")?;
    let prompt = state.run.prompt.strip_suffix(&text).unwrap_or(&state.run.prompt).to_owned();
    state.editor.draft = prompt.clone().into();
    Ok(prompt)
}

fn without_head() -> String {
    format!("this model has {NO_OUTPUT_HEAD}: it predicts no next token")
}

/// What is being written is not to be lost.
fn unedited(state: &State) -> Result<(), String> {
    if state.is_edited() { Err("the prompt was edited: run it first".to_owned()) } else { Ok(()) }
}
