//! The strip under a matrix: a small picture of each head of the layer, or of each layer's mean. Two
//! rows of pixels in one row of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::app::{ColorScale, DisplayedCapture, Extent, Pane, Scale, State};
use crate::attention::{CausalMatrix, View};
use crate::theme::Theme;
use crate::ui::names::ABLATED;
use crate::ui::places::PaneLayout;
use crate::ui::widgets::pixels::{draw_awaited, draw_pixels};
use crate::ui::widgets::text::{first_that_fits, fit, put, short, width};
use crate::ui::widgets::window::window;

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
    let on_screen = window(chosen, count, views.len()).map(|at| views[at]).enumerate();
    let area = |at: usize| Rect {
        x: strip.x + 1 + (at * step) as u16,
        y: strip.y + 1,
        width: step as u16 - 1,
        height: strip.height - 1,
    };
    on_screen.map(|(at, view)| (view, area(at).intersection(strip))).collect()
}

/// What the strip shows, and the number of the one that is or would be looked at.
fn views(pane: &Pane, shown: &DisplayedCapture) -> (Vec<View>, usize) {
    let selection = pane.selection.within(&shown.capture.model);
    if selection.depth.is_over_layers() {
        return ((0..shown.capture.layers.len()).map(View::Layer).collect(), selection.layer);
    }
    let layer = selection.layer;
    let heads = shown.capture.layers.get(layer).map_or(0, |layer| layer.heads.len());
    ((0..heads).map(|head| View::Head { layer, head }).collect(), selection.head)
}

/// Draws rule, numbers and pictures.
pub fn draw(state: &State, layout: &PaneLayout, border: Style, theme: &Theme, buffer: &mut Buffer) {
    let (pane, strip) = (state.pane(layout.side), layout.strip);
    let Some(shown) = &pane.shown else { return };
    if layout.thumbnails.is_empty() {
        return;
    }
    let (views, next) = views(pane, shown);
    let scale = scale(state.display.color_scale, views.iter().filter_map(|view| shown.picture(*view)));
    let range = range(shown, scale);
    draw_rule(pane, layout, (views.len(), &range), border, theme, buffer);
    let ablated = state.panes.ablated_heads(layout.side);
    let is_ablated =
        |view: View| view.head().is_some_and(|head| ablated.contains(view.layer().unwrap_or(0), head));
    for &(view, area) in &layout.thumbnails {
        let number = view.head().or(view.layer()).unwrap_or(0);
        let number = if is_ablated(view) { format!("{ABLATED}{number}") } else { number.to_string() };
        let (number, style) = match () {
            () if view == pane.selection.view().attention() => {
                (format!("‹{number}›"), theme.chrome.accent.add_modifier(Modifier::REVERSED))
            }
            () if views.get(next) == Some(&view) => (number, theme.chrome.strong),
            () => (number, theme.chrome.dim),
        };
        let room = usize::from(area.width);
        let number = fit(&number, room);
        put(buffer, area.x + room.saturating_sub(width(&number)) as u16 / 2, area.y, &number, room, style);
        let pixels = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        match shown.picture(view) {
            Some(matrix) => draw_pixels(matrix, scale, pixels.intersection(strip), theme, buffer),
            None => draw_awaited(pixels, theme, buffer),
        }
    }
}

fn draw_rule(
    pane: &Pane,
    layout: &PaneLayout,
    (count, range): (usize, &str),
    border: Style,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let strip = layout.strip;
    let rule = format!("├{}┤", "─".repeat(usize::from(layout.frame.width.saturating_sub(2))));
    put(buffer, layout.frame.x, strip.y, &rule, usize::from(layout.frame.width), border);
    let (of, what) = match pane.selection.depth {
        depth if depth.is_over_layers() => (String::new(), "layers"),
        _ => (format!("layer {} · ", pane.selection.layer), "heads"),
    };
    let number =
        |entry: Option<&(View, Rect)>| entry.and_then(|(view, _)| view.head().or(view.layer())).unwrap_or(0);
    let (first, last) = (number(layout.thumbnails.first()), number(layout.thumbnails.last()));
    let part =
        if layout.thumbnails.len() < count { format!(" {first}–{last} of {count}") } else { String::new() };
    // The title says, too, which layer is on screen.
    let label = [of.as_str(), ""].map(|of| format!(" {of}{what}{part} · {range} "));
    let room = usize::from(strip.width.saturating_sub(2));
    put(buffer, strip.x + 1, strip.y, &first_that_fits(&label, room), room, theme.chrome.dim);
}

/// One colour scale for pictures that are seen together, up to the largest value after their first row,
/// which is 1 in many heads whatever they do. They hold raw values, whatever the matrices show, and no sinks; where the
/// matrix is value-weighted, they are.
pub fn scale<'a>(curve: ColorScale, pictures: impl Iterator<Item = &'a CausalMatrix>) -> Scale {
    Scale::new(curve, pictures.map(CausalMatrix::extent_after_first_row).fold(Extent::NONE, Extent::and))
}

/// The colours of pictures in words: `raw, 0–0.39`; `values, 0–2.51` where they are value-weighted.
fn range(shown: &DisplayedCapture, scale: Scale) -> String {
    let bottom = match scale.curve {
        ColorScale::Linear => "0".to_owned(),
        ColorScale::Log => format!("log {}", short(scale.bottom)),
    };
    let what = if shown.view().is_value_weighted() { "values" } else { "raw" };
    format!("{what}, {bottom}–{:.2}", scale.top)
}
