//! What lies over the panes: a box with a line to type into and the list that it searches.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::text::Span;
use ratatui::widgets::{Clear, Widget};

use super::place::{MARK, PopupLayout};
use super::{export, palette, picker};
use crate::app::{FuzzyList, Popup, State};
use crate::theme::Theme;
use crate::ui::widgets::area::{boxed, put_under};
use crate::ui::widgets::line;
use crate::ui::widgets::text::{fit, put, put_notice};
use crate::ui::widgets::window::{more, window};
use crate::vocabulary::human_bytes;

/// Columns of a popup, at most.
const WIDEST: u16 = 92;
/// Rows of its list, at most.
const MOST_ROWS: u16 = 20;
/// Lines under the list that say how an export stands, a blank one included.
const EXPORT_STAGE: u16 = 3;
/// Rows of the model picker's list, at least: it asks there, too.
const LEAST_MODELS: u16 = 7;
/// Where the parts of a popup go on a screen. The box is as high as all of its list would need, so that it
/// stays where it is while what is typed makes the list shorter.
pub fn place(popup: &Popup, screen: Rect) -> PopupLayout {
    let found = popup.list();
    let entries = found.len().min(usize::from(MOST_ROWS)) as u16;
    let most = match popup {
        Popup::Palette(_) => entries,
        Popup::Export(_) => entries + EXPORT_STAGE,
        // One more for what was typed, two for what is said of the chosen one.
        Popup::Picker(_) => (entries + 3).max(LEAST_MODELS),
    };
    // On a small screen every row counts.
    let margin = if screen.height < 20 { 0 } else { 2 };
    let (width, height) = (screen.width.min(WIDEST), screen.height.saturating_sub(2 * margin).min(most + 4));
    let frame = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let inner = frame.inner(Margin::new(2, 1));
    let line = Rect { height: inner.height.min(1), ..inner };
    let gap = if inner.height > 4 { 2 } else { 1 };
    let has_models = matches!(popup, Popup::Picker(_)) && gap == 2;
    let heading = Rect { y: inner.y + 1, height: u16::from(has_models), ..inner };
    let mut list = Rect { y: inner.y + gap, height: inner.height.saturating_sub(gap), ..inner };
    let mut detail = Rect::default();
    if has_models && list.height > 3 && popup.is_choosing() {
        list.height -= 2;
        detail = Rect { y: list.bottom() + 1, height: 1, ..inner };
    }
    if matches!(popup, Popup::Export(_)) {
        let stage = EXPORT_STAGE.min(list.height / 2);
        list.height -= stage;
        detail = Rect { y: list.bottom(), height: stage, ..inner };
    }
    let rows = match popup.is_choosing() {
        true => window(found.chosen, usize::from(list.height), found.found.len()),
        false => 0..0,
    };
    PopupLayout { frame, line, list, rows, heading, detail }
}

/// Draws the popup. Returns where the terminal's cursor goes, if one types there.
pub fn draw(
    state: &State,
    popup: &Popup,
    layout: &PopupLayout,
    theme: &Theme,
    buffer: &mut Buffer,
) -> Option<Position> {
    let chrome = &theme.chrome;
    let list = popup.list();
    let room = usize::from(layout.frame.width.saturating_sub(4));
    let (title, footer) = match popup {
        Popup::Palette(_) => (" commands ".to_owned(), format!("{}{}", count(list), kept(state))),
        Popup::Export(dialog) => (export::title(state, dialog, room), String::new()),
        Popup::Picker(picker) => (picker::title(picker), picker::footer(picker)),
    };
    let (footer, style) = match &list.refused {
        Some(why) => (why.as_str(), chrome.error),
        None => (footer.trim(), chrome.dim),
    };
    let hidden = if popup.is_choosing() { more(&layout.rows, list.found.len()) } else { String::new() };
    Clear.render(layout.frame, buffer);
    boxed(chrome.focus).title(Span::styled(title, chrome.strong)).render(layout.frame, buffer);
    put_under(layout.frame, (&[footer.to_owned()], style), &hidden, theme, buffer);
    if let Popup::Picker(picker) = popup
        && picker::draw_message(state, picker, layout, theme, buffer)
    {
        return None;
    }
    let typed = put(buffer, layout.line.x, layout.line.y, "❯ ", 2, chrome.accent);
    let room = layout.line.right().saturating_sub(typed);
    let cursor = line::draw(&list.line, false, Rect { x: typed, width: room, ..layout.line }, theme, buffer);
    if list.found.is_empty() {
        let (text, style) = match popup {
            Popup::Palette(_) => ("no command is like that".to_owned(), chrome.dim),
            Popup::Export(_) => (String::new(), chrome.dim),
            Popup::Picker(picker) => picker::nothing(state, picker, theme),
        };
        put_notice(buffer, layout.list, &[text], style);
    }
    if let Popup::Picker(picker) = popup {
        if layout.heading.height > 0 && !list.is_empty() {
            picker::draw_heading(layout.heading, theme, buffer);
        }
        if layout.detail.height > 0 {
            let room = usize::from(layout.detail.width);
            let text = fit(&picker::detail(state, picker), room);
            put(buffer, layout.detail.x, layout.detail.y, &text, room, chrome.dim);
        }
    }
    for (y, row) in (layout.list.top()..layout.list.bottom()).zip(layout.rows.clone()) {
        let is_chosen = row == list.chosen;
        if is_chosen {
            put(buffer, layout.list.x, y, "▸", usize::from(MARK), chrome.accent);
        }
        let area =
            Rect { x: layout.list.x + MARK, y, width: layout.list.width.saturating_sub(MARK), height: 1 };
        match popup {
            Popup::Palette(palette) => {
                palette::draw_row(state, palette, &list.found[row], is_chosen, area, theme, buffer);
            }
            Popup::Picker(picker) => {
                picker::draw_row(state, picker, &list.found[row], is_chosen, area, theme, buffer);
            }
            Popup::Export(dialog) => {
                export::draw_row(dialog, row, area, theme, buffer);
            }
        }
    }
    if let Popup::Export(dialog) = popup {
        export::draw_stage(state, dialog, layout.detail, theme, buffer);
    }
    Some(cursor)
}

/// How many entries there are, and how many what was typed leaves.
/// How many captures of earlier prompts and of steps are kept, and how much memory they take.
fn kept(state: &State) -> String {
    let (count, bytes) =
        (state.kept.count() + state.writing.kept_steps(), state.kept.bytes() + state.writing.bytes());
    match count {
        0 => String::new(),
        _ => format!("· {count} captures kept: {} of {} ", human_bytes(bytes), human_bytes(state.kept.most)),
    }
}

fn count(list: &FuzzyList) -> String {
    match list.found.len() {
        found if found < list.len() => format!(" {found} of {} ", list.len()),
        found => format!(" {found} "),
    }
}
