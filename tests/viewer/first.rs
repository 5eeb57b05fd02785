//! What one meets first: the editor with the old text selected, the cursor's first place, one pane at full width.

use attnscope::app::{Action, Column, Cursor, Effect, Load, Mode, Side, State, Zoom, update};
use attnscope::attention::{Ablation, Normalisation};
use attnscope::config::keys::{Command, Keys};
use attnscope::runtime::sync_layout;
use attnscope::worker::protocol::{Event, Request, Slot};
use ratatui::layout::Rect;
use tui_input::InputRequest::{self, *};

use crate::fixture::*;

fn edit(state: &mut State, requests: &[InputRequest]) {
    requests.iter().for_each(|request| {
        act(state, Action::Edit(*request));
    });
}

/// What the editor holds when it was opened, and then these keys were pressed.
fn edited(requests: &[InputRequest]) -> String {
    let mut state = captured();
    press(&mut state, "i");
    assert!(state.editor.is_selected);
    edit(&mut state, requests);
    assert!(!state.editor.is_selected, "{requests:?}");
    state.editor.text().to_owned()
}

#[test]
fn what_is_typed_takes_the_place_of_the_old_text() {
    assert_eq!(edited(&[InsertChar('a'), InsertChar('b')]), "ab");
    assert_eq!(edited(&[InsertChar('日')]), "日");
    assert_eq!(edited(&[InsertChar('\n')]), "\n");
    for delete in [DeletePrevChar, DeleteNextChar, DeleteLine] {
        assert_eq!(edited(&[delete]), "", "{delete:?}");
        assert_eq!(edited(&[delete, InsertChar('a')]), "a", "{delete:?}");
        assert_eq!(edited(&[delete, Yank]), PROMPT.concat(), "{delete:?}: it can be brought back");
    }
}

#[test]
fn characters_typed_in_a_row_do_what_each_of_them_does() {
    let places = [("i", "editor"), (":", "palette"), ("M", "picker"), ("e", "export")];
    for (opens, place) in places {
        let mut together = captured();
        press(&mut together, opens);
        let mut apart = together.clone();
        act(&mut together, Action::Insert("layé日".to_owned()));
        "layé日".chars().for_each(|c| edit(&mut apart, &[InsertChar(c)]));
        let shown = |state: &State| {
            let chooser = state.popup.as_ref().map(|popup| popup.list());
            let line = chooser.map_or(&state.editor.draft, |chooser| &chooser.line);
            let found =
                chooser.map(|chooser| (chooser.found.clone(), chooser.chosen, chooser.refused.clone()));
            (
                line.value().to_owned(),
                line.cursor(),
                found,
                state.editor.is_selected,
                state.editor.refused.clone(),
            )
        };
        assert_eq!(shown(&together), shown(&apart), "{place}");
        assert!(shown(&together).0.ends_with("layé日"), "{place}");
        // As much as there is room for, and then it says so.
        act(&mut together, Action::Insert("x".repeat(2 << 20)));
        let popup = together.popup.as_ref().map(|popup| popup.list());
        let (length, refused) = popup.map_or_else(
            || (together.editor.draft.value().len(), together.editor.refused.clone()),
            |chooser| (chooser.line.value().len(), chooser.refused.clone()),
        );
        assert_eq!(length, if popup.is_some() { 4096 } else { 1 << 20 }, "{place}");
        assert!(refused.unwrap().starts_with("too long: "), "{place}");
    }
}

#[test]
fn what_moves_keeps_the_old_text() {
    for (moves, expected) in [
        (GoToPrevChar, "write a story about AxI"),
        (GoToNextChar, "write a story about AIx"),
        (GoToStart, "xwrite a story about AI"),
        (GoToEnd, "write a story about AIx"),
        (GoToPrevWord, "write a story about xAI"),
    ] {
        assert_eq!(edited(&[moves, InsertChar('x')]), expected, "{moves:?}");
    }
    assert_eq!(edited(&[DeletePrevWord]), "write a story about ");
    assert_eq!(edited(&[Yank]), PROMPT.concat(), "there is nothing to paste");
}

#[test]
fn both_keys_and_a_paste_select_and_enter_runs_the_text_as_it_is() {
    for key in ["i", "/"] {
        let mut state = captured();
        press(&mut state, key);
        act(&mut state, Action::Paste("two\r\nlines".into()));
        assert_eq!((state.editor.text(), state.screen.mode()), ("two\nlines", Mode::EditPrompt));
    }
    let mut state = captured();
    act(&mut state, Action::Paste("pasted".into()));
    assert_eq!(
        (state.editor.text(), state.screen.mode()),
        ("pasted", Mode::EditPrompt),
        "a paste opens the editor"
    );
    act(&mut state, Action::Paste(" twice".into()));
    assert_eq!(state.editor.text(), "pasted twice");

    let mut state = captured();
    press(&mut state, "i");
    act(&mut state, Action::Paste(String::new()));
    assert!(state.editor.is_selected, "nothing was pasted");
    let effects = update(&mut state, Action::Submit);
    assert_eq!(runs(&effects)[0].1, PROMPT.concat());
    assert!(!state.editor.is_selected);
    for leave in [Action::LeaveEditor, Action::Command(Command::Help)] {
        let mut state = captured();
        press(&mut state, "i");
        act(&mut state, leave);
        assert_eq!((state.editor.is_selected, state.editor.text()), (false, PROMPT.concat().as_str()));
    }
}

