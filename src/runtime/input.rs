//! From what the terminal reports to an action: pure functions of the event, the mode, and the layout.

use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;
use tui_input::InputRequest;

use crate::app::{Action, Cursor, Hover, Mode, Popup, Stage, State};
use crate::config::keys::{Command, Key, KeyCode};
use crate::terminal;
use crate::ui::{self, Hit, Layout};

/// Cells that a turn of the wheel moves by.
const WHEEL: isize = 3;
/// Rows of a list that a page is.
const PAGE: isize = 10;

/// What an event means; nothing if it means nothing here.
pub fn action(event: &Event, state: &State, layout: &Layout) -> Option<Action> {
    match event {
        Event::Key(event) => of_key(terminal::key(*event)?, state),
        Event::Paste(text) => Some(Action::Paste(text.clone())),
        Event::Mouse(event) => of_mouse(*event, state, layout),
        Event::Resize(..) | Event::FocusGained | Event::FocusLost => None,
    }
}

/// Whether all characters are text now, so that those typed in a row can be taken together.
pub fn takes_text(state: &State) -> bool {
    match &state.popup {
        Some(popup) => popup.is_choosing(),
        None => matches!(state.screen.mode(), Mode::EditPrompt | Mode::Find),
    }
}

/// What typed characters mean, which are one unless all are text (`takes_text`).
pub fn typed(text: String, state: &State) -> Option<Action> {
    if takes_text(state) {
        return Some(Action::Insert(text));
    }
    of_key(Key::plain(KeyCode::Char(text.chars().next()?)), state)
}

/// What a key means in the current mode.
pub fn of_key(key: Key, state: &State) -> Option<Action> {
    let command = state.keys.command(key);
    // What types no character works in every mode.
    let anywhere = matches!(
        command,
        Some(
            Command::Quit
                | Command::Suspend
                | Command::Redraw
                | Command::Help
                | Command::ToggleMouse
                | Command::Live
                | Command::Cancel
        )
    );
    let of_editor = matches!(command, Some(Command::ExternalEditor | Command::ReloadPrompt));
    match state.screen.mode() {
        _ if let Some(popup) = &state.popup
            && !(anywhere && key.typed().is_none()) =>
        {
            if popup.is_choosing() {
                in_popup(key)
            } else {
                answer(key, popup)
            }
        }
        Mode::Browse | Mode::Panel => command.map(Action::Command),
        _ if anywhere && key.typed().is_none() => command.map(Action::Command),
        Mode::EditPrompt if of_editor && key.typed().is_none() => command.map(Action::Command),
        // Whatever scrolls, scrolls; anything else closes the help, even what would quit.
        Mode::Help => match command {
            Some(Command::Quit) | None => Some(Action::Command(Command::Help)),
            Some(command) => Some(Action::Command(command)),
        },
        Mode::EditPrompt | Mode::Find => edit(key),
    }
}

/// What answers the model picker: a download is never agreed to by a key that is pressed twice by mistake.
fn answer(key: Key, popup: &Popup) -> Option<Action> {
    let Popup::Picker(picker) = popup else { return None };
    match (key.code, &picker.stage) {
        (KeyCode::Esc, _) | (KeyCode::Char('n' | 'N'), Stage::Asking { .. }) => Some(Action::LeaveEditor),
        (KeyCode::Char('y' | 'Y'), Stage::Asking { .. }) => Some(Action::Agree),
        (KeyCode::Enter, Stage::TooLarge { .. } | Stage::Failed { .. }) => Some(Action::Submit),
        _ => None,
    }
}

/// What searches a list and chooses from it.
fn in_popup(key: Key) -> Option<Action> {
    Some(match (key.code, key.ctrl) {
        (KeyCode::Up, _) | (KeyCode::Char('p'), true) => Action::Choose(-1),
        (KeyCode::Down, _) | (KeyCode::Char('n'), true) => Action::Choose(1),
        (KeyCode::PageUp, _) => Action::Choose(-PAGE),
        (KeyCode::PageDown, _) => Action::Choose(PAGE),
        _ => return edit(key),
    })
}

fn edit(key: Key) -> Option<Action> {
    use InputRequest::*;
    let request = match (key.code, key.ctrl || key.alt) {
        (KeyCode::Enter, false) if !key.shift => return Some(Action::Submit),
        (KeyCode::Enter, _) => InsertChar('\n'),
        (KeyCode::Esc, _) => return Some(Action::LeaveEditor),
        (KeyCode::Up, _) => return Some(Action::EarlierPrompt),
        (KeyCode::Down, _) => return Some(Action::LaterPrompt),
        (KeyCode::Left, false) => GoToPrevChar,
        (KeyCode::Right, false) => GoToNextChar,
        (KeyCode::Left, true) => GoToPrevWord,
        (KeyCode::Right, true) => GoToNextWord,
        (KeyCode::Home, false) => GoToStart,
        (KeyCode::End, false) => GoToEnd,
        (KeyCode::Home, true) => SetCursor(0),
        (KeyCode::End, true) => SetCursor(usize::MAX),
        (KeyCode::Backspace, false) => DeletePrevChar,
        (KeyCode::Delete, false) => DeleteNextChar,
        (KeyCode::Backspace, true) => DeletePrevWord,
        (KeyCode::Delete, true) => DeleteNextWord,
        (KeyCode::Char(c), false) => InsertChar(c),
        (KeyCode::Char(c), true) => match (key.ctrl, c) {
            (true, 'a') => GoToStart,
            (true, 'e') => GoToEnd,
            (true, 'b') => GoToPrevChar,
            (true, 'f') => GoToNextChar,
            (true, 'w') => DeletePrevWord,
            (true, 'u') => DeleteLine,
            (true, 'k') => DeleteTillEnd,
            (true, 'y') => Yank,
            (true, 'd') => DeleteNextChar,
            (true, 'h') => DeletePrevChar,
            // A line feed, which some terminals send for Ctrl-Enter, too.
            (true, 'j') => InsertChar('\n'),
            (false, 'b') => GoToPrevWord,
            (false, 'f') => GoToNextWord,
            (false, 'd') => DeleteNextWord,
            _ => return None,
        },
        _ => return None,
    };
    Some(Action::Edit(request))
}

