//! What the state looks like.

use attnscope::app::{Action, Column, Cursor, Hover, Side, State};
use attnscope::runtime::sync_layout;
use attnscope::theme::{Background, ColorDepth, ColorMap, Theme};
use attnscope::ui::{self, Layout, Part};
use attnscope::worker::protocol::{Event, LoadProgress, Slot};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::InputRequest;

use crate::fixture::*;

fn theme(depth: ColorDepth) -> Theme {
    Theme::new(ColorMap::Viridis, depth, Background::Dark)
}

/// Draws as the loop does: first the state hears how much room there is.
pub fn draw_with(
    state: &mut State,
    (width, height): (u16, u16),
    depth: ColorDepth,
) -> (Terminal<TestBackend>, Layout) {
    state.display.has_glyphs = theme(depth).has_glyphs();
    let layout = sync_layout(state, Rect::new(0, 0, width, height));
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| ui::draw(state, &layout, &theme(depth), frame)).unwrap();
    (terminal, layout)
}

/// The parts of the panel that is open.
pub fn parts(layout: &Layout) -> &[Part] {
    let ui::Body::Panel(panel) = &layout.body else { panic!("a panel is open") };
    &panel.parts
}

pub fn draw(state: &mut State, size: (u16, u16)) -> Terminal<TestBackend> {
    draw_with(state, size, ColorDepth::TrueColor).0
}

pub fn text(buffer: &Buffer) -> String {
    buffer.content.iter().map(|cell| cell.symbol()).collect()
}

macro_rules! assert_screen {
    ($name:literal, $state:expr, $size:expr) => {
        insta::assert_snapshot!($name, draw(&mut $state, $size).backend())
    };
}
pub(crate) use assert_screen;

#[test]
fn loading() {
    let mut state = started();
    assert_screen!("before_anything_is_heard", state, (100, 24));
    let file = "model-00001-of-00003.safetensors".to_owned();
    let progress = LoadProgress::Downloading { file, done: 1_200_000_000, total: 4_800_000_000 };
    hear(&mut state, Event::Loading { slot: Slot::Second, progress });
    let progress = LoadProgress::Weights { done: 37, total: 148 };
    hear(&mut state, Event::Loading { slot: Slot::First, progress });
    assert_screen!("loading", state, (100, 24));
    hear(&mut state, Event::Loaded { slot: Slot::First, model: gpt2() });
    let job = state.run.job;
    hear(&mut state, Event::Running { slot: Slot::First, job, layer: 1, layers: 2 });
    hear(&mut state, Event::Loading { slot: Slot::Second, progress: LoadProgress::Resolving });
    assert_screen!("running_beside_a_load", state, (100, 24));
}

#[test]
fn mean_layer_and_head() {
    let mut state = captured();
    assert_screen!("mean", state, (120, 40));
    press_and_wait(&mut state, "] ] tab home");
    assert_screen!("layer_with_the_cursor_on_the_sink", state, (120, 40));
    press_and_wait(&mut state, "enter } right right up");
    assert_screen!("head", state, (120, 40));
}

#[test]
fn views_of_several_layers_and_of_heads_that_share_keys() {
    let mut state = captured_with_groups();
    press_and_wait(&mut state, "R");
    assert_screen!("rollout", state, (120, 40));
    press_and_wait(&mut state, "w");
    assert_screen!("sliding_layers", state, (100, 24));
    press_and_wait(&mut state, "tab ] K }");
    assert_screen!("kv_group", state, (100, 24));
}

#[test]
fn left_minus_right() {
    let mut state = cut_apart();
    press_and_wait(&mut state, "D");
    assert_screen!("difference", state, (120, 40));
    assert_screen!("difference_80x24", state, (80, 24));
    press_and_wait(&mut state, "D ] n home right");
    assert_screen!("difference_of_a_layer_by_words", state, (100, 30));
    let (terminal, _) = draw_with(&mut state, (60, 16), ColorDepth::None);
    insta::assert_snapshot!("difference_without_colours", terminal.backend());
}

#[test]
fn left_below_and_right_above() {
    let mut state = cut_apart();
    press_and_wait(&mut state, "d");
    assert_screen!("split", state, (120, 40));
    assert_screen!("split_80x24", state, (80, 24));
    press_and_wait(&mut state, "D n home right");
    let (terminal, _) = draw_with(&mut state, (60, 16), ColorDepth::None);
    insta::assert_snapshot!("split_without_colours", terminal.backend());
}

