//! The prompt, its editor, and the hints below it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use ratatui::widgets::{Block, BorderType, Widget};

use super::Layout;
use super::line::{self, on_one_line};
use super::text::{fit, put, put_line, width};
use crate::app::{Column, Cursor, Mode, Popup, State};
use crate::attention::View;
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::worker::protocol::Side;

/// Columns that the prompt keeps beside a note.
const LEAST_TEXT: usize = 14;
/// What stands before a prompt that runs while it is written.
const LIVE: &str = "live ";

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
    let live = if state.live { LIVE } else { "" };
    put_line(buffer, inset(line), [(live.to_owned(), chrome.accent), ("❯ ".to_owned(), mark)]);
    let (area, note) = parts(state, line);
    let x = line.right().saturating_sub(width(&note) as u16 + 1);
    put(buffer, x, line.y, &note, width(&note), chrome.accent);
    if editing {
        return Some(line::draw(&state.draft, state.is_draft_selected, area, theme, buffer));
    }
    let lit = state.lit(state.focus);
    for piece in pieces(state, area) {
        let style = marks(state, piece.byte, lit, theme);
        put(buffer, piece.x, area.y, &piece.sign, usize::from(piece.columns), style);
    }
    None
}

/// The byte of the prompt that is at a position of the screen, unless it is being edited.
pub fn prompt_byte(state: &State, layout: &Layout, at: Position) -> Option<usize> {
    if state.mode == Mode::EditPrompt {
        return None;
    }
    let mut line = layout.prompt;
    if line.height >= 3 {
        line = line.inner(Margin::new(1, 1));
    }
    let (area, _) = parts(state, line);
    let is_under = |piece: &Piece| at.y == area.y && (piece.x..piece.x + piece.columns).contains(&at.x);
    pieces(state, area).into_iter().find(is_under)?.byte
}

/// Where the text goes on its line, and what is said at its end.
fn parts(state: &State, line: Rect) -> (Rect, String) {
    let editing = state.mode == Mode::EditPrompt;
    let note = match (editing, &state.note, state.is_edited()) {
        (true, ..) => state.refused.clone().unwrap_or_default(),
        (false, Some(note), _) => note.clone(),
        (_, _, false) if !editing && !state.queued.is_empty() => waiting(state),
        (false, None, true) => {
            format!("not run yet: {} edits, then Enter", state.keys.hint(Command::EditPrompt))
        }
        _ => String::new(),
    };
    let x = line.x + 3 + if state.live { width(LIVE) as u16 } else { 0 };
    let room = line.right().saturating_sub(x + 1);
    let most = usize::from(room).saturating_sub(LEAST_TEXT);
    let note = if most >= LEAST_TEXT { fit(&note, most) } else { String::new() };
    let taken = if note.is_empty() { 0 } else { width(&note) as u16 + 2 };
    (Rect { x, width: room.saturating_sub(taken), ..line }, note)
}

/// How many tokens are to be appended after the pass that is under way.
fn waiting(state: &State) -> String {
    let drops = state.keys.hint(Command::Back);
    match state.queued.len() {
        1 => format!("1 more next token waits: {drops} drops it"),
        count => format!("{count} more next tokens wait: {drops} drops them"),
    }
}

/// A sign of the prompt on screen.
struct Piece {
    x: u16,
    columns: u16,
    sign: String,
    /// Where it begins in the prompt; nothing for what stands for a part that doesn't fit.
    byte: Option<usize>,
}

/// What of the text is on screen while it is not edited: its end, where it grows.
fn pieces(state: &State, area: Rect) -> Vec<Piece> {
    let room = usize::from(area.width).max(1);
    let value = line::end(state.draft.value(), room);
    let hidden = state.draft.value().len() - value.len();
    let text = on_one_line(value);
    let bytes: Vec<usize> = value.char_indices().map(|(byte, _)| hidden + byte).collect();
    let is_cut = hidden > 0 || width(&text) > room;
    let (mut x, mut skip) = (area.x, 0);
    let mut pieces = Vec::new();
    if is_cut {
        pieces.push(Piece { x, columns: 1, sign: "…".to_owned(), byte: None });
        (x, skip) = (x + 1, (width(&text) + 1).saturating_sub(room));
    }
    let (mut characters, mut skipped) = (0, 0);
    for grapheme in Span::raw(text.as_str()).styled_graphemes(Style::new()) {
        let columns = width(grapheme.symbol);
        // On one line there is a sign for each character.
        let byte = bytes.get(characters).copied();
        characters += grapheme.symbol.chars().count();
        if skipped < skip {
            skipped += columns;
            continue;
        }
        pieces.push(Piece { x, columns: columns as u16, sign: grapheme.symbol.to_owned(), byte });
        x += columns as u16;
    }
    pieces
}

