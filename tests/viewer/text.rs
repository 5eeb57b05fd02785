//! The text in the place of the matrices: how it is coloured, walked through and pointed to.

use std::sync::Arc;

use attnscope::app::{
    Action, Column, Effect, ExportContent, Exported, Hover, KeysStage, Mode, Side, State, update,
};
use attnscope::attention::{LookedAt, View};
use attnscope::theme::ColorDepth;
use attnscope::ui::{Hit, Layout};
use attnscope::vocabulary::{ExportFormat, LongPrompts, Normalisation, RowReading, TextColoring};
use attnscope::worker::protocol::{Event, Request, RowJob, TokenRow, WorkerError};
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::Modifier;
use tui_input::InputRequest;

use crate::fixture::*;
use crate::screens::{assert_screen, draw, draw_with, text};

/// A text of two paragraphs, which both models read in tokens of their own.
const LEFT: [&str; 14] = [
    "The", " friend", " who", " is", " far", " away", ".", "\n\n", "But", " some", " te", "xts", " ask",
    " for",
];
const RIGHT: [&str; 11] =
    ["The", " fri", "end", " who is", " far", " away", ".\n\n", "But", " some", " texts ask", " for"];

fn two_paragraphs() -> State {
    let mut state = loaded();
    (state.run.prompt, state.editor.draft) = (LEFT.concat(), LEFT.concat().into());
    captured_as(&mut state, &LEFT, &RIGHT);
    state
}

/// The tokens that are marked, left and right.
fn marked(state: &State) -> [usize; 2] {
    Side::BOTH.map(|side| state.pane(side).marked_token(state.display.rows))
}

fn key(state: &State, side: Side) -> Column {
    state.pane(side).cursor.column
}

#[test]
fn the_text_is_turned_through_and_back_to_the_matrix() {
    let mut state = two_paragraphs();
    assert_eq!(state.shows_text(), None);
    press(&mut state, "T");
    assert_eq!(state.shows_text(), Some(TextColoring::LooksAt));
    press(&mut state, "T");
    assert_eq!(state.shows_text(), Some(TextColoring::LookedAt));
    press(&mut state, "T");
    assert_eq!(state.shows_text(), Some(TextColoring::Push));
    press(&mut state, "T");
    assert_eq!(state.shows_text(), None);
    press_and_wait(&mut state, "T g");
    assert_eq!(state.shows_text(), None, "a panel lies in its place");
    press_and_wait(&mut state, "T D");
    assert_eq!(state.shows_text(), None, "so does a comparison");
    press_and_wait(&mut state, "T");
    assert_eq!(state.shows_text(), Some(TextColoring::LooksAt), "it comes as it was");
    press_and_wait(&mut state, "enter enter o esc");
    assert_eq!(
        (state.shows_text(), shown(&state)[0]),
        (Some(TextColoring::LooksAt), head(0, 0)),
        "{:?}",
        shown(&state)
    );
}

#[test]
fn one_walks_by_tokens_words_lines_and_segments() {
    let mut state = two_paragraphs();
    press(&mut state, "T");
    draw(&mut state, (80, 30));
    assert_eq!(marked(&state), [13, 10], "it begins where the text ends");
    press(&mut state, "left");
    assert_eq!(marked(&state), [12, 9], "both sides go to the same text");
    press(&mut state, "; ;");
    assert_eq!(marked(&state), [9, 8], "words, not tokens");
    press(&mut state, "'");
    assert_eq!(marked(&state), [10, 9]);
    press(&mut state, "I");
    assert_eq!(marked(&state), [8, 7], "the paragraph");
    press(&mut state, "I");
    assert_eq!(marked(&state), [0, 0]);
    press(&mut state, "O down");
    assert_eq!(marked(&state)[0], 8, "there is one line below");
    press(&mut state, "end");
    assert_eq!(marked(&state)[0], 13);
    press(&mut state, "up");
    assert_eq!(marked(&state)[0], 7, "a line above, where the last is nearest: {:?}", marked(&state));
    press(&mut state, "home pagedown");
    assert_eq!(marked(&state)[0], 8);
    press(&mut state, "pageup left left");
    assert_eq!(marked(&state)[0], 0, "no further");
}

