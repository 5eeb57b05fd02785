//! What actions do: a state, actions, and then the state and what is to be done.

use std::sync::Arc;

use attnscope::app::{
    Action, Column, Cursor, Effect, History, Hover, Load, Mode, Opened, Pass, Scroll, Side, State, Viewport,
    Viewports, Zoom, update,
};
use attnscope::attention::{Capture, Normalisation, Token, View};
use attnscope::config::keys::Command;
use attnscope::worker::protocol::{Event, JobId, LoadProgress, Request, Slot, ViewJob, WorkerError};
use tui_input::InputRequest;

use crate::fixture::*;

fn shown(state: &State) -> [View; 2] {
    Side::BOTH.map(|side| state.pane(side).shown.as_ref().unwrap().view())
}

fn viewport(rows: usize, keys: usize) -> Viewport {
    Viewport { rows, keys, cell: (1, 1) }
}

fn head(layer: usize, head: usize) -> View {
    View::Head { layer, head }
}

/// The views that are asked for.
fn asked(effects: &[Effect]) -> Vec<(Side, View)> {
    let side = |capture: &Capture| if capture.model.has_sinks { Side::Right } else { Side::Left };
    let view = |effect: &Effect| match effect {
        Effect::Send(Request::View(ViewJob { capture, view, .. })) => Some((side(capture), *view)),
        _ => None,
    };
    effects.iter().filter_map(view).collect()
}

#[test]
fn at_the_start_both_models_are_loaded_and_the_prompt_is_run() {
    let mut state = State::new("a".into(), "b".into(), "hello".into(), Default::default(), true);
    let effects = update(&mut state, Action::Start);
    let loads: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(Request::Load { slot, reference }) => Some((Side::of(*slot), reference.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(loads, [(Side::Left, "a"), (Side::Right, "b")]);
    assert_eq!(runs(&effects), [(JobId(1), "hello".to_owned())]);
    assert!(state.is_busy());
}

#[test]
fn loading_ends_when_both_are_captured() {
    let mut state = loaded();
    assert!(state.is_busy(), "the prompt is still to be run");
    hear(&mut state, Event::Running { slot: Slot::First, job: JobId(1), layer: 1, layers: 2 });
    assert_eq!(state.pane(Side::Left).pass, Pass::Running { layer: 1, layers: 2 });
    captured_as(&mut state, &PROMPT, &PROMPT);
    assert!(!state.is_busy());
    assert_eq!(shown(&state), [View::Mean; 2]);
    let cursor = state.pane(Side::Left).cursor;
    assert_eq!(cursor.query, 4, "what the last token looks at");
}

#[test]
fn enter_goes_deeper_on_both_sides_and_esc_comes_back() {
    let mut state = captured();
    press(&mut state, "enter");
    assert_eq!(shown(&state), [View::Layer(0); 2]);
    let effects = press(&mut state, "enter");
    assert_eq!(asked(&effects), [(Side::Left, head(0, 0)), (Side::Right, head(0, 0))]);
    assert_eq!(shown(&state), [View::Layer(0); 2], "the screen follows when the head is there");
    assert!(state.is_busy());
    answer(&mut state, effects);
    assert_eq!(shown(&state), [head(0, 0); 2]);
    assert!(!state.is_busy());
    press_and_wait(&mut state, "esc");
    assert_eq!(shown(&state), [View::Layer(0); 2]);
    press_and_wait(&mut state, "esc esc");
    assert_eq!(shown(&state), [View::Mean; 2]);
}

#[test]
fn layers_and_heads_are_remembered_where_they_are_averaged_over() {
    let mut state = captured();
    press_and_wait(&mut state, "] ] } } }");
    assert_eq!(shown(&state), [head(1, 2); 2], "the first press of each opens, the others move");
    press_and_wait(&mut state, "m enter");
    assert_eq!(shown(&state), [View::Layer(1); 2]);
    press_and_wait(&mut state, "enter [ {");
    assert_eq!(shown(&state), [head(0, 1); 2]);
}

#[test]
fn a_side_follows_only_to_layers_and_heads_that_it_has() {
    let mut state = captured();
    press_and_wait(&mut state, "tab ] ] ]");
    assert_eq!(shown(&state), [View::Layer(1), View::Layer(2)]);
    press_and_wait(&mut state, "} } } } } } }");
    assert_eq!(shown(&state), [head(1, 2), head(2, 4)], "and none beyond the last");
    press_and_wait(&mut state, "[");
    assert_eq!(shown(&state), [head(1, 2), head(1, 4)]);
    press_and_wait(&mut state, "tab [");
    assert_eq!(shown(&state), [head(0, 2), head(0, 2)]);
}

#[test]
fn a_head_that_was_looked_at_is_not_computed_again() {
    let mut state = captured();
    press_and_wait(&mut state, "enter enter }");
    let effects = press(&mut state, "{");
    assert_eq!(asked(&effects), []);
    assert_eq!(shown(&state), [head(0, 0); 2]);
}

#[test]
fn a_head_that_is_not_wanted_any_more_is_not_shown() {
    let mut state = captured();
    press_and_wait(&mut state, "enter");
    let late = press(&mut state, "enter");
    press(&mut state, "esc");
    answer(&mut state, late);
    assert_eq!(shown(&state), [View::Layer(0); 2]);
}

#[test]
fn reports_about_an_older_prompt_change_nothing() {
    let mut state = captured();
    let (side, job) = (Side::Left, state.run.job);
    act(&mut state, Action::Submit);
    hear(&mut state, Event::Running { slot: side.slot(), job, layer: 1, layers: 2 });
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: refused("old") });
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: WorkerError::Cancelled });
    let effects =
        hear(&mut state, Event::Captured { slot: side.slot(), job, capture: capture(&gpt2(), &["other"]) });
    assert!(effects.is_empty());
    assert_eq!(state.pane(side).pass, Pass::Waiting);
    assert_eq!(state.pane(side).shown.as_ref().unwrap().capture.tokens.len(), 5);
}

