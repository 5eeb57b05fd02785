//! What the worker's reports change. Reports about an older prompt change nothing.

use std::sync::Arc;

use super::action::Effect;
use super::state::State;
use super::state::displayed::SweepStage;
use super::state::pane::{Load, Pass};
use super::state::scores::{ScoreBook, Scores};
use super::{ablate, captured, layers, loading, navigation, prompt, text, write};
use crate::attention::escape_controls;
use crate::vocabulary::TextColoring;
use crate::worker::protocol::{Event, JobId, Slot, WorkerError};

/// Takes a report.
pub(super) fn update(state: &mut State, event: Event) -> Vec<Effect> {
    if job(&event).is_some_and(|job| job != state.run.job) {
        return vec![];
    }
    match event {
        Event::Loading { slot, progress } => state.panes.resident_mut(slot).load = Load::Running(progress),
        Event::Loaded { slot, model } => {
            let pane = state.panes.resident_mut(slot);
            pane.load = Load::Ready;
            if pane.shown.is_none() {
                pane.selection = pane.selection.within(&model);
            }
            let notes = model.notes.join("; ");
            pane.model = Some(model);
            let resident = Slot::ALL.map(|slot| state.panes.resident(slot).model.clone());
            state.kept.retain(|model| resident.iter().flatten().any(|there| Arc::ptr_eq(there, model)));
            let pane = state.panes.resident_mut(slot);
            pane.scores = ScoreBook::default();
            let effects = ablate::forget(state, slot);
            if !notes.is_empty() {
                state.note = Some(escape_controls(&notes));
            }
            return effects;
        }
        Event::LoadFailed { slot, error } => {
            let pane = state.panes.resident_mut(slot);
            let is_stopped = error == WorkerError::Cancelled;
            pane.load = Load::Failed(error);
            if is_stopped {
                pane.keep_model();
                let model = state.panes.resident(slot).model.as_ref();
                state.note = model.map(|model| format!("{} stays", model.name));
            }
        }
        Event::Unloaded { slot } => {
            let pane = state.panes.resident_mut(slot);
            // Its pass was stopped; the newest prompt waits for the model that comes.
            pane.pass = Pass::Waiting;
            pane.scores = ScoreBook::default();
            if let Some(model) = pane.model.take() {
                state.note = Some(format!("{} made room", model.name));
            }
        }
        Event::Listed { models } => {
            if let Some(picker) = state.picker_mut() {
                picker.listed(models);
            }
        }
        Event::Estimated { name, estimate } => return loading::estimated(state, name, *estimate),
        Event::Running { slot, layer, layers, .. } => {
            state.panes.resident_mut(slot).pass = Pass::Running { layer, layers }
        }
        Event::RunFailed { slot, error, .. } => {
            state.panes.resident_mut(slot).pass = Pass::Failed(error);
            return prompt::catch_up(state);
        }
        Event::Captured { slot, capture, .. } => {
            state.kept.keep(state.kept_text(), capture.clone());
            write::forget(state, slot);
            let mut effects = captured::take(state, slot, capture);
            effects.extend(prompt::catch_up(state));
            return effects;
        }
        Event::ViewFailed { capture, view, error } => {
            return state.panes.refresh(|pane| pane.give_up(&capture, view, &error));
        }
        Event::Scoring { slot, ablation, done, draws } => {
            let scores = &mut state.panes.resident_mut(slot).scores;
            if matches!(scores.of(&ablation), Scores::Running { .. }) {
                scores.set(&ablation, Scores::Running { done, draws });
            }
        }
        Event::Scored { slot, model, ablation, scores } => {
            let pane = state.panes.resident_mut(slot);
            if pane.model.as_ref().is_some_and(|resident| Arc::ptr_eq(resident, &model)) {
                pane.scores.set(&ablation, Scores::Known(scores));
            }
        }
        Event::ScoringFailed { slot, error } => state.panes.resident_mut(slot).scores.fail(&error),
        Event::Sweeping { capture, done, all } => {
            state.panes.take_sweep(&capture, &SweepStage::Running { done, all });
        }
        Event::Swept { capture, found } => {
            state.panes.take_sweep(&capture, &found.map_or_else(SweepStage::Failed, SweepStage::Known));
        }
        Event::Similar { question, found } => {
            state.screen.list.found(&question, found);
        }
        Event::Shifted { question, found } => {
            if let Some(shift) = state.screen.shift_mut() {
                shift.found(&question, found);
            }
        }
        Event::Segments { question, found } => state.screen.segments.found(&question, found),
        Event::Compared { question, found } => {
            let found = found.map_err(|error| error.to_string());
            let difference = state.screen.difference.as_mut();
            let taken = difference.map(|difference| difference.found(&question, found, &state.panes));
            if let Some(Err(why)) = taken {
                navigation::give_difference_up(state, why);
            }
        }
        Event::LensRunning { asker, layer, layers } => {
            if let Some(lens) = state.screen.lens_mut() {
                lens.running(asker, layer, layers);
            }
        }
        Event::Lens { question, found } => {
            if let Some(lens) = state.screen.lens_mut() {
                lens.found(&question, found);
            }
        }
        Event::EffectRunning { asker, done, layer, layers } => {
            if let Some(effect) = state.screen.effect_mut() {
                effect.running(asker, done, (layer, layers));
            }
        }
        Event::Effect { question, found } => {
            if let Some(effect) = state.screen.effect_mut() {
                effect.found(&question, found);
            }
        }
        Event::Patching { question, found } => {
            if let Some(map) = state.screen.patching_mut() {
                map.found(&question, Ok(found), false);
            }
        }
        Event::Patched { question, found } => {
            if let Some(map) = state.screen.patching_mut() {
                map.found(&question, found, true);
            }
        }
        Event::Pushed { question, found } if state.shows_text() == Some(TextColoring::Push) => {
            state.pushes.found(&question, found);
        }
        Event::Pushed { question, found } => match state.screen.push_mut() {
            Some(push) => push.found(&question, found),
            None => state.screen.list.pushed(&question, found),
        },
        Event::Sinks { question, found } => {
            if let Some(sinks) = state.screen.sinks_mut() {
                sinks.found(&question, found);
            }
        }
        Event::Activations { question, found } => {
            if let Some(sinks) = state.screen.sinks_mut() {
                sinks.found_activations(&question, found);
            }
        }
        Event::Layer { capture, layer, found } => layers::found(&mut state.panes, &capture, layer, &found),
        Event::Written { slot, job, capture, next, took } => {
            write::take(state, (slot, job), capture, next, took);
        }
        Event::WritingEnded { slot, job, ended } => write::end(state, slot, job, ended),
        Event::Row { question, row } => state.exact_rows.found(&question, row),
        Event::LookedAt { question, found } => text::looked_at(state, &question, found),
        Event::Viewed { capture, view, matrix } => {
            return state.panes.refresh(|pane| pane.keep(&capture, view, &matrix));
        }
    }
    vec![]
}

/// The prompt that an event is about, if it is about the newest one only.
fn job(event: &Event) -> Option<JobId> {
    match event {
        Event::Running { job, .. } | Event::Captured { job, .. } | Event::RunFailed { job, .. } => Some(*job),
        _ => None,
    }
}
