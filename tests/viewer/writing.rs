//! Texts that models write: how they begin and end, how their steps are looked at again, and what is kept.

use std::sync::Arc;
use std::time::Duration;

use attnscope::app::{Action, Effect, Side, State, WriterStage, update};
use attnscope::attention::{Capture, ModelInfo, NextToken, TextEnding, Token, View, memory};
use attnscope::theme::ColorDepth;
use attnscope::worker::protocol::{Event, ReadJob, Request, Slot, WorkerError, WriteJob};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, draw_with, text};

const WRITTEN: [&str; 4] = [" and", " its", " dreams", "."];
const MUCH: u64 = 1 << 30;

/// Both models have read the prompt, and what they write is kept.
fn ready() -> State {
    let mut state = captured();
    (state.run.most_tokens, state.kept.most) = (8, MUCH);
    state
}

/// What was asked to be written.
fn writes(effects: &[Effect]) -> Vec<WriteJob> {
    let job = |effect: &Effect| match effect {
        Effect::Send(Request::Write(job)) => Some(job.clone()),
        _ => None,
    };
    effects.iter().filter_map(job).collect()
}

fn reads(effects: &[Effect]) -> Vec<ReadJob> {
    let job = |effect: &Effect| match effect {
        Effect::Send(Request::Read(job)) => Some(job.clone()),
        _ => None,
    };
    effects.iter().filter_map(job).collect()
}

fn stops(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Send(Request::StopWriting)))
}

/// The pass over the prompt and some tokens that a model wrote.
fn pass(model: &Arc<ModelInfo>, written: &[&str]) -> Arc<Capture> {
    let texts: Vec<&str> = PROMPT.iter().chain(written).copied().collect();
    let mut capture = (*capture(model, &texts)).clone();
    capture.mark_generated(written.len());
    Arc::new(capture)
}

/// A model wrote one more of these tokens.
fn hear_step(state: &mut State, slot: Slot, written: &[&str]) -> Vec<Effect> {
    let model = if slot == Slot::First { gpt2() } else { gpt_oss() };
    let (job, capture) = (state.writing.id, pass(&model, written));
    let token = capture.tokens.last().unwrap().clone();
    let next = Some(Box::new(NextToken { token, probability: 0.5 }));
    hear(state, Event::Written { slot, job, capture, next, took: Duration::from_millis(25) })
}

fn hear_end(state: &mut State, slot: Slot, ended: Result<TextEnding, WorkerError>) -> Vec<Effect> {
    let job = state.writing.id;
    hear(state, Event::WritingEnded { slot, job, ended })
}

/// Both wrote their tokens, the right one fewer.
fn written() -> State {
    let mut state = ready();
    press(&mut state, "G");
    for count in 1..=4 {
        hear_step(&mut state, Slot::First, &WRITTEN[..count]);
    }
    for count in 1..=2 {
        hear_step(&mut state, Slot::Second, &WRITTEN[..count]);
    }
    for slot in Slot::ALL {
        hear_end(&mut state, slot, Ok(TextEnding::Limit(8)));
    }
    state
}

/// The steps on screen, left and right.
fn steps(state: &State) -> [Option<usize>; 2] {
    Side::BOTH.map(|side| state.step(side).map(|(step, _)| step))
}

#[test]
fn both_models_go_on_from_what_they_read_and_each_token_comes_on_screen() {
    let mut state = ready();
    let jobs = writes(&press(&mut state, "G"));
    assert_eq!(jobs.iter().map(|job| job.slot).collect::<Vec<_>>(), Slot::ALL);
    for (job, side) in jobs.iter().zip(Side::BOTH) {
        assert!(Arc::ptr_eq(&job.capture, &state.pane(side).shown.as_ref().unwrap().capture));
        assert_eq!((job.limit, job.written, job.first), (8, 0, None));
        assert_eq!(job.prompt_bytes, Some(PROMPT.concat().len()));
    }
    assert!(state.wants_ticks() && state.writing.is_running());
    hear_step(&mut state, Slot::First, &WRITTEN[..1]);
    assert_eq!(steps(&state), [Some(1), None]);
    assert_eq!(state.written(Side::Left), Some(" and"));
    assert_eq!(state.pane(Side::Left).shown.as_ref().unwrap().matrix().size(), 6);
    assert_eq!(state.pane(Side::Right).shown.as_ref().unwrap().matrix().size(), 5);
    let text = format!("{} and", PROMPT.concat());
    assert_eq!(state.pane(Side::Left).shown.as_ref().unwrap().text(), text);
    hear_end(&mut state, Slot::First, Ok(TextEnding::Limit(8)));
    assert!(state.writing.is_running(), "the other one still writes");
    hear_end(&mut state, Slot::Second, Err(WorkerError::Cancelled));
    assert!(!state.writing.is_running());
    assert!(state.note.as_deref().unwrap().starts_with("written: ( )"), "{:?}", state.note);
}