#[test]
fn a_new_prompt_comes_on_screen_with_the_head_that_is_looked_at() {
    let mut state = captured();
    press_and_wait(&mut state, "enter enter up");
    act(&mut state, Action::Submit);
    let effects = captured_as(&mut state, &["one", " two"], &["one", " two"]);
    assert_eq!(asked(&effects), [(Side::Left, head(0, 0)), (Side::Right, head(0, 0))]);
    let tokens = |state: &State| state.pane(Side::Left).shown.as_ref().unwrap().capture.tokens.len();
    assert_eq!(tokens(&state), 5, "until then the old one stays");
    answer(&mut state, effects);
    assert_eq!(tokens(&state), 2);
    assert_eq!(shown(&state), [head(0, 0); 2]);
    assert_eq!(state.pane(Side::Left).cursor, Cursor { query: 1, column: Column::Key(0) });
}

#[test]
fn a_failed_pass_leaves_the_matrix_and_can_be_tried_again() {
    let mut state = captured();
    act(&mut state, Action::Submit);
    let (side, job) = (Side::Right, state.run.job);
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: refused("too long") });
    assert_eq!(state.pane(side).pass, Pass::Failed(refused("too long")));
    assert!(state.pane(side).shown.is_some());
    act(&mut state, Action::Edit(InputRequest::InsertChar('!')));
    let effects = press(&mut state, "r");
    assert_eq!(
        runs(&effects),
        [(JobId(3), PROMPT.concat())],
        "the prompt that failed, not what is being written"
    );
    assert!(state.is_edited());
}

#[test]
fn a_failed_load_is_tried_again_on_its_side_only() {
    let mut state = started();
    hear(&mut state, Event::LoadFailed { slot: Slot::Second, error: refused("no network") });
    assert_eq!(state.pane(Side::Right).load, Load::Failed(refused("no network")));
    let effects = press(&mut state, "r");
    let [Effect::Send(Request::Load { slot: Slot::Second, reference })] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(reference, "demo:gpt-oss");
    assert_eq!(state.pane(Side::Right).load, Load::Waiting);
    hear(&mut state, Event::Loading { slot: Slot::Second, progress: LoadProgress::Resolving });
    assert_eq!(state.pane(Side::Right).load, Load::Running(LoadProgress::Resolving));
}

#[test]
fn a_cancelled_load_keeps_the_model_that_was_there() {
    let mut state = captured();
    hear(&mut state, Event::LoadFailed { slot: Slot::First, error: WorkerError::Cancelled });
    assert_eq!(state.pane(Side::Left).load, Load::Ready);
    let mut state = started();
    hear(&mut state, Event::LoadFailed { slot: Slot::First, error: WorkerError::Cancelled });
    assert!(matches!(state.pane(Side::Left).load, Load::Failed(_)));
}