fn of_mouse(event: MouseEvent, state: &State, layout: &Layout) -> Option<Action> {
    let click = matches!(event.kind, MouseEventKind::Down(MouseButton::Left));
    if state.screen.mode() == Mode::Help {
        return click.then_some(Action::Command(Command::Help));
    }
    let at = Position::new(event.column, event.row);
    if event.kind == MouseEventKind::Moved {
        let hover = hover(at, state, layout);
        return (hover != state.hover).then_some(Action::Hover(hover));
    }
    let hit = layout.hit(at)?;
    if let (true, Hit::Prompt, Some(place)) = (click, hit, ui::editor_place(state, layout, at)) {
        return Some(Action::Edit(InputRequest::SetCursor(place)));
    }
    if let Some(command) = zooms(event, hit, layout) {
        return command.and_then(|command| zoom(hit, command));
    }
    let sideways = event.modifiers.contains(KeyModifiers::SHIFT);
    let by = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => return of_click(hit),
        MouseEventKind::Drag(MouseButton::Left) => {
            let points =
                |action: &Action| matches!(action, Action::Point { .. } | Action::PointToToken { .. });
            return of_click(hit).filter(points);
        }
        MouseEventKind::ScrollUp if !sideways => (-WHEEL, 0),
        MouseEventKind::ScrollDown if !sideways => (WHEEL, 0),
        MouseEventKind::ScrollUp | MouseEventKind::ScrollLeft => (0, -WHEEL),
        MouseEventKind::ScrollDown | MouseEventKind::ScrollRight => (0, WHEEL),
        _ => return None,
    };
    let side = match hit {
        Hit::Row(_) | Hit::Popup => return (by.0 != 0).then_some(Action::Choose(by.0.signum())),
        _ => hit.side()?,
    };
    Some(Action::Scroll { side, rows: by.0, columns: by.1 })
}

/// What the mouse lights: a cell, or a token of the prompt.
fn hover(at: Position, state: &State, layout: &Layout) -> Option<Hover> {
    match layout.hit(at)? {
        Hit::Cell { side, query, column } => Some(Hover::Cell { side, cell: Cursor { query, column } }),
        Hit::Token { side, token } => Some(Hover::Token { side, token }),
        Hit::Prompt => ui::prompt_byte(state, layout, at).map(Hover::Text),
        _ => None,
    }
}

/// What the wheel zooms by: with Ctrl, and where all of a matrix is on screen, so that there is nothing to
/// move over. There it can't zoom out any further.
fn zooms(event: MouseEvent, hit: Hit, layout: &Layout) -> Option<Option<Command>> {
    let pane = layout.pane(hit.side()?)?;
    let (held, is_whole) = (event.modifiers.contains(KeyModifiers::CONTROL), pane.overview.is_some());
    let command = match event.kind {
        MouseEventKind::ScrollUp => Some(Command::ZoomIn),
        MouseEventKind::ScrollDown => Some(Command::ZoomOut).filter(|_| !is_whole),
        MouseEventKind::ScrollLeft | MouseEventKind::ScrollRight => None,
        _ => return None,
    };
    (held || is_whole).then_some(command)
}

fn zoom(hit: Hit, command: Command) -> Option<Action> {
    let cell = match hit {
        Hit::Cell { query, column, .. } => Some((query, column)),
        _ => None,
    };
    Some(Action::Zoom { side: hit.side()?, cell, command })
}

fn of_click(hit: Hit) -> Option<Action> {
    Some(match hit {
        Hit::Cell { side, query, column } => Action::Point { side, query, column },
        Hit::Token { side, token } => Action::PointToToken { side, token },
        Hit::Thumbnail { side, view } => Action::ShowView { side, view },
        Hit::PanelCell { side, row, column } => Action::ChooseCell { side, row, column },
        Hit::Pane(side) => Action::Focus(side),
        Hit::Prompt => Action::Command(Command::EditPrompt),
        Hit::Row(row) => Action::Pick(row),
        Hit::Popup => return None,
        Hit::Behind => Action::LeaveEditor,
    })
}

#[cfg(test)]
mod tests;