#[test]
fn a_text_that_was_not_run_is_not_selected_and_neither_is_none() {
    let mut state = captured();
    press(&mut state, "i");
    edit(&mut state, &[InsertChar('a')]);
    act(&mut state, Action::LeaveEditor);
    press(&mut state, "i");
    edit(&mut state, &[InsertChar('b')]);
    assert_eq!(state.editor.text(), "ab", "it goes on");
    edit(&mut state, &[DeleteLine]);
    act(&mut state, Action::Submit);
    press(&mut state, "i");
    assert!(!state.editor.is_selected);
    act(&mut state, Action::EarlierPrompt);
    edit(&mut state, &[InsertChar('!')]);
    assert!(state.editor.text().ends_with('!') && state.editor.text().len() > 1, "an earlier prompt goes on");
    let mut state = captured();
    press(&mut state, "i");
    act(&mut state, Action::EarlierPrompt);
    edit(&mut state, &[InsertChar('!')]);
    assert_eq!(state.editor.text(), PROMPT.concat() + "!", "with none before it, this one");
}

/// The largest value that the last row of a pane gives to a token.
fn strongest(state: &State, side: Side, rule: Normalisation) -> Cursor {
    let matrix = state.pane(side).shown.as_ref().unwrap().matrix();
    let query = matrix.size() - 1;
    let row = rule.row(matrix, query);
    let (key, _) = row.keys().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    Cursor { query, column: Column::Key(key) }
}

#[test]
fn the_cursor_is_first_on_the_strongest_cell_of_the_last_row_and_never_on_the_sink() {
    for focus in Side::BOTH {
        for rule in Normalisation::ALL {
            let mut state = loaded();
            (state.panes.focus, state.display.normalisation) = (focus, rule);
            captured_as(&mut state, &PROMPT, &PROMPT);
            let expected = strongest(&state, focus, rule);
            assert_eq!(Side::BOTH.map(|side| state.pane(side).cursor), [expected; 2], "{focus} {rule:?}");
        }
    }
    let mut state = loaded();
    state.panes.linked = false;
    captured_as(&mut state, &PROMPT, &PROMPT);
    for side in Side::BOTH {
        assert_eq!(state.pane(side).cursor, strongest(&state, side, Normalisation::Raw), "each its own");
    }
}

#[test]
fn a_row_with_nothing_left_has_its_cursor_on_the_first_token() {
    let mut state = loaded();
    state.display.normalisation = Normalisation::WithoutFirst;
    captured_as(&mut state, &["AI"], &["AI"]);
    assert_eq!(state.focused().cursor, Cursor { query: 0, column: Column::Key(0) });
}

#[test]
fn a_text_that_grows_keeps_the_cell_that_the_user_chose_and_else_goes_to_the_newest_row() {
    let grown = ["write", " a", " story", " about", " AI", " research"];
    let mut state = captured();
    press(&mut state, ".");
    captured_as(&mut state, &grown, &grown);
    assert_eq!(state.focused().cursor, strongest(&state, Side::Left, Normalisation::Raw));
    press(&mut state, "up up home");
    let chosen = Side::BOTH.map(|side| state.pane(side).cursor);
    assert_eq!(chosen[0].query, 3);
    press(&mut state, ",");
    captured_as(&mut state, &PROMPT, &PROMPT);
    assert_eq!(Side::BOTH.map(|side| state.pane(side).cursor), chosen, "taken back");
    press(&mut state, ".");
    captured_as(&mut state, &grown, &grown);
    assert_eq!(Side::BOTH.map(|side| state.pane(side).cursor), chosen, "and appended");
    let other = ["write", " a", " poem"];
    press(&mut state, "i");
    act(&mut state, Action::Paste(other.concat()));
    act(&mut state, Action::Submit);
    captured_as(&mut state, &other, &other);
    assert_eq!(state.focused().cursor, strongest(&state, Side::Left, Normalisation::Raw), "its text is gone");
}

#[test]
fn a_span_stays_while_its_text_does() {
    let mut state = captured();
    press(&mut state, "home right space right space");
    let span = state.focused().span.clone();
    assert!(span.is_some());
    let grown = ["write", " a", " story", " about", " AI", " research"];
    press(&mut state, ".");
    captured_as(&mut state, &grown, &grown);
    assert_eq!(state.focused().span, span);
    act(&mut state, Action::Submit);
    captured_as(&mut state, &["write", " the"], &["write", " the"]);
    assert_eq!(state.focused().span, None);
}

fn words(count: usize) -> Vec<String> {
    (0..count).map(|number| format!(" w{number}")).collect()
}

/// Both models have read a prompt of so many tokens, on a screen of that size.
fn read(state: &mut State, count: usize, size: (u16, u16)) {
    let words = words(count);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    act(state, Action::Submit);
    captured_as(state, &words, &words);
    sync_layout(state, Rect::new(0, 0, size.0, size.1));
}