#[test]
fn what_is_under_way_can_be_stopped_and_run_again() {
    let mut state = captured();
    assert!(press(&mut state, "ctrl-x").is_empty(), "nothing is under way");
    act(&mut state, Action::Submit);
    let job = state.run.job;
    assert!(matches!(press(&mut state, "ctrl-x")[..], [Effect::Send(Request::Cancel)]));
    for side in Side::BOTH {
        hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: WorkerError::Cancelled });
        assert!(matches!(state.pane(side).pass, Pass::Failed(_)));
        assert!(state.pane(side).shown.is_some(), "the matrix that was there stays");
    }
    assert!(!state.is_busy());
    assert_eq!(runs(&press(&mut state, "r")).len(), 1);
}

#[test]
fn a_head_that_cannot_be_computed_is_given_up() {
    let mut state = captured();
    press(&mut state, "enter enter");
    let (side, view) = (Side::Left, head(0, 0));
    let capture = state.pane(side).shown.as_ref().unwrap().capture.clone();
    hear(&mut state, Event::ViewFailed { capture, view, error: refused("no") });
    assert_eq!(state.pane(side).pass, Pass::Failed(refused("no")));
    assert!(!state.pane(side).awaits_head());
}

#[test]
fn without_a_worker_nothing_is_waited_for() {
    let mut state = started();
    act(&mut state, Action::WorkerGone);
    assert!(!state.is_busy());
    assert!(matches!(state.pane(Side::Left).load, Load::Failed(_)));
}

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

#[test]
fn cursors_are_linked_by_the_text_they_stand_on() {
    let mut state = loaded();
    captured_as(&mut state, &["un", "real", " story", " now"], &["unreal", " st", "ory", " now"]);
    let cell = |state: &State, side| {
        let cursor = state.pane(side).cursor;
        (cursor.query, cursor.column)
    };
    point_to_first(&mut state);
    press(&mut state, "up right");
    assert_eq!(cell(&state, Side::Left), (2, Column::Key(1)));
    assert_eq!(cell(&state, Side::Right), (1, Column::Key(0)));
    press(&mut state, "tab home");
    assert_eq!(cell(&state, Side::Right), (1, Column::Sink));
    assert_eq!(cell(&state, Side::Left), (2, Column::Key(1)), "no sink there: it stays");
    press(&mut state, "down end");
    assert_eq!(cell(&state, Side::Right), (2, Column::Key(2)));
    assert_eq!(cell(&state, Side::Left), (2, Column::Key(2)));
}

#[test]
fn the_screen_follows_the_cursor_and_the_wheel_only_scrolls() {
    let texts = vec![" word"; 100];
    let mut state = loaded();
    captured_as(&mut state, &texts, &texts);
    let side = Side::Left;
    point_to_first(&mut state);
    fit(&mut state, side, viewport(10, 20));
    assert_eq!(state.pane(side).scroll, Scroll { row: 90, key: 0 });
    press(&mut state, "pageup end");
    assert_eq!(state.pane(side).cursor, Cursor { query: 90, column: Column::Key(90) });
    assert_eq!(state.pane(side).scroll, Scroll { row: 90, key: 71 });
    act(&mut state, Action::Scroll { side, rows: -95, columns: 500 });
    assert_eq!(state.pane(side).scroll, Scroll { row: 0, key: 80 });
    assert_eq!(state.pane(side).cursor.query, 90);
    press(&mut state, "up");
    assert_eq!(state.pane(side).scroll, Scroll { row: 80, key: 80 });
}

#[test]
fn a_long_prompt_is_shown_whole_and_then_cell_by_cell_at_the_cursor() {
    let texts = vec![" word"; 100];
    let (mut state, side) = (loaded(), Side::Left);
    captured_as(&mut state, &texts, &texts);
    point_to_first(&mut state);
    for side in Side::BOTH {
        fit(&mut state, side, viewport(10, 20));
    }
    assert_eq!((state.display.zoom, state.is_whole()), (Zoom::Whole, true));
    act(&mut state, Action::Scroll { side, rows: -95, columns: 0 });
    press(&mut state, "0");
    assert_eq!(state.display.zoom, Zoom::Fit);
    assert_eq!(state.pane(side).scroll, Scroll { row: 90, key: 0 });
    for side in Side::BOTH {
        fit(&mut state, side, viewport(100, 100));
    }
    press(&mut state, "0");
    assert_eq!((state.is_whole(), state.note.as_deref()), (false, Some("all of it is on screen")));
}

