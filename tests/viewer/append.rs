//! Next tokens: appended, drawn, waiting, taken back.

use std::sync::Arc;

use attnscope::app::{Action, Side, State};
use attnscope::attention::{Token, View};
use attnscope::worker::protocol::{Event, JobId};
use tui_input::InputRequest;

use crate::fixture::*;

#[test]
fn the_likeliest_token_is_appended_as_text_and_taken_back() {
    let mut state = captured();
    let prompt = PROMPT.concat();
    let grown = format!("{prompt} research");
    assert_eq!(runs(&press(&mut state, ".")), [(JobId(2), grown.clone())]);
    assert_eq!((state.run.prompt.as_str(), state.is_edited()), (grown.as_str(), false));
    captured_as(&mut state, &["write", " research"], &["write", " research"]);
    assert_eq!(runs(&press(&mut state, ".")), [(JobId(3), format!("{grown} research"))]);
    assert_eq!(state.note, None);
    assert_eq!(runs(&press(&mut state, ",")), [(JobId(4), grown)]);
    assert_eq!(runs(&press(&mut state, ",")), [(JobId(5), prompt)]);
    assert_eq!(runs(&press(&mut state, ",")), []);
    assert_eq!(state.note.as_deref(), Some("nothing was appended"));
}

/// The models have read the newest prompt; what is to be run next.
fn read(state: &mut State) -> Vec<String> {
    let effects = captured_as(state, &PROMPT, &PROMPT);
    runs(&effects).into_iter().map(|(_, prompt)| prompt).collect()
}

#[test]
fn tokens_wait_for_the_pass_that_is_under_way_and_follow_each_other() {
    let mut state = captured();
    let prompt = PROMPT.concat();
    assert_eq!(runs(&press(&mut state, ". . .")).len(), 1, "two wait");
    assert_eq!(state.run.queued, [Side::Left; 2]);
    let (side, job) = (Side::Right, state.run.job);
    let other = capture(&gpt_oss(), &PROMPT);
    assert_eq!(
        runs(&hear(&mut state, Event::Captured { slot: side.slot(), job, capture: other })),
        [],
        "the other model's pass"
    );
    press(&mut state, "tab");
    assert_eq!(
        read(&mut state),
        [format!("{prompt} research research")],
        "the left model's, as when they were asked for"
    );
    assert_eq!(read(&mut state), [format!("{prompt} research research research")]);
    assert_eq!((read(&mut state).len(), state.run.queued.len()), (0, 0));
    assert_eq!(state.run.appended.len(), 3, "each is taken back by itself");
}

#[test]
fn waiting_tokens_are_dropped_by_what_makes_them_pointless() {
    let waiting = || {
        let mut state = captured();
        press(&mut state, "enter . . .");
        assert_eq!(state.run.queued.len(), 2);
        state
    };
    let mut state = waiting();
    press(&mut state, ",");
    assert_eq!(
        (state.run.queued.len(), state.run.prompt.as_str()),
        (1, "write a story about AI research"),
        "one less"
    );
    press(&mut state, "esc");
    assert_eq!((state.run.queued.len(), state.note.as_deref()), (0, Some("no token waits any more")));
    assert_eq!(shown(&state), [View::Layer(0); 2], "Esc goes back only when there is nothing to drop");
    assert_eq!(read(&mut state).len(), 0);

    let mut state = waiting();
    press(&mut state, "ctrl-x");
    assert_eq!((state.run.queued.len(), read(&mut state).len()), (0, 0));

    let mut state = waiting();
    state.editor.draft = "another".into();
    act(&mut state, Action::Submit);
    assert_eq!((state.run.queued.len(), read(&mut state).len()), (0, 0));

    let mut state = waiting();
    let (side, job) = (Side::Left, state.run.job);
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: refused("the prompt is too long") });
    assert_eq!(state.run.queued.len(), 0, "nothing can follow a pass that failed");
    assert!(state.note.is_some());

    let mut state = waiting();
    act(&mut state, Action::Edit(InputRequest::InsertChar('!')));
    assert_eq!(
        (read(&mut state).len(), state.run.queued.len()),
        (0, 0),
        "what is being written is not to be lost"
    );
}

