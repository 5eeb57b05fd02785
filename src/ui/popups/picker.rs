//! The model picker: a row per model with what it takes, and what it says and asks before it loads one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::place::{MARK, PopupLayout, put_found};
use crate::app::{Found, Listing, Picker, Stage, State};
use crate::theme::Theme;
use crate::ui::widgets::area::take_top;
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{fit, fit_name, put, put_notice, right};
use crate::vocabulary::human_bytes;
use crate::worker::protocol::{Footprint, KnownModel, MemoryFit, Place, Published};

/// Columns of a name that are kept when others must go.
const NAME: usize = 16;

/// A column after the name: its heading and its width.
struct Column(&'static str, usize, fn(&KnownModel, MemoryFit) -> String);

/// In the order of the screen; the number is its rank when there isn't room for all.
const COLUMNS: [(usize, Column); 5] = [
    (3, Column("where", 12, |model, _| place(model).to_owned())),
    (2, Column("weights", 8, |model, _| known(model, |f| count(f.parameters), |p| count(p.parameters)))),
    (4, Column("disk", 9, |model, _| known(model, |f| human_bytes(f.disk_bytes), Published::size))),
    (1, Column("memory", 9, |model, _| known(model, |f| human_bytes(f.resident_bytes), Published::size))),
    (0, Column("fits", 12, |_, fit| fits(fit).to_owned())),
];

/// The columns there is room for beside the name.
fn columns(room: usize) -> Vec<&'static Column> {
    let mut by_rank: Vec<usize> = (0..COLUMNS.len()).collect();
    by_rank.sort_by_key(|&at| COLUMNS[at].0);
    let mut left = room.saturating_sub(NAME);
    let mut shown: Vec<usize> = by_rank
        .into_iter()
        .take_while(|&at| {
            let fits = COLUMNS[at].1.1 < left;
            left = left.saturating_sub(COLUMNS[at].1.1 + 1);
            fits
        })
        .collect();
    shown.sort_unstable();
    shown.into_iter().map(|at| &COLUMNS[at].1).collect()
}

/// A number of a model that is here, else of one that is known.
fn known(model: &KnownModel, here: fn(Footprint) -> String, elsewhere: fn(Published) -> String) -> String {
    let known = model.footprint.map(here).or_else(|| model.published.map(elsewhere));
    known.unwrap_or_else(|| "?".to_owned())
}

fn place(model: &KnownModel) -> &'static str {
    match model.place {
        Place::Binary => "built in",
        Place::Folder => "folder",
        Place::Ollama => "ollama",
        Place::Cache => "cache",
        Place::Hub => "to download",
        Place::Broken => "not there",
    }
}

fn fits(fit: MemoryFit) -> &'static str {
    match fit {
        MemoryFit::Yes => "fits",
        MemoryFit::Instead => "fits alone",
        MemoryFit::No => "does not fit",
        MemoryFit::Unknown => "?",
    }
}