#[test]
fn one_zooms_from_all_of_a_prompt_to_cells_with_numbers_and_back_around_the_cursor() {
    let texts = vec![" word"; 100];
    let (mut state, side) = (loaded(), Side::Left);
    captured_as(&mut state, &texts, &texts);
    // As the screen would: a pane of 60 × 20 characters.
    let settle = |state: &mut State| {
        let (columns, rows) = match state.display.zoom {
            Zoom::Cells(columns, rows) => (columns, rows),
            _ => (1, 1),
        };
        let (keys, height) = (60 / usize::from(columns), 20 / usize::from(rows));
        let viewport = Viewport { rows: height, keys, cell: (columns, rows) };
        fit(state, side, viewport);
    };
    let mut walk = |keys: &str| -> Vec<Zoom> {
        let step = |key| {
            settle(&mut state);
            press(&mut state, key);
            state.display.zoom
        };
        keys.split_whitespace().map(step).collect()
    };
    let cells = Zoom::Cells;
    assert_eq!(
        walk("- + - - + -"),
        [Zoom::Whole, Zoom::Fit, Zoom::Whole, Zoom::Whole, Zoom::Fit, Zoom::Whole]
    );
    assert_eq!(
        walk("+ + + + + + + +"),
        [
            Zoom::Fit,
            cells(2, 1),
            cells(3, 1),
            cells(5, 1),
            cells(7, 2),
            cells(10, 3),
            cells(14, 5),
            cells(14, 5)
        ]
    );
    assert_eq!(walk("- 0 0"), [cells(10, 3), Zoom::Whole, Zoom::Fit]);
    walk("pageup pageup pageup end + + + +");
    settle(&mut state);
    let pane = state.pane(side);
    assert_eq!(pane.viewport, Viewport { rows: 10, keys: 8, cell: (7, 2) });
    let cursor = pane.cursor.query;
    assert_eq!(pane.scroll, Scroll { row: cursor - 5, key: cursor - 4 });
}

#[test]
fn the_wheel_zooms_to_what_is_under_it() {
    let texts = vec![" word"; 100];
    let (mut state, side) = (loaded(), Side::Right);
    captured_as(&mut state, &texts, &texts);
    for side in Side::BOTH {
        fit(&mut state, side, viewport(20, 60));
    }
    let cell = Some((50, Column::Key(30)));
    act(&mut state, Action::Zoom { side, cell, command: Command::ZoomIn });
    assert_eq!((state.display.zoom, state.panes.focus), (Zoom::Fit, side));
    assert_eq!(state.pane(side).cursor, Cursor { query: 50, column: Column::Key(30) });
    assert_eq!(state.pane(side).scroll, Scroll { row: 40, key: 0 });
}

#[test]
fn the_mouse_points_and_looks() {
    let mut state = captured();
    act(&mut state, Action::Point { side: Side::Right, query: 2, column: Column::Sink });
    assert_eq!(state.panes.focus, Side::Right);
    assert_eq!(state.pane(Side::Right).cursor, Cursor { query: 2, column: Column::Sink });
    assert_eq!(state.pane(Side::Left).cursor, Cursor { query: 2, column: Column::Key(0) });
    let effects = update(&mut state, Action::ShowView { side: Side::Left, view: head(1, 2) });
    assert_eq!(asked(&effects), [(Side::Left, head(1, 2)), (Side::Right, head(1, 2))]);
    answer(&mut state, effects);
    assert_eq!((state.panes.focus, shown(&state)), (Side::Left, [head(1, 2); 2]));
    let effects = update(&mut state, Action::ShowView { side: Side::Left, view: head(9, 9) });
    assert_eq!(asked(&effects), [], "the nearest there is, which is there already");
}

