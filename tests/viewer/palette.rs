//! The command palette: what typing and choosing do, and how it looks.

use attnscope::app::{Action, Mode, Opened, Popup, State, update};
use attnscope::attention::View;
use attnscope::config::keys::Command;
use ratatui::style::Modifier;
use tui_input::InputRequest;

use crate::fixture::*;
use crate::screens::{assert_screen, draw, text};

fn type_text(state: &mut State, text: &str) {
    for c in text.chars() {
        act(state, Action::Edit(InputRequest::InsertChar(c)));
    }
}

fn chosen(state: &State) -> Option<Command> {
    let Some(Popup::Palette(palette)) = &state.popup else { return None };
    palette.command()
}

/// The palette with something typed.
fn typed(text: &str) -> State {
    let mut state = captured();
    press(&mut state, ":");
    type_text(&mut state, text);
    state
}

#[test]
fn a_command_is_found_by_its_name_by_what_it_does_and_by_its_key() {
    for (text, command) in [
        ("", Command::CursorUp),
        ("next layer", Command::NextLayer),
        ("nxtlay", Command::NextLayer),
        ("logarithm", Command::ColorScale),
        ("}", Command::NextHead),
        ("ctrl-x", Command::Cancel),
        ("quit", Command::Quit),
    ] {
        assert_eq!(chosen(&typed(text)), Some(command), "{text}");
    }
    assert_eq!(chosen(&typed("xyzzy")), None);
}

#[test]
fn enter_does_what_the_key_would() {
    let mut state = typed("go deeper");
    act(&mut state, Action::Submit);
    assert!(state.popup.is_none());
    assert_eq!(state.focused().selection.view(), View::Layer(0));
    assert_eq!(state.editor.text(), PROMPT.concat(), "nothing was typed into the prompt");
}

#[test]
fn a_command_that_makes_no_sense_says_why() {
    for (command, why) in [
        ("take back", "nothing"),
        ("stop the loads", "nothing is under way"),
        ("try again", "nothing has failed"),
        ("all of a long prompt", "all of it is on screen"),
    ] {
        let mut state = typed(command);
        state.panes.both.iter_mut().for_each(|pane| pane.viewport.keys = 99);
        state.panes.both.iter_mut().for_each(|pane| pane.viewport.rows = 99);
        act(&mut state, Action::Submit);
        let note = state.note.clone().unwrap_or_default();
        assert!(note.contains(why), "{command}: {note}");
    }
    let mut state = loaded();
    for command in [Command::HeadGrid, Command::CopyRow, Command::CursorUp] {
        act(&mut state, Action::Command(command));
        assert_eq!(state.note.as_deref(), Some("this model has not read a prompt yet"), "{command:?}");
    }
}

#[test]
fn rows_are_walked_and_clicked_and_esc_leaves() {
    let mut state = typed("");
    act(&mut state, Action::Choose(2));
    assert_eq!(chosen(&state), Some(Command::CursorLeft));
    act(&mut state, Action::Choose(-9));
    assert_eq!(chosen(&state), Some(Command::CursorUp));
    act(&mut state, Action::Pick(999));
    assert!(state.popup.is_some(), "there is no such row");
    type_text(&mut state, "head grid");
    act(&mut state, Action::Pick(0));
    assert!(state.popup.is_none() && matches!(state.screen.opened(), Opened::Grid(_)));
    press(&mut state, ":");
    act(&mut state, Action::LeaveEditor);
    assert!(state.popup.is_none() && matches!(state.screen.opened(), Opened::Grid(_)), "what is below stays");
}

#[test]
fn nothing_left_is_nothing_done_and_a_paste_is_typed() {
    let mut state = typed("xyzzy");
    assert!(update(&mut state, Action::Submit).is_empty());
    assert!(state.popup.is_some());
    act(&mut state, Action::Edit(InputRequest::DeleteLine));
    act(&mut state, Action::Paste("qu\nit".into()));
    assert_eq!(chosen(&state), Some(Command::Quit));
    assert_eq!(state.screen.mode(), Mode::Browse);
}

#[test]
fn how_it_looks() {
    assert_screen!("palette", typed(""), (120, 40));
    assert_screen!("palette_with_something_typed", typed("layer"), (80, 24));
    assert_screen!("palette_with_nothing_left", typed("xyzzy"), (80, 24));
    let mut state = typed("");
    act(&mut state, Action::Choose(15));
    assert_screen!("palette_on_a_small_screen", state, (30, 10));
}

#[test]
fn what_was_typed_is_marked_and_not_by_colour_alone() {
    let terminal = draw(&mut typed("quit"), (100, 30));
    let buffer = terminal.backend().buffer();
    let marked: String = buffer
        .content
        .iter()
        .filter(|cell| cell.modifier.contains(Modifier::UNDERLINED))
        .map(|cell| cell.symbol())
        .take(4)
        .collect();
    assert_eq!(marked, "quit", "in {}", text(buffer));
}