#[test]
fn any_key_stops_and_those_that_only_go_back_do_no_more() {
    for key in ["G", "F", "esc", "space", "ctrl-x"] {
        let mut state = ready();
        press(&mut state, "G");
        let effects = press(&mut state, key);
        assert!(stops(&effects) && effects.len() == 1, "{key}: {effects:?}");
        assert!(!state.writing.is_running() && state.pane(Side::Left).span.is_none(), "{key}");
        assert!(state.note.as_deref().unwrap().starts_with("stopped"), "{key}");
    }
    let mut state = ready();
    press(&mut state, "G");
    hear_step(&mut state, Slot::First, &WRITTEN[..1]);
    let effects = press(&mut state, "]");
    answer(&mut state, effects.clone());
    assert!(stops(&effects) && state.focused().selection.view() == View::Layer(0), "it stops and acts");
    // What was on its way is no loss.
    hear_step(&mut state, Slot::First, &WRITTEN[..2]);
    assert_eq!(steps(&state)[0], Some(2));
}

#[test]
fn a_newer_prompt_and_another_text_forget_what_was_written() {
    let mut state = written();
    let old = state.writing.id;
    append(&mut state, " now");
    let effects = update(&mut state, Action::Submit);
    assert_eq!(runs(&effects).len(), 1);
    assert_eq!((state.writing.count(), state.written(Side::Left)), (0, None));
    let late = pass(&gpt2(), &WRITTEN);
    let event =
        Event::Written { slot: Slot::First, job: old, capture: late, next: None, took: Duration::ZERO };
    hear(&mut state, event);
    assert_eq!(state.writing.count(), 0, "what comes too late is of no use");
}

#[test]
fn writing_waits_for_the_pass_that_is_under_way() {
    let mut state = loaded();
    (state.run.most_tokens, state.kept.most) = (8, MUCH);
    assert!(writes(&press(&mut state, "G")).is_empty());
    assert_eq!(state.note.as_deref(), Some("writes as soon as the prompt has run"));
    assert_eq!(writes(&captured_as(&mut state, &PROMPT, &PROMPT)).len(), 2);
    let mut state = loaded();
    press(&mut state, "G esc");
    assert!(writes(&captured_as(&mut state, &PROMPT, &PROMPT)).is_empty(), "it was dropped");
    append(&mut state, " more");
    act(&mut state, Action::LeaveEditor);
    assert!(writes(&press(&mut state, "G")).is_empty());
    assert!(state.note.as_deref().unwrap().contains("edited"));
}

#[test]
fn steps_are_looked_at_again_in_both_panes_and_nothing_is_asked_for() {
    let mut state = written();
    let sizes =
        |state: &State| Side::BOTH.map(|side| state.pane(side).shown.as_ref().unwrap().matrix().size());
    assert_eq!(sizes(&state), [9, 7]);
    for (keys, expected) in [
        ("(", [Some(3), Some(2)]),
        ("( (", [Some(1), Some(1)]),
        ("(", [Some(0), Some(0)]),
        ("(", [Some(0), Some(0)]),
        (")", [Some(1), Some(1)]),
        ("$", [Some(4), Some(2)]),
        (")", [Some(4), Some(2)]),
        ("^", [Some(0), Some(0)]),
        ("shift-right", [Some(1), Some(1)]),
    ] {
        let effects = press(&mut state, keys);
        assert!(effects.is_empty(), "{keys}: {effects:?}");
        assert_eq!(steps(&state), expected, "{keys}");
    }
    assert_eq!(sizes(&state), [6, 6]);
    let listed = &state.candidates(Side::Left)[state.marked(Side::Left)];
    assert_eq!(listed.token.text, " its", "the token that was written next is marked");
    let mut state = captured();
    press(&mut state, "(");
    assert_eq!(state.note.as_deref(), Some("nothing is written yet: G lets the models go on"));
}

#[test]
fn a_head_of_each_step_comes_on_screen_however_fast_steps_come() {
    let mut state = ready();
    press_and_wait(&mut state, "] enter");
    press(&mut state, "G");
    let first = hear_step(&mut state, Slot::First, &WRITTEN[..1]);
    for count in 2..=4 {
        let asked = hear_step(&mut state, Slot::First, &WRITTEN[..count]);
        assert!(asked.is_empty(), "one head at a time");
    }
    answer(&mut state, first);
    let shown = state.pane(Side::Left).shown.as_ref().unwrap();
    assert_eq!(
        (shown.view(), shown.matrix().size()),
        (View::Head { layer: 0, head: 0 }, 9),
        "then the newest"
    );
}

