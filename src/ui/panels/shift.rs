//! How far the heads of two passes are apart, in a table.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Margin, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::face::{Face, no_legend};
use crate::app::{ModelShift, Opened, State};
use crate::attention::shift::HeadShift;
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, pair};
use crate::ui::names::{ABLATED, model_names};
use crate::ui::places::{Body, PanelLayout, Part};
use crate::ui::widgets::area::{boxed, put_under};
use crate::ui::widgets::bar::bar;
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{fit, put, right, width};
use crate::ui::widgets::window::{more, window};
use crate::vocabulary::{nats, with_minus};

/// Columns of a head, and of a number.
const COLUMNS: [usize; 3] = [8, 10, 8];
/// Columns of a bar, at least and at most.
const BAR: (usize, usize) = (8, 40);

/// How far the heads of two passes are apart.
pub const FACE: Face = Face { title, hints, legend: no_legend, place, draw };

fn shift(state: &State) -> Option<&ModelShift> {
    match state.screen.opened() {
        Opened::Shift(shift) => Some(shift),
        _ => None,
    }
}

/// What is compared: two models, or one with other heads, or over another prompt.
fn title(state: &State, _: &str) -> Vec<String> {
    let long = shift(state).map(|shift| {
        let [left, right] = shift.captures();
        let is_one = left.model == right.model;
        match [left, right].map(|of| &of.ablation) {
            [off, on] | [on, off] if is_one && on.is_empty() && !off.is_empty() => {
                format!("how far heads move {}", off.words())
            }
            [a, b] if is_one && a != b => "how far heads are apart, others being off".to_owned(),
            _ if is_one && left.tokens != right.tokens => {
                "how far heads are apart over both prompts".to_owned()
            }
            _ => "how far the heads of both models are apart".to_owned(),
        }
    });
    long.into_iter().chain(["how far heads are apart".to_owned()]).collect()
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "choose"),
        hint(state, Command::Open, "go to it"),
        hint(state, Command::OtherModel, "the other side's"),
        hint(state, Command::Cancel, "stop"),
        hint(state, Command::Back, "back"),
    ]
}

/// The heads that are on screen: the chosen one among them.
fn on_screen(shift: &ModelShift, frame: Rect) -> Range<usize> {
    let room = usize::from(frame.inner(Margin::new(1, 1)).height.saturating_sub(1));
    window(shift.row, room, shift.heads.len())
}

fn place(state: &State, frame: Rect, _: u16) -> Body {
    let body = frame.inner(Margin::new(1, 1));
    let (side, heads) = (state.panes.focus, shift(state).map(|shift| &shift.heads[on_screen(shift, frame)]));
    let part = |(at, head): (usize, &HeadShift)| Part {
        side,
        view: Some(head.view()),
        area: Rect { y: body.y + 1 + at as u16, height: 1, ..body },
    };
    let parts = heads.unwrap_or_default().iter().enumerate().map(part).collect();
    Body::Panel(PanelLayout { side, frame, parts })
}

fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let (Body::Panel(layout), Some(shift)) = (body, shift(state)) else { return };
    draw_frame(state, shift, layout.frame, theme, buffer);
    let (chrome, body) = (&theme.chrome, layout.frame.inner(Margin::new(1, 1)));
    let mut x = body.x + 2;
    for (heading, columns) in ["head", "▾JS nats", "flips"].into_iter().zip(COLUMNS) {
        let style = if heading.starts_with('▾') { chrome.accent } else { chrome.dim };
        x = put(buffer, x, body.y, &right(heading, columns), columns, style);
    }
    let top = shift.heads.first().map_or(0.0, |head| head.divergence);
    let rows = on_screen(shift, layout.frame);
    for (at, (head, part)) in rows.clone().zip(shift.heads[rows].iter().zip(&layout.parts)) {
        let (is_chosen, area) = (at == shift.row, part.area);
        let style = if is_chosen { chrome.accent } else { chrome.text };
        let mark = if is_chosen { "▸ " } else { "  " };
        let mut x = put(buffer, area.x, area.y, mark, 2, chrome.accent);
        let is_off = shift.captures().iter().any(|of| of.ablation.contains(head.layer, head.head));
        let name = format!("{}{}.{}", if is_off { ABLATED } else { "" }, head.layer, head.head);
        let (divergence, flips) =
            (with_minus(&nats(f64::from(head.divergence), 4)), format!("{:.0} %", 100.0 * head.flips));
        let styles = [style.add_modifier(Modifier::BOLD), chrome.strong, style];
        for ((text, columns), style) in [name, divergence, flips].iter().zip(COLUMNS).zip(styles) {
            x = put(buffer, x, area.y, &right(text, columns), columns, style);
        }
        let free = usize::from(area.right().saturating_sub(x + 3)).min(BAR.1);
        if free >= BAR.0 {
            let bar = bar(if top > 0.0 { head.divergence / top } else { 0.0 }, free);
            put(buffer, x + 2, area.y, &bar, free, chrome.bar);
        }
    }
}

fn draw_frame(state: &State, shift: &ModelShift, frame: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let room = usize::from(frame.width.saturating_sub(4));
    let names = model_names(state, room / 4);
    let what = format!(" {} and {}: {} heads", names[0], names[1], shift.heads.len());
    let next = shift.next.map(|next| with_minus(&nats(next, 4)));
    let next = next.and_then(|next| {
        let texts = [format!(" next token: KL {next} nats "), format!(" next: KL {next} ")];
        texts.into_iter().find(|text| width(&what) + width(text) < room)
    });
    let mut block = boxed(chrome.focus).title(Span::styled(fit(&format!("{what} "), room), chrome.strong));
    if let Some(next) = next {
        block = block.title(Line::from(Span::styled(next, chrome.accent)).alignment(Alignment::Right));
    }
    block.render(frame, buffer);
    let (texts, style) = match &shift.stopped {
        Some(why) => {
            let again = state.keys.hint(Command::Retry);
            (
                vec![format!("{} of {} layers: {why}: {again} goes on", shift.done, shift.layers)],
                chrome.accent,
            )
        }
        None if shift.done < shift.layers => {
            (vec![format!("{} {} of {} layers", spinner(state), shift.done, shift.layers)], chrome.accent)
        }
        None => {
            let mean = with_minus(&nats(f64::from(shift.mean_divergence()), 4));
            let short = format!("mean of all heads {mean}");
            let flips = format!("flips: another strongest key; {short}");
            let long = format!("JS divergence of rows with their sinks, mean over queries; {flips}");
            (vec![long, flips, short], chrome.dim)
        }
    };
    let hidden = more(&on_screen(shift, frame), shift.heads.len());
    put_under(frame, (&texts, style), &hidden, theme, buffer);
}