/// How a byte of the prompt is marked: reversed under the mouse, underlined in a span.
fn marks(state: &State, byte: Option<usize>, lit: Option<Cursor>, theme: &Theme) -> Style {
    let plain = theme.chrome.text;
    let (Some(byte), false) = (byte, state.is_edited()) else { return plain };
    let pane = state.focused();
    let Some(shown) = pane.shown.as_ref().filter(|shown| shown.prompt == state.prompt) else { return plain };
    let token = shown.capture.tokens.iter().position(|token| token.span.contains(&byte));
    let Some(at) = token.map(|token| token / shown.matrix().bin()) else { return plain };
    let is_lit = lit.is_some_and(|lit| lit.query == at || lit.column == Column::Key(at));
    let is_in_span = pane.span.as_ref().is_some_and(|span| span.cells.contains(&at));
    let style = if is_in_span { theme.chrome.accent.add_modifier(Modifier::UNDERLINED) } else { plain };
    if is_lit { style.add_modifier(Modifier::REVERSED) } else { style }
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
            vec![("↑ ↓".into(), "choose"), ("Enter".into(), "write it"), ("Esc".into(), "leave")]
        }
        // Where it says or asks something, it says how to answer.
        _ if let Some(popup) = &state.popup => match popup.is_choosing() {
            true => {
                vec![("↑ ↓".into(), "choose"), ("Enter".into(), "load it"), ("Esc".into(), "leave")]
            }
            false => vec![],
        },
        Mode::EditPrompt if state.is_draft_selected => vec![
            ("type".into(), "replaces it"),
            ("← →".into(), "keep and change it"),
            ("Enter".into(), "run"),
            ("Esc".into(), "leave"),
            ("↑ ↓".into(), "earlier prompts"),
            (key(Command::Live), if state.live { "wait for Enter" } else { "run as you type" }),
        ],
        Mode::EditPrompt => vec![
            ("Enter".into(), "run"),
            ("↑ ↓".into(), "earlier prompts"),
            ("Esc".into(), if state.live { "leave" } else { "keep the text and leave" }),
            (key(Command::Live), if state.live { "wait for Enter" } else { "run as you type" }),
            ("Alt-Enter".into(), "new line"),
            ("Ctrl-U".into(), "clear"),
        ],
        Mode::Help => {
            vec![
                (pair(Command::CursorUp, Command::CursorDown), "scroll"),
                (key(Command::RowEnd), "what the words mean"),
                ("any other key".into(), "close"),
            ]
        }
        Mode::HeadGrid(_) => vec![
            (pair(Command::CursorUp, Command::CursorDown), "layer"),
            (pair(Command::CursorLeft, Command::CursorRight), "head"),
            (key(Command::Open), "open"),
            (key(Command::Back), "back"),
            (key(Command::OtherModel), "other model"),
        ],
        Mode::Lens => vec![
            (pair(Command::CursorUp, Command::CursorDown), "token"),
            (key(Command::OtherModel), "other model"),
            (key(Command::Back), "back"),
            (key(Command::EditPrompt), "prompt"),
        ],
        Mode::Leaderboard => vec![
            (pair(Command::CursorUp, Command::CursorDown), "choose"),
            (pair(Command::CursorLeft, Command::CursorRight), "sort by"),
            (key(Command::Open), "go to it"),
            (key(Command::SimilarHeads), "heads like it"),
            (key(Command::AblateHead), "switch it off"),
            (key(Command::LayerKinds), "sliding, full"),
            (key(Command::KvGroup), "KV group"),
            (key(Command::Back), "back"),
        ],
        Mode::Browse if state.difference.is_some() => vec![
            (key(Command::Difference), "by pieces, by words, back to both"),
            (key(Command::Split), "below and above the diagonal"),
            (pair(Command::Open, Command::Back), "deeper, back"),
            (pair(Command::PreviousLayer, Command::NextLayer), "layer"),
            (pair(Command::PreviousHead, Command::NextHead), "head"),
            (key(Command::EditPrompt), "prompt"),
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
            (key(Command::ModelPicker), "other models"),
            (key(Command::CommandPalette), "all commands"),
            (key(Command::MarkSpan), "span"),
            (key(Command::Lens), "logit lens"),
            (key(Command::OnePane), if state.one_pane { "both sides" } else { "one pane" }),
        ],
    };
    if state.is_alone() {
        hints.retain(|(_, does)| !matches!(*does, "other model" | "both sides" | "one pane"));
    }
    let is_browsing = state.mode == Mode::Browse && state.popup.is_none();
    if state.is_cut() && is_browsing {
        let what = if state.is_whole() { "cell by cell" } else { "all of it" };
        hints.insert(2, (key(Command::Overview), what));
        hints.push((pair(Command::ZoomIn, Command::ZoomOut), "zoom"));
    }
    if let (View::Head { layer, head }, None) =
        (state.focused().selection.view().attention(), &state.difference)
        && is_browsing
    {
        let is_off = state.heads_off(state.focus).contains(layer, head);
        let what = if is_off { "switch it on" } else { "switch it off" };
        hints.insert(4.min(hints.len()), (key(Command::AblateHead), what));
    }
    if Side::BOTH.into_iter().any(|side| !state.ablations.of(side).is_empty()) && is_browsing {
        hints.insert(1, (key(Command::UndoAblation), "undo"));
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
