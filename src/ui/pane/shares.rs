//! What a model wrote, as a strip: the end of the text, and a bar for each token, which says where the row that tells of
//! it looked; between them the step that is on screen, and its shares in numbers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{DisplayedCapture, Side, State, WriterStage};
use crate::attention::{Capture, RowShares, TextEnding};
use crate::theme::Theme;
use crate::ui::widgets::area::take_top;
use crate::ui::widgets::line::{self, on_one_line};
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::stack;
use crate::ui::widgets::text::{first_that_fits, put, put_line, width};

/// What the parts of a bar are called: in full, in short, and not at all.
const NAMES: [[&str; 4]; 3] = [
    [" sink", " first token", " rest of the prompt", " written"],
    [" sink", " first", " prompt", " written"],
    [""; 4],
];

/// Rows of bars that stay where words take a second line.
const LEAST_BARS: u16 = 2;

/// Rows of the strip in a pane with so many rows for its matrix; none where nothing is written.
pub fn height(state: &State, body: u16) -> u16 {
    if Side::BOTH.into_iter().all(|side| state.step(side).is_none()) {
        return 0;
    }
    match body {
        0..7 => 0,
        7..10 => 2,
        10..13 => 3,
        13..24 => 5,
        _ => 7,
    }
}

/// Draws the strip of a pane: the end of its text, a line in numbers, and bars as far as there is room for them.
pub fn draw(state: &State, side: Side, mut area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let (Some(shown), Some(_), false) = (&state.pane(side).shown, state.step(side), area.is_empty()) else {
        return;
    };
    // Whoever reads what another model writes may have more tokens, or fewer.
    let count = shown.capture.tokens.len() - shown.capture.prompt_tokens();
    let text = take_top(&mut area, 1);
    draw_text(state, side, text, theme, buffer);
    let now = (count > 0).then(|| of_token(state, shown, count)).flatten();
    draw_heading(state, side, now, &mut area, theme, buffer);
    match (area.height, now) {
        (1, Some(now)) => stack::lying(&now.values(), &theme.chrome.shares, area, theme, buffer),
        (2.., _) => draw_bars(state, shown, count, area, theme, buffer),
        _ => {}
    }
}

/// The end of what the model wrote, as far as it fits.
fn draw_text(state: &State, side: Side, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let Some(written) = state.written(side) else { return };
    let room = usize::from(area.width);
    let end = on_one_line(line::end(written, room));
    let mut skipped = 0;
    let is_cut = width(&end) > room || end.len() < on_one_line(written).len();
    let surplus = (width(&end) + 1).saturating_sub(room);
    let seen: String = match is_cut {
        false => end,
        true => end
            .chars()
            .skip_while(|c| {
                let skips = skipped < surplus;
                skipped += width(c.encode_utf8(&mut [0; 4]));
                skips
            })
            .collect(),
    };
    let sign = if is_cut { "…" } else { "" };
    put_line(buffer, area, [(sign.to_owned(), theme.chrome.dim), (seen, theme.chrome.shares[3])]);
}

/// The shares of the row that tells of a token that was written, counted from 1, in the view on screen.
fn of_token(state: &State, shown: &DisplayedCapture, number: usize) -> Option<RowShares> {
    let (matrix, prompt) = (shown.matrix(), shown.capture.prompt_tokens());
    let row = Capture::row_of(prompt + number - 1, state.display.rows);
    matrix.shares((row / matrix.bin()).min(matrix.size().saturating_sub(1)), prompt)
}