/// The words of the first prompt, cut otherwise by each model.
fn cut_apart() -> State {
    let mut state = loaded();
    let left = ["wr", "ite", " a", " st", "ory", " about", " AI"];
    captured_as(&mut state, &left, &["write", " a", " st", "ory", " ab", "out AI"]);
    state
}

#[test]
fn heads_in_numbers() {
    let mut state = captured_with_groups();
    let effects = press(&mut state, "o");
    assert_screen!("leaderboard_while_scores_are_computed", state, (80, 24));
    answer(&mut state, effects);
    press(&mut state, "down down");
    assert_screen!("leaderboard", state, (150, 36));
    press(&mut state, "left left left left left w");
    assert_screen!("leaderboard_of_sliding_layers_by_previous_on_the_prompt", state, (100, 24));
    press_and_wait(&mut state, "w w home ~");
    assert_screen!("leaderboard_of_heads_like_one", state, (120, 40));
    assert_screen!("leaderboard_40x14", state, (40, 14));
}

#[test]
fn every_rule() {
    let mut state = captured();
    press(&mut state, "tab home n s");
    assert_screen!("renormalised_on_a_logarithmic_scale", state, (120, 40));
    press(&mut state, "n f");
    assert_screen!("without_the_first_token_each_side_its_own_scale", state, (140, 34));
    press(&mut state, "up up up up f s");
    assert_screen!("a_row_with_nothing_left", state, (100, 30));
}

#[test]
fn head_grid() {
    let mut state = captured();
    press_and_wait(&mut state, "tab enter enter g down right right");
    assert_screen!("head_grid", state, (100, 30));
    assert_screen!("head_grid_without_room_for_all", state, (40, 14));
    let model = model("large", 24, 64, true);
    let (side, job) = (Side::Right, state.run.job);
    let capture = capture(&model, &PROMPT);
    hear(&mut state, Event::Loaded { slot: side.slot(), model });
    let effects = hear(&mut state, Event::Captured { slot: side.slot(), job, capture });
    answer(&mut state, effects);
    press(&mut state, "pagedown down end left");
    assert_screen!("head_grid_of_24_layers", state, (120, 36));
}

#[test]
fn every_size() {
    assert_screen!("size_80x24", captured(), (80, 24));
    assert_screen!("size_200x60", captured(), (200, 60));
    assert_screen!("size_40x14_shows_one_side", captured(), (40, 14));
    assert_screen!("size_20x6_is_too_small", captured(), (20, 6));
}

#[test]
fn errors_in_place() {
    let mut state = started();
    let error = refused("org/none: the hub has no such repository, or it needs a token: set HF_TOKEN");
    hear(&mut state, Event::LoadFailed { slot: Slot::First, error });
    assert_screen!("a_load_that_failed", state, (100, 24));
    let mut state = captured();
    act(&mut state, Action::Submit);
    let (side, job) = (Side::Left, state.run.job);
    let error = refused("the prompt has 1,300 tokens, demo:gpt2 takes at most 1,024: shorten it");
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error });
    hear(&mut state, Event::Running { slot: Slot::Second, job, layer: 2, layers: 3 });
    assert_screen!("a_pass_that_failed_and_one_that_runs", state, (100, 30));
    act(&mut state, Action::WorkerGone);
    assert_screen!("no_worker", state, (100, 24));
}

#[test]
fn editing() {
    let mut state = captured();
    press(&mut state, "i");
    assert_screen!("editing_selected", state, (80, 24));
    let (terminal, _) = draw_with(&mut state, (80, 24), ColorDepth::None);
    let reversed = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED);
    let selected = terminal.backend().buffer().content.iter().filter(reversed).map(|cell| cell.symbol());
    assert_eq!(selected.collect::<String>(), PROMPT.concat(), "without colours, too");
    act(&mut state, Action::Edit(InputRequest::GoToEnd));
    for c in " 日本\nx".chars() {
        act(&mut state, Action::Edit(InputRequest::InsertChar(c)));
    }
    let mut terminal = draw(&mut state, (80, 24));
    insta::assert_snapshot!("editing", terminal.backend());
    assert_eq!(terminal.get_cursor_position().unwrap(), (3 + 1, 22).into(), "on the second line");
    act(&mut state, Action::LeaveEditor);
    assert_screen!("edited_and_not_run", state, (80, 24));
    act(&mut state, Action::Edit(InputRequest::DeleteLine));
    assert_screen!("an_empty_prompt", state, (80, 24));
}