#[test]
fn a_marked_token_branches_from_the_step_on_screen() {
    let mut state = written();
    let jobs = writes(&press(&mut state, "( ( G"));
    assert_eq!(jobs[0].capture.tokens.len(), 9, "nothing else is marked: it goes on from the end");
    press(&mut state, "esc");
    press(&mut state, "( ( <");
    let jobs = writes(&press(&mut state, "G"));
    assert_eq!((jobs[0].capture.tokens.len(), jobs[0].first.is_some()), (7, true));
    assert_eq!(state.writing.writer(Slot::First).count(), 2, "what was written after it goes");
    assert_eq!(state.writing.writer(Slot::Second).count(), 2, "the other one stays as it is");
}

#[test]
fn one_text_for_both_is_read_by_the_other_model_token_by_token() {
    let mut state = ready();
    let effects = press(&mut state, "F");
    assert_eq!((writes(&effects).len(), writes(&effects)[0].slot), (1, Slot::First));
    let asked = reads(&hear_step(&mut state, Slot::First, &WRITTEN[..1]));
    assert_eq!((asked.len(), asked[0].slot), (1, Slot::Second));
    assert_eq!((asked[0].chat.user.clone(), asked[0].chat.answer.as_str()), (PROMPT.concat(), " and"));
    assert!(reads(&hear_step(&mut state, Slot::First, &WRITTEN[..2])).is_empty(), "one at a time");
    assert_eq!(steps(&state), [Some(0), None], "both panes are in step");
    hear_end(&mut state, Slot::First, Ok(TextEnding::Limit(2)));
    let asked = reads(&hear_step(&mut state, Slot::Second, &WRITTEN[..1]));
    assert_eq!(asked[0].chat.answer, " and its");
    assert!(state.writing.is_running(), "it still reads");
    hear_step(&mut state, Slot::Second, &WRITTEN[..2]);
    assert!(!state.writing.is_running());
    assert_eq!(state.writing.writer(Slot::Second).stage, WriterStage::Ended(TextEnding::Limit(2)));
    assert_eq!(steps(&state), [Some(2), Some(2)]);
    let prompts = Side::BOTH.map(|side| state.pane(side).shown.as_ref().unwrap().prompt.clone());
    assert_eq!(prompts[0], prompts[1], "so that both can be compared");
}

#[test]
fn without_another_model_it_is_said_that_nobody_reads_along() {
    let mut state = alone();
    let effects = press(&mut state, "F");
    assert_eq!(writes(&effects).len(), 1, "it writes all the same");
    assert_eq!(state.note.as_deref(), Some("nobody reads along: that needs two models, M loads one"));
    hear_step(&mut state, Slot::First, &WRITTEN[..1]);
    hear_end(&mut state, Slot::First, Ok(TextEnding::Limit(1)));
    assert!(state.note.as_deref().unwrap().starts_with("written, nobody read along: "), "{:?}", state.note);
    let mut state = alone();
    press(&mut state, "G");
    assert_eq!(state.note, None, "nobody was to");
}

#[test]
fn what_was_written_becomes_the_prompt_with_the_next_token() {
    let mut state = written();
    let effects = press(&mut state, "( .");
    let prompt = PROMPT.concat();
    assert_eq!(runs(&effects)[0].1, format!("{prompt} and its dreams."));
    assert_eq!(state.run.appended, [" and", " its", " dreams", "."]);
    let mut state = written();
    assert!(press(&mut state, ",").is_empty());
    assert_eq!(steps(&state), [Some(3), Some(2)], "the focused model's newest token is taken back");
    press(&mut state, "tab ,");
    assert_eq!(steps(&state), [Some(3), Some(1)], "also where the other text is longer");
    press(&mut state, ", ,");
    assert_eq!(steps(&state), [Some(3), None], "the other one stays");
    assert!(
        state.note.as_deref().unwrap().contains("nothing of this model's text is left"),
        "{:?}",
        state.note
    );
    press(&mut state, "tab , , ,");
    assert_eq!((steps(&state), state.run.prompt.clone()), ([None, None], prompt));
    let mut state = written();
    press(&mut state, "( tab ,");
    assert_eq!(
        steps(&state),
        [Some(3), Some(1)],
        "who looks at an earlier step of the other one stays there"
    );
    press(&mut state, "tab ,");
    assert_eq!(steps(&state), [Some(2), Some(1)]);
}

