//! Heads are switched off, and what the model does without them comes beside what it does with all.

use std::sync::Arc;

use tui_input::InputRequest;

use attnscope::app::{Action, Effect, Popup, Scores, Side, State};
use attnscope::attention::ablation::moved_heads;
use attnscope::attention::{Ablation, RepeatScores, View};
use attnscope::worker::protocol::{Event, Request, ScoringJob, Slot, WorkerError};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, text};

/// The heads that are to be off on each side, as the worker is asked.
fn asked(effects: &[Effect]) -> Vec<[String; 2]> {
    let asked = |effect: &Effect| match effect {
        Effect::Send(Request::Run { ablations, .. }) => Some(ablations.each_ref().map(ToString::to_string)),
        _ => None,
    };
    effects.iter().filter_map(asked).collect()
}

/// The worker answers: a side's model ran without these heads, the other one as ever.
fn ran(state: &mut State, side: Side, heads: &str) {
    let (job, texts) = (state.run.job, state.run.prompt.clone());
    let texts: Vec<&str> = texts.split_inclusive(' ').collect();
    let model = |side| if side == Side::Left { gpt2() } else { gpt_oss() };
    let other = capture(&model(side.other()), &texts);
    let own =
        if heads.is_empty() { capture(&model(side), &texts) } else { ablated(&model(side), &texts, heads) };
    for (side, capture) in [(side.other(), other), (side, own)] {
        let effects = hear(state, Event::Captured { slot: side.slot(), job, capture });
        answer(state, effects);
    }
}

/// Head 0.1 of the left model is off.
fn without_one() -> State {
    let mut state = captured();
    press_and_wait(&mut state, "enter enter }");
    let effects = press(&mut state, "a");
    assert_eq!(asked(&effects), [["0.1".to_owned(), String::new()]]);
    answer(&mut state, effects);
    ran(&mut state, Side::Left, "0.1");
    state
}

fn shown(state: &State, side: Side) -> (String, String) {
    let shown = state.pane(side).shown.as_ref().unwrap();
    (shown.capture.model.name.clone(), shown.capture.ablation.to_string())
}

fn on(model: &str, off: &str) -> (String, String) {
    (model.to_owned(), off.to_owned())
}

#[test]
fn before_and_after_stand_side_by_side() {
    let mut state = without_one();
    assert_eq!(shown(&state, Side::Left), on("demo:gpt2", "0.1"));
    assert_eq!(shown(&state, Side::Right), on("demo:gpt2", ""), "before, in the other model's place");
    let [after, before] = Side::BOTH.map(|side| state.pane(side).shown.as_ref().unwrap());
    let next = &after.capture.next[0];
    assert!((after.change(next).unwrap() - 0.125).abs() < 1e-3, "from 0.125 to 0.25");
    assert!((before.change(next).unwrap() - 0.125).abs() < 1e-3, "the same beside");
    let view = View::Head { layer: 1, head: 0 };
    press_and_wait(&mut state, "] {");
    for side in Side::BOTH {
        let shown = state.pane(side).shown.as_ref().unwrap();
        assert_eq!((shown.view(), shown.matrix()), (view, &shown.capture.matrix(view).unwrap()));
    }
    assert_screen!("without_a_head", state, (120, 40));
    assert_screen!("without_a_head_80x24", state, (80, 24));
}

#[test]
fn several_heads_go_off_and_come_back_one_by_one() {
    let mut state = without_one();
    assert_eq!(asked(&press(&mut state, "} a")), [["0.1, 0.2".to_owned(), String::new()]]);
    assert_eq!(asked(&press(&mut state, "a")), [["0.1".to_owned(), String::new()]], "on again");
    assert_eq!(asked(&press(&mut state, "u")), [["0.1, 0.2".to_owned(), String::new()]]);
    let effects = press(&mut state, "u u");
    assert_eq!(asked(&effects), [["0.1".to_owned(), String::new()], [String::new(), String::new()]]);
    answer(&mut state, effects);
    ran(&mut state, Side::Left, "");
    assert_eq!([Side::Left, Side::Right].map(|side| shown(&state, side).0), ["demo:gpt2", "demo:gpt-oss"]);
    let shown = state.pane(Side::Left).shown.as_ref().unwrap();
    assert_eq!(shown.change(&shown.capture.next[0]), None);
    assert_eq!(press(&mut state, "u").len(), 0);
    assert_eq!(state.note.as_deref(), Some("all heads are on"));
}

#[test]
fn a_file_is_named_after_the_heads_that_are_off() {
    let mut state = without_one();
    press(&mut state, "e");
    let Some(Popup::Export(dialog)) = &state.popup else { panic!() };
    assert_eq!(dialog.list.line.value(), "demo-gpt2-without-0.1-head-0.1.csv");
}

