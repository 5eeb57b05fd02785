//! Left minus right, and the list of all heads: what keys do to them, and what they look like.

use attnscope::app::{Action, Arrangement, Column, Cursor, Effect, Mode, Scores, Side, State};
use attnscope::attention::alignment::Granularity;
use attnscope::attention::{Ablation, HeadOrder, LayerKind, Statistic, View};
use attnscope::worker::protocol::{CompareJob, Event, Request, Slot, WorkerError};

use crate::fixture::*;

/// The words of the first prompt, cut otherwise by the right model.
const LEFT: [&str; 7] = ["wr", "ite", " a", " st", "ory", " about", " AI"];
const RIGHT: [&str; 6] = ["write", " a", " st", "ory", " ab", "out AI"];

fn compared() -> State {
    let mut state = loaded();
    captured_as(&mut state, &LEFT, &RIGHT);
    press_and_wait(&mut state, "D");
    state
}

fn labels(state: &State) -> Vec<&str> {
    let compared = state.screen.difference.as_ref().unwrap().shown().unwrap();
    compared.labels().iter().map(String::as_str).collect()
}

#[test]
fn a_difference_goes_by_pieces_then_by_words_then_back() {
    let mut state = compared();
    assert_eq!(labels(&state), ["write", "a", "st", "ory", "about AI"]);
    press_and_wait(&mut state, "D");
    assert_eq!(state.screen.difference.as_ref().unwrap().granularity, Granularity::Words);
    assert_eq!(labels(&state), ["write", "a", "story", "about AI"]);
    press_and_wait(&mut state, "D");
    assert!(state.screen.difference.is_none());
}

fn asked(effects: &[Effect]) -> Vec<CompareJob> {
    let question = |effect: &Effect| match effect {
        Effect::Send(Request::Compare(question)) => Some(question.clone()),
        _ => None,
    };
    effects.iter().filter_map(question).collect()
}

#[test]
fn the_worker_compares_and_what_was_there_stays_until_it_has() {
    let mut state = loaded();
    captured_as(&mut state, &LEFT, &RIGHT);
    let effects = press(&mut state, "D");
    let [pieces] = &asked(&effects)[..] else { panic!("{effects:?}") };
    assert!(state.screen.compared().is_none() && state.is_busy(), "the panes stay on screen");
    assert!(asked(&press(&mut state, "up")).is_empty(), "it is asked once");
    let words = press(&mut state, "D");
    answer(&mut state, effects.clone());
    assert!(state.screen.compared().is_none(), "nobody waits for the pieces any more");
    answer(&mut state, words);
    assert!(state.screen.compared().is_some() && !state.is_busy());
    press_and_wait(&mut state, "D");
    assert!(state.screen.difference.is_none());

    press_and_wait(&mut state, "D");
    let layer = press(&mut state, "]");
    assert_eq!(state.screen.compared().unwrap().views(), [View::Mean; 2], "until the layers are compared");
    answer(&mut state, layer);
    assert_eq!(state.screen.compared().unwrap().views(), [View::Layer(0); 2]);

    press_and_wait(&mut state, "D");
    let late = Event::Compared { question: Box::new(pieces.clone()), found: Err(refused("no memory")) };
    hear(&mut state, late);
    assert!(state.screen.difference.is_some(), "an answer to an older question");
    let effects = press(&mut state, "D D");
    let question = asked(&effects).pop().unwrap();
    hear(&mut state, Event::Compared { question: Box::new(question), found: Err(refused("no memory")) });
    assert_eq!((state.screen.difference.is_none(), state.note.as_deref()), (true, Some("no memory")));
}

#[test]
fn the_cursor_moves_on_pieces_and_takes_both_sides_along() {
    let mut state = compared();
    point_to_first(&mut state);
    let at = |query, key| Cursor { query, column: Column::Key(key) };
    assert_eq!(state.screen.difference.as_ref().unwrap().cursor, at(4, 0));
    press(&mut state, "up right right");
    assert_eq!(state.screen.difference.as_ref().unwrap().cursor, at(3, 2));
    assert_eq!([0, 1].map(|side: usize| state.panes.both[side].cursor), [at(4, 3), at(3, 2)]);
    press(&mut state, "home");
    assert_eq!(
        state.screen.difference.as_ref().unwrap().cursor.column,
        Column::Sink,
        "the right side has sinks"
    );
    act(&mut state, Action::Point { side: Side::Left, query: 1, column: Column::Key(1) });
    assert_eq!(state.screen.difference.as_ref().unwrap().cursor, at(1, 1));
}