/// Where the focused model has all its heads on in the pane beside, that pane can't follow: it says so.
#[test]
fn the_pane_before_heads_went_off_says_why_it_does_not_follow() {
    let mut state = ready();
    press_and_wait(&mut state, "enter enter");
    press(&mut state, "a");
    let job = state.run.job;
    let off = |written: &[&str]| {
        let before = capture(&gpt2(), &PROMPT);
        let pass = (*pass(&gpt2(), written)).clone();
        Arc::new(Capture { ablation: "0.0".parse().unwrap(), before: Some(before), ..pass })
    };
    for (slot, capture) in [(Slot::First, off(&[])), (Slot::Second, capture(&gpt_oss(), &PROMPT))] {
        let effects = hear(&mut state, Event::Captured { slot, job, capture });
        answer(&mut state, effects);
    }
    press(&mut state, "G");
    let note = state.note.as_deref();
    assert!(note.unwrap().contains("with all heads on the text would be another"), "{note:?}");
    let job = state.writing.id;
    let event = Event::Written {
        slot: Slot::First,
        job,
        capture: off(&WRITTEN[..1]),
        next: None,
        took: Duration::ZERO,
    };
    hear(&mut state, event);
    let screen = text(draw(&mut state, (80, 24)).backend().buffer());
    assert!(screen.contains(" stays: it writes nothing "), "{screen}");
}

#[test]
fn the_first_steps_go_where_memory_is_short() {
    let mut state = written();
    let all = state.writing.bytes();
    let last = pass(&gpt2(), &WRITTEN);
    state.kept.most = all - 1;
    let id = state.writing.id;
    state.writing.at = None;
    let event =
        Event::Written { slot: Slot::First, job: id, capture: last, next: None, took: Duration::ZERO };
    hear(&mut state, event);
    let writer = state.writing.writer(Slot::First);
    assert!(writer.dropped > 0 && state.writing.bytes() < all, "{} dropped", writer.dropped);
    assert!(writer.count() == 5 && writer.step(5).is_some() && writer.step(1).is_none());
    press(&mut state, "^ )");
    assert!(steps(&state)[0].unwrap() > 0, "to the first step that is kept");
    press(&mut state, "$ ( ( ( ( ( (");
    assert_eq!(steps(&state)[0], Some(0));
}

#[test]
fn another_model_and_a_failure_are_told() {
    let mut state = written();
    press(&mut state, "G");
    let gone = WorkerError::ModelGone("demo:gpt2".to_owned());
    hear_end(&mut state, Slot::First, Err(gone));
    hear_end(&mut state, Slot::Second, Err(WorkerError::Cancelled));
    let screen = text(draw(&mut state, (120, 36)).backend().buffer());
    assert!(screen.contains("demo:gpt2 is not here any more"), "{screen}");
    let (job, capture) = (state.run.job, capture(&gpt2(), &PROMPT));
    hear(&mut state, Event::Captured { slot: Slot::First, job, capture });
    assert_eq!(state.writing.writer(Slot::First).count(), 0, "what another model wrote is none of its own");
    assert_eq!(state.pane(Side::Left).shown.as_ref().unwrap().matrix().size(), 5);
}

#[test]
fn going_back_to_a_prompt_that_is_kept_runs_nothing() {
    let mut state = started();
    (state.kept.most, state.run.most_tokens) = (MUCH, 8);
    for (side, model) in [(Side::Left, gpt2()), (Side::Right, gpt_oss())] {
        hear(&mut state, Event::Loaded { slot: side.slot(), model });
    }
    captured_as(&mut state, &PROMPT, &PROMPT);
    let kept = state.pane(Side::Left).shown.as_ref().unwrap().capture.clone();
    append(&mut state, " now");
    act(&mut state, Action::Submit);
    captured_as(&mut state, &["other"], &["other"]);
    assert_eq!(state.kept.count(), 4);
    press(&mut state, "i");
    act(&mut state, Action::EarlierPrompt);
    let effects = update(&mut state, Action::Submit);
    let kept_slots = effects.iter().find_map(|effect| match effect {
        Effect::Send(Request::Run { is_kept, .. }) => Some(*is_kept),
        _ => None,
    });
    assert_eq!(kept_slots, Some([true; 2]), "the worker knows the prompt, and runs it nowhere");
    assert!(Arc::ptr_eq(&state.pane(Side::Left).shown.as_ref().unwrap().capture, &kept));
    assert!(!state.is_busy() && state.run.prompt == PROMPT.concat());
    // Another model has nothing to go back to.
    hear(&mut state, Event::Loaded { slot: Slot::First, model: model("other", 2, 3, false) });
    assert_eq!(state.kept.count(), 2);
}

