//! Effect: for each model a table of spans, with what each is given and what hiding it does to the next token.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use super::columns::boxes;
use super::face::{Face, no_legend};
use super::model_box::model_box;
use crate::app::{EffectSide, EffectStage, Opened, State};
use crate::attention::ablation::NextChange;
use crate::attention::knockout::{HiddenSpan, SpanEffect};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, other_side, pair};
use crate::ui::facts::{to_come, why_not};
use crate::ui::names::visible;
use crate::ui::places::{Body, Part};
use crate::ui::widgets::area::{inset, put_under, take_bottom, take_top};
use crate::ui::widgets::bar::{bar, put_signed_bar};
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{fit, put, put_notice, right, width};
use crate::ui::widgets::window::{more, window};
use crate::vocabulary::{nats, signed, with_minus};

/// Columns of a span's name, at least and at most.
const NAME: (usize, usize) = (8, 40);
/// Columns of a number.
const NUMBER: usize = 8;
/// Columns of a bar, at least and at most.
const BAR: (usize, usize) = (7, 31);
/// Columns of the bar that says how far it is.
const PROGRESS: usize = 12;
/// Rows from which the next tokens of the chosen span are listed.
const NEXT_FROM: u16 = 12;

/// What hiding spans does to the next token.
pub const FACE: Face = Face { title, hints, legend: no_legend, place: boxes, draw };

/// A column of numbers.
struct Column {
    heading: &'static str,
    /// How long it stays where there is no room for all: the smallest the longest.
    rank: usize,
    text: fn(&SpanEffect) -> String,
}

/// In the order of the screen.
const COLUMNS: [Column; 5] = [
    Column { heading: "share", rank: 1, text: |effect| percent(effect.share) },
    Column { heading: "values", rank: 3, text: |effect| percent(effect.weighted) },
    Column { heading: "push", rank: 2, text: |effect| signed(effect.push, 3) },
    Column { heading: "Δ ln p", rank: 0, text: |effect| signed(effect.change, 3) },
    Column { heading: "KL", rank: 4, text: |effect| with_minus(&nats(effect.divergence, 3)) },
];

fn percent(share: f32) -> String {
    format!("{:.1}%", share * 100.0)
}

fn title(_: &State, _: &str) -> Vec<String> {
    let titles = [
        "effect: each span hidden from all behind it, and what that does to the next token",
        "effect: what hiding each span does to the next token",
        "effect: next token, each span hidden",
    ];
    titles.map(str::to_owned).into()
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "choose"),
        hint(state, Command::MarkSpan, "span, segments, words"),
        hint(state, Command::Open, "go to it"),
        hint(state, Command::OtherModel, other_side(state)),
        hint(state, Command::Cancel, "stop"),
        hint(state, Command::Back, "back"),
    ]
}

fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let (Body::Panel(layout), Opened::Effect(effects)) = (body, state.screen.opened()) else { return };
    for part in &layout.parts {
        let side = effects.sides[part.side.index()].as_ref();
        draw_frame(state, part, side, theme, buffer);
        let Some(side) = side else { continue };
        let [table, agreement, next] = areas(part.area);
        match &side.stage {
            EffectStage::Failed(error) if side.effects.is_empty() => {
                put_notice(buffer, table, &[why_not(state, error)], theme.chrome.error);
            }
            _ => {
                draw_table(side, table, theme, buffer);
                draw_agreement(side, agreement, theme, buffer);
                draw_next(side, next, theme, buffer);
            }
        }
    }
}

/// Where the table, what is said of all spans, and the next tokens of the chosen one are.
fn areas(frame: Rect) -> [Rect; 3] {
    let mut table = inset(frame.inner(Margin::new(1, 1)));
    let next = if table.height >= NEXT_FROM { take_bottom(&mut table, 3) } else { Rect::default() };
    let agreement = take_bottom(&mut table, u16::from(frame.height > 6));
    [table, agreement, next]
}

/// The spans that are on screen, under the headings.
fn on_screen(side: &EffectSide, table: Rect) -> Range<usize> {
    window(side.row, table.height.saturating_sub(1).into(), side.spans().len())
}

fn draw_frame(state: &State, part: &Part, side: Option<&EffectSide>, theme: &Theme, buffer: &mut Buffer) {
    let next = |side: &EffectSide| {
        let next = side.capture().next.first()?;
        Some(format!("next {} {:.1}%", visible(next), next.probability * 100.0))
    };
    let by =
        |side: &EffectSide| [Some(format!("by {}", side.cut_by)), next(side)].into_iter().flatten().collect();
    let by: Vec<String> = side.map(by).unwrap_or_default();
    model_box(state, part.side, part.area.width, &by, theme).render(part.area, buffer);
    let status =
        side.and_then(|side| status(state, side)).or_else(|| to_come(state, part.side)).unwrap_or_default();
    let hidden = |side: &EffectSide| more(&on_screen(side, areas(part.area)[0]), side.spans().len());
    let hidden = side.map(hidden).unwrap_or_default();
    put_under(part.area, (&[status], theme.chrome.accent), &hidden, theme, buffer);
}

/// How far it is, or why it isn't further.
fn status(state: &State, side: &EffectSide) -> Option<String> {
    let (done, all) = (side.effects.len(), side.spans().len());
    let of_span = match &side.stage {
        EffectStage::Known => return None,
        EffectStage::Failed(_) if done == 0 => return None,
        EffectStage::Failed(error) => {
            let again = state.keys.hint(Command::Retry);
            return Some(format!("{done} of {all} spans: {error}: {again} goes on"));
        }
        EffectStage::Waiting => 0.0,
        EffectStage::Running { layer, layers } => *layer as f32 / (*layers).max(1) as f32,
    };
    let done_of_all = bar((done as f32 + of_span) / all.max(1) as f32, PROGRESS);
    let blanks = " ".repeat(PROGRESS - width(&done_of_all));
    Some(format!("{} {done_of_all}{blanks} {done} of {all} spans", spinner(state)))
}