#[test]
fn a_difference_follows_views_rules_and_prompts() {
    let mut state = compared();
    let views = |state: &State| state.screen.difference.as_ref().unwrap().shown().unwrap().views();
    press_and_wait(&mut state, "] enter");
    let head = View::Head { layer: 0, head: 0 };
    assert_eq!(views(&state), [head, head]);
    press_and_wait(&mut state, "R");
    assert_eq!(views(&state), [View::Rollout; 2]);
    let copied = press(&mut state, "y");
    let Some(Effect::Copy(text)) = copied.into_iter().next() else { panic!("a row is copied") };
    assert!(text.starts_with("key\tleft\tright\tabout AI\nsink\t\t"), "{text}");
    append(&mut state, " now");
    act(&mut state, Action::Submit);
    let words = ["write", " a", " story", " now"];
    let (job, right) = (state.run.job, capture(&gpt_oss(), &words));
    let effects = hear(&mut state, Event::Captured { slot: Slot::Second, job, capture: right });
    answer(&mut state, effects);
    assert_eq!(labels(&state).len(), 5, "the old difference stays until both are there");
    let left = capture(&gpt2(), &words);
    let effects = hear(&mut state, Event::Captured { slot: Slot::First, job, capture: left });
    answer(&mut state, effects);
    press_and_wait(&mut state, "m");
    assert_eq!(labels(&state), ["write", "a", "story", "now"]);
}

#[test]
fn both_share_a_square_and_its_two_triangles_are_one_pair_of_pieces() {
    let mut state = loaded();
    captured_as(&mut state, &LEFT, &RIGHT);
    press_and_wait(&mut state, "d");
    let arrangement = |state: &State| state.screen.difference.as_ref().map(|shown| shown.arrangement);
    assert_eq!(arrangement(&state), Some(Arrangement::Split));
    act(&mut state, Action::Point { side: Side::Left, query: 1, column: Column::Key(3) });
    let cursor = state.screen.difference.as_ref().unwrap().cursor;
    assert_eq!(cursor, Cursor { query: 3, column: Column::Key(1) }, "above the diagonal columns are queries");
    let copied = press(&mut state, "Y");
    let Some(Effect::Copy(text)) = copied.into_iter().next() else { panic!("both are copied") };
    let tables: Vec<&str> = text.split("\n\n").collect();
    assert!(
        tables.len() == 2 && tables[0].starts_with("query\twrite") && tables[1].starts_with("query\tsink")
    );
    press_and_wait(&mut state, "D");
    assert_eq!(labels(&state), ["write", "a", "story", "about AI"]);
    assert_eq!(arrangement(&state), Some(Arrangement::Split), "by words, still split");
    press_and_wait(&mut state, "d");
    assert_eq!(arrangement(&state), None);
    press_and_wait(&mut state, "D d");
    assert_eq!(arrangement(&state), Some(Arrangement::Split), "from one comparison to the other");
}

#[test]
fn without_two_captures_it_is_said_why_there_is_no_difference() {
    for key in ["D", "d"] {
        let mut state = loaded();
        press(&mut state, key);
        assert!(state.screen.difference.is_none(), "the panes are still there");
        assert!(state.note.as_deref().unwrap().contains("both sides"), "{:?}", state.note);
        for size in [(80, 24), (120, 36)] {
            let screen = crate::screens::text(crate::screens::draw(&mut state, size).backend().buffer());
            assert!(screen.contains("a difference is of both sides"), "{screen}");
        }
    }
}

#[test]
fn a_difference_that_cant_go_on_is_left() {
    let mut state = compared();
    press_and_wait(&mut state, "V");
    assert!(state.screen.difference.is_none());
    assert!(state.note.as_deref().unwrap().contains("not compared"), "{:?}", state.note);
}

#[test]
fn a_difference_is_seen_from_wherever_it_is_asked_for() {
    for keys in ["g D", "o D", "P D", "g d"] {
        let mut state = compared();
        press_and_wait(&mut state, "D D");
        assert!(state.screen.difference.is_none());
        press_and_wait(&mut state, keys);
        assert!(
            state.screen.difference.as_ref().is_some_and(|difference| difference.shown().is_some()),
            "{keys}"
        );
        assert_eq!(state.screen.mode(), Mode::Browse, "{keys}");
    }
}

