//! The prompt, its editor, and the hints below it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Block, BorderType, Widget};

use super::Layout;
use super::line::{self, on_one_line};
use super::text::{fit_end, put, put_line, width};
use crate::app::{Mode, Popup, State};
use crate::config::keys::Command;
use crate::theme::Theme;

/// Draws prompt and hints. Returns where the terminal's cursor goes while the prompt is edited.
pub fn draw(state: &State, layout: &Layout, theme: &Theme, buffer: &mut Buffer) -> Option<Position> {
    let chrome = &theme.chrome;
    let editing = state.mode == Mode::EditPrompt;
    let mut line = layout.prompt;
    if line.height >= 3 {
        let border = if editing { chrome.focus } else { chrome.border };
        let block = Block::bordered().border_type(BorderType::Rounded).border_style(border).title(" prompt ");
        line = block.inner(line);
        block.render(layout.prompt, buffer);
    }
    hints(state, layout.hints, theme, buffer);
    let mark = if editing { chrome.accent } else { chrome.dim };
    let live = if state.live { "live " } else { "" };
    let x = put_line(buffer, inset(line), [(live.to_owned(), chrome.accent), ("❯ ".to_owned(), mark)]);
    let note = match (editing, &state.note, state.is_edited()) {
        (false, Some(note), _) => note.clone(),
        (false, None, true) => {
            format!("not run yet: {} edits, then Enter", state.keys.hint(Command::EditPrompt))
        }
        _ => String::new(),
    };
    let room = usize::from(line.right().saturating_sub(x + 1));
    let note_room = if width(&note) * 2 <= room { width(&note) } else { 0 };
    put(buffer, line.right().saturating_sub(note_room as u16 + 1), line.y, &note, note_room, chrome.accent);
    let room = room.saturating_sub(note_room + usize::from(note_room > 0) * 2);
    let at = text(state, Rect { x, width: room as u16, ..line }, editing, theme, buffer);
    editing.then_some(at)
}

/// The text, scrolled so that the cursor is on screen; its end, where it grows, if it is not edited.
/// Returns where the cursor is.
fn text(state: &State, area: Rect, editing: bool, theme: &Theme, buffer: &mut Buffer) -> Position {
    if editing {
        return line::draw(&state.draft, area, theme, buffer);
    }
    let room = usize::from(area.width).max(1);
    let shown = fit_end(&on_one_line(state.draft.value()), room);
    put(buffer, area.x, area.y, &shown, room, theme.chrome.text);
    area.as_position()
}

/// A line without its first and last column.
fn inset(line: Rect) -> Rect {
    Rect { x: line.x + 1, width: line.width.saturating_sub(2), ..line }
}

fn hints(state: &State, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let key = |command| state.keys.hint(command);
    let pair = |a, b| format!("{} {}", key(a), key(b));
    let mut hints: Vec<(String, &str)> = match state.mode {
        _ if let Some(Popup::Palette(_)) = &state.popup => {
            vec![("↑ ↓".into(), "choose"), ("Enter".into(), "do it"), ("Esc".into(), "leave")]
        }
        _ if let Some(Popup::Export(_)) = &state.popup => {
            vec![("↑ ↓".into(), "choose"), ("Enter".into(), "write"), ("Esc".into(), "leave")]
        }
        Mode::EditPrompt => vec![
            ("Enter".into(), "run"),
            ("↑ ↓".into(), "earlier prompts"),
            ("Esc".into(), if state.live { "leave" } else { "keep the text and leave" }),
            (key(Command::Live), if state.live { "wait for Enter" } else { "run as you type" }),
            ("Alt-Enter".into(), "new line"),
            ("Ctrl-U".into(), "clear"),
        ],
        Mode::Help => {
            vec![(pair(Command::CursorUp, Command::CursorDown), "scroll"), ("any other key".into(), "close")]
        }
        Mode::HeadGrid(_) => vec![
            (pair(Command::CursorUp, Command::CursorDown), "layer"),
            (pair(Command::CursorLeft, Command::CursorRight), "head"),
            (key(Command::Open), "open"),
            (key(Command::Back), "back"),
            (key(Command::OtherModel), "other model"),
        ],
        Mode::Browse => vec![
            (key(Command::EditPrompt), "prompt"),
            (pair(Command::Open, Command::Back), "deeper, back"),
            (pair(Command::PreviousLayer, Command::NextLayer), "layer"),
            (pair(Command::PreviousHead, Command::NextHead), "head"),
            (key(Command::HeadGrid), "all heads"),
            (key(Command::OtherModel), "other model"),
            (key(Command::Quit), "quit"),
            (pair(Command::AppendNext, Command::TakeBack), "next token"),
            (pair(Command::LikelierToken, Command::UnlikelierToken), "choose it"),
            (key(Command::Pin), "pin"),
            (key(Command::CommandPalette), "all commands"),
        ],
    };
    let is_browsing = state.mode == Mode::Browse && state.popup.is_none();
    if state.is_cut() && is_browsing {
        let what = if state.is_whole() { "cell by cell" } else { "all of it" };
        hints.insert(2, (key(Command::Overview), what));
        hints.push((pair(Command::ZoomIn, Command::ZoomOut), "zoom"));
    }
    if state.pin.is_some() && is_browsing {
        hints.insert(1, (key(Command::Pin), "unpin"));
    }
    if !state.mouse && is_browsing {
        hints.insert(1, (key(Command::ToggleMouse), "take the mouse back"));
    }
    if state.is_busy() && is_browsing {
        hints.insert(0, (key(Command::Cancel), "stop"));
    }
    let mut rest = inset(area);
    for (keys, does) in hints.into_iter().filter(|hint| !hint.0.trim().is_empty()) {
        if width(&keys) + 1 + width(does) > usize::from(rest.width) {
            break;
        }
        let x = put_line(buffer, rest, [(keys, chrome.text), (format!(" {does}"), chrome.dim)]) + 3;
        rest = Rect { x, width: area.right().saturating_sub(x), ..rest };
    }
}
