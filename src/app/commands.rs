//! What the commands of the key table do. Those of a panel are in its own file; the panel that is open is asked first.

use super::action::Effect;
use super::panels::{Difference, Mode, Opened, Reaction};
use super::popups::{ExportDialog, Palette, Popup};
use super::state::State;
use super::state::exports::ExportContent;
use super::state::help::Help;
use super::state::notes::NOTHING_SHOWN;
use super::{ablate, append, copy, find, loading, navigation, one_pane, prompt, text, write};
use crate::config::keys::Command;
use crate::worker::protocol::Request;

/// Does what a command says. Whatever it is, it stops what is being written; and those that would only go back, or mark
/// something, do no more than that.
pub(super) fn command(state: &mut State, command: Command) -> Vec<Effect> {
    (state.note, state.hover) = (None, None);
    if !state.writing.is_running() {
        return obey(state, command);
    }
    let mut effects = write::stop(state);
    let only_stops = [Command::Write, Command::WriteBoth, Command::Back, Command::MarkSpan, Command::Cancel];
    match only_stops.contains(&command) {
        true => {
            let key = |command| state.keys.hint(command);
            let (back, forward, on) =
                (key(Command::StepBack), key(Command::StepForward), key(Command::Write));
            state.note = Some(format!("stopped: {back} {forward} go through the steps, {on} goes on"));
        }
        false => effects.extend(obey(state, command)),
    }
    effects
}

fn obey(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Quit => {
            let mut effects = prompt::left_standing(state);
            effects.push(Effect::Quit);
            return effects;
        }
        Command::Suspend => return vec![Effect::Suspend],
        Command::Redraw => return vec![Effect::Redraw],
        _ => {}
    }
    if let Some(help) = state.screen.help_mut() {
        if !help.scroll(command) {
            state.screen.close();
        }
        return vec![];
    }
    match command {
        Command::Help => {
            let effects = prompt::leave(state);
            state.screen.open(Opened::Help(Help::default()));
            state.popup = None;
            return effects;
        }
        Command::CommandPalette => {
            state.popup = Some(Popup::Palette(Palette::new(&state.keys)));
            return vec![];
        }
        Command::ToggleMouse => {
            state.mouse = !state.mouse;
            return vec![Effect::CaptureMouse(state.mouse)];
        }
        _ => {}
    }
    if let Some(why) = one_pane::obstacle(state, command) {
        state.note = Some(why);
        return vec![];
    }
    if let Some(panel) = state.screen.panel_mut() {
        let reaction = panel.command(command, &mut state.panes);
        if let Some(effects) = react(state, reaction) {
            return effects;
        }
    }
    match state.screen.open_by(command, &mut state.panes) {
        Some(opened) => {
            state.note = opened.err().map(str::to_owned);
            vec![]
        }
        None => of_the_program(state, command),
    }
}

/// Does what a panel wants to happen; `None` if a command is none of its own.
pub(super) fn react(state: &mut State, reaction: Reaction) -> Option<Vec<Effect>> {
    match reaction {
        Reaction::Stays(effects) => Some(effects),
        Reaction::Refuses(why) => {
            state.note = Some(why.to_owned());
            Some(vec![])
        }
        Reaction::Passes => None,
        Reaction::Closes(effects) => {
            state.screen.close();
            Some(effects)
        }
        Reaction::ClosesToPanes(effects) => {
            state.screen.close();
            state.screen.difference = None;
            Some(effects)
        }
    }
}