/// The columns that there is room for, and the columns of a name and of a bar.
fn shared_out(side: &EffectSide, room: usize) -> (Vec<&'static Column>, usize, usize) {
    let longest = side.spans().iter().map(|span| width(&span.name)).max().unwrap_or(0);
    let least = longest.clamp(4, NAME.0);
    let mut by_rank: Vec<&Column> = COLUMNS.iter().collect();
    by_rank.sort_by_key(|column| column.rank);
    let count = (room.saturating_sub(least + 3) / NUMBER).min(COLUMNS.len());
    let taken: Vec<&Column> = COLUMNS
        .iter()
        .filter(|column| by_rank[..count].iter().any(|kept| kept.rank == column.rank))
        .collect();
    let free = room.saturating_sub(3 + count * NUMBER);
    let name = longest.clamp(4, NAME.1.min((free / 2).max(least))).min(free);
    let bars = if free - name > BAR.0 { (free - name).min(BAR.1) } else { 0 };
    (taken, if bars > 0 { name } else { free.min(longest.clamp(4, NAME.1)) }, bars)
}

fn draw_table(side: &EffectSide, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let (columns, name, bars) = shared_out(side, area.width.into());
    let mut rest = area;
    let heading = take_top(&mut rest, 1);
    let mut x = put(buffer, heading.x + 2, heading.y, &format!("{:name$}", "span"), name, chrome.dim);
    for column in &columns {
        x = put(buffer, x, heading.y, &right(column.heading, NUMBER), NUMBER, chrome.dim);
    }
    let changes = side.effects.iter().map(|effect| effect.change.abs());
    let top = changes.fold(0.0, f64::max);
    let spans = side.spans();
    for (y, at) in (rest.y..).zip(on_screen(side, area)) {
        let is_chosen = at == side.row;
        let (mark, style) = if is_chosen { ("▸ ", chrome.accent) } else { ("  ", chrome.text) };
        let x = put(buffer, rest.x, y, mark, 2, chrome.accent);
        let mut x = put(buffer, x, y, &padded(&spans[at], name), name, style.add_modifier(Modifier::BOLD));
        let Some(effect) = side.effects.get(at) else {
            put(buffer, x + 1, y, "…", 1, chrome.dim);
            continue;
        };
        if effect.later == 0 {
            put(
                buffer,
                x + 1,
                y,
                &fit("nothing is behind it", usize::from(rest.right().saturating_sub(x + 1))),
                40,
                chrome.dim,
            );
            continue;
        }
        for column in &columns {
            let style = if column.rank == 0 { chrome.strong } else { style };
            x = put(buffer, x, y, &right(&(column.text)(effect), NUMBER), NUMBER, style);
        }
        if bars > 0 {
            let level = if top > 0.0 { effect.change / top } else { 0.0 };
            put_signed_bar(buffer, (x + 1, y), level as f32, bars - 1, theme);
        }
    }
}

/// A span's name in exactly so many columns.
fn padded(span: &HiddenSpan, columns: usize) -> String {
    let name = fit(&span.name, columns);
    format!("{name}{}", " ".repeat(columns.saturating_sub(width(&name))))
}

/// How far what spans are given ranks them as hiding them does.
fn draw_agreement(side: &EffectSide, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let rho = |rho: Option<f64>| rho.map_or_else(|| "–".to_owned(), |rho| signed(rho, 2));
    let of = &side.agreement;
    let text = format!(
        "Spearman's ρ with |Δ ln p|: share {} · values {} · push {}",
        rho(of.share),
        rho(of.weighted),
        rho(of.push)
    );
    let short = format!("ρ share {} val {} push {}", rho(of.share), rho(of.weighted), rho(of.push));
    let room = usize::from(area.width);
    let text = if width(&text) <= room { text } else { fit(&short, room) };
    if area.height > 0 {
        put(buffer, area.x, area.y, &text, room, theme.chrome.dim);
    }
}

/// The likeliest next tokens before and after the chosen span is hidden.
fn draw_next(side: &EffectSide, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let Some(effect) = side.effects.get(side.row).filter(|_| area.height > 2) else { return };
    let (room, chrome) = (usize::from(area.width), &theme.chrome);
    let line = |text: &str, at: u16, style: Style, buffer: &mut Buffer| {
        put(buffer, area.x, area.y + at, &fit(text, room), room, style);
    };
    let listed = |probability: fn(&NextChange) -> f32| {
        let mut next: Vec<&NextChange> = effect.next.iter().collect();
        next.sort_by(|a, b| probability(b).total_cmp(&probability(a)));
        let named = next.iter().map(|it| format!("{} {:.1}%", visible(&it.before), probability(it) * 100.0));
        named.collect::<Vec<_>>().join("  ")
    };
    // The name gives way, not what is said of it.
    let named = |before: &str, behind: &str| {
        let name = fit(&effect.span.name, room.saturating_sub(width(before) + width(behind) + 2));
        format!("{before}“{name}”{behind}")
    };
    let before = listed(|next| next.before.probability);
    if effect.later == 0 {
        line(&named("nothing is behind ", ""), 0, chrome.dim, buffer);
        line(&format!("next {before}"), 1, chrome.text, buffer);
        return;
    }
    line(&named("next token when ", " is hidden:"), 0, chrome.dim, buffer);
    line(&format!("before {before}"), 1, chrome.text, buffer);
    line(&format!("after  {}", listed(|next| next.after)), 2, chrome.accent, buffer);
}