/// A number of weights for people: `124M`, `20.9B`.
fn count(number: u64) -> String {
    let units = [(1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")];
    let Some((one, unit)) = units.into_iter().find(|(one, _)| number >= *one) else {
        return number.to_string();
    };
    let value = number as f64 / one as f64;
    if value < 99.95 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
}

fn fit_of(state: &State, picker: &Picker, model: &KnownModel) -> MemoryFit {
    let Listing::Known(catalogue) = &picker.listing else { return MemoryFit::Unknown };
    MemoryFit::of(model.needed_bytes(), catalogue.free_bytes, state.replaced_bytes(picker.side.slot()))
}

/// What the box is called.
pub fn title(picker: &Picker) -> String {
    format!(" model for the {} pane ", picker.side)
}

/// How much memory there is.
pub fn footer(picker: &Picker) -> String {
    match &picker.listing {
        Listing::Known(catalogue) => catalogue
            .free_bytes
            .map_or_else(String::new, |free| format!(" {} free on {} ", human_bytes(free), catalogue.device)),
        Listing::Awaited | Listing::Failed(_) => String::new(),
    }
}

/// The headings of the columns.
pub fn draw_heading(area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let area = Rect { x: area.x + MARK, width: area.width.saturating_sub(MARK), ..area };
    let columns = columns(usize::from(area.width));
    put(buffer, area.x, area.y, "model", usize::from(area.width), theme.chrome.dim);
    let cells = columns.iter().map(|column| (column.0.to_owned(), theme.chrome.dim));
    put_columns(&columns, cells, area, buffer);
}

/// A model: its name and what it takes, or that it is what was typed.
pub fn draw_row(
    state: &State,
    picker: &Picker,
    found: &Found,
    is_chosen: bool,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let style = if is_chosen { chrome.strong } else { chrome.text };
    let at = (area.x, area.y);
    let Some(model) = picker.model(found.entry) else {
        let room = usize::from(area.width);
        let typed = fit(picker.list.typed(), room);
        let x = put(buffer, at.0, at.1, &typed, room, style);
        let room = usize::from(area.right().saturating_sub(x));
        put(buffer, x, at.1, &fit("  as typed", room), room, chrome.dim);
        return;
    };
    let columns = columns(usize::from(area.width));
    let taken: usize = columns.iter().map(|column| column.1 + 1).sum();
    let room = usize::from(area.width).saturating_sub(taken);
    let name = fit_name(&model.name, room);
    let graphemes = |text: &str| Span::raw(text).styled_graphemes(Style::new()).count();
    let hidden = graphemes(&model.name) - graphemes(&name);
    let x = put_found(buffer, at, (&name, hidden), found, room, style, theme);
    if state
        .panes
        .resident(picker.side.slot())
        .model
        .as_ref()
        .is_some_and(|resident| resident.name == model.name)
    {
        let room = (at.0 + room as u16).saturating_sub(x);
        put(buffer, x, at.1, &fit("  now here", usize::from(room)), usize::from(room), chrome.dim);
    }
    let fit = fit_of(state, picker, model);
    let cells = columns.iter().map(|column| {
        let is_refusal = column.0 == "fits" && fit == MemoryFit::No;
        ((column.2)(model, fit), if is_refusal { chrome.error } else { chrome.text })
    });
    put_columns(&columns, cells, area, buffer);
}

/// Cells at the right end of a row, numbers and words alike flush right.
fn put_columns(
    columns: &[&Column],
    cells: impl DoubleEndedIterator<Item = (String, Style)> + ExactSizeIterator,
    area: Rect,
    buffer: &mut Buffer,
) {
    let mut end = area.right();
    for (column, (text, style)) in columns.iter().rev().zip(cells.rev()) {
        let x = end.saturating_sub(column.1 as u16);
        put(buffer, x, area.y, &right(&text, column.1), column.1, style);
        end = x.saturating_sub(1);
    }
}

/// What happens on Enter, in words.
pub fn detail(state: &State, picker: &Picker) -> String {
    let Some(entry) = picker.list.entry() else { return String::new() };
    let Some(model) = picker.model(entry) else {
        let only = if picker.list.found.len() == 1 { "no model here is like that: " } else { "" };
        return format!("{only}Enter looks for org/name[@revision][:file.gguf] or a folder");
    };
    let resident = state.panes.resident(picker.side.slot()).model.as_ref();
    let happens = match (fit_of(state, picker, model), resident, model.place) {
        (MemoryFit::Unknown | MemoryFit::Yes, _, Place::Hub) => {
            "Enter asks the hub what there is to download".to_owned()
        }
        (MemoryFit::Unknown, _, Place::Broken) => "Enter says what is wrong with it".to_owned(),
        (MemoryFit::Instead, Some(resident), _) => {
            format!("no memory for both: {} is unloaded first", resident.name)
        }
        (MemoryFit::No, _, _) => "there is not enough memory for it".to_owned(),
        (_, Some(resident), _) => format!("{} stays until it is ready", resident.name),
        (_, None, _) => "Enter loads it".to_owned(),
    };
    let pairs = match model.pairs.len() {
        0 => String::new(),
        1 => format!(" · pair {}", model.pairs[0]),
        _ => format!(" · pairs {}", model.pairs.join(", ")),
    };
    happens + &pairs
}

/// What stands in the place of the line that is typed, and in that of the list; nothing while models are chosen.
fn message(state: &State, picker: &Picker, theme: &Theme) -> Option<(&'static str, Vec<(String, Style)>)> {
    let chrome = &theme.chrome;
    let answer = "Enter tries again · Esc goes back";
    Some(match &picker.stage {
        Stage::Choosing => return None,
        Stage::Estimating(name) => {
            let text = format!("{} looking at {name}", spinner(state));
            ("Esc goes back", vec![(text, chrome.text)])
        }
        Stage::Asking { statement, fit, .. } => {
            let mut lines = vec![(statement.clone(), chrome.text)];
            if *fit == MemoryFit::No {
                let text = "Even in place of this pane's model, that is more memory than is free.";
                lines.push((text.to_owned(), chrome.error));
            }
            ("y downloads it · n back", lines)
        }
        Stage::TooLarge { name, needed, free, way_out } => {
            let text = format!(
                "{name} does not fit: its weights take {}, {} can be had: {way_out}",
                human_bytes(*needed),
                human_bytes(*free)
            );
            (answer, vec![(text, chrome.error)])
        }
        Stage::Failed { error, .. } => (answer, vec![(error.to_string(), chrome.error)]),
    })
}

/// Draws what the picker says or asks instead of its list. Returns whether there was something.
pub fn draw_message(
    state: &State,
    picker: &Picker,
    layout: &PopupLayout,
    theme: &Theme,
    buffer: &mut Buffer,
) -> bool {
    let Some((answer, lines)) = message(state, picker, theme) else { return false };
    let room = usize::from(layout.line.width);
    put(buffer, layout.line.x, layout.line.y, &fit(answer, room), room, theme.chrome.accent);
    let mut rest = layout.list;
    for (text, style) in lines {
        let rows = put_notice(buffer, rest, &[text], style);
        take_top(&mut rest, rows);
    }
    true
}

/// What stands where no model is listed.
pub fn nothing(state: &State, picker: &Picker, theme: &Theme) -> (String, Style) {
    match &picker.listing {
        Listing::Awaited => (format!("{} looking for models", spinner(state)), theme.chrome.dim),
        Listing::Failed(error) => (error.to_string(), theme.chrome.error),
        Listing::Known(_) => ("no model here is called so".to_owned(), theme.chrome.dim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::text::width;

    #[test]
    fn weights_are_counted_for_people() {
        let counts = [999, 124_439_808, 1_557_611_200, 20_914_757_184, 1_180_000, 999_960, 53_000];
        assert_eq!(counts.map(count), ["999", "124M", "1.6B", "20.9B", "1.2M", "1000k", "53.0k"]);
    }

    #[test]
    fn what_matters_most_is_left_on_a_small_screen() {
        let headings = |room| columns(room).iter().map(|column| column.0).collect::<Vec<_>>();
        assert_eq!(headings(86), ["where", "weights", "disk", "memory", "fits"]);
        assert_eq!(headings(44), ["memory", "fits"]);
        assert_eq!(headings(30), ["fits"]);
        assert_eq!(headings(10), [] as [&str; 0]);
        for (_, column) in &COLUMNS {
            assert!(width(column.0) <= column.1, "{}", column.0);
        }
        for fit in [MemoryFit::Yes, MemoryFit::Instead, MemoryFit::No, MemoryFit::Unknown] {
            assert!(width(fits(fit)) <= 12);
        }
    }
}
