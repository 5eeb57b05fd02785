//! Both panes: views, cursors, zoom, the mouse, spans, colour scales.

use attnscope::app::{Action, Column, Cursor, Hover, Scroll, Side, State, Viewport, Zoom, update};
use attnscope::attention::{Normalisation, View};
use attnscope::config::keys::Command;
use tui_input::InputRequest;

use crate::fixture::*;

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