#[test]
fn words_and_segments_are_gone_through_in_the_matrix_too() {
    let mut state = two_paragraphs();
    press(&mut state, "left home");
    let column = key(&state, Side::Left);
    press(&mut state, "; ; ;");
    assert_eq!(state.focused().cursor.query, 9);
    press(&mut state, "I");
    assert_eq!((state.focused().cursor.query, key(&state, Side::Left)), (8, column), "its column stays");
    press(&mut started(), "; I b T");
}

#[test]
fn the_strongest_keys_of_a_row_are_gone_through_in_order() {
    let mut state = two_paragraphs();
    press(&mut state, "T left left");
    let shown = state.focused().shown.as_ref().unwrap();
    let query = state.focused().cursor.query;
    let mut keys: Vec<(usize, f32)> = shown.matrix().row(query).iter().copied().enumerate().collect();
    keys.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    for (at, (expected, _)) in keys.iter().chain(&keys[..1]).enumerate() {
        assert_eq!(key(&state, Side::Left), Column::Key(*expected), "{at}");
        assert_eq!(state.focused().cursor.query, query);
        press(&mut state, "b");
    }
}

/// Where on screen a token of a side is.
fn position(layout: &Layout, side: Side, token: usize) -> Position {
    let area = layout.pane(side).unwrap().frame;
    let hits = |at: &Position| layout.hit(*at) == Some(Hit::Token { side, token });
    area.positions().find(hits).unwrap()
}

#[test]
fn a_click_marks_a_token_and_the_mouse_lights_one() {
    let mut state = two_paragraphs();
    press(&mut state, "T");
    let (_, layout) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    position(&layout, Side::Right, 9);
    act(&mut state, Action::PointToToken { side: Side::Right, token: 9 });
    assert_eq!((marked(&state), state.panes.focus), ([12, 9], Side::Right));
    act(&mut state, Action::Hover(Some(Hover::Token { side: Side::Right, token: 2 })));
    assert_eq!(state.lit(Side::Right).unwrap().column, Column::Key(2));
    assert_eq!(state.lit(Side::Left).unwrap().column, Column::Key(1), "the same text");
    let (terminal, layout) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    let at = position(&layout, Side::Right, 2);
    assert!(terminal.backend().buffer()[at].modifier.contains(Modifier::UNDERLINED));
    assert!(text(terminal.backend().buffer()).contains("▿end"), "its value is in the heading");
    press(&mut state, "x");
    assert_eq!(state.lit(Side::Left), None, "not linked");
}

/// What of a cell's look says its value.
fn background(buffer: &Buffer, at: Position) -> ratatui::style::Color {
    buffer[at].bg
}

#[test]
fn what_comes_after_the_query_is_dim_and_never_has_the_colour_of_zero() {
    let mut state = two_paragraphs();
    press(&mut state, "T I I '");
    let (terminal, layout) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    let buffer = terminal.backend().buffer();
    let at = |token| position(&layout, Side::Left, token);
    assert_ne!(background(buffer, at(0)), background(buffer, at(5)));
    assert_eq!(background(buffer, at(5)), ratatui::style::Color::Reset);
    press(&mut state, "T");
    let (terminal, layout) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    let buffer = terminal.backend().buffer();
    let at = |token| position(&layout, Side::Left, token);
    assert_ne!(background(buffer, at(5)), ratatui::style::Color::Reset, "later tokens look at it");
    assert_eq!(background(buffer, at(13)), ratatui::style::Color::Reset, "after the last there is none");
}

