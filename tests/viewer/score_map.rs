//! The score map: a statistic of all heads of both models, walked, clicked and opened.

use std::sync::Arc;

use attnscope::app::{Action, Effect, ExportContent, Opened, Popup, Side, State, update};
use attnscope::attention::ablation::Swept;
use attnscope::attention::{Statistic, View};
use attnscope::theme::ColorDepth;
use attnscope::ui::{self, Part};
use attnscope::vocabulary::{ExportFormat, Instead};
use attnscope::worker::protocol::{Event, Request, WorkerError};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, draw_with, parts, text};

fn is_open(state: &State) -> bool {
    matches!(state.screen.opened(), Opened::ScoreMap)
}

fn chosen(state: &State) -> [Option<View>; 2] {
    Side::BOTH.map(|side| state.screen.map.chosen(&state.panes, side))
}

fn value(state: &State, side: Side, layer: usize, head: usize) -> Option<f32> {
    state.screen.map.values(&state.panes, side).unwrap()[layer][head]
}

/// Whether scores on repeated random tokens are asked for.
fn asks_for_scores(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Send(Request::Score(_))))
}

#[test]
fn the_map_is_walked_on_both_sides_and_opens_the_head_that_is_chosen() {
    let mut state = captured();
    press_and_wait(&mut state, "H down right right right");
    assert!(is_open(&state));
    assert_eq!(chosen(&state), [Some(head(1, 2)); 2], "none beyond the last, and the other side goes along");
    press(&mut state, "tab pagedown end");
    assert_eq!(
        chosen(&state),
        [Some(head(1, 2)), Some(head(2, 4))],
        "where the other model has no such head"
    );
    assert_eq!(shown(&state), [View::Mean; 2], "nothing is opened by walking");
    press_and_wait(&mut state, "enter");
    assert_eq!((is_open(&state), shown(&state)[1]), (false, head(2, 4)));
    press(&mut state, "H");
    assert_eq!(chosen(&state)[1], Some(head(2, 4)), "it opens where the panes are");
    press(&mut state, "up left esc");
    assert_eq!((is_open(&state), shown(&state)[1]), (false, head(2, 4)), "left as it was");
    press(&mut state, "H home pageup x tab end");
    assert_eq!(chosen(&state), [Some(head(0, 2)), Some(head(0, 0))], "the sides are not linked");
    press(&mut state, "H");
    assert!(!is_open(&state));
    assert!(press(&mut started(), "H").is_empty(), "there is nothing to show yet");
}

#[test]
fn statistics_follow_each_other_and_scores_are_asked_for_once() {
    let mut state = captured();
    let effects = press(&mut state, "H");
    assert!(asks_for_scores(&effects));
    assert_eq!((state.screen.map.statistic, value(&state, Side::Left, 0, 0)), (Statistic::Induction, None));
    answer(&mut state, effects);
    assert!(value(&state, Side::Left, 1, 2).is_some_and(|value| (0.0..=1.0).contains(&value)));
    let mut seen = vec![state.screen.map.statistic];
    while seen.len() < Statistic::ALL.len() {
        assert!(!asks_for_scores(&press(&mut state, "n")), "they are known");
        seen.push(state.screen.map.statistic);
    }
    assert!(Statistic::ALL.iter().all(|statistic| seen.contains(statistic)), "{seen:?}");
    press(&mut state, "n");
    assert_eq!(state.screen.map.statistic, Statistic::Induction);
    press(&mut state, "n n");
    assert_eq!(state.screen.map.statistic, Statistic::Sink);
    assert_eq!(value(&state, Side::Left, 0, 0), None, "GPT-2 has no sinks");
    let expected = state.panes.both[1].shown.as_ref().unwrap().capture.layers[2].heads[3].statistics;
    assert_eq!(value(&state, Side::Right, 2, 3), expected.get(Statistic::Sink));
    press(&mut state, "esc H");
    assert_eq!(state.screen.map.statistic, Statistic::Sink, "it stays while the map is closed");

    let mut state = alone();
    press_and_wait(&mut state, "H n n");
    assert_eq!(state.screen.map.statistic, Statistic::FirstToken, "no model has sinks");
}

/// The sweeps that are asked for.
fn sweeps(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Send(Request::Sweep(_)))).count()
}

#[test]
fn what_each_head_is_worth_is_asked_for_when_it_is_chosen_and_stopped_when_it_is_not() {
    let mut state = captured();
    press_and_wait(&mut state, "H");
    let effects = press(&mut state, "n");
    assert_eq!((state.screen.map.statistic, sweeps(&effects)), (Statistic::Off, 2));
    let capture = state.panes.both[0].shown.as_ref().unwrap().capture.clone();
    act(&mut state, Action::Worker(Event::Sweeping { capture: capture.clone(), done: 2, all: 6 }));
    let screen = draw(&mut state, (120, 36));
    assert!(text(screen.backend().buffer()).contains("without head 2 of 6"));
    assert_eq!(sweeps(&press(&mut state, "left")), 0, "it is under way");
    let divergences = vec![vec![0.25, 0.0, 1.5], vec![0.0; 3]];
    let found = Ok(Arc::new(Swept { instead: Instead::Zero, divergences }));
    act(&mut state, Action::Worker(Event::Swept { capture, found }));
    assert_eq!(value(&state, Side::Left, 0, 2), Some(1.5));
    assert_eq!(value(&state, Side::Right, 0, 2), None);
    let effects = press(&mut state, "n");
    let stops = |effect: &Effect| matches!(effect, Effect::Send(Request::StopSweeps));
    assert_eq!((state.screen.map.statistic, effects.iter().any(stops)), (Statistic::Sink, true));
    // What is known stays; the other one is asked for again.
    let statistics = Statistic::ALL.len() - 1;
    let effects: Vec<Effect> = (0..statistics).flat_map(|_| press(&mut state, "n")).collect();
    assert_eq!((state.screen.map.statistic, sweeps(&effects)), (Statistic::Off, 1));
    assert_eq!(value(&state, Side::Left, 0, 2), Some(1.5));
    let right = state.panes.both[1].shown.as_ref().unwrap().capture.clone();
    act(&mut state, Action::Worker(Event::Swept { capture: right, found: Err(WorkerError::Cancelled) }));
    assert_eq!(sweeps(&press(&mut state, "r")), 1, "what failed is tried again");
}

