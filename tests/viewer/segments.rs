//! The segments of the prompt: walked, cut otherwise, in other views, opened; and what is on screen before they are known.

use std::sync::Arc;

use attnscope::app::{
    Column, Effect, ExportContent, Opened, SegmentCells, SegmentMap, SegmentStage, Side, State, update,
};
use attnscope::attention::View;
use attnscope::attention::segments::{Cut, NamedSpans};
use attnscope::theme::ColorDepth;
use attnscope::vocabulary::{ExportFormat, SegmentRule};
use attnscope::worker::protocol::{Event, Request, SegmentsJob, WorkerError};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, draw_with, text};

/// Three sentences.
const TEXTS: [&str; 11] =
    ["Once", " upon", " a", " time", ".", " It", " wrote", ".", " Nobody", " read", " it."];

/// Both models have read these texts.
fn reading(left: &[&str], right: &[&str]) -> State {
    let mut state =
        State::new("demo:gpt2".into(), "demo:gpt-oss".into(), left.concat(), Default::default(), true);
    act(&mut state, attnscope::app::Action::Start);
    for (side, model) in [(Side::Left, gpt2()), (Side::Right, gpt_oss())] {
        hear(&mut state, Event::Loaded { slot: side.slot(), model });
    }
    captured_as(&mut state, left, right);
    state
}

fn three() -> State {
    reading(&TEXTS, &TEXTS)
}

fn is_open(state: &State) -> bool {
    matches!(state.screen.opened(), Opened::Segments)
}

fn chosen(state: &State) -> [Option<(usize, Column)>; 2] {
    Side::BOTH.map(|side| state.screen.segments.chosen(side))
}

fn jobs(effects: &[Effect]) -> Vec<SegmentsJob> {
    let job = |effect: &Effect| match effect {
        Effect::Send(Request::Segments(job)) => Some((**job).clone()),
        _ => None,
    };
    effects.iter().filter_map(job).collect()
}

fn stops(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Send(Request::StopSegments)))
}

/// A family is one character here as in the text view, in segments and in effects.
#[test]
fn emoji_of_several_parts_stay_whole() {
    let texts = ["A", " 👩\u{200d}👩\u{200d}👧", " reads", ".", " It", " ends", "."];
    for key in ["B", "X"] {
        let mut state = reading(&texts, &texts);
        press_and_wait(&mut state, key);
        let screen = text(draw(&mut state, (120, 30)).backend().buffer());
        assert!(screen.contains("👩\u{200d}👩\u{200d}👧") && !screen.contains("u{200d}"), "{key}: {screen}");
    }
}

#[test]
fn the_matrix_is_walked_on_both_sides_and_opens_the_place_that_is_chosen() {
    let mut state = three();
    press_and_wait(&mut state, "B");
    assert!(is_open(&state));
    let found = state.screen.segments.found_of(Side::Right).unwrap();
    assert_eq!(found.shares.segments.names(), ["1 Once upon a time.", "2 It wrote.", "3 Nobody read it."]);
    assert_eq!(chosen(&state), [Some((2, Column::Key(0))); 2], "the last one looks");
    press_and_wait(&mut state, "up right down down");
    assert_eq!(chosen(&state), [Some((2, Column::Key(1))); 2], "the other side goes along");
    press(&mut state, "tab home");
    assert_eq!(chosen(&state)[1], Some((2, Column::Sink)), "where there are sinks, they come first");
    assert_eq!(chosen(&state)[0], Some((2, Column::Key(0))), "GPT-2 has none");
    press(&mut state, "right right enter");
    assert!(!is_open(&state));
    let cursor = state.pane(Side::Right).cursor;
    assert_eq!((cursor.query, cursor.column), (10, Column::Key(5)), "its last query, and the first key");
    assert!(press(&mut started(), "B").is_empty(), "there is nothing to show yet");
}