/// `step 12 of 20, reading at the ■ sink 41% ■ first token 20%`: in as many words as there is room for in a line, or else in two
/// if bars still have room under these.
fn draw_heading(
    state: &State,
    side: Side,
    shares: Option<RowShares>,
    rest: &mut Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let (words, room) = (step_words(state, side), usize::from(rest.width));
    let Some(shares) = shares else {
        put_line(buffer, take_top(rest, 1), [(first_that_fits(&words, room), chrome.strong)]);
        return;
    };
    let parts = |names: &[&'static str; 4]| {
        let values = shares.values().into_iter().zip(names);
        values.map(|(value, name)| format!("{name} {:.0}%", value * 100.0)).collect::<Vec<_>>()
    };
    let [long, short, bare] = NAMES.each_ref().map(parts);
    let most = if rest.height > LEAST_BARS + 1 { 2 } else { 1 };
    let choices = [(0, &long), (1, &long), (0, &short), (1, &short), (2, &short)].map(|choice| (choice, 1));
    let in_two = [(1, &long), (2, &long), (2, &short)].map(|choice| (choice, most));
    let chosen =
        choices.into_iter().chain(in_two).chain([((2, &bare), 1)]).find_map(|((at, parts), lines)| {
            let words = words.get(at)?;
            let places = flow(words, parts, room);
            (places.last()?.0 < lines).then_some((words, parts, places))
        });
    let Some((words, parts, places)) = chosen else { return };
    let lines = 1 + places.last().map_or(0, |place| place.0);
    let area = take_top(rest, lines as u16);
    put(buffer, area.x, area.y, words, room, chrome.strong);
    for (part, (text, (line, column))) in parts.iter().zip(places).enumerate() {
        let rest = Rect {
            x: area.x + column as u16,
            y: area.y + line as u16,
            width: area.width - column as u16,
            height: 1,
        };
        let sign = stack::sign(part, theme).to_owned();
        put_line(buffer, rest, [(sign, chrome.shares[part]), (text.clone(), chrome.text)]);
    }
}

/// The line and the column of each part behind some words, a sign before it, in lines of so many columns.
fn flow(words: &str, parts: &[String], room: usize) -> Vec<(usize, usize)> {
    let (mut line, mut x) = (0, width(words) + 1);
    let place = |part: &String| {
        let columns = 1 + width(part);
        if x > 0 && x + columns > room {
            (line, x) = (line + 1, 0);
        }
        let at = (line, x);
        x += columns + 1;
        at
    };
    parts.iter().map(place).collect()
}

/// Which step is on screen, and which row tells of it: the longest words first.
fn step_words(state: &State, side: Side) -> Vec<String> {
    let Some((step, count)) = state.step(side) else { return Vec::new() };
    let of = format!("step {step} of {count}");
    let short = format!("{step}/{count}");
    let token = state.pane(side).shown.as_ref().and_then(|shown| shown.capture.tokens.last());
    let what = match (step, token) {
        (0, _) | (_, None) => ": the prompt".to_owned(),
        (_, Some(token)) => format!(", {} {}", state.display.rows.title(), token.label()),
    };
    vec![format!("{of}{what}"), of, short]
}

/// A bar for each token that was written up to the step on screen, the newest at the right; as wide on both sides.
fn draw_bars(
    state: &State,
    shown: &DisplayedCapture,
    count: usize,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let room = usize::from(area.width);
    let columns = (room / state.writing.count().max(count).max(1)).clamp(1, 3);
    let first = count.saturating_sub(room / columns);
    for (at, number) in (first + 1..=count).enumerate() {
        let Some(shares) = of_token(state, shown, number) else { continue };
        let x = area.x + (at * columns) as u16;
        // Wide bars have a gap between them.
        let bar = Rect { x, width: columns.saturating_sub(1).max(1) as u16, ..area };
        stack::standing(&shares.values(), &theme.chrome.shares, bar, theme, buffer);
    }
}

/// How a model's writing stands, for the border of its pane; nothing if there is nothing to say there.
pub fn status(state: &State, side: Side, has_strip: bool) -> Option<String> {
    let (step, count) = state.step(side).unwrap_or_default();
    let writer = state.writing.writer(side.slot());
    if state.writing.of != state.run.job || state.panes.pinned(side).is_some() {
        return None;
    }
    let reads = state.writing.leader.is_some_and(|leader| leader != side.slot());
    let of = if has_strip || count == 0 { String::new() } else { format!(" step {step} of {count}") };
    let says = match &writer.stage {
        WriterStage::Running => {
            let does = if reads { "reads along" } else { "writes" };
            let rate = writer.rate().map_or_else(String::new, |rate| format!(", {rate:.0} tokens/s"));
            format!(" {} {does}{rate}", spinner(state))
        }
        WriterStage::Failed(error) => format!(" {}", error.about("text")),
        WriterStage::Ended(ending) if step == count => match ending {
            TextEnding::EndOfText(next) => format!(" ended with {}", next.token.label()),
            TextEnding::Context(_) => format!(" {ending}"),
            TextEnding::Limit(_) => String::new(),
        },
        WriterStage::Ended(_) | WriterStage::Idle => String::new(),
    };
    let text = format!("{of}{says}");
    (!text.is_empty()).then(|| format!("{text} "))
}
