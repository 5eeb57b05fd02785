//! The line of hints: the keys that are needed most, as far as there is room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Mode, Popup, State};
use crate::attention::View;
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::widgets::area::inset;
use crate::ui::widgets::text::{put_line, width};
use crate::worker::protocol::Slot;

/// What the key that goes to the other side leads to.
const OTHER_MODEL: &str = "other model";

/// A key, or several, and what it does.
pub type Hint = (String, &'static str);

/// The key of a command and what it does here.
pub fn hint(state: &State, command: Command, does: &'static str) -> Hint {
    (state.keys.hint(command), does)
}

/// The keys of two commands and what they do here.
pub fn pair(state: &State, (a, b): (Command, Command), does: &'static str) -> Hint {
    (format!("{} {}", state.keys.hint(a), state.keys.hint(b)), does)
}

/// What the key that goes to the other side leads to: where something is pinned, both may show the same model.
pub fn other_side(state: &State) -> &'static str {
    if state.panes.pin.is_some() { "other side" } else { OTHER_MODEL }
}

/// Draws the hints of the popup, of the editor, of the help, or else those of the panel on screen.
pub fn draw(
    of_panel: fn(&State) -> Vec<Hint>,
    state: &State,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let mode = state.screen.mode();
    let mut hints: Vec<Hint> = match (&state.popup, mode) {
        (Some(popup), _) => of_popup(popup),
        (None, Mode::EditPrompt) => of_editor(state),
        (None, Mode::Find) => vec![
            ("type".into(), "find"),
            ("↑ ↓".into(), "other places"),
            ("Enter".into(), "stay there"),
            ("Esc".into(), "go back"),
        ],
        (None, Mode::Help) => vec![
            pair(state, (Command::CursorUp, Command::CursorDown), "scroll"),
            hint(state, Command::RowEnd, "what the words mean"),
            ("any other key".into(), "close"),
        ],
        (None, Mode::Browse | Mode::Panel) => of_panel(state),
    };
    if state.panes.is_alone() {
        hints.retain(|(_, does)| !matches!(*does, OTHER_MODEL | "both sides" | "one pane"));
    }
    if mode == Mode::Browse && state.popup.is_none() {
        add_passing(state, &mut hints);
    }
    let mut rest = inset(area);
    for (keys, does) in hints.into_iter().filter(|hint| !hint.0.trim().is_empty()) {
        if width(&keys) + 1 + width(does) > usize::from(rest.width) {
            break;
        }
        let pieces = [(keys, theme.chrome.text), (format!(" {does}"), theme.chrome.dim)];
        let x = put_line(buffer, rest, pieces) + 3;
        rest = Rect { x, width: area.right().saturating_sub(x), ..rest };
    }
}

fn of_popup(popup: &Popup) -> Vec<Hint> {
    let does = match popup {
        Popup::Palette(_) => "do it",
        Popup::Export(_) => "write it",
        Popup::Picker(_) => "load it",
    };
    // Where it says or asks something, it says how to answer.
    if !popup.is_choosing() {
        return vec![];
    }
    vec![("↑ ↓".into(), "choose"), ("Enter".into(), does), ("Esc".into(), "leave")]
}

fn of_editor(state: &State) -> Vec<Hint> {
    let is_live = state.editor.is_live;
    let live = hint(state, Command::Live, if is_live { "wait for Enter" } else { "run as you type" });
    if state.editor.is_selected {
        return vec![
            ("type".into(), "replaces it"),
            ("← →".into(), "keep and change it"),
            ("Enter".into(), "run"),
            ("Esc".into(), "leave"),
            ("↑ ↓".into(), "earlier prompts"),
            live,
        ];
    }
    let has_rows = state.editor.columns.is_some();
    let elsewhere = state.keys.keys(Command::ExternalEditor).iter().find(|key| key.typed().is_none());
    vec![
        ("Enter".into(), "run"),
        ("↑ ↓".into(), if has_rows { "lines, earlier prompts" } else { "earlier prompts" }),
        ("Esc".into(), if is_live { "leave" } else { "keep the text and leave" }),
        live,
        ("Alt-Enter".into(), "new line"),
        (elsewhere.map_or_else(String::new, |key| key.label()), "in $EDITOR"),
        ("Ctrl-U".into(), "clear"),
    ]
}

/// Hints for what is so now, and not always, while the panes or their difference have the keys.
fn add_passing(state: &State, hints: &mut Vec<Hint>) {
    if state.is_cut() && state.display.text.is_none() {
        let what = if state.is_whole() { "cell by cell" } else { "all of it" };
        hints.insert(2, hint(state, Command::Overview, what));
        hints.push(pair(state, (Command::ZoomIn, Command::ZoomOut), "zoom"));
    }
    let view = state.focused().selection.view().attention();
    if let (View::Head { layer, head }, None) = (view, &state.screen.difference) {
        let is_ablated = state.panes.ablated_heads(state.panes.focus).contains(layer, head);
        let what = if is_ablated { "switch it on" } else { "switch it off" };
        hints.insert(4.min(hints.len()), hint(state, Command::AblateHead, what));
    }
    if Slot::ALL.into_iter().any(|slot| !state.panes.ablations.of(slot).is_empty()) {
        hints.insert(1, hint(state, Command::UndoAblation, "undo"));
    }
    if state.panes.pin.is_some() {
        hints.insert(1, hint(state, Command::Pin, "unpin"));
    }
    if !state.mouse {
        hints.insert(1, hint(state, Command::ToggleMouse, "take the mouse back"));
    }
    if state.writing.count() > 0 && state.writing.of == state.run.job {
        hints.insert(0, hint(state, Command::Write, "go on writing"));
        hints.insert(0, pair(state, (Command::StepBack, Command::StepForward), "steps"));
    }
    if state.writing.is_running() {
        hints.insert(0, ("any key".to_owned(), "stop"));
    } else if state.is_busy() {
        hints.insert(0, hint(state, Command::Cancel, "stop"));
    }
}