#[test]
fn as_it_is_typed() {
    let mut state = captured();
    press(&mut state, "L");
    assert_screen!("live", state, (80, 24));
    append(&mut state, "\r\nand\tmore");
    assert_screen!("live_editing_several_lines", state, (120, 34));
    act(&mut state, Action::Edit(InputRequest::DeleteLine));
    for _ in 0..3 {
        act(&mut state, Action::Tick);
    }
    let job = state.run.job;
    for side in Side::BOTH {
        let error = refused("the prompt is empty: type something to look at");
        hear(&mut state, Event::RunFailed { slot: side.slot(), job, error });
    }
    assert_screen!("live_with_an_empty_draft", state, (80, 24));
}

#[test]
fn pinned() {
    let mut state = captured();
    press(&mut state, "p");
    assert_screen!("pinned", state, (120, 34));
    append(&mut state, "\nand mice");
    act(&mut state, Action::Submit);
    let texts = ["write", " a", " story", " about", " AI", "\n", "and", " mice"];
    captured_as(&mut state, &texts, &texts);
    press(&mut state, "up up up");
    assert_screen!("pinned_beside_another_prompt", state, (120, 34));
    assert_screen!("pinned_80x24", state, (80, 24));
    press_and_wait(&mut state, "tab enter enter");
    assert_screen!("pinned_on_a_narrow_screen", state, (40, 20));
    let (side, job) = (Side::Right, next_job(&state));
    press(&mut state, "tab .");
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: refused("no memory") });
    assert_screen!("pinned_over_a_pass_that_failed", state, (100, 24));
}

#[test]
fn next_tokens() {
    let mut state = captured();
    press(&mut state, ">");
    assert_screen!("next_token_chosen", state, (120, 40));
    assert_screen!("next_token_chosen_80x24", state, (80, 24));
    press(&mut state, "S");
    assert_screen!("next_token_drawn", state, (120, 40));
    press(&mut state, "tab");
    assert_screen!("next_token_drawn_80x24", state, (80, 24));
}

#[test]
fn growing_unlinked() {
    let mut state = captured();
    press(&mut state, ".");
    let grown = ["write", " a", " story", " about", " AI", " research"];
    captured_as(&mut state, &grown, &grown);
    press(&mut state, "x ] y");
    assert_screen!("grown_by_a_token_and_a_row_copied", state, (120, 34));
}

#[test]
fn a_prompt_longer_than_its_line_shows_its_end() {
    let mut state = captured();
    append(&mut state, &" and another one of what it reads".repeat(4));
    act(&mut state, Action::Submit);
    captured_as(&mut state, &PROMPT, &PROMPT);
    let line = |state: &mut State| {
        let terminal = draw(state, (80, 24));
        text(terminal.backend().buffer()).chars().skip(22 * 80).take(80).collect::<String>()
    };
    assert!(line(&mut state).starts_with(" ❯ …"));
    assert!(line(&mut state).ends_with("it reads "));
    press(&mut state, ".");
    assert!(line(&mut state).ends_with("it reads research "));
    press(&mut state, "i");
    assert!(line(&mut state).trim_end().ends_with("research"), "the last of several rows");
}

#[test]
fn help() {
    let mut state = captured();
    press(&mut state, "?");
    assert_screen!("help", state, (140, 30));
    assert_screen!("help_in_one_column", state, (80, 24));
    press(&mut state, "pagedown");
    assert_screen!("help_scrolled", state, (80, 24));
}

#[test]
fn wide_and_combining_characters() {
    let texts = ["日本語の", "cafe\u{301}", "👩‍👩‍👧", "\u{1b}[2J", "\n\n", "  ", "averyveryverylongtoken"];
    let mut state = loaded();
    captured_as(&mut state, &texts, &texts);
    press(&mut state, "up right right");
    assert_screen!("wide_and_combining_characters", state, (100, 30));
}