/// What commands do that no panel has.
fn of_the_program(state: &mut State, command: Command) -> Vec<Effect> {
    let is_browsing = state.screen.mode() == Mode::Browse;
    match command {
        Command::OnePane => one_pane::toggle(state),
        Command::Difference => compare(state, Difference::next),
        Command::Split => compare(state, Difference::split),
        Command::Text => text::turn(state),
        Command::Find => find::open(state),
        Command::NextMatch | Command::PreviousMatch => find::step(state, command),
        Command::EditPrompt => prompt::open(state),
        Command::ExternalEditor => return vec![Effect::EditElsewhere(state.editor.text().to_owned())],
        Command::ReloadPrompt => return vec![Effect::ReadPromptFile],
        Command::Chat => return prompt::toggle_chat(state),
        Command::Live => return prompt::toggle_live(state),
        Command::OtherModel => {
            state.panes.focus = state.panes.focus.other();
            let panel = state.screen.panel_mut();
            if let Some(Err(why)) = panel.map(|panel| panel.refocus(&state.panes)) {
                state.note = Some(why.to_owned());
                state.screen.close();
            }
        }
        Command::Link => {
            state.panes.linked = !state.panes.linked;
            return state.panes.follow(state.panes.focus);
        }
        Command::Pin => return toggle_pin(state),
        Command::AblateHead => return ablate::toggle(state),
        Command::UndoAblation => return ablate::undo(state),
        Command::AllHeadsOn => return ablate::clear(state),
        Command::ZeroOrMean => return ablate::replace(state),
        Command::LikelierToken => append::choose(state, -1),
        Command::UnlikelierToken => append::choose(state, 1),
        Command::Sampling => append::toggle_drawn(state),
        Command::AppendNext => return append::append_token(state),
        Command::TakeBack => return append::undo_append(state),
        Command::Write => return write::begin(state, false),
        Command::WriteBoth => return write::begin(state, true),
        Command::StepBack | Command::StepForward | Command::FirstStep | Command::LastStep => {
            write::scrub(state, command);
        }
        Command::MarkSpan if is_browsing => mark_span(state),
        Command::Back if is_browsing && state.shows_text().is_some() && find::clear(state) => {}
        Command::Back if is_browsing && write::drop_awaited(state) => {}
        Command::Back if is_browsing && append::drop_queued(state) => {}
        Command::Back if is_browsing && state.panes.clear_span() => {}
        Command::Back if is_browsing && navigation::leave_difference(state) => {}
        Command::Export => {
            let shown = match state.screen.opened() {
                Opened::ScoreMap => Some(ExportContent::Map(state.screen.map.statistic)),
                Opened::Segments => Some(ExportContent::Segments(state.screen.segments.rule())),
                Opened::Sinks(_) => Some(ExportContent::Sinks),
                Opened::Shift(_) => Some(ExportContent::Shift),
                Opened::Push(_) => Some(ExportContent::Push),
                Opened::Effect(_) => Some(ExportContent::Effect),
                Opened::Patching(_) => Some(ExportContent::Patching),
                _ => state.shows_text().map(ExportContent::Text),
            };
            let dialog = ExportDialog::new(&state.panes, state.screen.difference.as_ref(), shown);
            match dialog {
                Some(dialog) => state.popup = Some(Popup::Export(dialog)),
                None => state.note = Some(NOTHING_SHOWN.to_owned()),
            }
        }
        Command::CopyRow => return copy::row(state),
        Command::CopyMatrix => return copy::matrix(state),
        Command::Cancel if state.is_exporting || state.runs_models() => {
            append::drop_queued(state);
            let models = state.runs_models().then_some(Effect::Send(Request::Cancel));
            let export = state.is_exporting.then_some(Effect::StopExport);
            return export.into_iter().chain(models).chain(state.exact_keys.stop()).collect();
        }
        Command::Cancel => loading::keep_models(state),
        Command::ModelPicker => return loading::open_picker(state),
        Command::Retry => return loading::retry(state),
        command => match state.display.changed(command) {
            Some(display) => state.display = display,
            None => {
                if state.screen.panel().is_some() {
                    state.screen.close();
                }
                if text::command(state, command) {
                    return vec![];
                }
                return navigation::navigate(state, command);
            }
        },
    }
    vec![]
}

/// Compares both panes, in the place of both and of a panel that is open.
fn compare(state: &mut State, next: fn(Option<Difference>) -> Option<Difference>) {
    if state.screen.panel().is_some() {
        state.screen.close();
    }
    state.screen.difference = next(state.screen.difference.take());
}

/// Pins what the focused pane shows in the place of the other pane, or gives the place back.
fn toggle_pin(state: &mut State) -> Vec<Effect> {
    if state.panes.pin.is_some() {
        return state.panes.unpin();
    }
    let effects = state.panes.pin(state.panes.focus, false);
    let key = state.keys.hint(Command::Pin);
    state.note = Some(match state.panes.pin {
        Some(_) => format!("pinned: the next prompt comes beside it; {key} unpins"),
        None => "there is nothing to pin yet".to_owned(),
    });
    effects
}

/// Marks one end of a span, or the other.
fn mark_span(state: &mut State) {
    let open = state.panes.mark_span(state.shows_text().is_some());
    let key = |command| state.keys.hint(command);
    state.note = match open {
        _ if state.panes.focused().shown.is_none() => Some(NOTHING_SHOWN.to_owned()),
        Some(name) => {
            let (mark, clear) = (key(Command::MarkSpan), key(Command::Back));
            Some(format!("span from {name}: {mark} at its other end, {clear} clears"))
        }
        None => None,
    };
}
