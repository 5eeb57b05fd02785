//! The viewer without a terminal: the same state, reducer and panels, drawn once into a picture.

use ratatui::layout::Rect;
use tokio::sync::mpsc;

use super::config::ViewerConfig;
use super::frame::{picture, sync_layout};
use super::input;
use crate::app::{Action, Effect, Exported, State, update};
use crate::config::keys::Key;
use crate::theme::{ColorDepth, Theme};
use crate::worker::WorkerHandle;
use crate::worker::protocol::{Event, Slot};

/// Loads the models, runs the prompt, presses `keys` one after the other, each when everything that the
/// one before it asked for is there, and returns the screen as SVG.
///
/// # Errors
/// If a pane has nothing to show in the end because its model or its pass has failed: what, where, what to do.
pub async fn screenshot(
    config: ViewerConfig,
    worker: WorkerHandle,
    mut events: mpsc::Receiver<Event>,
    (width, height): (u16, u16),
    keys: &[Key],
) -> Result<String, String> {
    let background = config.background.unwrap_or_default();
    let theme = Theme::new(config.map, config.depth.unwrap_or(ColorDepth::TrueColor), background);
    let mut state = config.state();
    state.display.has_glyphs = theme.has_glyphs();
    let area = Rect::new(0, 0, width, height);
    apply(&mut state, Action::Start, &worker);
    finish(&mut state, &worker, &mut events).await;
    sync_layout(&mut state, area);
    for key in keys {
        if let Some(action) = input::of_key(*key, &state) {
            apply(&mut state, action, &worker);
        }
        finish(&mut state, &worker, &mut events).await;
        sync_layout(&mut state, area);
    }
    match failure(&state) {
        Some(failure) => Err(failure),
        None => Ok(picture(state, &theme, area)),
    }
}

/// Why a side shows no picture of the newest prompt, if that has failed.
fn failure(state: &State) -> Option<String> {
    if !state.worker {
        return Some("internal error: the worker is gone: please report it".to_owned());
    }
    Slot::ALL.into_iter().find_map(|slot| {
        let pane = state.panes.resident(slot);
        let error = pane.error()?;
        Some(if error.contains(&pane.reference) { error } else { format!("{}: {error}", pane.reference) })
    })
}

/// Waits until nothing is under way. A pause takes no time: no more keys come in it.
pub(super) async fn finish(state: &mut State, worker: &WorkerHandle, events: &mut mpsc::Receiver<Event>) {
    while state.editor.pause.is_some() {
        apply(state, Action::Tick, worker);
    }
    while state.is_busy() {
        let event = events.recv().await;
        apply(state, event.map_or(Action::WorkerGone, Action::Worker), worker);
    }
}

pub(super) fn apply(state: &mut State, action: Action, worker: &WorkerHandle) {
    for effect in update(state, action) {
        match effect {
            Effect::Send(request) => {
                if worker.send(request).is_err() {
                    let _ = update(state, Action::WorkerGone);
                }
            }
            Effect::Export { .. } => {
                let error = "a picture is taken without writing other files".to_owned();
                let _ = update(state, Action::Exported(Exported::Failed(error)));
            }
            // There is no terminal, no history, and nothing to leave.
            Effect::Remember(_)
            | Effect::CaptureMouse(_)
            | Effect::StopExport
            | Effect::Copy(_)
            | Effect::Redraw
            | Effect::EditElsewhere(_)
            | Effect::ReadPromptFile
            | Effect::Suspend
            | Effect::Quit => {}
        }
    }
}