#[test]
fn long_prompts() {
    let words: Vec<String> = (0..300).map(|number| format!(" w{number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut state = loaded();
    captured_as(&mut state, &words[..24], &words[..24]);
    assert_screen!("prompt_of_24_tokens", state, (120, 40));
    act(&mut state, Action::Submit);
    captured_as(&mut state, &words, &words);
    assert_screen!("overview_of_300_tokens", state, (100, 30));
    press(&mut state, "0 pageup end");
    assert_screen!("prompt_of_300_tokens", state, (100, 30));
    press(&mut state, "0");
    press(&mut state, "v");
    assert_screen!("overview_by_the_mean", state, (80, 24));
    press(&mut state, "+ pageup left left");
    draw(&mut state, (120, 40));
    for _ in 0..4 {
        draw(&mut state, (120, 40));
        press(&mut state, "+");
    }
    assert_screen!("zoomed_to_cells_with_numbers", state, (120, 40));
}

#[test]
fn spans_and_what_the_mouse_is_over() {
    let mut state = captured();
    point_to_first(&mut state);
    press(&mut state, "right space right space");
    let cell = Cursor { query: 3, column: Column::Key(0) };
    assert_screen!("span", state, (120, 40));
    assert_screen!("span_in_small_cells", state, (80, 24));
    assert_screen!("span_on_a_small_screen", state, (40, 12));
    act(&mut state, Action::Hover(Some(Hover::Cell { side: Side::Left, cell })));
    assert_screen!("span_and_a_cell_under_the_mouse", state, (120, 40));
    let (terminal, _) = draw_with(&mut state, (64, 14), ColorDepth::None);
    insta::assert_snapshot!("span_without_colours", terminal.backend());
    let words: Vec<String> = (0..300).map(|number| format!(" w{number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    act(&mut state, Action::Submit);
    captured_as(&mut state, &words, &words);
    draw(&mut state, (100, 30));
    press(&mut state, "pageup end space home pageup end space");
    assert_screen!("span_in_an_overview", state, (100, 30));
}

#[test]
fn the_mouse_finds_the_bytes_of_the_prompt() {
    let mut state = captured();
    act(&mut state, Action::Edit(InputRequest::DeleteLine));
    for c in "a日本\ne\u{301}x".chars() {
        act(&mut state, Action::Edit(InputRequest::InsertChar(c)));
    }
    act(&mut state, Action::Submit);
    let (terminal, layout) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    let bytes: Vec<Option<usize>> =
        (3..13).map(|x| ui::prompt_byte(&state, &layout, (x, 37).into())).collect();
    let expected = [None, Some(0), Some(1), Some(1), Some(4), Some(4), Some(7), Some(8), Some(11), None];
    assert_eq!(
        bytes,
        expected,
        "{}",
        text(terminal.backend().buffer()).chars().skip(37 * 120).collect::<String>()
    );
    assert_eq!(ui::prompt_byte(&state, &layout, (4, 36).into()), None);
}

#[test]
fn repeated_words() {
    let texts = ["the", " cat", " saw", " the", " dog"];
    let mut state = loaded();
    captured_as(&mut state, &texts, &texts);
    press(&mut state, "end left");
    assert_screen!("repeated_words", state, (120, 40));
}

/// The first screens of prompts from short to long, as each comes on.
#[test]
fn first_looks() {
    let texts =
        ["The", " quick", " brown", " fox", " jumps", " over", " the", " lazy", " dog", " and", " runs"];
    let first = |texts: &[&str]| {
        let mut state = loaded();
        captured_as(&mut state, texts, texts);
        state
    };
    assert_screen!("first_look_at_11_tokens_80x24", first(&texts), (80, 24));
    assert_screen!("first_look_at_11_tokens_120x36", first(&texts), (120, 36));
    assert_screen!("first_look_at_11_tokens_200x60", first(&texts), (200, 60));
    let wide = ["日本", "語の", "長い", "文章", "です", "から", "名前", "は", "短く", "なり", "ます"];
    assert_screen!("first_look_at_11_wide_tokens", first(&wide), (100, 36));
    let words: Vec<String> = (0..60).map(|number| format!(" w{number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_screen!("first_look_at_60_tokens_80x24", first(&words), (80, 24));
    assert_screen!("first_look_at_60_tokens_120x36", first(&words), (120, 36));
    assert_screen!("first_look_at_60_tokens_200x60", first(&words), (200, 60));
}

#[test]
fn one_pane() {
    let mut state = captured();
    press(&mut state, "tab z");
    assert_screen!("one_pane_of_two", state, (120, 36));
    let mut state = alone();
    assert_screen!("one_model", state, (120, 36));
    assert_screen!("one_model_80x24", state, (80, 24));
    press_and_wait(&mut state, "D");
    assert_screen!("one_model_has_no_difference", state, (80, 24));
    press(&mut state, "z");
    assert_screen!("one_model_and_an_empty_side", state, (100, 24));
}

#[test]
fn one_token() {
    let mut state = loaded();
    captured_as(&mut state, &["AI"], &["AI"]);
    assert_screen!("one_token", state, (80, 24));
}

#[test]
fn without_colours() {
    let mut state = captured();
    let (terminal, _) = draw_with(&mut state, (100, 30), ColorDepth::None);
    insta::assert_snapshot!("without_colours", terminal.backend());
    let colours = |cell: &ratatui::buffer::Cell| [cell.fg, cell.bg];
    let used = terminal.backend().buffer().content.iter().flat_map(colours);
    assert!(used.into_iter().all(|color| color == ratatui::style::Color::Reset));
}

#[test]
fn the_future_never_looks_like_zero() {
    for depth in [ColorDepth::TrueColor, ColorDepth::Ansi256, ColorDepth::Ansi16, ColorDepth::None] {
        for background in [Background::Dark, Background::Light] {
            for map in ColorMap::ALL {
                let theme = Theme::new(map, depth, background);
                let (zero, masked) = (theme.values.cell(0.0), theme.chrome.masked);
                let glyphs_differ = theme.values.glyph(0.0).is_some_and(|glyph| glyph != '·');
                assert!(zero.bg != masked.bg && masked.bg.is_none() || glyphs_differ, "{map:?} {depth:?}");
            }
        }
    }
}

#[test]
fn what_is_clicked_is_what_is_drawn() {
    let mut state = captured();
    let (terminal, layout) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    let buffer = terminal.backend().buffer();
    let mut cells = 0;
    for y in 0..40 {
        for x in 0..120 {
            let Some(ui::Hit::Cell { side, query, column }) = layout.hit((x, y).into()) else { continue };
            let masked = matches!(column, Column::Key(key) if key > query);
            let coloured = buffer[(x, y)].bg != ratatui::style::Color::Reset;
            assert_eq!(coloured, !masked, "{side} {query} {column:?}");
            cells += usize::from(coloured);
        }
    }
    assert!(cells > 500, "{cells}");
    press(&mut state, "g");
    let (_, grid) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    let heads = parts(&grid);
    assert_eq!(heads.len(), 6);
    for &Part { view, area, .. } in heads {
        let hit = grid.hit((area.right() - 1, area.bottom() - 1).into());
        assert_eq!(hit, Some(ui::Hit::Thumbnail { side: Side::Left, view: view.unwrap() }));
    }
    press_and_wait(&mut state, "esc D");
    let (terminal, difference) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    let ui::Body::Difference(placed) = &difference.body else { panic!("it is compared") };
    let at = placed.grid.rect(3, Column::Key(2)).as_position();
    let hit = ui::Hit::Cell { side: Side::Left, query: 3, column: Column::Key(2) };
    assert_eq!(difference.hit(at), Some(hit));
    assert_ne!(terminal.backend().buffer()[at].bg, ratatui::style::Color::Reset);
    press_and_wait(&mut state, "D D o");
    let (_, board) = draw_with(&mut state, (120, 40), ColorDepth::TrueColor);
    let heads = parts(&board);
    assert_eq!(heads.len(), 2 * 3 + 3 * 5);
    for &Part { side, view, area } in heads {
        let hit = board.hit(area.as_position());
        assert_eq!(hit, Some(ui::Hit::Thumbnail { side, view: view.unwrap() }));
    }
    press(&mut state, "esc");
    let heads = |layout: &Layout| layout.pane(Side::Right).unwrap().thumbnails.len();
    assert_eq!(heads(&layout), 3);
    press_and_wait(&mut state, "enter");
    assert_eq!(heads(&draw_with(&mut state, (120, 40), ColorDepth::TrueColor).1), 5);
}

#[test]
fn a_picture_of_the_screen_holds_its_text() {
    let mut state = captured();
    let terminal = draw(&mut state, (100, 30));
    let svg = ui::svg(terminal.backend().buffer(), Background::Dark);
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert!(text(terminal.backend().buffer()).contains("row 1.000, sink –"));
    assert_eq!(svg.matches("<svg").count(), 1);
}