#[test]
fn a_row_is_read_at_a_token_or_predicts_it() {
    let mut state = two_paragraphs();
    press(&mut state, "T left");
    assert_eq!(
        (state.display.rows, marked(&state)[0], state.focused().cursor.query),
        (RowReading::Reading, 12, 12)
    );
    press(&mut state, "|");
    assert_eq!((marked(&state)[0], state.focused().cursor.query), (13, 12), "the row is the same one");
    press(&mut state, "right");
    assert_eq!(marked(&state)[0], 14, "what comes after the text is predicted, too");
    assert_screen!("text_of_what_comes_next", state, (100, 24));
    act(&mut state, Action::PointToToken { side: Side::Left, token: 3 });
    assert_eq!((marked(&state)[0], state.focused().cursor.query), (3, 2));
}

#[test]
fn a_span_is_marked_and_views_and_rules_change_under_the_text() {
    let mut state = two_paragraphs();
    press(&mut state, "T I I ' space ' ' space");
    assert_eq!(state.focused().span.as_ref().unwrap().cells, 1..4);
    assert_eq!(state.pane(Side::Right).span.as_ref().unwrap().cells, 1..4);
    press_and_wait(&mut state, "] } n s f N V");
    assert_eq!(state.shows_text(), Some(TextColoring::LooksAt));
    assert_eq!(shown(&state)[0].attention(), head(0, 0));
    press_and_wait(&mut state, "esc");
    assert!(state.focused().span.is_none());
    press(&mut state, "+");
    assert_eq!(state.note.as_deref(), Some("a text has one size: T shows the matrix"));
}

#[test]
fn screens() {
    let mut state = two_paragraphs();
    press(&mut state, "T left left left");
    assert_screen!("text", state, (120, 40));
    assert_screen!("text_40x12", state, (40, 12));
    press(&mut state, "T");
    assert_screen!("text_is_looked_at", state, (100, 24));
    let (terminal, _) = draw_with(&mut state, (100, 24), ColorDepth::None);
    insta::assert_snapshot!("text_is_looked_at_without_colours", terminal.backend());
    press(&mut state, "T T T");
    let (terminal, _) = draw_with(&mut state, (70, 24), ColorDepth::None);
    insta::assert_snapshot!("text_without_colours", terminal.backend());
    press(&mut state, "tab");
    let (terminal, _) = draw_with(&mut state, (60, 20), ColorDepth::Ansi16);
    insta::assert_snapshot!("text_of_one_pane", terminal.backend());
}

#[test]
fn hard_texts_are_seen_whole() {
    let mut state = loaded();
    let hard = [
        "<|start|>",
        "日本",
        "語。",
        "\ttab",
        " e\u{301}",
        "👩\u{200d}👧",
        "\r\n",
        "\u{1b}[2J",
        " end",
        "\n",
    ];
    captured_as(&mut state, &hard, &hard);
    press(&mut state, "T");
    assert_screen!("text_that_is_hard", state, (70, 24));
}

#[test]
fn a_text_of_one_token_and_no_text_are_shown() {
    let mut state = loaded();
    captured_as(&mut state, &["a"], &["a"]);
    press(&mut state, "T left right up down ; ' I O b T");
    assert_screen!("text_of_one_token", state, (70, 24));
    let mut state = started();
    press(&mut state, "T T");
    draw(&mut state, (80, 24));
}