#[test]
fn a_span_is_marked_at_its_two_ends_and_covers_the_same_text_on_the_other_side() {
    let mut state = loaded();
    captured_as(&mut state, &["un", "real", " story", " now"], &["unreal", " st", "ory", " now"]);
    let spans = |state: &State| {
        Side::BOTH.map(|side| {
            let span = state.pane(side).span.clone();
            span.map(|span| (span.cells, span.is_open))
        })
    };
    point_to_first(&mut state);
    press(&mut state, "right space");
    assert_eq!(spans(&state), [Some((1..2, true)), Some((0..1, true))]);
    assert!(state.note.as_deref().unwrap().contains("span from real: Space"));
    press(&mut state, "right space");
    assert_eq!(spans(&state), [Some((1..3, false)), Some((0..3, false))]);
    press(&mut state, "up space");
    assert_eq!(spans(&state), [None, None], "the third time clears");
    press_and_wait(&mut state, "enter space esc");
    assert_eq!((spans(&state), shown(&state)), ([None, None], [View::Layer(0); 2]), "Esc clears first");
    press_and_wait(&mut state, "esc");
    assert_eq!(shown(&state), [View::Mean; 2]);
    press(&mut state, "tab down down home space");
    assert_eq!(spans(&state), [Some((3..4, true)), Some((3..4, true))], "on the sink it is the query");
    press(&mut state, "right tab space");
    assert_eq!(spans(&state), [Some((1..4, false)), Some((0..4, false))], "backwards, from the other side");
    act(&mut state, Action::Submit);
    captured_as(&mut state, &["one"], &["one"]);
    assert_eq!(spans(&state), [None, None]);
}

#[test]
fn the_mouse_lights_a_row_and_a_column_on_both_sides() {
    let mut state = captured();
    let lit = |state: &State| Side::BOTH.map(|side| state.lit(side));
    let cell = |query, key| Cursor { query, column: Column::Key(key) };
    let story = PROMPT[..2].concat().len();
    act(&mut state, Action::Hover(Some(Hover::Text(story))));
    assert_eq!(lit(&state), [Some(cell(2, 2)); 2]);
    act(&mut state, Action::Hover(Some(Hover::Text(500))));
    assert_eq!(lit(&state), [None, None]);
    let hover = |side, cell| Action::Hover(Some(Hover::Cell { side, cell }));
    act(&mut state, hover(Side::Left, cell(3, 1)));
    assert_eq!(lit(&state), [Some(cell(3, 1)); 2]);
    let sink = Cursor { query: 3, column: Column::Sink };
    act(&mut state, hover(Side::Right, sink));
    assert_eq!(lit(&state), [Some(cell(3, 0)), Some(sink)], "no sink there: the cursor's column");
    act(&mut state, hover(Side::Left, cell(9, 1)));
    assert_eq!(lit(&state), [None, None]);
    assert_eq!(state.pane(Side::Left).cursor, cell(4, 0), "the cursor stays");
    act(&mut state, hover(Side::Left, cell(3, 1)));
    press(&mut state, "x");
    assert_eq!(state.hover, None, "a key is pressed for the cursor");
    act(&mut state, hover(Side::Left, cell(3, 1)));
    assert_eq!(lit(&state), [Some(cell(3, 1)), None], "the sides are not linked");
    act(&mut state, Action::Hover(Some(Hover::Text(0))));
    act(&mut state, Action::Edit(InputRequest::InsertChar('!')));
    assert_eq!(lit(&state), [None, None], "the text is not the one that was run");
}

#[test]
fn help_goes_as_it_came() {
    let mut state = captured();
    press(&mut state, "?");
    assert_eq!(state.screen.mode(), Mode::Help);
    press(&mut state, "esc");
    assert_eq!((state.screen.mode(), shown(&state)), (Mode::Browse, [View::Mean; 2]));
}

fn help_row(state: &State) -> Option<usize> {
    match state.screen.opened() {
        Opened::Help(help) => Some(help.row),
        _ => None,
    }
}

#[test]
fn help_scrolls_as_far_as_there_is_something_to_see() {
    let mut state = captured();
    press(&mut state, "?");
    state.fit(&Viewports { help_overflow: 3, ..Viewports::default() });
    press(&mut state, "down down");
    assert_eq!(help_row(&state), Some(2));
    press(&mut state, "pagedown");
    assert_eq!(help_row(&state), Some(3));
    state.fit(&Viewports { help_overflow: 1, ..Viewports::default() });
    assert_eq!(help_row(&state), Some(1), "the screen has grown");
    press(&mut state, "? ?");
    assert_eq!(help_row(&state), Some(0));
}