#[test]
fn a_token_waits_for_the_head_that_is_looked_at() {
    let mut state = captured();
    press_and_wait(&mut state, "enter enter");
    press(&mut state, ". .");
    let effects = captured_as(&mut state, &PROMPT, &PROMPT);
    assert_eq!(runs(&effects), [], "the head is still being computed");
    answer(&mut state, effects);
    assert_eq!((state.run.queued.len(), state.run.job), (0, JobId(3)));
}

#[test]
fn a_listed_token_is_chosen_and_appended() {
    let mut state = captured();
    let prompt = PROMPT.concat();
    let marked = |state: &State| Side::BOTH.map(|side| state.marked(side));
    press(&mut state, "> > > >");
    assert_eq!(marked(&state), [2, 0], "the last one; the other model has its own");
    press(&mut state, "<");
    assert_eq!(runs(&press(&mut state, ".")), [(JobId(2), format!("{prompt} and"))]);
    captured_as(&mut state, &["write", " and"], &["write", " and"]);
    assert_eq!(marked(&state), [0, 0], "of what comes now, the likeliest");
    assert_eq!(runs(&press(&mut state, ",")), [(JobId(3), prompt)]);
    press(&mut started(), "> .");
}

#[test]
fn the_prompt_grows_by_what_is_drawn_while_that_is_on() {
    let mut state = captured();
    let texts = |state: &State| -> Vec<String> {
        state.candidates(Side::Left).iter().map(|next| next.token.text.clone()).collect()
    };
    assert_eq!(texts(&state), [" research", " and", "\n"]);
    press(&mut state, "> S");
    assert_eq!(texts(&state), [" research", " and", "\n", " unlikely"]);
    assert_eq!(Side::BOTH.map(|side| state.marked(side)), [3, 3]);
    assert_eq!(state.note.as_deref(), Some("next token: drawn, temperature 1, top-p 1, seed 0"));
    assert_eq!(runs(&press(&mut state, "."))[0].1, PROMPT.concat() + " unlikely");
    captured_as(&mut state, &PROMPT, &PROMPT);
    press(&mut state, "<");
    assert_eq!(state.marked(Side::Left), 2, "a choice goes before chance");
    press(&mut state, "S");
    assert_eq!((state.marked(Side::Left), texts(&state).len()), (0, 3));
    assert_eq!(state.note.as_deref(), Some("next token: the likeliest"));
}

#[test]
fn nothing_is_appended_to_a_prompt_that_is_being_written_or_that_was_written_since() {
    let mut state = captured();
    press(&mut state, ".");
    act(&mut state, Action::Edit(InputRequest::InsertChar('!')));
    for key in [".", ","] {
        assert_eq!(runs(&press(&mut state, key)), []);
        assert_eq!(state.note.as_deref(), Some("the prompt was edited: run it first"));
    }
    act(&mut state, Action::Submit);
    assert_eq!(runs(&press(&mut state, ",")), [], "it is the user's text now");
}

#[test]
fn a_part_of_a_character_is_not_appended() {
    let mut state = captured();
    let (side, job) = (Side::Left, state.run.job);
    let mut split = (*capture(&gpt2(), &PROMPT)).clone();
    split.next[0].token = Token::from_bytes(1, "Ã".into(), &"é".as_bytes()[..1], 0);
    hear(&mut state, Event::Captured { slot: side.slot(), job, capture: Arc::new(split) });
    assert_eq!(runs(&press(&mut state, ".")), []);
    assert_eq!(state.note.as_deref(), Some("\\xc3 is a part of a character, no text to append"));
    assert_eq!(state.run.prompt, PROMPT.concat());
}