#[test]
fn all_come_back_at_once() {
    let mut state = without_one();
    press(&mut state, "} a");
    assert_eq!(asked(&press(&mut state, "U")), [[String::new(), String::new()]]);
    assert!(state.panes.pin.is_none());
    assert_eq!(asked(&press(&mut state, "u")).len(), 0, "and stay");
}

#[test]
fn a_new_prompt_keeps_heads_off_and_renews_what_was_before() {
    let mut state = without_one();
    state.editor.draft = "write a long story about AI".into();
    let effects = attnscope::app::update(&mut state, attnscope::app::Action::Submit);
    assert_eq!(asked(&effects), [["0.1".to_owned(), String::new()]]);
    ran(&mut state, Side::Left, "0.1");
    for side in Side::BOTH {
        let shown = state.pane(side).shown.as_ref().unwrap();
        assert_eq!((shown.prompt.as_str(), shown.capture.tokens.len()), ("write a long story about AI", 6));
    }
    assert_eq!(shown(&state, Side::Right), on("demo:gpt2", ""));
}

#[test]
fn a_head_in_what_was_before_is_that_of_the_model_that_runs() {
    let mut state = without_one();
    assert_eq!(asked(&press(&mut state, "tab } a")), [["0.1, 0.2".to_owned(), String::new()]]);
}

#[test]
fn heads_go_off_in_the_grid_and_in_the_list_and_are_marked_there() {
    let mut state = captured();
    press(&mut state, "g right right");
    assert_eq!(asked(&press(&mut state, "a")), [["0.2".to_owned(), String::new()]]);
    ran(&mut state, Side::Left, "0.2");
    assert_screen!("without_a_head_among_all", state, (120, 40));
    press_and_wait(&mut state, "esc p o");
    let head = state.screen.list.rows()[0];
    let name = format!("{}.{}", head.entry.layer, head.entry.head);
    let effects = press(&mut state, "a");
    assert!(asked(&effects)[0][head.side.index()].contains(&name), "{effects:?}");
    assert_screen!("without_heads_in_the_list", state, (120, 24));
}

#[test]
fn a_pin_of_ones_own_stays() {
    let mut state = captured();
    press_and_wait(&mut state, "enter enter p");
    let effects = press(&mut state, "a");
    answer(&mut state, effects);
    ran(&mut state, Side::Left, "0.0");
    assert!(!state.panes.pin.as_ref().unwrap().is_before);
    press_and_wait(&mut state, "U");
    assert!(state.panes.pin.is_some(), "as it was put");
}

#[test]
fn another_model_has_all_its_heads() {
    let mut state = without_one();
    let effects = hear(&mut state, Event::Loaded { slot: Slot::First, model: gpt_oss() });
    assert_eq!(asked(&effects), [[String::new(), String::new()]]);
    assert!(state.panes.pin.is_none());
    let effects = hear(&mut state, Event::Loaded { slot: Slot::Second, model: gpt2() });
    assert_eq!(asked(&effects).len(), 0, "none of this one's were off");
}

#[test]
fn only_a_head_that_is_here_can_be_switched_off() {
    let mut state = loaded();
    assert_eq!(press(&mut state, "a").len(), 0);
    assert_eq!(state.note.as_deref(), Some("this model has not read a prompt yet"));
    let mut state = captured();
    press(&mut state, "a");
    assert_eq!(state.note.as_deref(), Some("go to a head first: then a switches it off"));
    assert!(text_of(&mut state).contains("go to a head first"));
}

fn text_of(state: &mut State) -> String {
    crate::screens::text(draw(state, (120, 40)).backend().buffer())
}

/// The scores that are asked for: of which side, and without which heads.
fn scored(effects: &[Effect]) -> Vec<(Side, Vec<String>)> {
    let asked = |effect: &Effect| match effect {
        Effect::Send(Request::Score(ScoringJob { slot, ablations, .. })) => {
            Some((Side::of(*slot), ablations.iter().map(ToString::to_string).collect()))
        }
        _ => None,
    };
    effects.iter().filter_map(asked).collect()
}

/// The worker has scored the left model without these heads: each of its heads has this induction score.
fn score(state: &mut State, heads: &str, induction: f32) {
    let model = state.panes.resident(Slot::First).model.clone().unwrap();
    let ablation = if heads.is_empty() { Ablation::default() } else { heads.parse().unwrap() };
    let of_head = RepeatScores { induction, ..RepeatScores::default() };
    let scores = Arc::new(vec![vec![of_head; model.heads]; model.layers]);
    hear(state, Event::Scored { slot: Slot::First, model, ablation, scores });
}

fn inductions(state: &State, side: Side) -> Vec<Option<f32>> {
    let listed = state.screen.list.rows();
    let of_side = listed.iter().filter(|head| head.side == side);
    of_side.map(|head| head.entry.repeated.map(|scores| scores.induction)).collect()
}