#[test]
fn the_program_s_own_keys_are_effects() {
    let mut state = captured();
    assert!(matches!(press(&mut state, "q")[..], [Effect::Quit]));
    assert!(matches!(press(&mut state, "ctrl-z")[..], [Effect::Suspend]));
    assert!(matches!(press(&mut state, "t")[..], [Effect::CaptureMouse(false)]));
    assert!(matches!(press(&mut state, "t")[..], [Effect::CaptureMouse(true)]));
}

#[test]
fn the_scale_is_the_same_on_both_sides() {
    let state = captured();
    let peak = |side| state.pane(side).shown.as_ref().unwrap().extent(Normalisation::Raw).top;
    let largest = f32::max(peak(Side::Left), peak(Side::Right));
    assert_eq!(Side::BOTH.map(|side| state.scale(side).top), [largest; 2]);
}

#[test]
fn the_scale_ends_where_its_rule_says() {
    let mut state = captured();
    let tops = |state: &State| Side::BOTH.map(|side| state.scale(side).top);
    let peaks =
        Side::BOTH.map(|side| state.pane(side).shown.as_ref().unwrap().extent(Normalisation::Raw).top);
    assert_ne!(peaks[0], peaks[1]);
    assert!(peaks[0] < 1.0, "the first row, which is always 1, is left aside");
    press(&mut state, "f");
    assert_eq!(tops(&state), peaks);
    press(&mut state, "f");
    assert_eq!(tops(&state), [1.0; 2]);
    press(&mut state, "f n");
    assert_eq!(tops(&state)[0], tops(&state)[1]);
    assert!(tops(&state)[0] > peaks[1], "rows that are divided by their sum have larger values");
}

#[test]
fn another_colour_map_is_a_setting() {
    let mut state = captured();
    let first = state.display.color_map;
    assert!(press(&mut state, "c").is_empty());
    assert_eq!(state.display.color_map, first.next());
}

fn chosen(state: &State) -> Option<View> {
    match state.screen.opened() {
        Opened::Grid(grid) => Some(grid.chosen.view()),
        _ => None,
    }
}

#[test]
fn the_head_grid_is_walked_and_opens_the_head_that_is_chosen() {
    let mut state = captured();
    press(&mut state, "g");
    assert_eq!(chosen(&state), Some(head(0, 0)));
    press(&mut state, "down right right right");
    assert_eq!(chosen(&state), Some(head(1, 2)), "and none beyond the last");
    press(&mut state, "pageup home s n");
    assert_eq!(chosen(&state), Some(head(0, 0)), "rules change under it");
    assert_eq!(shown(&state), [View::Mean; 2], "nothing is opened by walking");
    press_and_wait(&mut state, "pagedown end enter");
    assert_eq!((chosen(&state), shown(&state)), (None, [head(1, 2); 2]));
    press(&mut state, "g left esc");
    assert_eq!((chosen(&state), shown(&state)), (None, [head(1, 2); 2]), "left as it was");
    press(&mut state, "g m");
    assert_eq!((chosen(&state), shown(&state)), (None, [View::Mean; 2]));
}

#[test]
fn the_head_grid_is_of_the_focused_model() {
    let mut state = captured();
    press_and_wait(&mut state, "tab g pagedown end enter g");
    assert_eq!(chosen(&state), Some(head(2, 4)));
    press(&mut state, "tab");
    assert_eq!(chosen(&state), Some(head(0, 0)), "where the other model is");
    act(&mut state, Action::Scroll { side: Side::Left, rows: 3, columns: 1 });
    assert_eq!(chosen(&state), Some(head(1, 1)));
    let effects = update(&mut state, Action::ShowView { side: Side::Left, view: head(1, 0) });
    answer(&mut state, effects);
    assert_eq!((chosen(&state), shown(&state)), (None, [head(1, 0); 2]));
    press(&mut started(), "g");
    assert_eq!(chosen(&started()), None, "there is nothing to show yet");
}

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

#[test]
fn unlinked_sides_go_their_own_ways_until_they_are_linked_again() {
    let mut state = captured();
    let right = state.pane(Side::Right).cursor;
    press(&mut state, "x enter up right");
    assert_eq!(shown(&state), [View::Layer(0), View::Mean]);
    assert_eq!(state.pane(Side::Right).cursor, right);
    press(&mut state, "x");
    assert_eq!(shown(&state), [View::Layer(0); 2]);
    assert_eq!(state.pane(Side::Right).cursor, state.pane(Side::Left).cursor);
}
