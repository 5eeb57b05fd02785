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
        None => state.screen.mode() == Mode::EditPrompt,
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
        // Whatever scrolls, scrolls; anything else closes the help, even what would quit.
        Mode::Help => match command {
            Some(Command::Quit) | None => Some(Action::Command(Command::Help)),
            Some(command) => Some(Action::Command(command)),
        },
        Mode::EditPrompt => edit(key),
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
        (KeyCode::Home, _) => GoToStart,
        (KeyCode::End, _) => GoToEnd,
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
    if let Some(command) = zooms(event, hit, layout) {
        return command.and_then(|command| zoom(hit, command));
    }
    let sideways = event.modifiers.contains(KeyModifiers::SHIFT);
    let by = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => return of_click(hit),
        MouseEventKind::Drag(MouseButton::Left) => {
            return of_click(hit).filter(|action| matches!(action, Action::Point { .. }));
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
        Hit::Thumbnail { side, view } => Action::ShowView { side, view },
        Hit::Pane(side) => Action::Focus(side),
        Hit::Prompt => Action::Command(Command::EditPrompt),
        Hit::Row(row) => Action::Pick(row),
        Hit::Popup => return None,
        Hit::Behind => Action::LeaveEditor,
    })
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;
    use crate::app::{Side, update};
    use crate::config::keys::Keys;

    fn in_mode(mode: Mode) -> State {
        let mut state = State::new("a".into(), "b".into(), String::new(), Keys::default(), true);
        let opens = match mode {
            Mode::EditPrompt => Some(Command::EditPrompt),
            Mode::Help => Some(Command::Help),
            Mode::Browse | Mode::Panel => None,
        };
        let _ = opens.map(|command| update(&mut state, Action::Command(command)));
        state
    }

    fn pressed(mode: Mode, key: &str) -> Option<Action> {
        of_key(key.parse().unwrap(), &in_mode(mode))
    }

    #[test]
    fn while_the_prompt_is_edited_characters_are_text() {
        for key in ["q", "?", "[", "space", "m"] {
            let action = pressed(Mode::EditPrompt, key);
            assert!(matches!(action, Some(Action::Edit(InputRequest::InsertChar(_)))), "{key}: {action:?}");
        }
        assert!(matches!(pressed(Mode::EditPrompt, "ctrl-c"), Some(Action::Command(Command::Quit))));
        assert!(matches!(pressed(Mode::EditPrompt, "ctrl-z"), Some(Action::Command(Command::Suspend))));
        assert!(matches!(pressed(Mode::EditPrompt, "ctrl-l"), Some(Action::Command(Command::Redraw))));
        assert!(matches!(pressed(Mode::EditPrompt, "enter"), Some(Action::Submit)));
        assert!(matches!(pressed(Mode::EditPrompt, "esc"), Some(Action::LeaveEditor)));
        assert!(matches!(
            pressed(Mode::EditPrompt, "ctrl-w"),
            Some(Action::Edit(InputRequest::DeletePrevWord))
        ));
        for key in ["alt-enter", "shift-enter", "ctrl-j"] {
            let pressed = pressed(Mode::EditPrompt, key);
            assert!(matches!(pressed, Some(Action::Edit(InputRequest::InsertChar('\n')))), "{key}");
        }
        assert!(matches!(pressed(Mode::EditPrompt, "ctrl-t"), Some(Action::Command(Command::Live))));
        assert!(matches!(pressed(Mode::EditPrompt, "up"), Some(Action::EarlierPrompt)));
        assert!(matches!(pressed(Mode::EditPrompt, "down"), Some(Action::LaterPrompt)));
        assert!(pressed(Mode::EditPrompt, "pageup").is_none());
    }

    #[test]
    fn over_the_help_q_closes_and_ctrl_c_still_quits() {
        assert!(matches!(pressed(Mode::Help, "q"), Some(Action::Command(Command::Help))));
        assert!(matches!(pressed(Mode::Help, "f9"), Some(Action::Command(Command::Help))));
        assert!(matches!(pressed(Mode::Help, "down"), Some(Action::Command(Command::CursorDown))));
        assert!(matches!(pressed(Mode::Help, "ctrl-c"), Some(Action::Command(Command::Quit))));
    }

    #[test]
    fn in_a_popup_characters_search_and_arrows_choose() {
        let mut state = in_mode(Mode::Browse);
        let _ = update(&mut state, Action::Command(Command::CommandPalette));
        let press = |key: &str| of_key(key.parse().unwrap(), &state);
        for key in ["q", ":", "?", "[", "space"] {
            assert!(matches!(press(key), Some(Action::Edit(InputRequest::InsertChar(_)))), "{key}");
        }
        assert!(matches!(press("up"), Some(Action::Choose(-1))));
        assert!(matches!(press("ctrl-n"), Some(Action::Choose(1))));
        assert!(matches!(press("ctrl-p"), Some(Action::Choose(-1))));
        assert!(matches!(press("pagedown"), Some(Action::Choose(10))));
        assert!(matches!(press("enter"), Some(Action::Submit)));
        assert!(matches!(press("esc"), Some(Action::LeaveEditor)));
        assert!(matches!(press("ctrl-c"), Some(Action::Command(Command::Quit))));
        assert!(matches!(press("ctrl-x"), Some(Action::Command(Command::Cancel))));
    }

    #[test]
    fn a_popup_takes_the_mouse() {
        let mut state = in_mode(Mode::Browse);
        let _ = update(&mut state, Action::Command(Command::CommandPalette));
        let layout = ui::layout(&state, Rect::new(0, 0, 100, 40));
        let list = layout.popup.as_ref().unwrap().list;
        let mouse = |kind, column, row| {
            action(
                &Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }),
                &state,
                &layout,
            )
        };
        let click = MouseEventKind::Down(MouseButton::Left);
        assert!(matches!(mouse(click, list.x, list.y + 1), Some(Action::Pick(1))));
        assert!(mouse(click, list.x, list.y - 1).is_none());
        assert!(matches!(mouse(click, 0, 10), Some(Action::LeaveEditor)));
        assert!(matches!(mouse(MouseEventKind::ScrollDown, list.x, list.y), Some(Action::Choose(1))));
        assert!(mouse(MouseEventKind::ScrollDown, 0, 10).is_none());
    }

    #[test]
    fn what_is_not_bound_does_nothing() {
        assert!(pressed(Mode::Browse, "f9").is_none());
        assert!(matches!(pressed(Mode::Browse, "]"), Some(Action::Command(Command::NextLayer))));
    }

    fn mouse(kind: MouseEventKind, column: u16, row: u16, modifiers: KeyModifiers) -> Option<Action> {
        let state = in_mode(Mode::Browse);
        let layout = ui::layout(&state, Rect::new(0, 0, 100, 40));
        action(&Event::Mouse(MouseEvent { kind, column, row, modifiers }), &state, &layout)
    }

    #[test]
    fn the_mouse_does_what_is_under_it() {
        let click = MouseEventKind::Down(MouseButton::Left);
        let none = KeyModifiers::NONE;
        assert!(matches!(mouse(click, 75, 10, none), Some(Action::Focus(Side::Right))));
        assert!(matches!(mouse(click, 10, 37, none), Some(Action::Command(Command::EditPrompt))));
        assert!(mouse(click, 10, 0, none).is_none());
        let Some(Action::Scroll { side, rows, columns }) = mouse(MouseEventKind::ScrollDown, 10, 10, none)
        else {
            panic!("the wheel scrolls");
        };
        assert_eq!((side, rows, columns), (Side::Left, WHEEL, 0));
        let Some(Action::Scroll { rows, columns, .. }) =
            mouse(MouseEventKind::ScrollUp, 10, 10, KeyModifiers::SHIFT)
        else {
            panic!("the wheel scrolls");
        };
        assert_eq!((rows, columns), (0, -WHEEL));
    }

    #[test]
    fn the_mouse_is_over_something_else_once_and_not_at_every_move() {
        let mut state = in_mode(Mode::Browse);
        state.editor.draft = "ab".into();
        let layout = ui::layout(&state, Rect::new(0, 0, 100, 40));
        let moved = |state: &State, column, row| {
            let (kind, modifiers) = (MouseEventKind::Moved, KeyModifiers::NONE);
            action(&Event::Mouse(MouseEvent { kind, column, row, modifiers }), state, &layout)
        };
        assert!(moved(&state, 10, 10).is_none(), "over nothing, as before");
        let over = moved(&state, 5, 37).unwrap();
        assert!(matches!(over, Action::Hover(Some(Hover::Text(1)))), "{over:?}");
        let _ = update(&mut state, over);
        assert!(moved(&state, 5, 37).is_none());
        assert!(matches!(moved(&state, 10, 10), Some(Action::Hover(None))));
    }

    #[test]
    fn the_wheel_zooms_with_ctrl_and_where_there_is_nothing_to_move_over() {
        let state = in_mode(Mode::Browse);
        let mut layout = ui::layout(&state, Rect::new(0, 0, 100, 40));
        let turned = |layout: &Layout, kind, modifiers| {
            let event = MouseEvent { kind, column: 20, row: 10, modifiers };
            match action(&Event::Mouse(event), &state, layout) {
                Some(Action::Zoom { side: Side::Left, cell, command }) => Some((cell.is_some(), command)),
                Some(Action::Scroll { .. }) | None => None,
                other => panic!("{other:?}"),
            }
        };
        let (up, down) = (MouseEventKind::ScrollUp, MouseEventKind::ScrollDown);
        let (none, held) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        assert_eq!(turned(&layout, up, none), None);
        assert_eq!(turned(&layout, up, held), Some((false, Command::ZoomIn)));
        assert_eq!(turned(&layout, down, held), Some((false, Command::ZoomOut)));
        let ui::Body::Panes([Some(pane), _]) = &mut layout.body else { panic!("both panes are there") };
        pane.overview = Some(ui::Overview { area: pane.body, size: 100, bin: 2, sink: false, words: false });
        assert_eq!(turned(&layout, up, none), Some((true, Command::ZoomIn)));
        assert_eq!(turned(&layout, down, none), None);
    }

    #[test]
    fn a_click_closes_the_help() {
        let mut state = in_mode(Mode::Help);
        let layout = ui::layout(&state, Rect::new(0, 0, 100, 40));
        let kind = MouseEventKind::Down(MouseButton::Left);
        let event = Event::Mouse(MouseEvent { kind, column: 10, row: 10, modifiers: KeyModifiers::NONE });
        let action = action(&event, &state, &layout).unwrap();
        let _ = update(&mut state, action);
        assert_eq!(state.screen.mode(), Mode::Browse);
    }
}
