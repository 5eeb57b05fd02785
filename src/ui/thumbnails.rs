//! The strip under a matrix: a small picture of each head of the layer, or of each layer's mean. Two
//! rows of pixels in one row of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::PaneLayout;
use super::text::{center, fit, put, width};
use crate::app::{Depth, Pane, Shown};
use crate::attention::{CausalMatrix, View};
use crate::theme::Theme;

/// Rows of a strip in a pane of that height: a rule, the numbers, and the pictures.
pub fn height(pane: u16) -> u16 {
    match pane {
        0..10 => 0,
        10..18 => 4,
        18..26 => 5,
        _ => 6,
    }
}

/// Which thumbnails are on screen and where, numbers included.
pub fn place(pane: &Pane, strip: Rect) -> Vec<(View, Rect)> {
    let (Some(shown), true) = (&pane.shown, strip.height > 2) else { return Vec::new() };
    let (views, chosen) = views(pane, shown);
    let room = usize::from(strip.height - 2) * 2;
    let step = room.max(3) + 1;
    let count = (usize::from(strip.width.saturating_sub(1)) / step).max(1);
    let first = chosen.saturating_sub(count / 2).min(views.len().saturating_sub(count));
    let on_screen = views.into_iter().skip(first).take(count).enumerate();
    let area = |at: usize| Rect {
        x: strip.x + 1 + (at * step) as u16,
        y: strip.y + 1,
        width: step as u16 - 1,
        height: strip.height - 1,
    };
    on_screen.map(|(at, view)| (view, area(at).intersection(strip))).collect()
}

/// What the strip shows, and the number of the one that is or would be looked at.
fn views(pane: &Pane, shown: &Shown) -> (Vec<View>, usize) {
    let selection = pane.selection.within(&shown.capture.model);
    if selection.depth == Depth::Mean {
        return ((0..shown.capture.layers.len()).map(View::Layer).collect(), selection.layer);
    }
    let layer = selection.layer;
    let heads = shown.capture.layers.get(layer).map_or(0, |layer| layer.heads.len());
    ((0..heads).map(|head| View::Head { layer, head }).collect(), selection.head)
}

fn picture(shown: &Shown, view: View) -> Option<&CausalMatrix> {
    match view {
        View::Mean => None,
        View::Layer(layer) => shown.layer_thumbnails.get(layer),
        View::Head { layer, head } => Some(&shown.capture.layers.get(layer)?.heads.get(head)?.thumbnail),
    }
}

/// Draws rule, numbers and pictures.
pub fn draw(pane: &Pane, layout: &PaneLayout, border: Style, theme: &Theme, buffer: &mut Buffer) {
    let (Some(shown), strip) = (&pane.shown, layout.strip) else { return };
    if layout.thumbnails.is_empty() {
        return;
    }
    let (views, _) = views(pane, shown);
    let max = |matrix: &CausalMatrix| matrix.cells().iter().copied().fold(0.0, f32::max);
    let top = views.iter().filter_map(|view| picture(shown, *view)).map(max).fold(0.0, f32::max);
    draw_rule(pane, layout, (views.len(), top), border, theme, buffer);
    for &(view, area) in &layout.thumbnails {
        let chosen = view == pane.selection.view();
        let number = view.head().or(view.layer()).unwrap_or(0).to_string();
        let number = if chosen && area.width > 4 { format!("‹{number}›") } else { number };
        let style =
            if chosen { theme.chrome.accent.add_modifier(Modifier::REVERSED) } else { theme.chrome.dim };
        let number = if chosen { number } else { center(&number, usize::from(area.width)) };
        let x = area.x + (usize::from(area.width).saturating_sub(width(&number)) / 2) as u16;
        put(buffer, x, area.y, &number, usize::from(area.width), style);
        if let Some(matrix) = picture(shown, view) {
            let pixels = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
            draw_pixels(matrix, top, pixels.intersection(strip), theme, buffer);
        }
    }
}

fn draw_rule(
    pane: &Pane,
    layout: &PaneLayout,
    (count, top): (usize, f32),
    border: Style,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let strip = layout.strip;
    let rule = format!("├{}┤", "─".repeat(usize::from(layout.frame.width.saturating_sub(2))));
    put(buffer, layout.frame.x, strip.y, &rule, usize::from(layout.frame.width), border);
    let what = match pane.selection.depth {
        Depth::Mean => "layers".to_owned(),
        _ => format!("heads of layer {}", pane.selection.layer),
    };
    let number =
        |entry: Option<&(View, Rect)>| entry.and_then(|(view, _)| view.head().or(view.layer())).unwrap_or(0);
    let (first, last) = (number(layout.thumbnails.first()), number(layout.thumbnails.last()));
    let part =
        if layout.thumbnails.len() < count { format!(" {first}–{last} of {count}") } else { String::new() };
    let label = format!(" {what}{part} · colours 0–{top:.2} ");
    let room = usize::from(strip.width.saturating_sub(2));
    put(buffer, strip.x + 1, strip.y, &fit(&label, room), room, theme.chrome.dim);
}

/// Two rows of pixels in each row of `area`.
fn draw_pixels(matrix: &CausalMatrix, top: f32, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let room = usize::from(area.width.min(area.height * 2));
    let size = matrix.size();
    if size == 0 || room == 0 {
        return;
    }
    // Small matrices are drawn larger by whole numbers, large ones pooled by their maximum.
    let (scale, bin) = if size <= room { (room / size, 1) } else { (1, size.div_ceil(room)) };
    let pixels = size.div_ceil(bin) * scale;
    let left = area.x + (usize::from(area.width).saturating_sub(pixels) / 2) as u16;
    let level = |x: usize, y: usize| {
        let (query, key) = (y / scale * bin, x / scale * bin);
        let queries = query..(query + bin).min(size);
        let cells = queries.flat_map(|q| (key..(key + bin).min(q + 1)).filter_map(move |k| matrix.get(q, k)));
        let in_range = y < pixels && key < query + bin;
        in_range.then(|| cells.fold(0.0, f32::max) / top.max(f32::MIN_POSITIVE))
    };
    for y in 0..pixels.div_ceil(2) {
        for x in 0..pixels {
            let (upper, lower) = (level(x, 2 * y), level(x, 2 * y + 1));
            let (glyph, style) = pixel(upper, lower, theme);
            put(buffer, left + x as u16, area.y + y as u16, glyph.encode_utf8(&mut [0; 4]), 1, style);
        }
    }
}

fn pixel(upper: Option<f32>, lower: Option<f32>, theme: &Theme) -> (char, Style) {
    let larger = match (upper, lower) {
        (None, None) => return (' ', Style::new()),
        (a, b) => a.unwrap_or(0.0).max(b.unwrap_or(0.0)),
    };
    if let Some(glyph) = theme.glyph(larger) {
        return (if glyph == ' ' { '·' } else { glyph }, Style::new());
    }
    match (upper, lower) {
        (Some(a), Some(b)) => ('▀', Style::new().fg(theme.color(a)).bg(theme.color(b))),
        (Some(a), None) => ('▀', Style::new().fg(theme.color(a))),
        (None, b) => ('▄', Style::new().fg(theme.color(b.unwrap_or(0.0)))),
    }
}