#[test]
fn other_views_are_asked_for_and_the_older_one_stays_until_they_are_there() {
    let mut state = three();
    let effects = press(&mut state, "B");
    assert_eq!(jobs(&effects).len(), 2);
    assert!(state.is_busy() && state.screen.segments.found_of(Side::Left).is_none());
    answer(&mut state, effects);
    assert!(!state.is_busy());
    let effects = press(&mut state, "]");
    let asked = jobs(&effects);
    assert!(is_open(&state) && asked.iter().all(|job| job.view == View::Layer(0) && job.known.is_some()));
    let shown = |state: &State| state.screen.segments.found_of(Side::Left).unwrap().shares.view;
    assert_eq!(shown(&state), View::Mean);
    answer(&mut state, effects);
    assert_eq!(shown(&state), View::Layer(0));
    press_and_wait(&mut state, "}");
    assert_eq!(shown(&state), head(0, 0));
    assert!(text(draw(&mut state, (140, 40)).backend().buffer()).contains("lookback ratio"));
    press_and_wait(&mut state, "m V");
    let found = state.screen.segments.found_of(Side::Right).unwrap();
    assert!(found.shares.view.is_value_weighted() && !found.shares.has_sinks);
    // An answer to a question of before changes nothing.
    let old = asked.into_iter().next().unwrap();
    hear(&mut state, Event::Segments { found: segments(&old), question: Box::new(old) });
    assert!(shown(&state).is_value_weighted());
    press_and_wait(&mut state, "V R");
    assert_eq!(
        state.screen.segments.found_of(Side::Left).unwrap().shares.rows[0].expected,
        None,
        "of rollout"
    );
}

#[test]
fn the_prompt_is_cut_otherwise_and_by_a_file_if_there_is_one() {
    let mut state = three();
    let by = |state: &State| {
        let found = state.screen.segments.found_of(Side::Left).unwrap();
        (state.screen.segments.cut_by(), found.shares.segments.by(), found.shares.rows.len())
    };
    press_and_wait(&mut state, "B");
    assert_eq!(by(&state), ("auto", "sentences", 3));
    press_and_wait(&mut state, "space");
    assert_eq!(by(&state), ("paragraphs", "paragraphs", 1), "no turns where there is no chat");
    press_and_wait(&mut state, "space");
    assert_eq!(by(&state), ("sentences", "sentences", 3));
    press_and_wait(&mut state, "space");
    assert_eq!(by(&state).0, "auto");
    let json = r#"[{"name": "end", "start": 19, "end": 29}]"#;
    let cut = Cut::Named(Arc::new(NamedSpans::from_json(json).unwrap()));
    state.screen.segments = SegmentMap::new(cut);
    press_and_wait(&mut state, "B B");
    assert_eq!(by(&state), ("a file", "a file", 2));
    press_and_wait(&mut state, "space space space space");
    assert_eq!(by(&state).0, "a file");
    press_and_wait(&mut state, "esc B");
    assert_eq!(by(&state).0, "a file", "it stays while the panel is closed");
}

#[test]
fn what_fails_or_is_stopped_says_so_and_is_asked_for_again() {
    let mut state = three();
    let effects = press(&mut state, "B");
    assert!(stops(&press(&mut state, "ctrl-x")), "nobody waits any more");
    for job in jobs(&effects) {
        hear(&mut state, Event::Segments { question: Box::new(job), found: Err(WorkerError::Cancelled) });
    }
    let stage = |state: &State| state.screen.segments.sides[0].as_ref().unwrap().stage.clone();
    assert_eq!(stage(&state), SegmentStage::Failed(WorkerError::Cancelled));
    assert!(text(draw(&mut state, (120, 30)).backend().buffer()).contains("stopped"));
    let again = press(&mut state, "r");
    assert_eq!(jobs(&again).len(), 2);
    assert!(stops(&press(&mut state, "esc")), "a panel that is closed leaves no work behind");
    answer(&mut state, again);
    assert!(state.screen.segments.sides.iter().all(Option::is_none), "an answer that nobody waits for");
    assert!(!stops(&press(&mut state, "B")));
}

