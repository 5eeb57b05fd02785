//! One model: a box with its name, the matrix, the thumbnails, and how load and pass stand.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

use super::layout::error_of;
use super::line::on_one_line;
use super::matrix::{Drawing, Marks};
use super::text::{fit, put, width, wrap};
use super::values::Values;
use super::{Overview, PaneLayout, minimap, notice, thumbnails};
use crate::app::{Load, Mode, Pane, Pass, Pin, Shown, State};
use crate::attention::{ModelInfo, Statistic, Unit};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::vocabulary::{Pooling, View};
use crate::worker::protocol::Side;

/// Columns of a model's name, at least: in fewer there is none, but what sets its capture apart.
const LEAST_NAME: usize = 3;

/// Draws the box and what is in it.
pub fn draw(state: &State, layout: &PaneLayout, theme: &Theme, buffer: &mut Buffer) {
    let pane = state.pane(layout.side);
    frame(state, pane, layout, theme, buffer);
    match (&pane.shown, &layout.grid) {
        (Some(shown), Some(grid)) => {
            error(state, pane, layout.error, theme, buffer);
            let (normalisation, scale) = (state.rules.normalisation, state.scale(layout.side));
            match &layout.overview {
                Some(overview) => overview.draw(state, layout.side, theme, buffer),
                None => {
                    let marks = Marks::of(state, layout.side);
                    let (names, values) = (shown.labels.as_slice(), Values::Attention(shown.matrix()));
                    Drawing { names, values, grid, marks, normalisation, scale, theme }.draw(buffer)
                }
            }
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
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(border(state, layout, theme))
        .title(name(state, pane, layout, room, theme));
    if !view.is_empty() {
        let view = Line::from(Span::styled(view, chrome.accent));
        block = block.title(view.alignment(Alignment::Right));
    }
    let left =
        state.pinned(layout.side).map_or_else(|| status(state, pane, false), |pin| behind(state, pane, pin));
    let right = range(layout, pane.shown.as_ref(), state.rules.pooling);
    if !left.is_empty() {
        let room = usize::from(layout.frame.width).saturating_sub(width(&right) + 4);
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
    let focused = state.focus == layout.side;
    let (mark, style) = if focused { (" ● ", theme.chrome.strong) } else { (" ○ ", theme.chrome.text) };
    // Of the picture, which stays until another model has read the prompt.
    let model = pane.shown.as_ref().map(|shown| &*shown.capture.model).or(pane.model.as_deref());
    let shown = pane.shown.as_ref();
    let (what, prompt) = shown.map(|shown| what_it_is(state, layout.side, shown)).unwrap_or_default();
    let name = match model {
        Some(model) => &model.name,
        None if state.is_absent(layout.side) => "no model",
        None => &pane.reference,
    };
    let name_room = Some(room.saturating_sub(width(&what))).filter(|room| *room >= LEAST_NAME).unwrap_or(0);
    let name = fit(name, name_room);
    let what = fit(&what, room.saturating_sub(width(&name)));
    let rest = room.saturating_sub(width(&name) + width(&what));
    let facts = match prompt {
        Some(prompt) => fit(&prompt, rest),
        None => model.map(|model| facts(model, rest)).unwrap_or_default(),
    };
    Line::from(vec![
        Span::styled(mark, border(state, layout, theme)),
        Span::styled(name, style),
        Span::styled(what, theme.chrome.accent),
        Span::styled(facts, theme.chrome.dim),
        Span::raw(" "),
    ])
}

/// What the view is called beside the model's name: in short where that would leave no room for what is off or pinned.
fn view_title(state: &State, layout: &PaneLayout, shown: &Shown) -> String {
    let title = |name: String| format!(" {name}{} ", off(shown));
    let full = title(shown.view().short_title());
    let (what, _) = what_it_is(state, layout.side, shown);
    let needed = width(&what) + width(&full) + 7;
    if what.is_empty() || needed <= usize::from(layout.frame.width) {
        return full;
    }
    title(short_view_name(shown.view()))
}

fn short_view_name(view: View) -> String {
    match view {
        View::Head { layer, head } => format!("{layer}.{head}"),
        View::ValueWeighted(_) => format!("{} values", short_view_name(view.attention())),
        _ => view.short_title(),
    }
}

/// What sets a capture apart from the newest one of its model, and the prompt that it is of if it is pinned.
pub fn what_it_is(state: &State, side: Side, shown: &Shown) -> (String, Option<String>) {
    let ablation = &shown.capture.ablation;
    let without = if ablation.is_empty() { String::new() } else { format!("  without {ablation}") };
    match state.pinned(side) {
        Some(pin) if pin.is_before && ablation.is_empty() => ("  before: all heads on".to_owned(), None),
        Some(_) => (format!("{without}  pinned: "), Some(on_one_line(&shown.prompt))),
        None => (without, None),
    }
}

/// Which heads are to go off or on in a pane, where that is asked of the model and not on screen yet.
pub fn heads_to_come(state: &State, side: Side, shown: &Shown) -> Option<String> {
    let asked = state.heads_off(side);
    if asked == shown.capture.ablation {
        return None;
    }
    let what = if asked.is_empty() { "with all heads on".to_owned() } else { format!("without {asked}") };
    Some(match state.resident(side).pass {
        Pass::Failed(_) => format!("not run {what}: {} tries again", state.keys.hint(Command::Retry)),
        _ => format!("{} running {what}", notice::spinner(state)),
    })
}

/// Whether the head on screen is off.
fn off(shown: &Shown) -> &'static str {
    match shown.view().attention() {
        View::Head { layer, head } if shown.capture.ablation.contains(layer, head) => " · off",
        _ => "",
    }
}

fn border(state: &State, layout: &PaneLayout, theme: &Theme) -> Style {
    if state.focus == layout.side { theme.chrome.focus } else { theme.chrome.border }
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

/// What is under way while a matrix is on screen.
fn status(state: &State, pane: &Pane, pinned: bool) -> String {
    let Some(shown) = &pane.shown else { return String::new() };
    let spinner = notice::spinner(state);
    let running = match &pane.model {
        Some(model) if model.name != shown.capture.model.name => format!("running on {}", model.name),
        _ => "running".to_owned(),
    };
    match (&pane.load, &pane.pass) {
        (Load::Waiting, _) => format!(" {spinner} loading {} ", pane.reference),
        (Load::Running(step), _) => {
            let (text, _, share) = notice::progress(step);
            let share = share.map_or_else(String::new, |share| format!(", {:.0}%", share * 100.0));
            format!(" {spinner} loading {}{share}: {text} ", pane.reference)
        }
        (_, Pass::Running { layer, layers }) => format!(" {spinner} {running}: layer {layer} of {layers} "),
        (Load::Ready, Pass::Waiting) => format!(" {spinner} {running} "),
        _ if shown.view() != pane.selection.view() => {
            format!(" {spinner} computing {} ", pane.selection.view().short_title())
        }
        _ if shown.job != state.job && !pinned => " of the previous prompt ".to_owned(),
        _ => String::new(),
    }
}

/// Which model a pinned capture takes the place of, and how that is getting on; of a head, its numbers are more.
fn behind(state: &State, pane: &Pane, pin: &Pin) -> String {
    let status = status(state, pane, true);
    let is_head = pane.shown.as_ref().is_some_and(|shown| matches!(shown.view(), View::Head { .. }));
    let Pane { model, reference, .. } = &pin.behind;
    let name = model.as_ref().map_or(reference, |model| &model.name);
    let key = state.keys.hint(Command::Pin);
    match error_of(&pin.behind) {
        Some(_) => format!(" {name}, behind this, failed: {key} unpins "),
        None if pin.behind.is_busy() => {
            format!(" {} {name} is behind this: {key} unpins ", notice::spinner(state))
        }
        None if is_head || !status.is_empty() => status,
        None => format!(" {name} is behind this: {key} unpins "),
    }
}

/// Which rows and columns are on screen, if not all are; how many cells a pixel stands for, if they share it.
fn range(layout: &PaneLayout, shown: Option<&Shown>, pooling: Pooling) -> String {
    let Some(shown) = shown else { return String::new() };
    let (tokens, unit) = (shown.capture.tokens.len(), shown.matrix().bin());
    if let Some(Overview { bin, .. }) = layout.overview {
        return match bin * unit {
            1 => format!(" overview of {tokens} "),
            bin => format!(" overview of {tokens}, {} of {bin}×{bin} ", pooling.name()),
        };
    }
    let Some(grid) = layout.grid else { return String::new() };
    let part = |what: &str, range: std::ops::Range<usize>| {
        let all = range.len() == grid.size || range.is_empty();
        // Counted from zero, as everywhere.
        (!all).then(|| format!("{what} {}–{}", range.start * unit, (range.end * unit).min(tokens) - 1))
    };
    let parts: Vec<String> =
        [part("rows", grid.rows()), part("keys", grid.keys())].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" {} of {tokens} ", parts.join(", ")) }
}

/// What a head does in numbers, on the lower border.
fn draw_head_facts(
    state: &State,
    shown: &Shown,
    layout: &PaneLayout,
    taken: usize,
    style: Style,
    buffer: &mut Buffer,
) {
    let mut facts = head_facts(state, layout.side, shown, shown.view());
    let room = usize::from(layout.frame.width).saturating_sub(taken + 4);
    while width(&facts.join(" · ")) + 2 > room && facts.pop().is_some() {}
    if !facts.is_empty() {
        let text = format!(" {} ", facts.join(" · "));
        put(buffer, layout.frame.x + 1, layout.frame.bottom().saturating_sub(1), &text, room, style);
    }
}

/// Whether a pane's model has no sinks, and that of the other pane has.
pub fn lacks_sinks(state: &State, side: Side) -> bool {
    let has = |side: Side| state.pane(side).shown.as_ref().is_some_and(|shown| shown.capture.model.has_sinks);
    !has(side) && has(side.other())
}

/// What a head does in numbers, the most telling first; nothing of other views.
pub fn head_facts(state: &State, side: Side, shown: &Shown, view: View) -> Vec<String> {
    let View::Head { layer, head } = view.attention() else { return Vec::new() };
    let Some(summary) = shown.capture.layers.get(layer).and_then(|layer| layer.heads.get(head)) else {
        return Vec::new();
    };
    let fact = |statistic: Statistic| {
        let name = statistic.heading();
        if statistic.needs_sinks() && !shown.capture.model.has_sinks {
            return lacks_sinks(state, side).then(|| format!("{name} –"));
        }
        let digits = if statistic.unit() == Unit::Tokens { 1 } else { 2 };
        Some(format!("{name} {:.digits$}", summary.statistics.get(statistic)))
    };
    Statistic::of_panes().into_iter().filter_map(fact).collect()
}

/// What went wrong, over the matrix of the prompt before.
fn error(state: &State, pane: &Pane, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let Some(error) = error_of(pane).filter(|_| area.height > 0) else { return };
    let room = usize::from(area.width);
    let mut lines = wrap(error, room);
    lines.truncate(usize::from(area.height - 1).max(1));
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        put(buffer, area.x, y, line, room, theme.chrome.error);
    }
    // In the editor these keys are text.
    if !state.worker || state.mode == Mode::EditPrompt {
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