#[test]
fn a_click_chooses_a_head_and_a_click_on_it_opens_it() {
    let mut state = captured();
    press_and_wait(&mut state, "H");
    let (_, layout) = draw_with(&mut state, (120, 36), ColorDepth::TrueColor);
    let cells = parts(&layout).to_vec();
    assert_eq!(cells.len(), 2 * 3 + 3 * 5);
    for &Part { side, view, area } in &cells {
        for at in [area.as_position(), (area.right() - 1, area.bottom() - 1).into()] {
            assert_eq!(layout.hit(at), Some(ui::Hit::Thumbnail { side, view: view.unwrap() }));
        }
    }
    let clicked = Action::ShowView { side: Side::Right, view: head(2, 3) };
    act(&mut state, clicked.clone());
    assert!(is_open(&state));
    assert_eq!((state.panes.focus, chosen(&state)[1]), (Side::Right, Some(head(2, 3))));
    let effects = update(&mut state, clicked);
    answer(&mut state, effects);
    assert_eq!((is_open(&state), shown(&state)[1]), (false, head(2, 3)));
    press_and_wait(&mut state, "H");
    act(&mut state, Action::Scroll { side: Side::Right, rows: -1, columns: -1 });
    assert_eq!(chosen(&state)[1], Some(head(1, 2)), "the wheel moves along");
}

#[test]
fn heads_that_are_off_are_marked() {
    let mut state = captured();
    press_and_wait(&mut state, "H right");
    // The titles have the sign of multiplication, too.
    let marks = |state: &mut State| text(draw(state, (120, 36)).backend().buffer()).matches('×').count();
    assert_eq!(marks(&mut state), 2);
    press(&mut state, "a");
    let screen = text(draw(&mut state, (120, 36)).backend().buffer());
    assert!(screen.contains("layer 0 · head 1 · off"), "{screen}");
    assert_eq!(marks(&mut state), 3);
    assert_screen!("score_map_with_a_head_off", state, (120, 36));
}

#[test]
fn screens() {
    let mut state = captured();
    let effects = press(&mut state, "H");
    assert_screen!("score_map_while_scores_are_computed", state, (80, 24));
    answer(&mut state, effects);
    press(&mut state, "down right");
    assert_screen!("score_map", state, (120, 36));
    assert_screen!("score_map_80x24", state, (80, 24));
    press(&mut state, "tab n n n s");
    let (terminal, _) = draw_with(&mut state, (80, 24), ColorDepth::None);
    insta::assert_snapshot!("score_map_without_colours", terminal.backend());
    assert_screen!("score_map_of_the_focused_model_on_a_small_screen", state, (40, 12));
}

#[test]
fn more_heads_than_there_is_room_for_scroll_around_the_chosen_one() {
    let mut state = large();
    press_and_wait(&mut state, "H pagedown pagedown pagedown end");
    let (terminal, layout) = draw_with(&mut state, (80, 24), ColorDepth::TrueColor);
    let views: Vec<View> = parts(&layout).iter().filter_map(|part| part.view).collect();
    assert!(views.contains(&head(29, 63)) && !views.contains(&head(0, 0)), "{views:?}");
    insta::assert_snapshot!("score_map_of_many_heads", terminal.backend());
}

/// A model of more layers and heads than a small screen has rows and columns.
fn large() -> State {
    let model = model("large", 30, 64, true);
    let mut state = State::of_one_model("large".into(), PROMPT.concat(), Default::default(), true);
    act(&mut state, Action::Start);
    let (slot, job) = (Side::Left.slot(), state.run.job);
    hear(&mut state, Event::Loaded { slot, model: model.clone() });
    let capture = capture(&model, &PROMPT);
    hear(&mut state, Event::Captured { slot, job, capture });
    state
}

#[test]
fn the_map_on_screen_is_what_an_export_begins_with() {
    let mut state = captured();
    press_and_wait(&mut state, "H e");
    let effects = update(&mut state, Action::Submit);
    let [Effect::Export { content, format, file, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((*content, *format), (ExportContent::Map(Statistic::Induction), ExportFormat::Svg));
    assert_eq!(file, "demo-gpt2-and-demo-gpt-oss-map-induction.svg");
    assert!(text(draw(&mut state, (120, 30)).backend().buffer()).contains("map: "));
    let mut other = captured();
    press_and_wait(&mut other, "H esc e");
    let Some(Popup::Export(dialog)) = &other.popup else { panic!("no dialog") };
    assert!(
        !dialog.choices.iter().any(|choice| matches!(choice.0, ExportContent::Map(_))),
        "none is on screen"
    );
}
