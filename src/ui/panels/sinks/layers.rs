//! The layers: what each of their heads gives to no word, and what is largest in the residual stream after them.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::app::{SinkNumber, SinkSide};
use crate::attention::lens::Lens;
use crate::attention::sinks::{Activation, StateActivations};
use crate::theme::Theme;
use crate::ui::widgets::area::take_top;
use crate::ui::widgets::text::{first_that_fits, number, put, put_line, right, width};
use crate::ui::widgets::window::window;

/// Columns of a layer's name, of its mean, of the largest activation, of how many times the median that is.
const NAME: usize = 10;
const MEAN: usize = 7;
const LARGEST: usize = 9;
const TIMES: usize = 9;
/// Columns of the token of the largest activation, and of its dimension.
const TOKEN: usize = 14;
/// Columns of heads, at least.
const HEADS: usize = 4;

/// Draws as many layers as there is room for, around the chosen one. Returns which.
pub fn draw(
    side: &SinkSide,
    (shown, chosen): (SinkNumber, usize),
    mut area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) -> Range<usize> {
    if area.height < 2 {
        return 0..0;
    }
    if area.height > 8 {
        take_top(&mut area, 1);
    }
    let model = &side.capture.model;
    let chrome = &theme.chrome;
    let room = usize::from(area.width);
    let has_times = room >= NAME + HEADS + MEAN + LARGEST + TIMES;
    let least = NAME + MEAN + LARGEST + if has_times { TIMES } else { 0 };
    let has_token = room >= least + HEADS.max(model.heads.min(16)) + 2 + TOKEN;
    let left = room.saturating_sub(least + if has_token { TOKEN + 2 } else { 0 });
    // A cell of two columns is better seen.
    let cell = if 2 * model.heads <= left { 2 } else { 1 };
    let heads = model.heads.min(left);
    let heading = take_top(&mut area, 1);
    let of_heads = [format!("heads 0–{}", heads.saturating_sub(1)), "heads".to_owned(), String::new()];
    let of_heads = first_that_fits(&of_heads, cell * heads);
    let mut text = format!("{:NAME$}{of_heads:1$}", "after", cell * heads);
    text += &right("mean", MEAN);
    text += &right("max |x|", LARGEST);
    if has_times {
        text += &right("×median", TIMES);
    }
    if has_token {
        text += "  at";
    }
    put(buffer, heading.x, heading.y, &text, room, chrome.dim);
    let sinks = side.sinks.as_ref().and_then(|found| found.as_ref().ok());
    let states = side.activations.as_ref().and_then(|found| found.as_ref().ok());
    let rows = window(chosen, usize::from(area.height), model.layers + 1);
    for (y, row) in (area.y..).zip(rows.clone()) {
        let is_chosen = row == chosen;
        let style = if is_chosen { chrome.accent } else { chrome.text };
        let mark = if is_chosen { "▸" } else { " " };
        let mut x = put(buffer, area.x, y, mark, 1, chrome.accent);
        x = put(buffer, x, y, &format!("{:1$}", Lens::name(row), NAME - 1), NAME - 1, style);
        let of_layer = row.checked_sub(1).and_then(|layer| sinks?.heads.get(layer));
        for head in 0..heads {
            let Some(of_head) = of_layer.and_then(|of| of.get(head)) else { continue };
            if let Some(share) = shown.of(of_head) {
                let level = share.clamp(0.0, 1.0);
                let glyph = theme.values.glyph(level).unwrap_or(' ').to_string().repeat(cell);
                put(buffer, x + (cell * head) as u16, y, &glyph, cell, theme.values.cell(level));
            } else {
                put(buffer, x + (cell * head) as u16, y, "·", 1, theme.chrome.masked);
            }
        }
        if of_layer.is_some_and(|of| of.len() > heads) && heads > 0 {
            put(buffer, x + (cell * heads) as u16 - 1, y, "…", 1, chrome.dim);
        }
        x += (cell * heads) as u16;
        let mean = row.checked_sub(1).and_then(|layer| sinks?.layer_mean(layer, |head| shown.of(head)));
        let none = if of_layer.is_some() { "–" } else { "" };
        let mean = mean.map_or_else(|| none.to_owned(), |mean| format!("{mean:.3}"));
        x = put(buffer, x, y, &right(&mean, MEAN), MEAN, style);
        let Some(state) = states.and_then(|states| states.get(row)) else { continue };
        let is_massive = state.count > 0;
        let style = if is_massive { chrome.accent.add_modifier(Modifier::BOLD) } else { chrome.text };
        let size = state.largest.map_or_else(String::new, |it| number(it.value.abs()));
        let size = if is_massive { format!("!{size}") } else { size };
        let times = state.times().map_or_else(String::new, |times| format!("×{}", number(times)));
        let rest = Rect { x, y, width: area.right().saturating_sub(x), height: 1 };
        let mut pieces = vec![(right(&size, LARGEST), style)];
        if has_times {
            pieces.push((right(&times, TIMES), chrome.dim));
        }
        if let Some(largest) = state.largest.filter(|_| has_token) {
            let (token, dimension) = place(side, largest);
            let taken: usize = pieces.iter().map(|(text, _)| width(text)).sum();
            let room = usize::from(rest.width).saturating_sub(taken + 2);
            let at = first_that_fits(&[format!("{token}, {dimension}"), token], room);
            pieces.push((format!("  {at}"), chrome.dim));
        }
        put_line(buffer, rest, pieces);
    }
    rows
}

/// The token and the dimension of what is largest: `0 Once` and `dim 447`.
fn place(side: &SinkSide, largest: Activation) -> (String, String) {
    let token = side.capture.tokens.get(largest.position).map(|token| token.label()).unwrap_or_default();
    (format!("{} {token}", largest.position), format!("dim {}", largest.dimension))
}

/// What is largest in a row, the most telling first.
pub fn facts(side: &SinkSide, row: usize, state: &StateActivations) -> Vec<String> {
    let Some(largest) = state.largest else { return Vec::new() };
    let times = state.times().map(|times| format!("×{} the median", number(times)));
    let massive = match state.count {
        0 => "none is massive".to_owned(),
        1 => "it is massive".to_owned(),
        count => format!("{count} are massive"),
    };
    let (token, dimension) = place(side, largest);
    let size = format!("{}: {} at {token}", Lens::name(row), number(largest.value));
    [Some(size), Some(dimension), times, Some(massive)].into_iter().flatten().collect()
}
