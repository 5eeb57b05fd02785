//! What is said on small screens: all of it, in fewer words, or with a sign where something had to go.

use attnscope::app::{Action, Popup, Side, State};
use attnscope::theme::ColorDepth;
use attnscope::vocabulary::{Normalisation, signed};
use attnscope::worker::protocol::{Event, Slot};

use crate::fixture::*;
use crate::push::answered as answer_push;
use crate::screens::{assert_screen, draw, draw_with};

const SIZES: [(u16, u16); 3] = [(60, 20), (80, 24), (120, 36)];

/// The rows on screen.
fn rows(state: &mut State, size: (u16, u16)) -> Vec<String> {
    let terminal = draw(state, size);
    let cells = terminal.backend().buffer().content.chunks(size.0.into());
    cells.map(|row| row.iter().map(|cell| cell.symbol()).collect()).collect()
}

/// What is on screen, with one blank between words.
fn words(state: &mut State, size: (u16, u16)) -> String {
    rows(state, size).concat().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Head 0.1 of the left model is off, its mean in its place.
fn at_mean() -> State {
    let mut state = captured();
    press_and_wait(&mut state, "enter enter } Z");
    let effects = press(&mut state, "a");
    answer(&mut state, effects);
    let job = state.run.job;
    for (slot, capture) in
        [(Slot::First, ablated(&gpt2(), &PROMPT, "mean: 0.1")), (Slot::Second, capture(&gpt_oss(), &PROMPT))]
    {
        let effects = hear(&mut state, Event::Captured { slot, job, capture });
        answer(&mut state, effects);
    }
    state
}

/// gpt2 has read two prompts, one of which is pinned.
fn pinned() -> State {
    let mut state = captured();
    press(&mut state, "p");
    let texts = ["write", " a", " long", " new", " story", " about", " AI"];
    state.editor.draft = texts.concat().into();
    act(&mut state, Action::Submit);
    captured_as(&mut state, &texts, &texts);
    state
}

/// A note that has no room beside the prompt takes rows above it, and is whole.
#[test]
fn a_note_is_said_whole() {
    for keys in ["J", "Z", "a", "W", "enter enter a", "enter enter Z a", "("] {
        for size in SIZES.into_iter().chain([(40, 14), (30, 12)]) {
            let mut state = captured();
            press(&mut state, keys);
            let Some(note) = state.note.clone() else { panic!("{keys}: nothing is said") };
            let screen = words(&mut state, size);
            let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(screen.contains(&note), "{keys} at {size:?}: {note}: {screen}");
            assert!(screen.contains("about AI") || size.0 < 40, "the prompt stays: {screen}");
        }
    }
    let mut state = captured();
    state.note = Some("word ".repeat(99) + "so press r");
    let screen = words(&mut state, (60, 20));
    assert!(screen.contains("word … word") && screen.contains("so press r"), "{screen}");
    let mut state = captured();
    press(&mut state, "J");
    assert_screen!("note_above_the_prompt_60x20", state, (60, 20));
}

#[test]
fn titles_and_notes_say_that_a_head_is_at_its_mean() {
    for size in SIZES {
        for keys in ["", "A", "esc o", "esc D", "esc B", "esc H"] {
            let mut state = at_mean();
            press_and_wait(&mut state, keys);
            let screen = words(&mut state, size);
            let is_said = screen.contains("gpt2 with 0.1 at its mean") || screen.contains("2 0.1 at mean");
            assert!(is_said, "{keys} at {size:?}: {screen}");
            assert!(!screen.contains("mean: 0.1") && !screen.contains("without mean"), "{keys}: {screen}");
        }
    }
}

/// Where nothing moves, the key that goes on is said at any size.
#[test]
fn a_layer_in_which_nothing_moves_says_which_key_goes_on() {
    for size in SIZES {
        let mut state = at_mean();
        press_and_wait(&mut state, "D");
        let screen = words(&mut state, size);
        assert!(screen.contains("nothing moves") && screen.contains("] is a later"), "{size:?}: {screen}");
    }
}

/// Beside a pinned prompt: the words that only one has, and what goes to them.
#[test]
fn words_of_one_prompt_alone_and_what_they_get_are_said() {
    for size in SIZES {
        let mut state = pinned();
        press_and_wait(&mut state, "D");
        let screen = words(&mut state, size);
        assert!(screen.contains("only gpt2: 'long new'"), "{size:?}: {screen}");
        let is_said = screen.contains("left out 0.") || screen.contains("go to words that only one has");
        assert!(is_said, "{size:?}: {screen}");
    }
    let mut state = pinned();
    press_and_wait(&mut state, "D");
    assert_screen!("two_prompts_60x20", state, (60, 20));
    assert_screen!("two_prompts_80x24", state, (80, 24));
}

/// A list of which only some rows are on screen says how many more there are.
#[test]
fn lists_say_how_many_rows_are_not_on_screen() {
    for keys in ["A", "X", "o", "Q", "e"] {
        let mut state = captured();
        let effects = press(&mut state, keys);
        answer_push(&mut state, &effects);
        answer(&mut state, effects);
        let screen = words(&mut state, (60, 10));
        assert!(screen.contains(" more "), "{keys}: {screen}");
        assert!(!screen.contains("1 more keys"), "{keys}: {screen}");
        let screen = words(&mut state, (200, 60));
        assert!(!screen.contains("… ") || !screen.contains(" more "), "{keys}: {screen}");
    }
    let mut state = captured();
    press_and_wait(&mut state, "Q");
    assert_screen!("sinks_60x20", state, (60, 20));
    let mut state = captured();
    let effects = press(&mut state, "A");
    answer_push(&mut state, &effects);
    assert_screen!("push_60x20", state, (60, 20));
}

#[test]
fn the_list_of_exports_says_that_it_is_cut_and_whose_file_it_is() {
    let mut state = captured();
    press(&mut state, "T e");
    let screen = words(&mut state, (80, 24));
    assert!(screen.contains("gpt2 and gpt-oss to a file"), "the text of both: {screen}");
    assert!(screen.contains("… ") && screen.contains(" more ╯"), "{screen}");
    let Some(Popup::Export(dialog)) = &state.popup else { panic!("no export dialog") };
    let last = dialog.choices.len() - 1;
    act(&mut state, Action::Pick(last));
    assert!(words(&mut state, (80, 24)).contains(" the screen to a file"));
    let mut state = captured();
    press(&mut state, "e");
    assert!(words(&mut state, (80, 24)).contains(" demo:gpt2 to a file"), "the view of one");
}

/// Under the text by push is what heads add, and not what they look at.
#[test]
fn lines_under_a_text_by_push_are_of_push() {
    for size in [(80, 24), (120, 40)] {
        let mut state = captured();
        let effects = press(&mut state, "T T T");
        let screen = words(&mut state, size);
        assert!(!screen.contains("row sums to"), "nothing of attention: {screen}");
        answer_push(&mut state, &effects);
        let screen = words(&mut state, size);
        let pushes = state.push_by_token(Side::Left).unwrap();
        let said = format!("AI → write {}", signed(pushes[0], 3));
        assert!(screen.contains(&said) && !screen.contains("row sums to"), "{said}: {screen}");
        let effects = press(&mut state, "space left space");
        answer_push(&mut state, &effects);
        let screen = words(&mut state, size);
        assert!(screen.contains('┃'), "a span has its sum: {screen}");
    }
    let mut state = captured();
    let effects = press(&mut state, "T T T");
    answer_push(&mut state, &effects);
    assert_screen!("text_by_push_120x40", state, (120, 40));
    let (terminal, _) = draw_with(&mut state, (60, 20), ColorDepth::None);
    insta::assert_snapshot!("text_by_push_60x20", terminal.backend());
}

/// What a text says of its marked token gives way last, whatever else stands beside it.
#[test]
fn the_number_of_a_marked_token_stays_on_every_screen() {
    for size in SIZES.into_iter().chain([(40, 12), (200, 60)]) {
        let mut state = captured();
        press(&mut state, "T T left left");
        let screen = rows(&mut state, size).concat();
        let sides = if size.0 < 80 { vec![Side::Left] } else { Side::BOTH.to_vec() };
        for side in sides {
            let keys = state.pane(side).shown.as_ref().unwrap().looked_at(Normalisation::Raw);
            let number = format!("{:.3}", keys.values[2].unwrap());
            let is_said = screen.contains(&format!("▸ story {number}"))
                || screen.contains(&format!("▸ story is looked at {number}"));
            assert!(is_said, "{number} at {size:?}: {screen}");
        }
        let mut state = captured();
        press(&mut state, "T T T");
        let effects = press(&mut state, "left left");
        answer_push(&mut state, &effects);
        let sum = signed(state.push_by_token(Side::Left).unwrap().iter().sum::<f32>(), 3);
        let screen = words(&mut state, size);
        let is_said = ["▸ story: heads add ", "▸ story: ", "▸ story "].map(|before| format!("{before}{sum}"));
        assert!(is_said.iter().any(|said| screen.contains(said)), "{sum} at {size:?}: {screen}");
    }
}

/// Words behind it go before the name of the token does.
#[test]
fn the_name_of_a_marked_token_is_whole_at_any_width() {
    for keys in ["T", "T T", "T T T"] {
        let mut state = captured();
        press(&mut state, keys);
        let effects = press(&mut state, "left left");
        answer_push(&mut state, &effects);
        for width in 50..=130 {
            let screen = rows(&mut state, (width, 20)).concat();
            assert!(screen.contains("▸ story"), "{keys} at {width}: {screen}");
        }
    }
}

/// Heads push what comes after the marked token; what comes after the text is another matter.
#[test]
fn it_is_said_which_next_token_is_pushed() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut state = captured();
        let effects = press(&mut state, "T T T");
        answer_push(&mut state, &effects);
        let screen = words(&mut state, size);
        assert!(!screen.contains("at the end"), "the last token is marked: {screen}");
        let effects = press(&mut state, "left left");
        answer_push(&mut state, &effects);
        let screen = words(&mut state, size);
        let target = &state.pushes.panes[0].as_ref().unwrap().push.as_ref().unwrap().target;
        let target = target.token.text.replace(' ', "␣");
        let is_said = screen.contains(&format!("to {target} after it")) || size.0 == 80;
        assert!(is_said && screen.contains("next at the end"), "{size:?}: {screen}");
    }
    let mut state = captured();
    press(&mut state, "T left left");
    assert!(!words(&mut state, (120, 40)).contains("at the end"), "of attention there is nothing to mistake");
}