#[test]
fn the_oldest_captures_go_first_and_the_palette_says_what_they_take() {
    let mut state = captured();
    let one = memory([&*capture(&gpt2(), &PROMPT)]) + memory([&*capture(&gpt_oss(), &PROMPT)]);
    state.kept.most = one + one / 2;
    for text in ["a", "b", "c"] {
        append(&mut state, text);
        act(&mut state, Action::Submit);
        captured_as(&mut state, &PROMPT, &PROMPT);
        assert!(state.kept.bytes() <= state.kept.most);
    }
    assert!(state.kept.count() < 6);
    press(&mut state, ":");
    let screen = text(draw(&mut state, (120, 36)).backend().buffer());
    assert!(screen.contains("captures kept: "), "{screen}");
}

#[test]
fn rows_are_named_by_what_is_read_or_by_what_is_predicted() {
    let mut state = captured();
    assert_eq!(state.row_labels(Side::Left).to_vec(), ["write", "a", "story", "about", "AI"]);
    press(&mut state, "|");
    assert_eq!(state.row_labels(Side::Left).to_vec(), ["a", "story", "about", "AI", "(research)"]);
    assert_screen!("rows_by_what_is_predicted", state, (120, 40));
    let copied = press(&mut state, "up up y").into_iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    });
    assert!(copied.unwrap().starts_with("key\tpredicting about\n"));
    press(&mut state, "> |");
    press(&mut state, "|");
    assert_eq!(state.row_labels(Side::Left)[4], "(and)", "the one that is marked");
    let mut state = written();
    press(&mut state, "| (");
    assert_eq!(
        state.row_labels(Side::Left).last().map(String::as_str),
        Some("(.)"),
        "the one that was written"
    );
}

#[test]
fn both_models_write() {
    let mut state = ready();
    press(&mut state, "G");
    for count in 1..=3 {
        hear_step(&mut state, Slot::First, &WRITTEN[..count]);
    }
    hear_step(&mut state, Slot::Second, &WRITTEN[..1]);
    assert_screen!("both_models_write", state, (120, 40));
    let mut state = written();
    press(&mut state, "(");
    assert_screen!("a_step_of_a_text", state, (120, 40));
    assert_screen!("a_step_of_a_text_small", state, (80, 24));
    let (terminal, _) = draw_with(&mut state, (120, 40), ColorDepth::None);
    insta::assert_snapshot!("a_step_of_a_text_without_colours", terminal.backend());
    let mut state = alone();
    (state.run.most_tokens, state.kept.most) = (8, MUCH);
    press(&mut state, "G");
    for count in 1..=4 {
        hear_step(&mut state, Slot::First, &WRITTEN[..count]);
    }
    let token = Token { is_generated: true, ..tokens(&["<|end|>"]).remove(0) };
    let ending = TextEnding::EndOfText(Box::new(NextToken { token, probability: 0.9 }));
    hear_end(&mut state, Slot::First, Ok(ending));
    assert_screen!("one_model_wrote", state, (100, 30));
}

/// Of what each wrote by itself, no prompt is the reason, and none can be pinned.
#[test]
fn texts_that_each_model_wrote_by_itself_are_not_compared_and_why_is_said() {
    for key in ["D", "W"] {
        let mut state = ready();
        // The right pane shows a model of the left one's shape.
        let twin = Arc::new(ModelInfo { name: "org/twin".to_owned(), ..(*gpt2()).clone() });
        let effects = hear(&mut state, Event::Loaded { slot: Slot::Second, model: twin.clone() });
        answer(&mut state, effects);
        let job = state.run.job;
        let capture = capture(&twin, &PROMPT);
        let effects = hear(&mut state, Event::Captured { slot: Slot::Second, job, capture });
        answer(&mut state, effects);
        press(&mut state, "G");
        let job = state.writing.id;
        for (slot, model, written) in [(Slot::First, gpt2(), " and"), (Slot::Second, twin, " or")] {
            let (capture, took) = (pass(&model, &[written]), Duration::ZERO);
            hear(&mut state, Event::Written { slot, job, capture, next: None, took });
            hear_end(&mut state, slot, Ok(TextEnding::Limit(1)));
        }
        press(&mut state, key);
        let why = "each model wrote its own text: let one write and the other read along";
        assert_eq!(state.note.as_deref(), Some(why), "{key}");
    }
}
