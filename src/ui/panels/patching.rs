//! Patching: a cell per head or token, a row per layer, in the colour of how far that place brings the prompt to the pinned one.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::face::Face;
use crate::app::{ColorScale, Extent, Opened, PatchMap, PatchStage, Scale, State};
use crate::attention::patching::Patched;
use crate::attention::{View, escape_controls};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, pair};
use crate::ui::chrome::legend::{self, Legend, Words};
use crate::ui::facts::why_not;
use crate::ui::names::visible;
use crate::ui::places::{Body, PanelLayout, Part};
use crate::ui::widgets::area::{boxed, take_bottom};
use crate::ui::widgets::bar::bar;
use crate::ui::widgets::heatmap::{Cells, Sign, draw_cell, draw_numbers, mark};
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{fit, put_line, put_notice, short, width};
use crate::vocabulary::signed;

/// Columns of the bar that says how far it is.
const PROGRESS: usize = 12;
/// Tokens of a prompt that are written, at most: no line has more columns.
const SHOWN: usize = 300;
/// Rows of a box from which what is patched into what is written under the map.
const PROMPTS_FROM: u16 = 12;

/// How far parts of a pinned prompt bring the one beside it.
pub const FACE: Face = Face { title, hints, legend, place, draw };

fn map(state: &State) -> Option<&PatchMap> {
    match state.screen.opened() {
        Opened::Patching(map) => Some(map.as_ref()),
        _ => None,
    }
}

fn title(state: &State, _: &str) -> Vec<String> {
    let titles: &[&str] = match map(state).map(PatchMap::what) {
        Some(Patched::Residual) => &[
            "patching: the residual stream of the pinned prompt, at one token",
            "patching: the pinned residual stream, at one token",
            "patching: the residual stream",
        ],
        _ => &["patching: heads of the pinned prompt"],
    };
    titles.iter().map(ToString::to_string).collect()
}

fn hints(state: &State) -> Vec<Hint> {
    let column = map(state).map_or("head", |map| map.what().column());
    if map(state).is_some_and(PatchMap::is_refused) {
        return vec![hint(state, Command::Back, "back")];
    }
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "layer"),
        pair(state, (Command::CursorLeft, Command::CursorRight), column),
        hint(state, Command::Normalisation, "heads, residual stream"),
        hint(state, Command::Open, "go to it"),
        hint(state, Command::Cancel, "stop"),
        hint(state, Command::Back, "back"),
    ]
}

fn legend<'a>(state: &State, _: &Body, words: Words, theme: &'a Theme) -> Option<Legend<'a>> {
    let map = map(state)?;
    let scale = scale(state, map)?;
    let log = match scale.curve {
        ColorScale::Linear => String::new(),
        ColorScale::Log => format!("log ±{} to ", short(scale.bottom)),
    };
    let what = match words {
        Words::All => "0 changes nothing, 1 brings all of the pinned prompt's logit difference",
        Words::Few => "0 nothing, 1 all of it",
    };
    let settings = vec![("effect".to_owned(), what.to_owned()), legend::color_scale(state)];
    let (bottom, top) = (format!("{log}{} ", signed(-scale.top, 3)), signed(scale.top, 3));
    Some(Legend { palette: &theme.differences, bottom, top, settings })
}

/// Centred on 0, up to the largest magnitude; nothing while none is known.
fn scale(state: &State, map: &PatchMap) -> Option<Scale> {
    let effects = map.found.as_ref()?.effects.iter().flatten().flatten();
    Some(Scale::new(state.display.color_scale, Extent::of(effects.map(|effect| effect.abs()))))
}

/// The box without the lines under the map.
fn map_area(frame: Rect) -> (Rect, Rect) {
    let mut area = frame;
    let lines = if frame.height >= PROMPTS_FROM { 3 } else { 0 };
    let mut under = take_bottom(&mut area, lines + 1).inner(Margin::new(1, 0));
    under.height = under.height.saturating_sub(1);
    area.height += 1;
    (area, under)
}

fn cells(map: &PatchMap, frame: Rect) -> Cells {
    Cells::of(map_area(frame).0, map.shape(), map.chosen)
}

fn place(state: &State, frame: Rect, _: u16) -> Body {
    let side = state.panes.focus;
    let Some(map) = map(state) else { return Body::Panel(PanelLayout { side, frame, parts: vec![] }) };
    let cells = cells(map, frame);
    let part = |(layer, column)| {
        let view = (map.what() == Patched::Heads).then_some(View::Head { layer, head: column });
        Part { side, view, area: cells.area(layer, column) }
    };
    let parts = cells.all().map(part).collect();
    Body::Panel(PanelLayout { side, frame, parts })
}

fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let (Body::Panel(layout), Some(map)) = (body, map(state)) else { return };
    let (frame, chrome) = (layout.frame, &theme.chrome);
    draw_frame(state, map, frame, theme, buffer);
    if let (PatchStage::Failed(error), None) = (&map.stage, &map.found) {
        let body = frame.inner(Margin::new(2, 1));
        put_notice(buffer, body, &[why_not(state, error)], chrome.error);
        return;
    }
    let (cells, scale) = (cells(map, frame), scale(state, map));
    draw_numbers(&cells, map.chosen, theme, buffer);
    for at in cells.all() {
        let area = cells.area(at.0, at.1);
        let style = draw_cell(area, map.effect(at), (scale, Sign::Both), theme, buffer);
        if at == map.chosen {
            mark(area, true, style, buffer);
        }
    }
    let under = map_area(frame).1;
    for (row, (name, text)) in under.rows().zip(facts(map)) {
        put_line(buffer, row, [(format!(" {name}  "), chrome.dim), (text, chrome.text)]);
    }
}

/// What is patched into what, and what is looked at.
fn facts(map: &PatchMap) -> Vec<(&'static str, String)> {
    let [from, to] = map.captures().each_ref().map(|capture| {
        let labels = capture.tokens.iter().take(SHOWN).map(|token| token.label());
        labels.collect::<Vec<_>>().join(" ") + &capture.ablation.suffix()
    });
    let logits = map.found.as_ref().map(|found| {
        let (token, versus) = (visible(&found.logits.token), visible(&found.logits.versus));
        let [first, second] = found.logits.differences.map(|it| signed(it, 3));
        let apart = found.logits.little().map(|apart| format!("only {apart:.3} apart, "));
        let apart = apart.unwrap_or_default();
        format!("“{token}” less “{versus}”: {apart}pinned {first}, this one {second}")
    });
    let lines = [("taken from", Some(from)), ("put into  ", Some(to)), ("logit of  ", logits)];
    lines.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

fn draw_frame(state: &State, map: &PatchMap, frame: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let room = usize::from(frame.width.saturating_sub(4));
    let (layers, columns) = map.shape();
    let name = format!(" {} ", escape_controls(&map.captures()[1].model.name));
    let what = format!("{layers} layers × {columns} {}s ", map.what().column());
    let (layer, column) = map.chosen;
    let token =
        |at: usize| map.captures()[at].tokens.get(column).map(|token| token.label()).unwrap_or_default();
    let chosen = match map.what() {
        Patched::Heads => View::Head { layer, head: column }.short_title(),
        Patched::Residual => {
            let [from, to] = [token(0), token(1)];
            let tokens = if from == to { from } else { format!("{from} for {to}") };
            format!("after layer {layer}, token {column} {tokens}")
        }
    };
    let effect = map.effect(map.chosen).map_or_else(|| "–".to_owned(), |effect| signed(effect, 3));
    let chosen = format!(" {chosen}: effect {effect} ");
    let mut block = boxed(chrome.focus)
        .title(Line::from(vec![
            Span::styled(fit(&name, room), chrome.strong),
            Span::styled(fit(&what, room.saturating_sub(width(&name))), chrome.dim),
        ]))
        .title_bottom(Span::styled(fit(&chosen, room), chrome.accent));
    if let Some(status) = status(state, map).filter(|status| width(status) + width(&chosen) < room) {
        let status = Line::from(Span::styled(status, chrome.accent)).alignment(Alignment::Right);
        block = block.title_bottom(status);
    }
    block.render(frame, buffer);
}

/// How far it is, or why it isn't further.
fn status(state: &State, map: &PatchMap) -> Option<String> {
    let (done, all) = map.progress();
    match &map.stage {
        PatchStage::Known => None,
        PatchStage::Failed(_) if map.found.is_none() => None,
        PatchStage::Failed(error) => {
            Some(format!(" {done} of {all}: {error}: {} goes on ", state.keys.hint(Command::Retry)))
        }
        PatchStage::Running => {
            let done_of_all = bar(done as f32 / all.max(1) as f32, PROGRESS);
            let blanks = " ".repeat(PROGRESS - width(&done_of_all));
            Some(format!(" {} {done_of_all}{blanks} {done} of {all} ", spinner(state)))
        }
    }
}
