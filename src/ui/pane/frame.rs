//! One model: a box with its name, the matrix, the thumbnails, and how load and pass stand.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::{minimap, notice, shares, text, thumbnails};
use crate::app::{DisplayedCapture, KeysStage, Load, Mode, Pane, Pass, Pin, Side, State};
use crate::attention::ModelInfo;
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::box_title::{Apart, BoxTitle, LEAST_NAME};
use crate::ui::facts::{PREVIOUS, head_facts, in_columns, why_not};
use crate::ui::names::short_view_name;
use crate::ui::places::PaneLayout;
use crate::ui::widgets::area::boxed;
use crate::ui::widgets::matrix::{Drawing, Highlights};
use crate::ui::widgets::overview::Overview;
use crate::ui::widgets::progress::{progress, spinner};
use crate::ui::widgets::text::{first_that_fits, fit, fit_name, put, put_notice, width};
use crate::ui::widgets::values::Values;
use crate::vocabulary::{Pooling, RowReading, View};

/// Draws the box and what is in it.
pub fn draw(state: &State, layout: &PaneLayout, theme: &Theme, buffer: &mut Buffer) {
    let pane = state.pane(layout.side);
    frame(state, pane, layout, theme, buffer);
    match (&pane.shown, &layout.grid, &layout.text) {
        (Some(shown), None, Some(grid)) => {
            error(state, pane, layout.error, theme, buffer);
            text::draw(state, (layout.side, shown), grid, theme, buffer);
            shares::draw(state, layout.side, layout.shares, theme, buffer);
            thumbnails::draw(state, layout, border(state, layout, theme), theme, buffer);
        }
        (Some(shown), Some(grid), _) => {
            error(state, pane, layout.error, theme, buffer);
            let (normalisation, scale) = (state.display.normalisation, state.scale(layout.side));
            match &layout.overview {
                Some(overview) => overview.draw(state, layout.side, theme, buffer),
                None => {
                    let highlights = Highlights::of(state, layout.side);
                    let (names, values) = (shown.labels(), Values::Attention(shown.matrix()));
                    let (special, hides_special) = (shown.special(), state.display.hides_special);
                    let rows = state.row_labels(layout.side);
                    let row_names = if state.display.rows == RowReading::Reading { &[] } else { &*rows };
                    let written = shown.capture.prompt_tokens().div_ceil(shown.matrix().bin());
                    let drawing = Drawing {
                        names,
                        row_names,
                        written,
                        special,
                        hides_special,
                        values,
                        grid,
                        highlights,
                        normalisation,
                        scale,
                        theme,
                    };
                    drawing.draw(buffer)
                }
            }
            shares::draw(state, layout.side, layout.shares, theme, buffer);
            thumbnails::draw(state, layout, border(state, layout, theme), theme, buffer);
            minimap::draw(grid, layout.minimap, theme, buffer);
        }
        _ => notice::draw(state, pane, layout.body, theme, buffer),
    }
}

fn frame(state: &State, pane: &Pane, layout: &PaneLayout, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let view = pane.shown.as_ref().map(|shown| view_title(state, layout, shown)).unwrap_or_default();
    let room = usize::from(layout.frame.width).saturating_sub(width(&view) + 7);
    let mut block = boxed(border(state, layout, theme)).title(name(state, pane, layout, room, theme));
    if !view.is_empty() {
        let view = Line::from(Span::styled(view, chrome.accent));
        block = block.title(view.alignment(Alignment::Right));
    }
    let frame_room = usize::from(layout.frame.width);
    let left = |room: usize| match state.panes.pinned(layout.side) {
        Some(pin) => behind(state, (layout.side, pane), pin, room),
        None => pane_status(state, pane, layout),
    };
    // What passes is said before what stays.
    let mut ranges = range(layout, pane.shown.as_ref(), state.display.pooling).into_iter();
    let status = width(&left(frame_room));
    let right = ranges.find(|right| status + width(right) + 4 <= frame_room).unwrap_or_default();
    let room = frame_room.saturating_sub(width(&right) + 4);
    let left = left(room);
    if !left.is_empty() {
        block = block.title_bottom(Line::from(Span::styled(fit(&left, room), chrome.accent)));
    }
    let taken = width(&right);
    if !right.is_empty() {
        let right = Line::from(Span::styled(right, chrome.dim));
        block = block.title_bottom(right.alignment(Alignment::Right));
    }
    block.render(layout.frame, buffer);
    if let (Some(shown), true) = (&pane.shown, left.is_empty()) {
        draw_head_facts(state, shown, layout, taken, chrome.dim, buffer);
    }
}

