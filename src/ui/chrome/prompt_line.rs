//! The line of the prompt: what stands before the text, where that goes, and what is said at its end; or above it, where there
//! is no room for all of that at its end.

use ratatui::layout::{Margin, Rect};

use crate::app::{Mode, State};
use crate::config::keys::Command;
use crate::ui::widgets::text::{width, wrap_in};

/// Rows of a screen from which there is room to breathe.
const TALL: u16 = 32;
/// Columns that the prompt keeps beside a note.
const LEAST_TEXT: usize = 14;
/// Rows that a note takes above the prompt, at most.
const MOST_ROWS: usize = 4;
/// What stands before a prompt that runs while it is written.
const LIVE: &str = "live ";
/// What stands before a prompt that is put into chat templates.
const CHAT: &str = "chat ";
/// What stands before what is looked for.
const FIND: &str = "find ";

/// Whether the prompt has a border on a screen of that size.
pub fn has_border(screen: Rect) -> bool {
    screen.height >= TALL
}

/// The prompt without its border.
pub fn inner(prompt: Rect, screen: Rect) -> Rect {
    if has_border(screen) { prompt.inner(Margin::new(1, 1)) } else { prompt }
}

/// How the prompt runs, where that is not as usual.
pub fn ways(state: &State) -> String {
    if state.screen.mode() == Mode::Find {
        return FIND.to_owned();
    }
    let chat = if state.run.is_chat { CHAT } else { "" };
    let live = if state.editor.is_live { LIVE } else { "" };
    [chat, live].concat()
}

/// Where the text goes on its line, and what is said at its end, if there is room for all of that.
pub fn parts(state: &State, line: Rect) -> (Rect, String) {
    let x = line.x + 3 + width(&ways(state)) as u16;
    let room = line.right().saturating_sub(x + 1);
    let note = Some(note(state)).filter(|note| is_beside(note, room)).unwrap_or_default();
    let taken = if note.is_empty() { 0 } else { width(&note) as u16 + 2 };
    (Rect { x, width: room - taken, ..line }, note)
}

/// What is said above the line in so many columns, where it has no room at its end.
pub fn above(state: &State, line: Rect, columns: usize) -> Vec<String> {
    let (note, beside) = (note(state), parts(state, line).1);
    if note.is_empty() || !beside.is_empty() { Vec::new() } else { wrap_in(&note, columns, MOST_ROWS) }
}

fn is_beside(note: &str, room: u16) -> bool {
    width(note) + 2 + LEAST_TEXT <= usize::from(room)
}

fn note(state: &State) -> String {
    let editing = state.screen.mode() == Mode::EditPrompt;
    match (editing, &state.note, state.is_edited()) {
        _ if state.screen.mode() == Mode::Find => {
            let marked = state.focused().marked_token(state.display.rows);
            state.find.says(state.panes.focus.index(), marked)
        }
        (true, ..) => state.editor.refused.clone().unwrap_or_default(),
        (false, Some(note), _) => note.clone(),
        (_, _, false) if !editing && !state.run.queued.is_empty() => waiting(state),
        (false, None, true) => {
            format!("not run yet: {} edits, then Enter", state.keys.hint(Command::EditPrompt))
        }
        _ => String::new(),
    }
}

/// How many tokens are to be appended after the pass that is under way.
fn waiting(state: &State) -> String {
    let drops = state.keys.hint(Command::Back);
    match state.run.queued.len() {
        1 => format!("1 more next token waits: {drops} drops it"),
        count => format!("{count} more next tokens wait: {drops} drops them"),
    }
}