#[test]
fn a_long_prompt_is_first_seen_whole_and_a_zoom_that_was_chosen_stays() {
    let size = (120, 36);
    let mut state = captured();
    sync_layout(&mut state, Rect::new(0, 0, size.0, size.1));
    assert!(!state.is_whole() && !state.is_cut(), "five tokens fit as they are");
    read(&mut state, 60, size);
    assert!(state.is_whole());
    assert_eq!(state.focused().cursor, strongest(&state, Side::Left, Normalisation::Raw));
    read(&mut state, 5, size);
    assert!(!state.is_whole());
    read(&mut state, 60, size);
    press(&mut state, "0");
    assert_eq!(state.display.zoom, Zoom::Fit);
    sync_layout(&mut state, Rect::new(0, 0, size.0, size.1));
    read(&mut state, 61, size);
    assert_eq!((state.display.zoom, state.is_whole()), (Zoom::Fit, false), "cell by cell, as it was left");
    press(&mut state, "+");
    sync_layout(&mut state, Rect::new(0, 0, size.0, size.1));
    let chosen = state.display.zoom;
    assert!(matches!(chosen, Zoom::Cells(..)));
    read(&mut state, 62, size);
    assert_eq!(state.display.zoom, chosen);
}

fn panes(state: &State, width: u16) -> Vec<Side> {
    let layout = attnscope::ui::layout(state, Rect::new(0, 0, width, 36));
    layout.panes().map(|pane| pane.side).collect()
}

#[test]
fn one_model_is_loaded_alone_and_has_the_whole_width() {
    let mut state = State::of_one_model("a".into(), "hello".into(), Keys::default(), true);
    let effects = update(&mut state, Action::Start);
    let loads = effects.iter().filter(|effect| matches!(effect, Effect::Send(Request::Load { .. })));
    assert_eq!(loads.count(), 1);
    let state = alone();
    assert!(!state.is_busy() && state.panes.is_alone() && state.panes.is_absent(Slot::Second));
    assert_eq!(panes(&state, 120), [Side::Left]);
}

#[test]
fn what_needs_two_models_says_so() {
    for key in ["D", "d", "x", "W", "tab"] {
        let mut state = alone();
        press(&mut state, key);
        let note = state.note.clone().unwrap();
        assert!(
            note.contains("needs two models") && note.contains("z shows") && note.contains("M loads"),
            "{note}"
        );
        assert_eq!(
            (state.screen.difference.is_some(), state.panes.focus, state.panes.linked),
            (false, Side::Left, true),
            "{key}"
        );
    }
    let mut state = alone();
    press_and_wait(&mut state, "enter enter");
    press(&mut state, "a");
    assert_eq!(panes(&state, 120), Side::BOTH, "with all heads beside it there are two to see");
    let (side, job) = (Side::Left, state.run.job);
    let off: Ablation = state.panes.ablations.of(side.slot());
    assert!(!off.is_empty());
    hear(&mut state, Event::Captured { slot: side.slot(), job, capture: ablated(&gpt2(), &PROMPT, "0.0") });
    press_and_wait(&mut state, "D");
    assert!(state.screen.difference.is_some(), "and to compare");
    press_and_wait(&mut state, "D D");
    press(&mut state, "U");
    assert_eq!(panes(&state, 120), [Side::Left], "and the only one has the whole width again");
}

#[test]
fn a_second_model_is_loaded_on_the_empty_side() {
    let mut state = alone();
    press(&mut state, "z");
    assert_eq!(panes(&state, 120), Side::BOTH);
    press(&mut state, "tab");
    assert_eq!(state.panes.focus, Side::Right);
    press(&mut state, "z");
    assert_eq!(
        (panes(&state, 120), state.panes.focus),
        (vec![Side::Left], Side::Left),
        "never the empty one alone"
    );
    press(&mut state, "z tab M");
    assert!(state.popup.is_some());
    act(&mut state, Action::LeaveEditor);
    press(&mut state, "r");
    assert_eq!(state.note.as_deref(), Some("nothing has failed"), "an empty side is no failure");
    act(&mut state, Action::WorkerGone);
    assert_eq!(state.pane(Side::Right).load, Load::Absent);
}

#[test]
fn typing_with_one_model_runs_at_once() {
    let mut state = alone();
    press(&mut state, "ctrl-t i");
    let effects = update(&mut state, Action::Edit(InsertChar('a')));
    assert_eq!(runs(&effects)[0].1, "a");
}

#[test]
fn z_gives_the_focused_one_of_two_the_whole_width() {
    let mut state = captured();
    press(&mut state, "tab z");
    assert_eq!(panes(&state, 120), [Side::Right]);
    press(&mut state, "tab");
    assert_eq!(panes(&state, 120), [Side::Left], "and then the other one");
    press(&mut state, "p");
    assert_eq!(panes(&state, 120), Side::BOTH, "what is pinned is seen beside it");
    press(&mut state, "z z z");
    assert_eq!(panes(&state, 120), [Side::Left]);
    press(&mut state, "z");
    assert_eq!(panes(&state, 120), Side::BOTH);
}