#[test]
fn the_list_scores_each_pane_without_the_heads_that_are_off_in_it() {
    let mut state = without_one();
    let effects = press(&mut state, "o");
    let left = |heads: &[&str]| (Side::Left, heads.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(scored(&effects), [left(&["0.1", ""])], "the model behind what was before is not on screen");
    score(&mut state, "", 0.875);
    assert_eq!(
        inductions(&state, Side::Left),
        vec![None; 6],
        "nothing is said of the one that is not scored yet"
    );
    assert_eq!(inductions(&state, Side::Right), vec![Some(0.875); 6]);
    score(&mut state, "0.1", 0.125);
    assert_eq!(inductions(&state, Side::Left), vec![Some(0.125); 6]);
    assert_eq!(inductions(&state, Side::Right), vec![Some(0.875); 6], "before: all heads on");

    state.screen.list.row = 0;
    let head = state.screen.list.rows()[0];
    assert_eq!(head.side, Side::Right);
    let effects = press(&mut state, "a");
    assert_eq!(scored(&effects), [], "until it has run");
    let both = asked(&effects)[0][0].clone();
    assert_screen!("list_before_another_head_is_off", state, (120, 24));
    let (job, texts) = (state.run.job, state.run.prompt.clone());
    let texts: Vec<&str> = texts.split_inclusive(' ').collect();
    let capture = ablated(&gpt2(), &texts, &both);
    let effects = hear(&mut state, Event::Captured { slot: Slot::First, job, capture });
    answer_views(&mut state, effects);
    let model = state.pane(Side::Left).shown.as_ref().unwrap().capture.ablation.to_string();
    assert_eq!(model, both);
    assert!(inductions(&state, Side::Left).iter().all(Option::is_none), "not those without 0.1");
    let book = &state.panes.resident(Slot::First).scores;
    assert!(matches!(book.of(&both.parse().unwrap()), Scores::Running { .. }));
    assert!(matches!(book.of(&"0.1".parse().unwrap()), Scores::Known(_)), "kept for when it comes back");
}

#[test]
fn what_is_on_screen_is_never_called_by_the_heads_that_are_to_go_off() {
    for keys in ["g", "o", "P", "D"] {
        let mut state = captured();
        press_and_wait(&mut state, "enter enter }");
        press(&mut state, "a");
        press_and_wait(&mut state, keys);
        let running = text_of(&mut state);
        assert!(running.contains("running without 0.1"), "{keys}\n{running}");
        let claims = running.replace("running without 0.1", "").replace("  without 0.1: u undoes it", "");
        let claims = claims.replace("without 0.1: u undoes it", "");
        assert!(!claims.contains("without 0.1"), "{keys}\n{running}");
        let (side, job) = (Side::Left, state.run.job);
        hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: WorkerError::Cancelled });
        let stopped = text_of(&mut state);
        assert!(stopped.contains("not run without 0.1"), "{keys}\n{stopped}");
    }
}

#[test]
fn what_is_copied_says_which_heads_were_off() {
    let mut state = without_one();
    press(&mut state, "y");
    assert_eq!(state.note.as_deref(), Some("row without 0.1 sent to the terminal's clipboard"));
    press(&mut state, "tab Y");
    assert_eq!(state.note.as_deref(), Some("matrix sent to the terminal's clipboard"), "before: all are on");
}

#[test]
fn the_heads_that_moved_most_are_named_under_what_was_left() {
    let mut state = without_one();
    let shown = state.pane(Side::Left).shown.as_ref().unwrap();
    let (moved, looked) = shown.by_layer.moved(&shown.capture).unwrap();
    let mut expected = moved_heads(shown.capture.before.as_ref().unwrap(), &shown.capture, 1).unwrap();
    expected.sort_by(|a, b| b.divergence.total_cmp(&a.divergence));
    assert_eq!((moved, looked), (expected.as_slice(), 2));
    assert!(moved[0].divergence > 0.001, "{moved:?}");
    let line = format!("moved most  1.{} {:.3}", moved[0].head, moved[0].divergence);
    let screen = text_of(&mut state);
    assert_eq!(screen.matches(&line).count(), 1, "not under what was before\n{screen}");
    let screen = crate::screens::text(draw(&mut state, (80, 24)).backend().buffer());
    assert!(screen.contains(&line), "{screen}");
    press(&mut state, "U");
    ran(&mut state, Side::Left, "");
    assert!(!text_of(&mut state).contains("moved most"), "all are on");
}

#[test]
fn a_head_of_the_last_layer_moves_no_other() {
    let mut state = captured();
    press_and_wait(&mut state, "enter enter ]");
    press(&mut state, "a");
    ran(&mut state, Side::Left, "1.0");
    assert!(text_of(&mut state).contains("no head moved"), "{}", text_of(&mut state));
}

