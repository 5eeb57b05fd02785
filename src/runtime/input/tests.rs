//! What events mean, in each mode.

use ratatui::layout::Rect;

use super::*;
use crate::app::{Side, update};
use crate::config::keys::Keys;

fn in_mode(mode: Mode) -> State {
    let mut state = State::new("a".into(), "b".into(), String::new(), Keys::default(), true);
    let opens = match mode {
        Mode::EditPrompt => Some(Command::EditPrompt),
        Mode::Help => Some(Command::Help),
        Mode::Browse | Mode::Panel | Mode::Find => None,
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
    assert!(matches!(pressed(Mode::EditPrompt, "ctrl-w"), Some(Action::Edit(InputRequest::DeletePrevWord))));
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
    let Some(Action::Scroll { side, rows, columns }) = mouse(MouseEventKind::ScrollDown, 10, 10, none) else {
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
    pane.overview = Some(ui::Overview::with_pixels(pane.body, (100, 2), false, false));
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
