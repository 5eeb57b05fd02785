//! Prompts that run as they are typed: at once, or when an older one is done, or after a pause, which comes in as ticks.

use attnscope::app::{Action, Effect, Mode, Side, State, update};
use attnscope::worker::protocol::{Event, JobId, Slot, WorkerError};
use tui_input::InputRequest;

use crate::fixture::*;

/// Both models have read the first prompt, and its editor is open.
fn live() -> State {
    let mut state = captured();
    press(&mut state, "ctrl-t i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    state
}

fn type_in(state: &mut State, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|c| update(state, Action::Edit(InputRequest::InsertChar(c)))).collect()
}

fn erase(state: &mut State) -> Vec<Effect> {
    update(state, Action::Edit(InputRequest::DeletePrevChar))
}

/// So many tenths of a second go by.
fn wait(state: &mut State, ticks: usize) -> Vec<Effect> {
    (0..ticks).flat_map(|_| update(state, Action::Tick)).collect()
}

fn remembered(effects: &[Effect]) -> Vec<&str> {
    let mut prompts = Vec::new();
    for effect in effects {
        if let Effect::Remember(prompt) = effect {
            prompts.push(prompt.as_str());
        }
    }
    prompts
}

fn grown(text: &str) -> String {
    PROMPT.concat() + text
}

/// Both models have read the newest text.
fn done(state: &mut State) -> Vec<Effect> {
    captured_as(state, &PROMPT, &PROMPT)
}

#[test]
fn a_letter_runs_at_once_and_those_typed_meanwhile_when_it_is_done() {
    let mut state = live();
    assert!(!state.wants_ticks());
    assert_eq!(runs(&type_in(&mut state, " ")), [(JobId(2), grown(" "))]);
    assert!(type_in(&mut state, "no").is_empty() && type_in(&mut state, "w").is_empty());
    let job = state.run.job;
    let first = Event::Captured { slot: Slot::First, job, capture: capture(&gpt2(), &PROMPT) };
    assert!(runs(&hear(&mut state, first)).is_empty(), "the other model still reads");
    let second = Event::Captured { slot: Slot::Second, job, capture: capture(&gpt_oss(), &PROMPT) };
    let effects = hear(&mut state, second);
    assert_eq!(runs(&effects), [(JobId(3), grown(" now"))]);
    assert_eq!(remembered(&effects), Vec::<&str>::new());
    assert!(runs(&done(&mut state)).is_empty());
    assert_eq!((state.screen.mode(), state.is_edited(), state.editor.pause), (Mode::EditPrompt, false, None));
}

#[test]
fn a_text_that_is_left_alone_takes_the_place_of_one_that_runs_long() {
    let mut state = live();
    type_in(&mut state, " now");
    assert!(wait(&mut state, 2).is_empty());
    assert!(type_in(&mut state, "!").is_empty(), "the pause begins anew");
    assert!(state.wants_ticks() && wait(&mut state, 2).is_empty());
    assert_eq!(runs(&wait(&mut state, 1)), [(JobId(3), grown(" now!"))]);
}