/// The model's name, what it is as far as there is room, and whether keys go to it.
fn name(state: &State, pane: &Pane, layout: &PaneLayout, room: usize, theme: &Theme) -> Line<'static> {
    let focused = state.panes.focus == layout.side;
    let (mark, style) = if focused { (" ● ", theme.chrome.strong) } else { (" ○ ", theme.chrome.text) };
    let model = pane.pictured();
    let shown = pane.shown.as_ref();
    let apart = shown.map(|shown| Apart::of(state, layout.side, shown)).unwrap_or_default();
    let name = match model {
        Some(model) => &model.name,
        None if state.panes.is_absent(layout.side.slot()) => "no model",
        None => &pane.reference,
    };
    let BoxTitle { name, apart, .. } = BoxTitle::new(name, &apart, &[], room);
    let rest = room.saturating_sub(width(&name) + width(&apart));
    let facts = model.filter(|_| state.panes.pinned(layout.side).is_none()).map(|model| facts(model, rest));
    Line::from(vec![
        Span::styled(mark, border(state, layout, theme)),
        Span::styled(name, style),
        Span::styled(apart, theme.chrome.accent),
        Span::styled(facts.unwrap_or_default(), theme.chrome.dim),
        Span::raw(" "),
    ])
}

/// What the view is called beside the model's name: in short where that would leave no room for what is off or pinned.
fn view_title(state: &State, layout: &PaneLayout, shown: &DisplayedCapture) -> String {
    let title = |name: String| format!(" {name}{} ", off(shown));
    let full = title(shown.view().short_title());
    let apart = Apart::of(state, layout.side, shown);
    let needed = apart.needed(&shown.capture.model.name) + width(&full) + 7;
    if !apart.is_any() || needed <= usize::from(layout.frame.width) {
        return full;
    }
    title(short_view_name(shown.view()))
}

/// Whether the head on screen is off.
fn off(shown: &DisplayedCapture) -> &'static str {
    match shown.view().attention() {
        View::Head { layer, head } if shown.capture.ablation.contains(layer, head) => " · off",
        _ => "",
    }
}

fn border(state: &State, layout: &PaneLayout, theme: &Theme) -> Style {
    if state.panes.focus == layout.side { theme.chrome.focus } else { theme.chrome.border }
}

/// Layers × heads and where the weights are, as far as there is room after the name.
fn facts(model: &ModelInfo, room: usize) -> String {
    let size = format!("{}×{}", model.layers, model.heads);
    let mut text = String::new();
    for (fact, before) in [(&size, "  "), (&model.precision, " · "), (&model.device, " · ")] {
        if width(&text) + width(before) + width(fact) > room {
            break;
        }
        text.push_str(before);
        text.push_str(fact);
    }
    text
}

/// What is under way, or else how what is written stands.
fn pane_status(state: &State, pane: &Pane, layout: &PaneLayout) -> String {
    let status = status(state, (layout.side, pane), false);
    let written = shares::status(state, layout.side, !layout.shares.is_empty());
    written.filter(|_| status.is_empty() || state.writing.is_running()).unwrap_or(status)
}

/// What is under way while a matrix is on screen.
fn status(state: &State, (side, pane): (Side, &Pane), pinned: bool) -> String {
    let Some(shown) = &pane.shown else { return String::new() };
    let spinner = spinner(state);
    let running = match &pane.model {
        Some(model) if model.name != shown.capture.model.name => format!("running on {}", model.name),
        _ => "running".to_owned(),
    };
    match (&pane.load, &pane.pass) {
        (Load::Waiting, _) => format!(" {spinner} loading {} ", pane.reference),
        (Load::Running(step), _) => {
            let (text, _, share) = progress(step);
            let share = share.map_or_else(String::new, |share| format!(", {:.0}%", share * 100.0));
            format!(" {spinner} loading {}{share}: {text} ", pane.reference)
        }
        (_, Pass::Running { layer, layers }) => format!(" {spinner} {running}: layer {layer} of {layers} "),
        (Load::Ready, Pass::Waiting) => format!(" {spinner} {running} "),
        _ if shown.view() != pane.selection.view() => {
            format!(" {spinner} computing {} ", pane.selection.view().short_title())
        }
        _ => match state.by_cells(side) {
            Some(stage) => by_cells(state, shown.matrix().bin(), stage),
            None if shown.job != state.run.job && !pinned => format!(" {PREVIOUS} "),
            None => String::new(),
        },
    }
}

/// That a text has the colours of cells until more is known.
fn by_cells(state: &State, tokens: usize, stage: &KeysStage) -> String {
    let cells = format!("by cells of {tokens} tokens");
    match stage {
        KeysStage::Failed(error) => format!(" {cells}: {} ", why_not(state, error)),
        KeysStage::Waiting | KeysStage::Known => {
            format!(" {} {cells} until all rows are read ", spinner(state))
        }
    }
}

