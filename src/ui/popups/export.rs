//! The export dialog's rows, and how the export stands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::place::MARK;
use crate::app::{ExportChoice, ExportContent, ExportDialog, ExportStage, State};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::names::{model_names, short_view_name};
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{fit_name, put, width, wrap_in};
use crate::vocabulary::View;

/// Columns between what is written, its format, and what the file holds.
const GAP: usize = 2;

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
pub fn draw_row(dialog: &ExportDialog, row: usize, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let (chrome, choice) = (&theme.chrome, dialog.choices[row]);
    let style = if row == dialog.list.chosen { chrome.strong } else { chrome.text };
    let room = usize::from(area.width);
    let [format, held] = columns(dialog);
    let holds = holds(choice)[usize::from(!is_long(dialog, room))];
    let columns = [
        (0, what(choice.0), style),
        (format, choice.1.name().to_owned(), style),
        (held, if held + width(holds) <= room { holds.to_owned() } else { String::new() }, chrome.dim),
    ];
    for (at, text, style) in columns {
        let x = area.x + at as u16;
        put(buffer, x, area.y, &text, usize::from(area.right().saturating_sub(x)), style);
    }
}

/// Where, in a row, the format begins, and what a file holds.
fn columns(dialog: &ExportDialog) -> [usize; 2] {
    let longest = |text: fn(&ExportChoice) -> usize| dialog.choices.iter().map(text).max().unwrap_or(0);
    let format = longest(|choice| width(&what(choice.0))) + GAP;
    [format, format + longest(|choice| width(choice.1.name())) + GAP]
}

/// Whether rows of so many columns have room for what files hold in more than the fewest words. Else it is said under the list,
/// of the chosen one.
fn is_long(dialog: &ExportDialog, room: usize) -> bool {
    let longest = dialog.choices.iter().map(|choice| width(holds(*choice)[0])).max().unwrap_or(0);
    columns(dialog)[1] + longest <= room
}

/// What is written, in a few words.
fn what(content: ExportContent) -> String {
    match content {
        ExportContent::View(view) => match view.attention() {
            View::Head { .. } => format!("head {}", short_view_name(view)),
            _ => view.short_title(),
        },
        ExportContent::AllHeads => "all heads".to_owned(),
        ExportContent::Map(statistic) => format!("map: {}", statistic.heading()),
        ExportContent::Segments(_) => "segments".to_owned(),
        ExportContent::Sinks => "sinks".to_owned(),
        ExportContent::Shift => "heads apart".to_owned(),
        ExportContent::Push => "push".to_owned(),
        ExportContent::Effect => "effect".to_owned(),
        ExportContent::Patching => "patching".to_owned(),
        ExportContent::Text(coloring) => format!("text: {}", coloring.title()),
        ExportContent::Panes => "both panes".to_owned(),
        ExportContent::Difference(_) => "left minus right".to_owned(),
        ExportContent::Screen => "the screen".to_owned(),
    }
}

/// What a file then holds: in a few words, and in fewer.
fn holds((content, format): ExportChoice) -> [&'static str; 2] {
    match content {
        ExportContent::Screen => ["a picture of what is on screen", "a picture"],
        ExportContent::Map(_) => ["a picture of a number of all heads", "a cell per head"],
        ExportContent::Segments(_) => ["a picture of what segments give each other", "a picture"],
        ExportContent::Sinks if format.is_figure() => {
            ["a picture of what heads give to no word", "a cell per head"]
        }
        ExportContent::Sinks => ["each head, each key, the residual stream", "heads, keys, layers"],
        ExportContent::Shift if format.is_figure() => {
            ["a picture of how far heads are apart", "a cell per head"]
        }
        ExportContent::Shift => ["each head: divergence and flips", "a line per head"],
        ExportContent::Push if format.is_figure() => {
            ["bars of the parts that push most", "bars of its parts"]
        }
        ExportContent::Effect if format.is_figure() => ["bars of shares beside effects", "bars of each span"],
        ExportContent::Effect => ["each span: shares, push, effect", "a line per span"],
        ExportContent::Patching if format.is_figure() => ["a picture of the map", "a cell per place"],
        ExportContent::Patching => ["the effect of each place", "a line per place"],
        ExportContent::Text(_) if format.draws_a_grid() => ["a picture of the text", "a picture"],
        ExportContent::Text(_) if format.is_figure() => {
            ["a page: point at a token of the text", "a page to point at"]
        }
        ExportContent::Push | ExportContent::Text(_) => {
            ["each part, each head and key, the residual", "parts, heads, keys"]
        }
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
            | ExportContent::Shift
            | ExportContent::Text(_),
            format,
        ) if !format.is_figure() => "numbers as they were computed, with their recipe",
        (ExportContent::Push | ExportContent::Effect | ExportContent::Patching, _) => {
            "as on screen, on white"
        }
        (ExportContent::Shift, _) => "in these colours, on white",
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
    let (chrome, room) = (&theme.chrome, usize::from(area.width));
    let (text, style): (String, Style) = match &dialog.stage {
        ExportStage::Choosing => {
            let ([held, _], how) = (holds(dialog.choice()), settings(dialog.choice()));
            let is_said = is_long(dialog, room.saturating_sub(usize::from(MARK)));
            (if is_said { how.to_owned() } else { format!("{held}; {how}") }, chrome.dim)
        }
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
    let lines = wrap_in(&text, room, area.height.into());
    let top = area.bottom() - lines.len() as u16;
    for (y, line) in (top..).zip(&lines) {
        put(buffer, area.x, y, &format!("{line:room$}"), room, style);
    }
}