fn listed(keys: &str) -> State {
    let mut state = captured_with_groups();
    press_and_wait(&mut state, keys);
    state
}

fn best(state: &State) -> (Side, View) {
    let best = state.screen.list.rows()[state.screen.list.row];
    (best.side, best.entry.view())
}

#[test]
fn scores_are_asked_for_once_a_model() {
    let mut state = captured_with_groups();
    let asked = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Send(Request::Score(_)))).count()
    };
    let effects = press(&mut state, "o");
    assert_eq!(asked(&effects), 2);
    assert!(state.is_busy());
    assert_eq!(asked(&press(&mut state, "down")), 0);
    answer(&mut state, effects);
    assert!(
        !state.is_busy() && matches!(state.panes.both[0].scores.of(&Ablation::default()), Scores::Known(_))
    );
    assert_eq!(asked(&press(&mut state, "o o")), 0, "they are kept");
    let (side, model) = (Side::Left, gpt_oss());
    assert_eq!(
        asked(&hear(&mut state, Event::Loaded { slot: side.slot(), model })),
        1,
        "another model has others"
    );
    hear(&mut state, Event::ScoringFailed { slot: side.slot(), error: WorkerError::Cancelled });
    assert_eq!(asked(&press(&mut state, "down")), 0, "what was stopped stays so");
    assert_eq!(asked(&press(&mut state, "r")), 1, "until it is asked for");
}

#[test]
fn heads_of_both_models_are_sorted_and_filtered() {
    let mut state = listed("o");
    let heads = state.screen.list.rows();
    assert_eq!((state.screen.mode(), heads.len()), (Mode::Panel, 2 * 3 + 4 * 4));
    let induction: Vec<f32> =
        heads.iter().map(|head| HeadOrder::By(Statistic::Induction).value(&head.entry).unwrap()).collect();
    assert!(induction.is_sorted_by(|a, b| a >= b), "{induction:?}");
    press(&mut state, "w");
    assert!(
        state.screen.list.rows().iter().all(|head| head.side == Side::Right && head.entry.layer % 2 == 0)
    );
    press(&mut state, "K K");
    let heads = state.screen.list.rows();
    assert!(heads.iter().all(|head| head.entry.group == 1 && head.entry.kind == LayerKind::Sliding));
    assert_eq!(heads.len(), 4);
    press(&mut state, "w w K K left left end");
    assert_eq!((state.screen.list.order, state.screen.list.row), (HeadOrder::By(Statistic::Previous), 21));
    press(&mut state, "home left left left left left left left left left left");
    assert_eq!((state.screen.list.order, best(&state)), (HeadOrder::Head, (Side::Left, head(0, 0))));
}

fn head(layer: usize, head: usize) -> View {
    View::Head { layer, head }
}

#[test]
fn enter_and_a_click_go_to_a_head() {
    let mut state = listed("D o down down enter");
    assert!(state.screen.difference.is_none(), "a head is looked at by itself");
    let chosen = listed("o down down");
    let (side, view) = best(&chosen);
    assert_eq!((state.screen.mode(), state.panes.focus), (Mode::Browse, side));
    assert_eq!(state.pane(side).shown.as_ref().unwrap().view(), view);
    press_and_wait(&mut state, "o");
    act(&mut state, Action::ShowView { side: Side::Left, view: head(1, 2) });
    assert_eq!((state.screen.mode(), state.panes.focus), (Mode::Browse, Side::Left));
    press_and_wait(&mut state, "o esc");
    assert_eq!(state.screen.mode(), Mode::Browse);
}

#[test]
fn a_head_is_most_like_itself() {
    let mut state = listed("tab ] enter } ~");
    assert_eq!((state.screen.mode(), state.screen.list.order), (Mode::Panel, HeadOrder::Similarity));
    assert_eq!(best(&state), (Side::Right, head(0, 1)));
    let alike: Vec<f32> =
        state.screen.list.rows().iter().map(|head| head.entry.similarity.unwrap()).collect();
    assert!((alike[0] - 1.0).abs() < 1e-6 && alike.len() == 22 && alike[1] < 1.0);
    press_and_wait(&mut state, "down ~");
    assert_ne!(state.screen.list.similarity.as_ref().unwrap().head, head(0, 1));
    assert_eq!(state.screen.list.row, 0);
    let mut state = captured();
    press(&mut state, "~");
    assert!(state.screen.mode() == Mode::Browse && state.note.as_ref().unwrap().contains("head first"));
}
