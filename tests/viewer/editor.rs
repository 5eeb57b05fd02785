//! The editor: its text, the prompts of earlier, pastes.

use attnscope::app::{Action, Effect, History, Mode, State, update};
use attnscope::runtime::{action, sync_layout};
use attnscope::worker::protocol::JobId;
use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;
use tui_input::InputRequest;

use crate::fixture::*;
use crate::screens::{assert_screen, draw};

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

/// Opens the editor with a text of its own, drawn once.
fn editing(text: &str, size: (u16, u16)) -> State {
    let mut state = captured();
    press(&mut state, "i");
    write(&mut state, text);
    draw(&mut state, size);
    state
}

/// What stands before the place where one types, on its line.
fn before(state: &State) -> &str {
    let text = &state.editor.text()[..state.editor.at()];
    text.rsplit('\n').next().unwrap()
}

fn up(state: &mut State) {
    act(state, Action::EarlierPrompt);
}

fn down(state: &mut State) {
    act(state, Action::LaterPrompt);
}

fn edit(state: &mut State, request: InputRequest) {
    act(state, Action::Edit(request));
}

#[test]
fn one_moves_within_lines_and_from_the_first_to_earlier_prompts() {
    let mut state = editing("first line\nx\nthe third line", (100, 40));
    up(&mut state);
    assert_eq!(before(&state), "x", "no further than its line reaches");
    up(&mut state);
    assert_eq!(before(&state), "first line", "the column is kept, as far as it goes");
    down(&mut state);
    down(&mut state);
    assert_eq!(before(&state), "the third line", "and comes back");
    edit(&mut state, InputRequest::GoToStart);
    assert_eq!((before(&state), state.editor.draft.cursor()), ("", 13), "Home is that of the line");
    edit(&mut state, InputRequest::InsertChar('>'));
    up(&mut state);
    edit(&mut state, InputRequest::GoToEnd);
    edit(&mut state, InputRequest::InsertChar('!'));
    assert_eq!(state.editor.text(), "first line\nx!\n>the third line");
    up(&mut state);
    up(&mut state);
    assert_eq!(state.editor.text(), "write a story about AI", "from the first line, history");
    down(&mut state);
    assert_eq!(state.editor.text(), "first line\nx!\n>the third line", "what was being written");
    edit(&mut state, InputRequest::SetCursor(0));
    assert_eq!(state.editor.draft.cursor(), 0);
    edit(&mut state, InputRequest::SetCursor(usize::MAX));
    assert_eq!(before(&state), ">the third line");
}

#[test]
fn an_earlier_prompt_of_several_lines_is_one_step() {
    let mut state = with_history(&["a\nb\nc", "d\ne"]);
    press(&mut state, "i");
    up(&mut state);
    assert_eq!((state.editor.text(), before(&state)), ("d\ne", "d"));
    up(&mut state);
    assert_eq!((state.editor.text(), before(&state)), ("a\nb\nc", "a"));
    down(&mut state);
    assert_eq!((state.editor.text(), before(&state)), ("a\nb\nc", "b"));
    down(&mut state);
    down(&mut state);
    assert_eq!((state.editor.text(), before(&state)), ("d\ne", "e"));
}

#[test]
fn what_is_cut_to_the_end_of_a_line_can_be_put_in_elsewhere() {
    let mut state = editing("one two\nthree", (100, 40));
    edit(&mut state, InputRequest::SetCursor(3));
    edit(&mut state, InputRequest::DeleteTillEnd);
    assert_eq!((state.editor.text(), state.editor.draft.cursor()), ("one\nthree", 3));
    edit(&mut state, InputRequest::DeleteTillEnd);
    assert_eq!(state.editor.text(), "onethree", "at its end, the end of the line");
    edit(&mut state, InputRequest::SetCursor(usize::MAX));
    edit(&mut state, InputRequest::Yank);
    assert_eq!(state.editor.text(), "onethree two");
}

