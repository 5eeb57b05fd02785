//! What a pane says while it has no matrix to show, and what it says when there is no room at all.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::layout::SMALLEST;
use super::text::{fit, put, width, wrap};
use crate::app::{Load, Pane, Pass, State};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::vocabulary::human_bytes;
use crate::worker::protocol::LoadProgress;

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// Columns of a progress bar, at most.
const BAR: usize = 36;

/// A sign that something moves.
pub fn spinner(state: &State) -> &'static str {
    SPINNER[state.ticks % SPINNER.len()]
}

/// How far a load has come: in words, of which file, and as a share if that is known.
pub fn progress(progress: &LoadProgress) -> (String, Option<&str>, Option<f64>) {
    match progress {
        LoadProgress::Resolving => ("asking the hub which files there are".to_owned(), None, None),
        LoadProgress::Waiting { seconds } => (format!("waiting for the hub, {seconds} s"), None, None),
        LoadProgress::Downloading { file, done, total } => {
            let text = format!("downloading {} of {}", human_bytes(*done), human_bytes(*total));
            (text, Some(file), share(*done as f64, *total as f64))
        }
        LoadProgress::Weights { done, total } => {
            (format!("weights: {done} of {total} tensors"), None, share(*done as f64, *total as f64))
        }
    }
}

/// How much of it is done, if it is anything; never more than all.
fn share(done: f64, total: f64) -> Option<f64> {
    (total > 0.0).then(|| (done / total).clamp(0.0, 1.0))
}

/// What a pane says while it has no matrix to show.
pub fn draw(state: &State, pane: &Pane, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let room = usize::from(area.width.saturating_sub(4));
    let mut lines: Vec<(String, Style)> = Vec::new();
    let mut say =
        |text: &str, style: Style| lines.extend(wrap(text, room).into_iter().map(|line| (line, style)));
    let spinner = spinner(state);
    let mut done = None;
    match (&pane.load, &pane.pass) {
        (Load::Failed(error), _) => {
            say(&format!("{} could not be loaded", pane.reference), chrome.strong);
            say(error, chrome.error);
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
            say(error, chrome.error);
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
    let height = lines.len() + usize::from(bar) * 2;
    let mut y = area.y + usize::from(area.height).saturating_sub(height).div_ceil(2) as u16;
    for (line, style) in &lines {
        if y < area.bottom() {
            centered(buffer, area, y, line, *style);
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

/// That there is no room.
pub fn too_small(area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let text = format!("{}×{} is too small: {}×{} at least", area.width, area.height, SMALLEST.0, SMALLEST.1);
    let lines = wrap(&text, usize::from(area.width));
    let top = area.y + usize::from(area.height).saturating_sub(lines.len()) as u16 / 2;
    for (y, line) in (top..area.bottom()).zip(&lines) {
        centered(buffer, area, y, line, theme.chrome.text);
    }
}

fn centered(buffer: &mut Buffer, area: Rect, y: u16, line: &str, style: Style) {
    let room = usize::from(area.width);
    let line = fit(line, room);
    let x = area.x + (room.saturating_sub(width(&line)) / 2) as u16;
    put(buffer, x, y, &line, room, style);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_more_than_done() {
        assert_eq!([share(8.0, 3.0), share(1.0, 4.0), share(0.0, 0.0)], [Some(1.0), Some(0.25), None]);
    }

    #[test]
    fn a_share_is_known_when_a_total_is() {
        assert_eq!(progress(&LoadProgress::Resolving).2, None);
        let step = LoadProgress::Downloading { file: "model.safetensors".into(), done: 500, total: 2000 };
        assert_eq!(
            progress(&step),
            ("downloading 500 bytes of 2.0 kB".into(), Some("model.safetensors"), Some(0.25))
        );
        assert_eq!(progress(&LoadProgress::Weights { done: 0, total: 0 }).2, None);
    }
}