/// Which model a pinned capture takes the place of, and how that is getting on; of a head, its numbers are more. Of a long
/// name its beginning gives way, and not the key.
fn behind(state: &State, (side, pane): (Side, &Pane), pin: &Pin, room: usize) -> String {
    let status = status(state, (side, pane), true);
    let is_head = pane.shown.as_ref().is_some_and(|shown| matches!(shown.view(), View::Head { .. }));
    let Pane { model, reference, .. } = &pin.behind;
    let name = match model.as_ref().map_or(reference.as_str(), |model| &model.name) {
        "" => "no model",
        name => name,
    };
    // What is written is of the model without some heads; with all of them on it would be another text.
    if pin.is_before && state.writing.of == state.run.job && state.writing.count() > 0 {
        return first_that_fits(
            &[" stays at the prompt: it writes nothing ", " stays: it writes nothing "],
            room,
        );
    }
    // What it does with all heads on comes with the pass beside it, and so not after one that failed.
    let is_old = pane.shown.as_ref().is_some_and(|shown| shown.job != state.run.job);
    if pin.is_before && is_old && !state.panes.resident(pin.side.other().slot()).is_passing() {
        return format!(" {PREVIOUS} ");
    }
    let key = state.keys.hint(Command::Pin);
    let (before, says) = match pin.behind.error() {
        Some(_) => (String::new(), format!(", behind this, failed: {key} unpins")),
        None if pin.behind.is_busy() => {
            (format!("{} ", spinner(state)), format!(" is behind this: {key} unpins"))
        }
        None if is_head || !status.is_empty() => return status,
        None => (String::new(), format!(" is behind this: {key} unpins")),
    };
    let name_room = room.saturating_sub(2 + width(&before) + width(&says));
    if name_room < width(name).min(LEAST_NAME) {
        return format!(" {before}{key} unpins ");
    }
    format!(" {before}{}{says} ", fit_name(name, name_room))
}

/// Which rows and columns are on screen, if not all are; how many cells a pixel stands for, if they share it. In fewer and
/// fewer words.
fn range(layout: &PaneLayout, shown: Option<&DisplayedCapture>, pooling: Pooling) -> Vec<String> {
    let Some(shown) = shown else { return Vec::new() };
    let (tokens, unit) = (shown.capture.tokens.len(), shown.matrix().bin());
    if let Some(text) = &layout.text {
        return vec![text::range(text, tokens)];
    }
    if let Some(Overview { bin, .. }) = layout.overview {
        let short = format!(" overview of {tokens} ");
        return match bin * unit {
            1 => vec![short],
            bin => vec![format!(" overview of {tokens}, {} of {bin}×{bin} ", pooling.name()), short],
        };
    }
    let Some(grid) = layout.grid else { return Vec::new() };
    let part = |what: &str, range: std::ops::Range<usize>| {
        let all = range.len() == grid.size || range.is_empty();
        // Counted from zero, as everywhere.
        (!all).then(|| format!("{what} {}–{}", range.start * unit, (range.end * unit).min(tokens) - 1))
    };
    let parts: Vec<String> =
        [part("rows", grid.rows()), part("keys", grid.keys())].into_iter().flatten().collect();
    if parts.is_empty() { Vec::new() } else { vec![format!(" {} of {tokens} ", parts.join(", "))] }
}

/// What a head does in numbers, on the lower border.
fn draw_head_facts(
    state: &State,
    shown: &DisplayedCapture,
    layout: &PaneLayout,
    taken: usize,
    style: Style,
    buffer: &mut Buffer,
) {
    let room = usize::from(layout.frame.width).saturating_sub(taken + 4);
    let facts = head_facts(state, layout.side, shown, shown.view());
    let text = in_columns(facts, room.saturating_sub(2));
    if !text.is_empty() {
        put(buffer, layout.frame.x + 1, layout.frame.bottom().saturating_sub(1), &text, room, style);
    }
}

/// What went wrong, over the matrix of the prompt before.
fn error(state: &State, pane: &Pane, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let Some(error) = pane.error().filter(|_| area.height > 0) else { return };
    let room = usize::from(area.width);
    let said = Rect { height: (area.height - 1).max(1), ..area };
    put_notice(buffer, said, &[error], theme.chrome.error);
    // In the editor these keys are text.
    if !state.worker || state.screen.mode() == Mode::EditPrompt {
        return;
    }
    let mut keys = vec![(Command::Retry, "tries again".to_owned())];
    match (&pane.load, &pane.model) {
        (Load::Failed(_), Some(model)) => {
            keys.push((Command::Cancel, format!("keeps {}", model.name)));
            keys.push((Command::ModelPicker, "other models".to_owned()));
        }
        (Load::Failed(_), None) => keys.push((Command::ModelPicker, "other models".to_owned())),
        _ => keys.push((Command::EditPrompt, "edits the prompt".to_owned())),
    }
    let hint: Vec<String> =
        keys.iter().map(|(command, does)| format!("{} {does}", state.keys.hint(*command))).collect();
    put(buffer, area.x, area.bottom() - 1, &fit(&hint.join(" · "), room), room, theme.chrome.dim);
}
