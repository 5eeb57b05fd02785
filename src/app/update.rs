//! The reducer.

use super::loading::{keep_models, load, retry};
use super::look::{follow, look, point, select};
use super::pane::Load;
use super::{
    Action, Cursor, Effect, ExportDialog, History, ListedHead, Mode, Palette, Popup, Selection, State,
    ablation, copy, difference, export, first_look, grow, layers, leaderboard, lens, one_pane, picker, pin,
    popup, prompt, span, worker,
};
use crate::config::keys::Command;
use crate::worker::protocol::{Request, Side};

/// Why a command that needs a matrix does nothing.
pub(super) const NOTHING_SHOWN: &str = "this model has not read a prompt yet";

/// Why nothing is run or found out any more.
pub(super) const NO_WORKER: &str = "the thread that runs the models has stopped: quit and start again";

/// Changes the state; what is to be done about it is returned.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    let was_pinned = state.pin.is_some();
    let mut effects = take(state, action);
    effects.extend(grow::go_on(state));
    one_pane::follow_pin(state, was_pinned);
    first_look::refresh(state);
    difference::refresh(state);
    effects.extend(leaderboard::refresh(state));
    effects.extend(lens::refresh(state));
    effects.extend(layers::refresh(state));
    effects
}

fn take(state: &mut State, action: Action) -> Vec<Effect> {
    let action = match popup::update(state, action) {
        Ok(effects) => return effects,
        Err(action) => action,
    };
    match action {
        Action::Start => {
            let wanted = Side::BOTH.into_iter().filter(|side| !state.is_absent(*side));
            let mut effects: Vec<Effect> =
                wanted.collect::<Vec<_>>().into_iter().map(|side| load(state, side)).collect();
            // In reach for this run only: it is a default, or in the history of the shell.
            state.history.remember(&state.prompt);
            effects.extend(prompt::run(state, state.prompt.clone()));
            effects
        }
        Action::Command(command) => self::command(state, command),
        Action::Edit(request) => prompt::edit(state, request),
        Action::Insert(text) => prompt::insert(state, &text),
        Action::EarlierPrompt => prompt::recall(state, History::earlier),
        Action::LaterPrompt => prompt::recall(state, History::later),
        Action::Paste(text) => prompt::paste(state, &text),
        Action::Submit => prompt::submit(state),
        Action::LeaveEditor => prompt::leave(state),
        // There is no list to choose from, and nothing was asked.
        Action::Choose(_) | Action::Pick(_) | Action::Agree => vec![],
        Action::Point { side, query, column } => {
            let cursor = Cursor { query, column };
            if !difference::point(state, cursor) {
                state.focus = side;
                point(state, side, cursor);
            }
            vec![]
        }
        Action::Look { side, view } => {
            state.focus = side;
            match state.mode {
                Mode::HeadGrid(_) => state.mode = Mode::Browse,
                Mode::Leaderboard => (state.mode, state.difference) = (Mode::Browse, None),
                _ => {}
            }
            if let Some(model) = state.pane(side).card() {
                let selection = state.pane(side).selection.at(view).within(model);
                return select(state, side, selection);
            }
            vec![]
        }
        Action::Focus(side) => {
            state.focus = side;
            vec![]
        }
        Action::Scroll { side, rows, columns } => {
            if let (Mode::HeadGrid(chosen), Some(shown)) = (state.mode, &state.pane(side).shown) {
                state.mode = Mode::HeadGrid(chosen.walked_by(rows, columns, &shown.capture.model));
                return vec![];
            }
            if state.mode == Mode::Leaderboard {
                state.leaderboard.row = state.leaderboard.row.saturating_add_signed(rows);
                return vec![];
            }
            if let Some(difference) = state.difference.as_mut().filter(|d| d.shown().is_some()) {
                difference.scroll_by(rows, columns);
                return vec![];
            }
            let pane = state.pane_mut(side);
            pane.scroll.row = pane.scroll.row.saturating_add_signed(rows);
            pane.scroll.key = pane.scroll.key.saturating_add_signed(columns);
            pane.clamp();
            vec![]
        }
        Action::Hover(hover) => {
            state.hover = hover;
            vec![]
        }
        Action::Viewport { side, viewport } => {
            state.pane_mut(side).resize(viewport);
            vec![]
        }
        Action::Zoom { side, cell, command } => {
            (state.focus, state.note) = (side, None);
            if let Some((query, column)) = cell
                && !difference::point(state, Cursor { query, column })
            {
                point(state, side, Cursor { query, column });
            }
            look(state, command)
        }
        Action::DifferenceViewport(viewport) => {
            if let Some(difference) = &mut state.difference {
                difference.fit(viewport);
            }
            vec![]
        }
        Action::HelpOverflow(rows) => {
            state.help_overflow = rows;
            state.help_row = state.help_row.min(rows);
            vec![]
        }
        Action::Tick => prompt::tick(state),
        Action::Exported(exported) => {
            export::ended(state, exported);
            vec![]
        }
        Action::Worker(event) => worker::update(state, event),
        Action::WorkerGone => {
            state.worker = false;
            for side in Side::BOTH.into_iter().filter(|side| !state.is_absent(*side)).collect::<Vec<_>>() {
                state.resident_mut(side).load = Load::Failed(NO_WORKER.to_owned());
            }
            picker::give_up(state, NO_WORKER);
            vec![]
        }
    }
}

