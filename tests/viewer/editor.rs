//! The editor: its text, the prompts of earlier, pastes.

use attnscope::app::{Action, Effect, History, Mode, State, update};
use attnscope::worker::protocol::JobId;
use tui_input::InputRequest;

use crate::fixture::*;

#[test]
fn the_editor_keeps_its_text_when_it_is_left() {
    let mut state = captured();
    press(&mut state, "i");
    assert_eq!(state.screen.mode(), Mode::EditPrompt);
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    act(&mut state, Action::Edit(InputRequest::InsertChar('!')));
    act(&mut state, Action::LeaveEditor);
    assert_eq!((state.screen.mode(), state.editor.text()), (Mode::Browse, "write a story about AI!"));
    assert_eq!(state.run.prompt, "write a story about AI");
    let next = next_job(&state);
    press(&mut state, "/");
    let effects = update(&mut state, Action::Submit);
    assert_eq!(runs(&effects), [(next, "write a story about AI!".to_owned())]);
    assert_eq!(state.screen.mode(), Mode::Browse);
    assert!(!state.is_edited());
}

/// What the editor holds after each of these keys.
fn walked(state: &mut State, keys: &str) -> Vec<String> {
    let step = |key| {
        let action = if key == "up" { Action::EarlierPrompt } else { Action::LaterPrompt };
        assert!(update(state, action).is_empty());
        state.editor.text().to_owned()
    };
    keys.split_whitespace().map(step).collect()
}

/// Writes a prompt into the empty editor.
fn write(state: &mut State, text: &str) {
    act(state, Action::Edit(InputRequest::DeleteLine));
    act(state, Action::Paste(text.into()));
}

/// Runs a prompt; what is kept for later runs of the program.
fn submit(state: &mut State, text: &str) -> Vec<String> {
    write(state, text);
    let remember = |effect| match effect {
        Effect::Remember(prompt) => Some(prompt),
        _ => None,
    };
    update(state, Action::Submit).into_iter().filter_map(remember).collect()
}

/// Prompts of earlier runs, and the first one of this run.
fn with_history(prompts: &[&str]) -> State {
    let mut state = State::new("a".into(), "b".into(), "first".into(), Default::default(), true);
    state.editor.history = History::new(prompts.iter().map(|prompt| (*prompt).to_owned()));
    act(&mut state, Action::Start);
    state
}

#[test]
fn earlier_prompts_come_back_and_so_does_what_was_being_written() {
    let mut state = with_history(&["old", "older", "older", ""]);
    assert_eq!(
        walked(&mut state, "up up up down down down"),
        ["older", "old", "old", "older", "first", "first"]
    );
    write(&mut state, "draft");
    assert_eq!(walked(&mut state, "up up down down down"), ["first", "older", "first", "draft", "draft"]);
    walked(&mut state, "up up");
    write(&mut state, "older, changed");
    assert_eq!(walked(&mut state, "up down"), ["old", "older, changed"]);
    assert_eq!(walked(&mut state, "down down"), ["first", "draft"]);
}

#[test]
fn what_was_written_and_not_run_is_among_the_earlier_prompts() {
    let mut state = with_history(&["old"]);
    write(&mut state, "draft");
    walked(&mut state, "up up");
    let effects = update(&mut state, Action::Submit);
    assert_eq!(runs(&effects), [(JobId(2), "old".to_owned())]);
    assert_eq!(walked(&mut state, "up up up down"), ["draft", "first", "old", "first"]);
}

#[test]
fn prompts_are_kept_once_in_a_row_and_the_first_one_for_this_run_only() {
    let mut state = with_history(&[]);
    assert_eq!(submit(&mut state, "first"), Vec::<String>::new());
    assert_eq!(submit(&mut state, "one"), ["one"]);
    assert_eq!(submit(&mut state, "one"), Vec::<String>::new());
    assert_eq!(submit(&mut state, ""), Vec::<String>::new());
    assert_eq!(submit(&mut state, "two"), ["two"]);
    assert_eq!(state.editor.history.prompts(), ["first", "one", "two"]);
    for n in 0..1_000 {
        submit(&mut state, &n.to_string());
    }
    assert_eq!(
        (state.editor.history.prompts().len(), state.editor.history.prompts()[0].as_str()),
        (1_000, "0")
    );
}

#[test]
fn a_paste_goes_to_the_editor_whatever_it_holds() {
    let mut state = captured();
    let effects = update(&mut state, Action::Paste(" q\r\nr".into()));
    assert!(effects.is_empty());
    assert_eq!((state.screen.mode(), state.editor.text()), (Mode::EditPrompt, " q\nr"));
}