/// Every entry says what its file holds: in its row, or under the list where the row has no room for it.
#[test]
fn exports_say_what_they_hold() {
    for keys in ["e", "T e", "Q e", "enter enter e", "H e", "D e"] {
        let mut state = captured();
        press_and_wait(&mut state, keys);
        let screen = rows(&mut state, (60, 20));
        let list: Vec<&String> =
            screen.iter().filter(|row| row.contains("  csv  ") || row.contains("  svg  ")).collect();
        assert!(list.len() > 1, "{keys}: {screen:?}");
        for row in list {
            assert!(!row.contains('…') || row.contains(" more "), "{keys}: {row}");
        }
    }
    let mut state = captured();
    press(&mut state, "e");
    assert_screen!("exports_60x20", state, (60, 20));
    let screen = words(&mut state, (40, 14));
    assert!(screen.contains("a row per query, a column per key;"), "{screen}");
}

/// Where no colour tells cells apart, a number that fills its cell begins with a dot: `8.81.41.7` is no number.
#[test]
fn numbers_of_narrow_cells_do_not_run_into_each_other() {
    let words = ["the", " cat", " sat", " on", " the", " mat", " and", " the", " cat"];
    let mut state = loaded();
    captured_as(&mut state, &words, &words);
    let cells = |state: &mut State, depth| {
        let (terminal, _) = draw_with(state, (80, 24), depth);
        crate::screens::text(terminal.backend().buffer())
    };
    assert!(cells(&mut state, ColorDepth::Ansi16).contains("│the  1.0 "), "colours tell them apart");
    let plain = cells(&mut state, ColorDepth::None);
    assert!(plain.contains("│the  ███ ") && plain.contains(".2"), "{plain}");
    press_and_wait(&mut state, "V");
    let weighted = cells(&mut state, ColorDepth::None);
    let rows: Vec<&str> =
        weighted.split('│').filter(|row| row.starts_with("the") || row.starts_with("cat")).collect();
    let has_digits_first = |row: &&str| {
        let cells: Vec<char> = row.chars().skip(5).collect();
        cells.chunks(3).any(|cell| cell[0].is_ascii_digit())
    };
    assert!(rows.len() > 4 && !rows.iter().any(has_digits_first), "{weighted}");
}

/// A minus sign is no hyphen.
#[test]
fn numbers_below_zero_have_one_sign() {
    let is_hyphen = |pair: &[char]| pair[0] == '-' && pair[1].is_ascii_digit();
    for keys in ["A", "A enter", "X", "Q", "Q down", "D", "T T T", "o left", "P", "a"] {
        let mut state = captured();
        for key in keys.split(' ') {
            let effects = press(&mut state, key);
            answer_push(&mut state, &effects);
            crate::effect::answered(&mut state, &effects, 9);
            answer(&mut state, effects);
        }
        for size in SIZES.into_iter().chain([(200, 60)]) {
            let screen = words(&mut state, size);
            let signs: Vec<char> = screen.chars().collect();
            assert!(!signs.windows(2).any(is_hyphen), "{keys} at {size:?}: {screen}");
        }
    }
}

/// Nothing is larger than all of it.
#[test]
fn a_scale_whose_top_nothing_exceeds_says_so() {
    let mut state = alone();
    press_and_wait(&mut state, "B");
    let screen = words(&mut state, (80, 24));
    assert!(screen.contains(" 1.000 ") && !screen.contains("≥1.000"), "one segment: {screen}");
}
