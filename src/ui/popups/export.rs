//! The export dialog's rows, and how the export stands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::{ExportChoice, ExportContent, ExportDialog, ExportStage, State};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::names::model_names;
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{fit, fit_name, put, wrap_in};

/// Columns of what is written, and of its format, with a blank after each.
const WHAT: usize = 20;
const FORMAT: usize = 13;

/// Whose captures go into the file that is chosen.
pub fn title(state: &State, dialog: &ExportDialog, room: usize) -> String {
    let has_both = state.panes.shown().count() == 2;
    let what = match dialog.choice().0 {
        ExportContent::Screen => "the screen".to_owned(),
        content if content.is_of_both() && has_both => model_names(state, room / 3).join(" and "),
        _ => state.pane(dialog.side).reference.clone(),
    };
    let behind = " to a file ";
    format!(" {}{behind}", fit_name(&what, room.saturating_sub(1 + behind.len())))
}

/// Draws a row: what, in which format, and what is then in the file.
pub fn draw_row(choice: ExportChoice, is_chosen: bool, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let (content, format) = choice;
    let what = match content {
        ExportContent::View(view) => view.short_title(),
        ExportContent::AllHeads => "all heads".to_owned(),
        ExportContent::Map(statistic) => format!("map: {}", statistic.heading()),
        ExportContent::Segments(_) => "segments".to_owned(),
        ExportContent::Sinks => "sinks".to_owned(),
        ExportContent::Push => "push".to_owned(),
        ExportContent::Effect => "effect".to_owned(),
        ExportContent::Patching => "patching".to_owned(),
        ExportContent::Text(coloring) => format!("text: {}", coloring.title()),
        ExportContent::Panes => "both panes".to_owned(),
        ExportContent::Difference(_) => "left minus right".to_owned(),
        ExportContent::Screen => "the screen".to_owned(),
    };
    let style = if is_chosen { chrome.strong } else { chrome.text };
    let columns = [
        (what.as_str(), WHAT, style),
        (format.name(), FORMAT, style),
        (holds(choice), usize::MAX, chrome.dim),
    ];
    let mut x = area.x;
    for (text, columns, style) in columns {
        let room = usize::from(area.right().saturating_sub(x)).min(columns);
        put(buffer, x, area.y, &fit(text, room.saturating_sub(1)), room, style);
        x += room as u16;
    }
}

/// What a file then holds.
fn holds((content, format): ExportChoice) -> &'static str {
    match content {
        ExportContent::Screen => "a picture of what is on screen",
        ExportContent::Map(_) => "a picture of a number of all heads",
        ExportContent::Segments(_) => "a picture of what segments give each other",
        ExportContent::Sinks if format.is_figure() => "a picture of what heads give to no word",
        ExportContent::Sinks => "each head, each key, the residual stream",
        ExportContent::Push if format.is_figure() => "bars of the parts that push most",
        ExportContent::Effect if format.is_figure() => "bars of shares beside effects",
        ExportContent::Effect => "each span: shares, push, effect",
        ExportContent::Patching if format.is_figure() => "a picture of the map",
        ExportContent::Patching => "the effect of each place",
        ExportContent::Text(_) if format.draws_a_grid() => "a picture of the text",
        ExportContent::Text(_) if format.is_figure() => "a page: point at a token of the text",
        ExportContent::Push | ExportContent::Text(_) => "each part, each head and key, the residual",
        content => format.holds(content == ExportContent::AllHeads),
    }
}

/// How values are then written into the file.
fn settings(choice: ExportChoice) -> &'static str {
    match choice {
        (ExportContent::Screen, _) => "as it is on screen now, in its colours",
        (
            ExportContent::Push
            | ExportContent::Effect
            | ExportContent::Patching
            | ExportContent::Sinks
            | ExportContent::Text(_),
            format,
        ) if !format.is_figure() => "numbers as they were computed, with their recipe",
        (ExportContent::Push | ExportContent::Effect | ExportContent::Patching, _) => {
            "as on screen, on white"
        }
        (ExportContent::Map(_) | ExportContent::Segments(_) | ExportContent::Sinks, _) => {
            "as on screen, in these colours, on white"
        }
        (ExportContent::AllHeads, format) if format.draws_a_grid() => "raw, in these colours, on white",
        (_, format) if format.is_figure() => "by the rules and in the colours on screen, on white",
        _ => "numbers are written raw, whatever the screen shows",
    }
}

/// Draws how the export stands over the last lines of `area`.
pub fn draw_stage(state: &State, dialog: &ExportDialog, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let (text, style): (String, Style) = match &dialog.stage {
        ExportStage::Choosing => (settings(dialog.choice()).to_owned(), chrome.dim),
        ExportStage::Exists => (
            "there is a file of that name: Enter replaces it, another name keeps it".to_owned(),
            chrome.accent,
        ),
        ExportStage::Writing => {
            let stop = state.keys.hint(Command::Cancel);
            let text = format!("{} writing · {stop} stops it · Esc leaves, it goes on", spinner(state));
            (text, chrome.accent)
        }
        ExportStage::Failed(error) => (error.clone(), chrome.error),
    };
    let room = usize::from(area.width);
    let lines = wrap_in(&text, room, area.height.into());
    let top = area.bottom() - lines.len() as u16;
    for (y, line) in (top..).zip(&lines) {
        put(buffer, area.x, y, &format!("{line:room$}"), room, style);
    }
}