#[test]
fn a_difference_of_nothing_says_why() {
    let mut state = without_one();
    press_and_wait(&mut state, "D");
    let screen = text_of(&mut state);
    assert!(screen.contains("nothing moves here: heads of the same layer"), "{screen}");
}

#[test]
fn titles_of_narrow_panes_say_which_heads_are_off() {
    let mut state = without_one();
    let screen = crate::screens::text(draw(&mut state, (80, 24)).backend().buffer());
    for title in ["demo:gpt2  without 0.1 ", "demo:gpt2  all heads on "] {
        assert!(screen.contains(title), "{screen}");
    }
    // What stands in their place is a part of what is off, not of the model's name.
    press(&mut state, "Z");
    let screen = crate::screens::text(draw(&mut state, (80, 24)).backend().buffer());
    assert!(screen.contains("heads that are off: their mean over the prompt "), "all of it: {screen}");
    ran(&mut state, Side::Left, "mean: 0.1");
    press(&mut state, "H");
    let screen = crate::screens::text(draw(&mut state, (80, 24)).backend().buffer());
    assert!(screen.contains("demo:gpt2  with 0.1 at its mean "), "{screen}");
    press(&mut state, "Z");
    let screen = crate::screens::text(draw(&mut state, (80, 24)).backend().buffer());
    assert!(screen.contains("heads that are off: nothing in their place "), "{screen}");
}

#[test]
fn where_many_heads_are_off_their_number_is_said_and_not_a_part_of_them() {
    let mut state = without_one();
    ran(&mut state, Side::Left, "mean: 0.0, 0.1, 0.2, 1.0, 1.1");
    for keys in ["enter enter", "T", "A", "esc X", "esc B", "esc H", "esc"] {
        press_and_wait(&mut state, keys);
        let screen = crate::screens::text(draw(&mut state, (80, 24)).backend().buffer());
        assert!(screen.contains("demo:gpt2  5 at mean "), "{keys}: {screen}");
    }
    for keys in ["D", "esc o"] {
        press_and_wait(&mut state, keys);
        let screen = crate::screens::text(draw(&mut state, (80, 24)).backend().buffer());
        assert!(screen.contains("gpt2 5 at mean "), "{keys}: {screen}");
    }
}

/// What is on screen, with a blank between words.
fn words_of(state: &mut State, size: (u16, u16)) -> String {
    let screen = crate::screens::text(draw(state, size).backend().buffer());
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// On all screens on which anything is said under panes but the cell.
#[test]
fn next_tokens_of_both_panes_are_there_where_heads_are_off() {
    for size in [(80, 24), (64, 14), (100, 30), (120, 40)] {
        let mut state = without_one();
        let screen = words_of(&mut state, size);
        for next in ["and 25.0%", "research 31.0%"] {
            assert!(screen.contains(next), "{size:?}: {screen}");
        }
        point_to_first(&mut state);
        press(&mut state, "right space right space");
        let screen = words_of(&mut state, size);
        for said in ["and 25.0%", "research 31.0%", "┃a…story"] {
            assert!(screen.contains(said) || size.0 < 80 && said.starts_with('┃'), "{size:?}: {screen}");
        }
    }
}

/// No title at the top of a panel is cut on a screen of 80 columns.
#[test]
fn titles_of_panels_are_whole() {
    let mut state = without_one();
    for keys in [
        "enter enter",
        "T",
        "T",
        "T",
        "T A",
        "esc B",
        "esc X",
        "esc Q",
        "esc P",
        "esc g",
        "esc o",
        "esc H",
        "esc D",
        "d",
    ] {
        press_and_wait(&mut state, keys);
        for size in [(60, 20), (80, 24), (100, 30)] {
            let screen = crate::screens::text(draw(&mut state, size).backend().buffer());
            let title: String = screen.chars().take(size.0.into()).collect();
            assert!(!title.contains('…'), "{keys}: {title}");
        }
    }
}

/// What a model does with all heads on comes with the pass without some: not after a text that can't be run.
#[test]
fn after_a_text_that_can_not_be_run_both_sides_are_of_the_one_before() {
    let mut state = without_one();
    let count = |state: &mut State| {
        let screen = text(draw(state, (120, 30)).backend().buffer());
        screen.matches(" of the previous prompt ").count()
    };
    assert_eq!(count(&mut state), 0);
    press(&mut state, "i");
    act(&mut state, Action::Edit(InputRequest::DeleteLine));
    act(&mut state, Action::Submit);
    assert_eq!(count(&mut state), 0, "it runs");
    let job = state.run.job;
    for slot in Slot::ALL {
        hear(&mut state, Event::RunFailed { slot, job, error: refused("the prompt is empty") });
    }
    assert_eq!(count(&mut state), 2);
}