#[test]
fn of_a_prompt_that_was_pooled_every_token_can_be_marked() {
    let words: Vec<String> = (0..3000).map(|at| format!(" w{at}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut state = loaded();
    captured_as(&mut state, &words, &words);
    press(&mut state, "T");
    draw(&mut state, (120, 40));
    assert_eq!((state.focused().shown.as_ref().unwrap().matrix().bin(), marked(&state)), (2, [2999; 2]));
    let laid_out = |state: &State| {
        let (shown, viewport) = (state.focused().shown.as_ref().unwrap(), state.focused().text.viewport);
        shown.text_layout(viewport.columns, viewport.hides_special)
    };
    let before = laid_out(&state);
    press(&mut state, "left left left");
    draw(&mut state, (120, 40));
    assert!(Arc::ptr_eq(&before, &laid_out(&state)), "a key and a frame lay nothing out anew");
    assert_eq!((marked(&state), state.focused().cursor.query), ([2996; 2], 1498));
    act(&mut state, Action::PointToToken { side: Side::Right, token: 1001 });
    assert_eq!((marked(&state), state.focused().cursor.query), ([1001; 2], 500));
    press(&mut state, "T T T down");
    assert_eq!(state.focused().cursor.query, 501, "in the matrix, the next row: {:?}", marked(&state));
    let view = state.focused().shown.as_ref().unwrap().view();
    assert_eq!(view, View::Mean);
}

/// A matrix of a long prompt has cells of several tokens; the text asks for the row of the very token that is marked.
#[test]
fn of_a_prompt_that_was_pooled_the_row_of_every_token_is_exact() {
    let words: Vec<String> = (0..3000).map(|at| format!(" w{at}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let rows = |effects: &[Effect]| -> Vec<(Side, View, usize)> {
        let row = |effect: &Effect| match effect {
            Effect::Send(Request::Row(RowJob { asker, view, query, .. })) => {
                Some((Side::BOTH[asker.0], *view, *query))
            }
            _ => None,
        };
        effects.iter().filter_map(row).collect()
    };
    let mut state = loaded();
    captured_as(&mut state, &words, &words);
    let first = press(&mut state, "T");
    assert_eq!(rows(&first), [(Side::Left, View::Mean, 2999), (Side::Right, View::Mean, 2999)]);
    assert!(state.is_busy() && state.exact_row(Side::Left).is_none());
    let second = press(&mut state, "left");
    assert_eq!(rows(&second), [(Side::Left, View::Mean, 2998), (Side::Right, View::Mean, 2998)]);
    answer(&mut state, first);
    assert!(state.exact_row(Side::Left).is_none(), "an older answer is of another token");
    let of_cells = draw(&mut state, (160, 40)).backend().buffer().clone();
    answer(&mut state, second);
    assert!(!state.is_busy());
    assert_ne!(*draw(&mut state, (160, 40)).backend().buffer(), of_cells, "tokens have colours of their own");
    for side in Side::BOTH {
        let shown = state.pane(side).shown.as_ref().unwrap();
        let (weights, sink) = shown.capture.row(View::Mean, 2998).unwrap();
        assert_eq!(state.exact_row(side), Some(&TokenRow { weights, sink }));
    }
    let row = state.exact_row(Side::Right).unwrap();
    let says = format!("sink {:.3}  first token {:.3}", row.sink.unwrap(), row.weights[0]);
    let screen = text(draw(&mut state, (160, 40)).backend().buffer());
    assert!(screen.contains(&says), "{says}: {screen}");
    assert!(rows(&press(&mut state, "right left")).len() == 4, "each move asks");
    assert!(rows(&press(&mut state, "T")).is_empty(), "the mean over later queries has no row of its own");
}

/// How much each token is looked at comes from all rows, as in figures; until then cells say it, and the border that they do.
#[test]
fn of_a_prompt_that_was_pooled_it_is_exact_how_much_each_token_is_looked_at() {
    let words: Vec<String> = (0..2100).map(|at| format!(" w{at}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let asked = |effects: &[Effect]| -> Vec<(Side, View, Normalisation)> {
        let job = |effect: &Effect| match effect {
            Effect::Send(Request::LookedAt(job)) => {
                Some((Side::BOTH[job.asker.0], job.view, job.normalisation))
            }
            _ => None,
        };
        effects.iter().filter_map(job).collect()
    };
    let stops = |effects: &[Effect]| {
        effects.iter().any(|effect| matches!(effect, Effect::Send(Request::StopLookedAt)))
    };
    let both = |view, normalisation| [Side::Left, Side::Right].map(|side| (side, view, normalisation));
    let mut state = loaded();
    captured_as(&mut state, &words, &words);
    press_and_wait(&mut state, "T");
    let first = press(&mut state, "T");
    assert_eq!(asked(&first), both(View::Mean, Normalisation::Raw));
    assert!(state.is_busy() && state.by_cells(Side::Left) == Some(&KeysStage::Waiting));
    assert!(screen(&mut state).contains("by cells of 2 tokens until all rows are read"));
    let second = press(&mut state, "n");
    assert_eq!(asked(&second), both(View::Mean, Normalisation::Renormalised), "the newest is waited for");
    for effect in first {
        let Effect::Send(Request::LookedAt(question)) = effect else { continue };
        let question = Box::new(question);
        hear(&mut state, Event::LookedAt { question, found: Err(WorkerError::Cancelled) });
    }
    assert_eq!(state.by_cells(Side::Left), Some(&KeysStage::Waiting), "an older answer is of other rules");
    answer(&mut state, second);
    assert!(!state.is_busy() && state.by_cells(Side::Left).is_none());
    assert!(!screen(&mut state).contains("by cells"));
    let shown = state.pane(Side::Left).shown.as_ref().unwrap();
    let rules = state.display.normalisation;
    let exact = LookedAt::of_view(&shown.capture, View::Mean, rules, &|| false).unwrap();
    assert_eq!(*shown.looked_at(rules), exact, "as figures have it");
    assert_eq!(exact.values.len(), 2100);
    assert_eq!(asked(&press(&mut state, "n")).len(), 2);
    assert_eq!(
        asked(&press(&mut state, "n n")).len(),
        2,
        "of these rules it was stopped, and is asked again"
    );
    assert!(state.by_cells(Side::Left).is_none(), "what is known stays known");
    // Who goes on to another view waits for that one; who leaves the text waits for nothing.
    let effects = press(&mut state, "enter");
    assert_eq!(asked(&effects).len(), 2);
    assert!(!stops(&effects) && stops(&press(&mut state, "T")));
    assert!(!stops(&press(&mut state, "T")) && state.by_cells(Side::Left).is_none());
}

/// It is stopped, says so, and is asked for again.
#[test]
fn reading_all_rows_is_stopped_and_tried_again() {
    let words: Vec<String> = (0..2100).map(|at| format!(" w{at}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut state = loaded();
    captured_as(&mut state, &words, &words);
    let effects = press(&mut state, "T T");
    let stopped = press(&mut state, "ctrl-x");
    assert!(stopped.iter().any(|effect| matches!(effect, Effect::Send(Request::StopLookedAt))));
    for effect in effects {
        let Effect::Send(Request::LookedAt(question)) = effect else { continue };
        let question = Box::new(question);
        hear(&mut state, Event::LookedAt { question, found: Err(WorkerError::Cancelled) });
    }
    assert_eq!(state.by_cells(Side::Right), Some(&KeysStage::Failed(WorkerError::Cancelled)));
    assert!(screen(&mut state).contains("by cells of 2 tokens: stopped · r tries again"));
    let again = press(&mut state, "r");
    assert_eq!(again.iter().filter(|it| matches!(it, Effect::Send(Request::LookedAt(_)))).count(), 2);
    assert_eq!(state.by_cells(Side::Right), Some(&KeysStage::Waiting));
}

fn screen(state: &mut State) -> String {
    text(draw(state, (160, 40)).backend().buffer())
}

/// Writes into the field.
fn look_for(state: &mut State, text: &str) {
    press(state, "/");
    act(state, Action::Insert(text.to_owned()));
}

#[test]
fn a_text_is_found_and_gone_through() {
    let mut state = two_paragraphs();
    press(&mut state, "T O I");
    assert_eq!(marked(&state)[0], 8);
    look_for(&mut state, "f");
    assert_eq!((marked(&state)[0], state.screen.mode()), (13, Mode::Find), "the first one from there on");
    act(&mut state, Action::LaterPrompt);
    assert_eq!(marked(&state)[0], 1, "after the last it is the first");
    assert_screen!("text_that_is_looked_for", state, (100, 24));
    act(&mut state, Action::Insert("ar".to_owned()));
    assert_eq!(marked(&state)[0], 4, "from where one began, around the end");
    act(&mut state, Action::Edit(InputRequest::DeletePrevWord));
    assert_eq!(marked(&state)[0], 8, "nothing is looked for");
    act(&mut state, Action::Insert("who is".to_owned()));
    act(&mut state, Action::Submit);
    assert_eq!(
        (marked(&state), state.note.as_deref()),
        ([2, 3], Some("“who is”: 1 of 1")),
        "over two tokens"
    );
    press(&mut state, "left * # *");
    assert_eq!(marked(&state)[0], 2);
    let (terminal, layout) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    let at = position(&layout, Side::Right, 3);
    assert!(terminal.backend().buffer()[at].modifier.contains(Modifier::REVERSED), "on both sides");
    press(&mut state, "esc *");
    assert_eq!(state.note.as_deref(), Some("nothing is looked for: / finds a text"));
    look_for(&mut state, "away");
    act(&mut state, Action::LeaveEditor);
    assert_eq!((marked(&state)[0], state.find.is_on()), (2, false), "as it was");
    look_for(&mut state, "nowhere");
    assert!(text(draw(&mut state, (80, 24)).backend().buffer()).contains("not found"));
}

#[test]
fn without_a_text_on_screen_the_prompt_is_edited() {
    let mut state = two_paragraphs();
    press(&mut state, "*");
    assert_eq!(state.note.as_deref(), Some("T shows the text, / finds something in it"));
    press(&mut state, "/");
    assert_eq!(state.screen.mode(), Mode::EditPrompt);
}

#[test]
fn what_is_looked_for_is_found_in_a_newer_text_too() {
    let mut state = two_paragraphs();
    press(&mut state, "T");
    look_for(&mut state, "far");
    act(&mut state, Action::Submit);
    let _ = append(&mut state, " far");
    let _ = update(&mut state, Action::Submit);
    let longer: Vec<&str> = LEFT.iter().copied().chain([" far"]).collect();
    captured_as(&mut state, &longer, &longer);
    assert_eq!(state.find.found[0].len(), 2);
}

#[test]
fn a_prompt_that_does_not_fit_opens_as_text_if_it_is_to() {
    let long: Vec<String> = (0..90).map(|at| format!(" w{at}")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let shows = |state: &mut State, texts: &[&str]| {
        let _ = update(state, Action::Submit);
        captured_as(state, texts, texts);
        draw(state, (120, 40));
        state.shows_text().is_some()
    };
    let mut state = loaded();
    assert!(!shows(&mut state, &long), "not if nobody asked for it");
    state.long_prompts = LongPrompts::Text;
    assert!(!shows(&mut state, &PROMPT), "a short one fits");
    assert!(shows(&mut state, &long));
    assert!(shows(&mut state, &long[..80]));
    assert!(!shows(&mut state, &PROMPT), "and the matrix again");
    assert!(shows(&mut state, &long));
    press(&mut state, "T T T");
    draw(&mut state, (120, 40));
    assert!(state.shows_text().is_none(), "whoever turns to the matrix stays there");
    press(&mut state, "T");
    assert!(shows(&mut state, &PROMPT), "and who turned to the text, too");
}

#[test]
fn the_text_on_screen_is_exported_first() {
    let mut state = two_paragraphs();
    press(&mut state, "T left e");
    assert_screen!("exporting_a_text", state, (100, 30));
    let effects = update(&mut state, Action::Submit);
    let [Effect::Export { content, format, file, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((*content, *format), (ExportContent::Text(TextColoring::LooksAt), ExportFormat::Svg));
    assert_eq!(file, "demo-gpt2-and-demo-gpt-oss-text-looks-at.svg");
    act(&mut state, Action::Exported(Exported::Written("a.svg".to_owned())));
    press(&mut state, "T T e");
    let effects = update(&mut state, Action::Submit);
    let [Effect::Export { content, format, file, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((*content, *format), (ExportContent::Text(TextColoring::Push), ExportFormat::Svg));
    assert_eq!(file, "demo-gpt2-and-demo-gpt-oss-text-push.svg");
}