pub(super) fn command(state: &mut State, command: Command) -> Vec<Effect> {
    (state.note, state.hover) = (None, None);
    match command {
        Command::Quit => {
            let mut effects = prompt::left_standing(state);
            effects.push(Effect::Quit);
            return effects;
        }
        Command::Suspend => return vec![Effect::Suspend],
        Command::Redraw => return vec![Effect::Redraw],
        command if state.mode == Mode::Help => match scroll_by(command) {
            Some(rows) => {
                state.help_row = state.help_row.saturating_add_signed(rows).min(state.help_overflow);
            }
            None => state.mode = Mode::Browse,
        },
        Command::Help => {
            let effects = prompt::leave(state);
            (state.mode, state.help_row, state.popup) = (Mode::Help, 0, None);
            return effects;
        }
        Command::CommandPalette => state.popup = Some(Popup::Palette(Palette::new(&state.keys))),
        Command::ToggleMouse => {
            state.mouse = !state.mouse;
            return vec![Effect::CaptureMouse(state.mouse)];
        }
        command if let Some(why) = one_pane::obstacle(state, command) => state.note = Some(why),
        Command::OnePane => one_pane::toggle(state),
        Command::Difference | Command::Split => {
            // It is in the place of both panes.
            if matches!(state.mode, Mode::HeadGrid(_) | Mode::Leaderboard | Mode::Lens) {
                state.mode = Mode::Browse;
            }
            let is_split = command == Command::Split;
            if is_split { difference::toggle_split(state) } else { difference::toggle(state) }
        }
        Command::Leaderboard if state.mode != Mode::Leaderboard => leaderboard::open(state),
        Command::SimilarHeads if state.mode != Mode::Leaderboard => leaderboard::open_like_shown(state),
        Command::Lens => lens::toggle(state),
        Command::HeadGrid if !matches!(state.mode, Mode::HeadGrid(_)) => open_head_grid(state),
        Command::EditPrompt => prompt::open(state),
        Command::Live => return prompt::toggle_live(state),
        Command::OtherModel => {
            state.focus = state.focus.other();
            if matches!(state.mode, Mode::HeadGrid(_)) {
                open_head_grid(state);
            }
        }
        Command::Link => {
            state.linked = !state.linked;
            return follow(state, state.focus);
        }
        Command::Pin => return pin::toggle(state),
        Command::AblateHead => return ablation::toggle(state),
        Command::UndoAblation => return ablation::undo(state),
        Command::AllHeadsOn => return ablation::clear(state),
        Command::LikelierToken => grow::choose(state, -1),
        Command::UnlikelierToken => grow::choose(state, 1),
        Command::Sampling => grow::toggle_drawn(state),
        Command::AppendNext => return grow::append(state),
        Command::TakeBack => return grow::take_back(state),
        Command::MarkSpan if state.mode == Mode::Browse => span::mark(state),
        Command::Back if state.mode == Mode::Browse && grow::drop_queued(state) => {}
        Command::Back if state.mode == Mode::Browse && span::clear(state) => {}
        Command::Back if state.mode == Mode::Browse && difference::leave(state) => {}
        Command::Export => match ExportDialog::new(state) {
            Some(dialog) => state.popup = Some(Popup::Export(dialog)),
            None => state.note = Some(NOTHING_SHOWN.to_owned()),
        },
        Command::CopyRow => return copy::row(state),
        Command::CopyMatrix => return copy::matrix(state),
        Command::Cancel if state.is_exporting || state.runs_models() => {
            grow::drop_queued(state);
            let models = state.runs_models().then_some(Effect::Send(Request::Cancel));
            return state.is_exporting.then_some(Effect::StopExport).into_iter().chain(models).collect();
        }
        Command::Cancel => keep_models(state),
        Command::ModelPicker => return picker::open(state),
        Command::Retry => return retry(state),
        Command::NextColorMap => return vec![Effect::NextColorMap],
        command => match state.rules.changed(command) {
            Some(rules) => state.rules = rules,
            None => match state.mode {
                Mode::HeadGrid(chosen) => return in_head_grid(state, chosen, command),
                Mode::Leaderboard => return in_leaderboard(state, command),
                Mode::Lens => return in_lens(state, command),
                _ => return look(state, command),
            },
        },
    }
    vec![]
}

