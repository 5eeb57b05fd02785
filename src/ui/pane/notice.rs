//! What a pane says while it has no matrix to show.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::{Load, Pane, Pass, State};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::widgets::progress::{progress, share, spinner};
use crate::ui::widgets::text::{put, put_centered, wrap, wrap_in};

/// Columns of a progress bar, at most.
const BAR: usize = 36;

/// What a pane says while it has no matrix to show.
pub fn draw(state: &State, pane: &Pane, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let room = usize::from(area.width.saturating_sub(4));
    let mut said: Vec<(String, Style)> = Vec::new();
    let mut say = |text: &str, style: Style| said.push((text.to_owned(), style));
    let spinner = spinner(state);
    let mut done = None;
    match (&pane.load, &pane.pass) {
        (Load::Failed(error), _) => {
            say(&format!("{} could not be loaded", pane.reference), chrome.strong);
            say(&error.about("load"), chrome.error);
            let key = |command| state.keys.hint(command);
            let hint =
                format!("{} tries again · {} other models", key(Command::Retry), key(Command::ModelPicker));
            say(&hint, chrome.dim);
        }
        (Load::Absent, _) => {
            say("no second model", chrome.strong);
            let key = |command| state.keys.hint(command);
            let (other, picker) = (key(Command::OtherModel), key(Command::ModelPicker));
            say(
                &format!("{other}, then {picker}, loads one · {} hides this", key(Command::OnePane)),
                chrome.dim,
            );
        }
        (Load::Waiting, _) => say(&format!("{spinner} loading {}", pane.reference), chrome.text),
        (Load::Running(step), _) => {
            let (text, file, share) = progress(step);
            done = share;
            say(&format!("{spinner} loading {}", pane.reference), chrome.text);
            say(&text, chrome.dim);
            if let Some(file) = file {
                say(file, chrome.dim);
            }
        }
        (Load::Ready, Pass::Failed(error)) => {
            say("the prompt could not be run", chrome.strong);
            say(&error.about("pass"), chrome.error);
            let key = |command| state.keys.hint(command);
            let hint = format!("{} tries again · {} edits it", key(Command::Retry), key(Command::EditPrompt));
            say(&hint, chrome.dim);
        }
        (Load::Ready, Pass::Waiting) => say(&format!("{spinner} running the prompt"), chrome.text),
        (Load::Ready, Pass::Running { layer, layers }) => {
            done = share(*layer as f64, *layers as f64);
            say(&format!("{spinner} running the prompt: layer {layer} of {layers}"), chrome.text);
        }
        (Load::Ready, Pass::Idle) => {
            say(&format!("no prompt yet: {} writes one", state.keys.hint(Command::EditPrompt)), chrome.dim);
        }
    }
    let bar = done.is_some() && room >= 8;
    let lines = lines(&said, room, area.height.into());
    let height = lines.len() + usize::from(bar) * 2;
    let mut y = area.y + usize::from(area.height).saturating_sub(height).div_ceil(2) as u16;
    for (line, style) in &lines {
        if y < area.bottom() {
            put_centered(buffer, area, y, line, *style);
        }
        y += 1;
    }
    if let (Some(done), true) = (done, bar)
        && y + 1 < area.bottom()
    {
        let columns = room.min(BAR);
        let x = area.x + (usize::from(area.width).saturating_sub(columns + 5) / 2) as u16;
        let full = (done * columns as f64).round() as usize;
        let x = put(buffer, x, y + 1, &"━".repeat(full), full, chrome.focus);
        let x = put(buffer, x, y + 1, &"─".repeat(columns - full), columns - full, chrome.border);
        put(buffer, x, y + 1, &format!("{:>4.0}%", done * 100.0), 5, chrome.dim);
    }
}

/// What is said, in lines; where these are too many, the longest text gives way.
fn lines(said: &[(String, Style)], room: usize, height: usize) -> Vec<(String, Style)> {
    let mut wrapped: Vec<Vec<String>> = said.iter().map(|(text, _)| wrap(text, room)).collect();
    let surplus = wrapped.iter().map(Vec::len).sum::<usize>().saturating_sub(height);
    let longest = (0..said.len()).max_by_key(|at| wrapped[*at].len());
    if let Some(longest) = longest.filter(|_| surplus > 0) {
        let left = wrapped[longest].len().saturating_sub(surplus).max(1);
        wrapped[longest] = wrap_in(&said[longest].0, room, left);
    }
    let styled = wrapped.into_iter().zip(said);
    styled.flat_map(|(lines, (_, style))| lines.into_iter().map(|line| (line, *style))).collect()
}