#[test]
fn rows_of_a_long_line_are_moved_through_as_they_are_seen() {
    let text = "word ".repeat(40);
    let mut state = editing(&text, (60, 40));
    let end = state.editor.at();
    up(&mut state);
    assert!(state.editor.at() > end - 70 && state.editor.at() < end - 20, "a row up: {}", state.editor.at());
    assert_screen!("an_editor_of_several_rows", state, (60, 40));
    let mut state = editing("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12", (60, 34));
    (0..5).for_each(|_| up(&mut state));
    assert_screen!("an_editor_of_more_rows_than_fit", state, (60, 34));
    assert_screen!("an_editor_on_a_small_screen", state, (60, 16));
    assert_screen!("an_editor_of_one_row", state, (60, 12));
    act(&mut state, Action::LeaveEditor);
    assert_screen!("several_lines_when_they_are_not_edited", state, (60, 16));
}

/// Rows above and below those on screen have a sign, as in lists; so has what one row leaves out.
#[test]
fn what_the_editor_hides_is_counted() {
    let screen = |state: &mut State, size| crate::screens::text(draw(state, size).backend().buffer());
    let text: Vec<String> = (1..=12).map(|at| at.to_string()).collect();
    let mut state = editing(&text.join("\n"), (60, 20));
    assert!(screen(&mut state, (60, 20)).contains("↑ 9 more"));
    (0..5).for_each(|_| up(&mut state));
    let shown = screen(&mut state, (60, 20));
    assert!(shown.contains("↑ 5 more") && shown.contains("↓ 4 more"), "{shown}");
    let mut state = editing(&"word ".repeat(99), (60, 20));
    let shown = screen(&mut state, (60, 20));
    assert!(
        shown.contains("↑ 10 more") && shown.matches(" more ").count() == 1,
        "rows of one line, too: {shown}"
    );
    let mut state = editing(&"a line\n".repeat(999), (60, 20));
    assert!(screen(&mut state, (60, 20)).contains("↑ 99+ more"));
    let mut state = editing("one\ntwo\nthree", (60, 20));
    let shown = screen(&mut state, (60, 20));
    assert!(!shown.contains(" more"), "all of it is there: {shown}");
    let mut state = editing(&"word ".repeat(30), (60, 12));
    assert!(screen(&mut state, (60, 12)).contains("❯ …"), "in one row, what was before");
}

#[test]
fn the_mouse_goes_to_a_place_in_the_text() {
    let mut state = editing("one\ntwo three\nfour", (80, 40));
    let layout = sync_layout(&mut state, Rect::new(0, 0, 80, 40));
    let (column, row) = (layout.prompt.x + 4 + 6, layout.prompt.y + 2);
    let kind = MouseEventKind::Down(MouseButton::Left);
    let event = Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    let clicked = action(&event, &state, &layout).unwrap();
    act(&mut state, clicked);
    assert_eq!(before(&state), "two th", "{:?}", layout.prompt);
}

#[test]
fn another_program_edits_the_prompt() {
    let mut state = captured();
    let effects = press(&mut state, "E");
    assert!(matches!(&effects[..], [Effect::EditElsewhere(text)] if text == "write a story about AI"));
    let effects = update(&mut state, Action::Edited(Ok("a\nb".to_owned())));
    assert_eq!((effects.len(), state.editor.text(), state.screen.mode()), (0, "a\nb", Mode::EditPrompt));
    assert_eq!(runs(&update(&mut state, Action::Submit)), [(JobId(state.run.job.0), "a\nb".to_owned())]);
    let effects = press(&mut state, "i E");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::EditElsewhere(_))));
    act(&mut state, Action::Edited(Err("vi was not found".to_owned())));
    assert_eq!((state.editor.text(), state.editor.refused.as_deref()), ("a\nb", Some("vi was not found")));
    state.editor.is_live = true;
    let effects = update(&mut state, Action::Edited(Ok("live".to_owned())));
    assert!(runs(&effects).iter().any(|run| run.1 == "live") || state.editor.pause.is_some());
}

#[test]
fn the_file_of_the_prompt_is_read_again_and_run() {
    let mut state = captured();
    assert!(matches!(press(&mut state, "ctrl-r")[..], [Effect::ReadPromptFile]));
    let next = next_job(&state);
    let effects = update(&mut state, Action::Reloaded(Ok("new".to_owned())));
    assert_eq!(runs(&effects), [(next, "new".to_owned())]);
    act(&mut state, Action::Reloaded(Ok("new".to_owned())));
    assert_eq!(state.note.as_deref(), Some("the file is as it was"));
    act(&mut state, Action::Reloaded(Err("no --prompt-file was given".to_owned())));
    assert_eq!((state.editor.text(), state.note.as_deref()), ("new", Some("no --prompt-file was given")));
}