#[test]
fn without_it_nothing_runs_by_itself() {
    let mut state = captured();
    press(&mut state, "i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    type_in(&mut state, " now");
    assert!(wait(&mut state, 9).is_empty());
    assert!(!state.wants_ticks());
}

#[test]
fn what_is_heard_of_an_older_text_changes_nothing() {
    let mut state = live();
    type_in(&mut state, "!");
    let old = state.run.job;
    type_in(&mut state, "?");
    wait(&mut state, 3);
    let late = Event::Captured { slot: Slot::First, job: old, capture: capture(&gpt2(), &["late"]) };
    hear(&mut state, late);
    hear(&mut state, Event::RunFailed { slot: Slot::Second, job: old, error: WorkerError::Cancelled });
    for side in Side::BOTH {
        assert_eq!(state.pane(side).shown.as_ref().unwrap().capture.tokens.len(), PROMPT.len());
        assert_eq!(state.pane(side).pass, attnscope::app::Pass::Waiting, "no error in between");
    }
    erase(&mut state);
    type_in(&mut state, "?");
    assert!(!state.is_edited());
    assert!(runs(&done(&mut state)).is_empty(), "the text is what was run");
}

#[test]
fn what_changes_no_text_runs_nothing() {
    let mut state = live();
    act(&mut state, Action::Edit(InputRequest::GoToStart));
    act(&mut state, Action::LaterPrompt);
    assert_eq!(state.editor.pause, None);
    type_in(&mut state, "x");
    erase(&mut state);
    assert_eq!(runs(&done(&mut state)), [(JobId(3), grown(""))], "it is not what was run");
    done(&mut state);
    assert_eq!(state.editor.pause, None);
    press(&mut state, "esc i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    type_in(&mut state, "!");
    wait(&mut state, 3);
    assert!(update(&mut state, Action::Edit(InputRequest::GoToEnd)).is_empty(), "the pass goes on");
}

#[test]
fn enter_runs_at_once_and_not_again() {
    let mut state = live();
    type_in(&mut state, "!");
    type_in(&mut state, "!");
    let effects = update(&mut state, Action::Submit);
    assert_eq!(runs(&effects), [(JobId(3), grown("!!"))]);
    assert_eq!(remembered(&effects), [grown("!!")]);
    assert_eq!((state.screen.mode(), state.editor.pause), (Mode::Browse, None));
    press(&mut state, "i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    assert!(update(&mut state, Action::Submit).is_empty(), "it is running already");
    let (side, job) = (Side::Left, state.run.job);
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: refused("no") });
    press(&mut state, "i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    assert_eq!(runs(&update(&mut state, Action::Submit)).len(), 1);
}

#[test]
fn what_was_left_standing_is_remembered_and_what_ran_on_the_way_is_not() {
    let mut state = live();
    type_in(&mut state, " o");
    done(&mut state);
    done(&mut state);
    type_in(&mut state, "n");
    done(&mut state);
    let effects = update(&mut state, Action::LeaveEditor);
    assert_eq!((runs(&effects).len(), remembered(&effects)), (0, vec![grown(" on").as_str()]));
    press(&mut state, "i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    type_in(&mut state, "!");
    let effects = update(&mut state, Action::LeaveEditor);
    assert_eq!((runs(&effects).len(), remembered(&effects)), (0, vec![grown(" on!").as_str()]));
    assert_eq!(state.editor.history.prompts(), [grown(""), grown(" on"), grown(" on!")]);
    press(&mut state, "i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    type_in(&mut state, "?");
    assert_eq!(remembered(&press(&mut state, "f1")), [grown(" on!?")], "the help closes the editor");
    press(&mut state, "esc i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    type_in(&mut state, "?");
    let effects = press(&mut state, "ctrl-c");
    assert_eq!(remembered(&effects), [grown(" on!??")]);
    assert!(matches!(effects.last(), Some(Effect::Quit)));
}

#[test]
fn earlier_prompts_and_pastes_run_too() {
    let mut state = live();
    let effects = update(&mut state, Action::Paste("\r\nand\ttwo".into()));
    assert_eq!(runs(&effects), [(JobId(2), grown("\nand\ttwo"))]);
    act(&mut state, Action::EarlierPrompt);
    assert_eq!(state.editor.text(), grown("\nand\ttwo"), "to the first of two lines");
    act(&mut state, Action::EarlierPrompt);
    assert_eq!(runs(&wait(&mut state, 3)).last().unwrap().1, grown(""));
    act(&mut state, Action::LaterPrompt);
    assert_eq!(state.editor.text(), grown("\nand\ttwo"), "what was typed is not lost");
}

#[test]
fn an_empty_text_is_run_so_that_its_error_is_seen() {
    let mut state = live();
    let effects = update(&mut state, Action::Edit(InputRequest::DeleteLine));
    assert_eq!(runs(&effects), [(JobId(2), String::new())]);
    act(&mut state, Action::Edit(InputRequest::Yank));
    assert_eq!(state.editor.text(), grown(""));
}

#[test]
fn it_takes_up_what_was_typed_before_and_leaves_nothing_behind() {
    let mut state = captured();
    press(&mut state, "i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    type_in(&mut state, "!");
    act(&mut state, Action::LeaveEditor);
    let effects = press(&mut state, "L");
    assert_eq!((runs(&effects).len(), remembered(&effects)), (1, vec![grown("!").as_str()]));
    press(&mut state, "i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    type_in(&mut state, "?");
    assert_eq!(runs(&press(&mut state, "ctrl-t")), [(JobId(3), grown("!?"))], "it was to run anyway");
    assert!(!state.editor.is_live);
    press(&mut state, "esc i");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    type_in(&mut state, "?");
    press(&mut state, "ctrl-t");
    assert_eq!(runs(&wait(&mut state, 3)).len(), 1);
}

#[test]
fn why_all_of_a_prompt_ran_again_is_said() {
    let mut state = live();
    type_in(&mut state, "!");
    let mut again = (*capture(&gpt2(), &PROMPT)).clone();
    again.computed.note = Some("other factors");
    let job = state.run.job;
    hear(&mut state, Event::Captured { slot: Slot::First, job, capture: std::sync::Arc::new(again) });
    assert_eq!(state.note.as_deref(), Some("demo:gpt2: other factors"));
}