/// All heads of the focused model, once it has run a prompt.
fn open_head_grid(state: &mut State) {
    let pane = state.focused();
    state.mode = match &pane.shown {
        Some(shown) => Mode::HeadGrid(pane.selection.walked_by(0, 0, &shown.capture.model)),
        None => {
            state.note = Some(NOTHING_SHOWN.to_owned());
            Mode::Browse
        }
    };
}

/// Walks over the heads, opens the one that is chosen, or leaves.
fn in_head_grid(state: &mut State, chosen: Selection, command: Command) -> Vec<Effect> {
    state.mode = Mode::Browse;
    let Some(shown) = &state.focused().shown else { return vec![] };
    let model = &shown.capture.model;
    let chosen = chosen.within(model);
    if let Some(chosen) = chosen.walked(command, model) {
        state.mode = Mode::HeadGrid(chosen);
        return vec![];
    }
    match command {
        Command::ValueWeighted => {
            let selection = state.focused().selection;
            let effects = selection.changed(command, None).map(|changed| select(state, state.focus, changed));
            let is_value_weighted = state.focused().selection.is_value_weighted;
            state.mode = Mode::HeadGrid(Selection { is_value_weighted, ..chosen });
            effects.unwrap_or_default()
        }
        Command::Open => select(state, state.focus, chosen),
        Command::Back | Command::HeadGrid => vec![],
        command => look(state, command),
    }
}

/// Walks over the list of heads, changes it, opens the one that is chosen, or leaves.
fn in_leaderboard(state: &mut State, command: Command) -> Vec<Effect> {
    match leaderboard::command(state, command) {
        Some(Some(ListedHead { side, entry })) => {
            (state.focus, state.difference) = (side, None);
            select(state, side, state.pane(side).selection.at(entry.view()))
        }
        Some(None) => vec![],
        None => {
            state.mode = Mode::Browse;
            look(state, command)
        }
    }
}

/// Goes to another token, or leaves.
fn in_lens(state: &mut State, command: Command) -> Vec<Effect> {
    if lens::command(state, command) {
        return vec![];
    }
    state.mode = Mode::Browse;
    look(state, command)
}

/// Rows that a command scrolls the help by.
fn scroll_by(command: Command) -> Option<isize> {
    match command {
        Command::CursorUp => Some(-1),
        Command::CursorDown => Some(1),
        Command::PageUp => Some(-10),
        Command::PageDown => Some(10),
        Command::RowStart => Some(isize::MIN),
        Command::RowEnd => Some(isize::MAX),
        _ => None,
    }
}
