//! What is said of numbers: scales that span what is there, counting from zero, words, and dashes for what isn't there.

use attnscope::app::{Action, Opened, Side, State};
use attnscope::attention::{View, Weighted};
use attnscope::worker::protocol::Event;
use ratatui::buffer::Cell;

use crate::fixture::*;
use crate::screens::{assert_screen, draw};

/// What is on screen, line by line.
fn screen(state: &mut State, size: (u16, u16)) -> String {
    let terminal = draw(state, size);
    let cells = terminal.backend().buffer().content();
    let line = |cells: &[Cell]| cells.iter().map(Cell::symbol).collect::<String>();
    cells.chunks(usize::from(size.0)).map(line).collect::<Vec<_>>().join("\n")
}

/// A prompt of so many words, read by the left model alone.
fn long(count: usize) -> State {
    let words: Vec<String> = (0..count).map(|at| format!(" w{at}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut state = loaded();
    let (side, job) = (Side::Left, state.run.job);
    hear(&mut state, Event::Captured { slot: side.slot(), job, capture: capture(&gpt2(), &words) });
    state
}

#[test]
fn strips_and_grid_are_value_weighted_where_the_matrix_is() {
    let mut state = captured();
    press_and_wait(&mut state, "V");
    let shown = state.pane(Side::Left).shown.as_ref().unwrap();
    for layer in 0..2 {
        let expected = shown.capture.weighted_pictures(layer).unwrap();
        assert_eq!(shown.picture(View::Layer(layer)), Some(&expected.mean));
        let whole = shown.capture.matrix(View::ValueWeighted(Weighted::Layer(layer))).unwrap();
        assert_eq!(
            shown.picture(View::Layer(layer)).unwrap().cells(),
            whole.cells(),
            "five tokens are no more cells"
        );
        assert_eq!(shown.picture(View::Head { layer, head: 1 }), Some(&expected.heads[1]));
    }
    assert!(!state.is_busy());
    assert!(
        screen(&mut state, (120, 40)).contains("layers · values, 0–"),
        "{}",
        screen(&mut state, (120, 40))
    );
    press_and_wait(&mut state, "g");
    assert_screen!("head_grid_value_weighted", state, (100, 30));
    press_and_wait(&mut state, "V");
    assert!(matches!(state.screen.opened(), Opened::Grid(_)), "the grid stays");
    let shown = state.pane(Side::Left).shown.as_ref().unwrap();
    let head = View::Head { layer: 1, head: 2 };
    assert_eq!(shown.picture(head), Some(&shown.capture.layers[1].heads[2].thumbnail));
    assert!(screen(&mut state, (100, 30)).contains("heads raw"));
}

#[test]
fn pictures_that_are_not_computed_yet_are_not_shown_as_something_else() {
    let mut state = captured();
    let effects = press(&mut state, "V");
    answer_views(&mut state, effects);
    let shown = state.pane(Side::Left).shown.as_ref().unwrap();
    assert!(shown.view().is_value_weighted() && shown.picture(View::Layer(0)).is_none());
    assert!(state.is_busy(), "they are on their way");
}

#[test]
fn bars_of_values_end_with_the_largest_of_their_row() {
    let mut state = captured();
    press_and_wait(&mut state, "V");
    let shown = state.pane(Side::Left).shown.as_ref().unwrap();
    let row = shown.matrix().row(4).to_vec();
    let largest = row.iter().copied().fold(0.0, f32::max);
    assert!(largest > 1.0);
    let screen = screen(&mut state, (120, 44));
    assert!(screen.contains(&format!("bars to {largest:.3}")), "{screen}");
    let bar = |value: f32| {
        let line = screen.lines().find(|line| line.contains(&format!(" {value:.3} ━"))).unwrap();
        line.split(&format!(" {value:.3} ")).nth(1).unwrap().chars().take_while(|c| "━╸".contains(*c)).count()
    };
    let mut sorted = row;
    sorted.sort_by(|a, b| b.total_cmp(a));
    let [first, second] = [bar(sorted[0]), bar(sorted[1])];
    let expected = (first as f32 * sorted[1] / sorted[0]).round();
    assert!((second as f32 - expected).abs() <= 1.0, "{first} {second} {expected}\n{screen}");
}

#[test]
fn a_logarithmic_scale_begins_with_the_smallest_value_on_screen() {
    for keys in ["s", "V s", "enter enter s", "n s", "D s", "d s"] {
        let mut state = captured();
        press_and_wait(&mut state, keys);
        let mut values: Vec<f32> = Vec::new();
        let rule = state.display.normalisation;
        let is_difference = state.screen.difference.is_some();
        if !is_difference {
            for side in Side::BOTH {
                let matrix = state.pane(side).shown.as_ref().unwrap().matrix();
                for query in 0..matrix.size() {
                    let row = rule.row(matrix, query);
                    values.extend(row.keys().map(|(_, value)| value).chain(row.sink()));
                }
            }
            let least = values.into_iter().filter(|value| *value > 0.0).fold(f32::MAX, f32::min);
            assert_eq!(state.scale(Side::Left).bottom, least, "{keys}");
        }
        let screen = screen(&mut state, (120, 40));
        assert!(!screen.contains("10⁻⁴"), "nothing here is that small: {keys}\n{screen}");
    }
    let mut state = captured();
    press_and_wait(&mut state, "V s");
    assert_screen!("value_weighted_on_a_logarithmic_scale", state, (120, 40));
}

#[test]
fn tokens_are_counted_from_zero() {
    let mut state = long(300);
    let whole = screen(&mut state, (100, 30));
    assert!(whole.contains("  0–") && !whole.contains("–300"), "{whole}");
    press(&mut state, "0");
    point_to_first(&mut state);
    let end = screen(&mut state, (100, 30));
    assert!(end.contains("–299, keys 0–"), "{end}");
    act(&mut state, Action::Scroll { side: Side::Left, rows: -300, columns: 0 });
    let top = screen(&mut state, (100, 30));
    assert!(top.contains(" rows 0–"), "{top}");
}

#[test]
fn a_word_that_comes_again_has_the_number_of_its_token() {
    let mut state = loaded();
    captured_as(&mut state, &["the", " cat", " and", " the"], &["the", " cat", " and", " the"]);
    point_to_first(&mut state);
    let screen = screen(&mut state, (120, 40));
    assert!(screen.contains("the₃ → the₀"), "{screen}");
}

#[test]
fn of_more_than_2048_tokens_words_are_shown() {
    let mut state = long(2_100);
    let shown = state.pane(Side::Left).shown.as_ref().unwrap();
    assert_eq!(shown.labels()[..2], ["w0…w1", "w2…w3"]);
    assert_eq!(shown.labels().last().map(String::as_str), Some("w2098…w2099"));
    let whole = screen(&mut state, (100, 30));
    assert!(whole.contains("overview of 2100") && whole.contains("w0…"), "{whole}");
    press(&mut state, "0");
    let cells = screen(&mut state, (100, 30));
    assert!(
        cells.contains("w2098…w2099") && cells.contains("–2099, ") && cells.contains(" of 2100"),
        "{cells}"
    );
    assert!(!cells.contains("2098–2099"), "{cells}");
}

#[test]
fn a_model_without_sinks_has_a_dash_beside_one_that_has() {
    let mut state = captured();
    press_and_wait(&mut state, "enter enter");
    let head = screen(&mut state, (120, 40));
    assert!(head.contains(" sink – · previous") && head.contains(", sink –"), "{head}");
    press_and_wait(&mut state, "o");
    let list = screen(&mut state, (160, 40));
    let of_gpt2 = list.lines().filter(|line| line.contains(" gpt2 "));
    assert!(of_gpt2.clone().count() == 6 && of_gpt2.clone().all(|line| line.contains(" – ")), "{list}");
    press_and_wait(&mut state, "esc p");
    let alone = screen(&mut state, (120, 40));
    assert!(!alone.contains("sink –"), "two of a kind: nothing is missed\n{alone}");
}

#[test]
fn the_likeliest_next_token_stays_beside_the_drawn_one() {
    let mut state = captured();
    press(&mut state, "S");
    for size in [(120, 30), (80, 24), (120, 36)] {
        let screen = screen(&mut state, size);
        assert!(
            screen.contains("␣research") && screen.replace("▸ ", "▸").contains("▸␣unlikely"),
            "{size:?}\n{screen}"
        );
    }
}

#[test]
fn a_grid_without_room_says_what_it_shows_and_scrolls() {
    let mut state = captured();
    press(&mut state, "tab g");
    let screen_of = |state: &mut State| screen(state, (50, 12));
    let top = screen_of(&mut state);
    assert!(top.contains("layer 0 of 3"), "{top}");
    press(&mut state, "down down");
    let end = screen_of(&mut state);
    assert!(end.contains("layer 2 of 3"), "{end}");
    let up = Action::Scroll { side: Side::Right, rows: -3, columns: 0 };
    act(&mut state, up);
    assert_eq!(screen_of(&mut state), top, "the wheel goes back");
}

#[test]
fn esc_leaves_a_difference_that_has_no_view_to_go_back_to() {
    let mut state = captured();
    press_and_wait(&mut state, "enter D");
    press_and_wait(&mut state, "esc");
    assert!(state.screen.difference.is_some(), "back from the layer to the mean");
    press_and_wait(&mut state, "esc");
    assert!(state.screen.difference.is_none());
}

#[test]
fn the_cursors_sign_costs_no_other_column_its_name() {
    let mut state = loaded();
    let words = ["the", " cat", " sat", " on", " the", " mat", " and", " the", " cow", " ran"];
    captured_as(&mut state, &words, &words);
    point_to_first(&mut state);
    for size in [(100, 30), (120, 36)] {
        let screen = screen(&mut state, size);
        let header = screen.lines().find(|line| line.contains("sink") && line.contains("the")).unwrap();
        assert_eq!(header.matches("cat").count(), 2, "{size:?}: {header}");
    }
}

#[test]
fn an_overview_of_single_cells_does_not_speak_of_the_largest() {
    let words: Vec<String> = (0..20).map(|at| format!(" w{at}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut state = loaded();
    captured_as(&mut state, &words, &words);
    let screen = screen(&mut state, (80, 24));
    assert!(screen.contains("overview of 20 ") && !screen.contains("largest of 1"), "{screen}");
}