#[test]
fn a_newer_prompt_takes_the_place_of_the_older_one() {
    let mut state = three();
    press_and_wait(&mut state, "B right down");
    let longer: Vec<&str> = TEXTS.into_iter().chain([" Why", "?"]).collect();
    state.run.prompt = longer.concat();
    let effects = captured_as(&mut state, &longer, &longer);
    assert_eq!(jobs(&effects).len(), 2);
    answer(&mut state, effects);
    assert_eq!(state.screen.segments.found_of(Side::Left).unwrap().shares.rows.len(), 4);
    // A prompt of one token.
    state.run.prompt = "Once".to_owned();
    let effects = captured_as(&mut state, &["Once"], &["Once"]);
    answer(&mut state, effects);
    press(&mut state, "right down pagedown end");
    assert_eq!(chosen(&state), [Some((0, Column::Key(0))); 2]);
    assert!(text(draw(&mut state, (100, 30)).backend().buffer()).contains("1 → 1: 1.000"));
}

#[test]
fn one_model_alone_and_screens_of_all_sizes() {
    let mut state = alone();
    press_and_wait(&mut state, "B");
    assert!(is_open(&state));
    let many: Vec<String> = (0..40).map(|at| format!(" Word{at}.")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut state = reading(&many, &many);
    press_and_wait(&mut state, "B");
    assert_eq!(state.screen.segments.found_of(Side::Left).unwrap().shares.rows.len(), 40);
    for size in [(40, 12), (64, 14), (80, 24), (200, 60)] {
        for depth in [ColorDepth::TrueColor, ColorDepth::Ansi16, ColorDepth::None] {
            for keys in ["n", "n", "n", "end", "pageup", "tab home"] {
                press_and_wait(&mut state, keys);
                draw_with(&mut state, size, depth);
            }
        }
    }
}

#[test]
fn a_click_chooses_a_cell_and_a_click_on_the_chosen_one_goes_there() {
    let mut state = three();
    press_and_wait(&mut state, "B");
    let (_, layout) = draw_with(&mut state, (120, 36), ColorDepth::TrueColor);
    let attnscope::ui::Body::Cells(_, cells) = &layout.body else { panic!("the panel has cells") };
    assert_eq!(cells.len(), 9 + 12, "the right one has a column for its sink");
    let cell = |side: Side, row: usize, column: Column| {
        let found = cells.iter().find(|cell| (cell.side, cell.row, cell.column) == (side, row, column));
        let area = found.unwrap().area;
        ratatui::layout::Position::new(area.x + 1, area.y)
    };
    let click = |state: &mut State, at| {
        let hit = layout.hit(at).unwrap();
        let attnscope::ui::Hit::PanelCell { side, row, column } = hit else { panic!("{hit:?}") };
        act(state, attnscope::app::Action::ChooseCell { side, row, column });
    };
    let sink = cell(Side::Right, 1, Column::Sink);
    click(&mut state, sink);
    assert_eq!((state.panes.focus, chosen(&state)[1]), (Side::Right, Some((1, Column::Sink))));
    assert_eq!(chosen(&state)[0], Some((1, Column::Key(0))), "the other side goes along");
    click(&mut state, sink);
    assert!(!is_open(&state));
    let cursor = state.pane(Side::Right).cursor;
    assert_eq!((cursor.query, cursor.column), (7, Column::Sink));
    assert!(
        layout.hit(ratatui::layout::Position::new(2, 20)).is_some_and(|hit| hit.side() == Some(Side::Left))
    );
}

#[test]
fn the_segments_on_screen_are_what_an_export_begins_with() {
    let mut state = three();
    press_and_wait(&mut state, "B space space e");
    let effects = update(&mut state, attnscope::app::Action::Submit);
    let [Effect::Export { content, format, file, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(*content, ExportContent::Segments(SegmentRule::Sentences));
    assert_eq!(*format, ExportFormat::Svg);
    assert_eq!(file, "demo-gpt2-and-demo-gpt-oss-segments.svg");
}

#[test]
fn segments_on_screens() {
    let mut state = three();
    press_and_wait(&mut state, "B");
    assert_screen!("segments", state, (120, 36));
    assert_screen!("segments_80x24", state, (80, 24));
    press_and_wait(&mut state, "n tab");
    assert_eq!(state.screen.segments.cells, SegmentCells::Ratios);
    assert_screen!("segments_as_ratios_on_a_small_screen", state, (40, 12));
    press_and_wait(&mut state, "n n");
    let (terminal, _) = draw_with(&mut state, (80, 24), ColorDepth::None);
    insta::assert_snapshot!("segments_without_colours", terminal.backend());
}
