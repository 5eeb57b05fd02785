//! All heads of both models in a table.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Margin, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::face::{Face, no_legend};
use crate::app::{ListedHead, Side, State};
use crate::attention::HeadOrder;
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, pair};
use crate::ui::facts::{heads_to_come, scores_to_come, sweep_to_come};
use crate::ui::names::{ABLATED, model_names};
use crate::ui::places::{Body, PanelLayout, Part};
use crate::ui::widgets::area::{boxed, put_under};
use crate::ui::widgets::bar::bar;
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{fit, fit_name, put, right, width};
use crate::ui::widgets::window::{more, window};
use crate::vocabulary::with_minus;

/// Columns of a model's name, at most.
const NAME: usize = 14;
/// Columns of head, KV group and kind of layer.
const FACTS: usize = 7 + 4 + 9;
/// Columns of a bar, at least and at most.
const BAR: (usize, usize) = (8, 30);
/// Statistics of a higher rank are on screen only where the bar has room beside them.
const MOST_NEEDED: usize = 10;
/// Of what heads add to a logit.
const PUSH_RANK: usize = 11;

/// All heads of both models.
pub const FACE: Face = Face { title, hints, legend: no_legend, place, draw };

fn title(state: &State, _: &str) -> Vec<String> {
    let of_both = match state.panes.is_alone() {
        true => "",
        false if state.panes.pin.is_some() => " of both sides",
        false => " of both models",
    };
    vec![format!("all heads{of_both} in numbers")]
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "choose"),
        pair(state, (Command::CursorLeft, Command::CursorRight), "sort by"),
        hint(state, Command::Open, "go to it"),
        hint(state, Command::SimilarHeads, "heads like it"),
        hint(state, Command::AblateHead, "switch it off"),
        hint(state, Command::LayerKinds, "sliding, full"),
        hint(state, Command::KvGroup, "KV group"),
        hint(state, Command::Back, "back"),
    ]
}

/// The heads that are on screen: the chosen one among them.
fn on_screen(state: &State, frame: Rect) -> Range<usize> {
    let room = usize::from(frame.inner(Margin::new(1, 1)).height.saturating_sub(1));
    window(state.screen.list.row, room, state.screen.list.rows().len())
}

fn place(state: &State, frame: Rect, _: u16) -> Body {
    let body = frame.inner(Margin::new(1, 1));
    let heads = &state.screen.list.rows()[on_screen(state, frame)];
    let part = |(at, head): (usize, &ListedHead)| Part {
        side: head.side,
        view: Some(head.entry.view()),
        area: Rect { y: body.y + 1 + at as u16, height: 1, ..body },
    };
    let parts = heads.iter().enumerate().map(part).collect();
    Body::Panel(PanelLayout { side: state.panes.focus, frame, parts })
}

/// Draws headings, rows, and what is listed.
fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let Body::Panel(layout) = body else { return };
    let listed = state.screen.list.rows();
    draw_frame(state, listed.len(), layout, theme, buffer);
    let body = layout.frame.inner(Margin::new(1, 1));
    let names = model_names(state, NAME);
    let name = names.iter().map(|name| width(name)).max().unwrap_or(0).clamp(5, NAME);
    let order = state.screen.list.order;
    let room = usize::from(body.width).saturating_sub(2 + name + FACTS);
    let (numbers, free) = numbers(order, room);
    let heading = |heading: &str, of: HeadOrder| {
        let text = if of == order { format!("▾{heading}") } else { heading.to_owned() };
        (text, if of == order { theme.chrome.accent } else { theme.chrome.dim })
    };
    let mut x = body.x + 2;
    let mut put_right = |text: (String, Style), columns: usize| {
        x = put(buffer, x, body.y, &right(&text.0, columns), columns, text.1);
    };
    put_right(("model".to_owned(), theme.chrome.dim), name);
    put_right(heading("head", HeadOrder::Head), 7);
    put_right(("kv".to_owned(), theme.chrome.dim), 4);
    put_right(("layer".to_owned(), theme.chrome.dim), 9);
    for (of, text) in &numbers {
        put_right(heading(text, *of), column(text));
    }
    let top = listed.iter().filter_map(|head| order.value(&head.entry)).fold(0.0, f32::max);
    let ablated = Side::BOTH.map(|side| state.panes.ablated_heads(side));
    let rows = on_screen(state, layout.frame);
    for (at, (head, part)) in rows.clone().zip(listed[rows].iter().zip(&layout.parts)) {
        let (chosen, area) = (at == state.screen.list.row, part.area);
        let style = if chosen { theme.chrome.accent } else { theme.chrome.text };
        let entry = &head.entry;
        let mark = if chosen { "▸ " } else { "  " };
        let mut x = put(buffer, area.x, area.y, mark, 2, theme.chrome.accent);
        let mut put_right = |text: &str, columns: usize, style: Style| {
            x = put(buffer, x, area.y, &right(text, columns), columns, style);
        };
        put_right(&fit_name(&names[head.side.index()], name), name, style);
        let is_ablated = ablated[head.side.index()].contains(entry.layer, entry.head);
        let mark = if is_ablated { ABLATED } else { "" };
        put_right(&format!("{mark}{}.{}", entry.layer, entry.head), 7, style.add_modifier(Modifier::BOLD));
        put_right(&entry.group.to_string(), 4, theme.chrome.dim);
        put_right(entry.kind.name(), 9, theme.chrome.dim);
        for (of, text) in &numbers {
            let style = if *of == order { theme.chrome.strong } else { style };
            match of.value(entry) {
                Some(value) => put_right(&with_minus(&format!("{value:.3}")), column(text), style),
                None => put_right("–", column(text), theme.chrome.dim),
            }
        }
        if let Some(value) = order.value(entry).filter(|_| free >= BAR.0) {
            let columns = free.min(BAR.1) - 3;
            let bar = bar(if top > 0.0 { value / top } else { 0.0 }, columns);
            put(buffer, x + 2, area.y, &bar, columns, theme.chrome.bar);
        }
    }
}

/// Columns of a number, by its heading: room for the mark of the one that is sorted by.
fn column(heading: &str) -> usize {
    width(heading).max(6) + 2
}

/// The heading of a column of numbers; `↻`: on repeated random tokens.
fn column_heading(order: HeadOrder) -> String {
    match order {
        HeadOrder::By(statistic) if statistic.is_on_repeated_tokens() => format!("↻ {}", statistic.heading()),
        HeadOrder::By(statistic) => statistic.heading().to_owned(),
        HeadOrder::Push => "push".to_owned(),
        HeadOrder::Similarity => "alike".to_owned(),
        HeadOrder::Head => "head".to_owned(),
    }
}

/// How long a column stays where there is no room for all: the smallest the longest.
fn rank(of: HeadOrder) -> usize {
    match of {
        HeadOrder::By(statistic) => statistic.rank(),
        HeadOrder::Push => PUSH_RANK,
        HeadOrder::Head | HeadOrder::Similarity => 0,
    }
}

/// The columns of numbers that there is room for, among them the one that heads are sorted by, and the room that is
/// left.
fn numbers(order: HeadOrder, mut room: usize) -> (Vec<(HeadOrder, String)>, usize) {
    // Without a head that is chosen nothing is alike.
    let is_number = |of: &HeadOrder| match of {
        HeadOrder::Head => false,
        HeadOrder::By(_) | HeadOrder::Push => true,
        HeadOrder::Similarity => *of == order,
    };
    let mut all: Vec<(usize, HeadOrder)> = HeadOrder::all().filter(is_number).enumerate().collect();
    all.sort_by_key(|(_, of)| (*of != order, rank(*of)));
    let mut taken = Vec::new();
    for (at, of) in all {
        let heading = column_heading(of);
        let beside = if rank(of) > MOST_NEEDED && of != order { BAR.0 } else { 0 };
        if column(&heading) + beside <= room {
            room -= column(&heading);
            taken.push((at, of, heading));
        }
    }
    taken.sort_by_key(|(at, ..)| *at);
    (taken.into_iter().map(|(_, of, heading)| (of, heading)).collect(), room)
}

fn draw_frame(state: &State, count: usize, layout: &PanelLayout, theme: &Theme, buffer: &mut Buffer) {
    let (chrome, list) = (&theme.chrome, &state.screen.list);
    let room = usize::from(layout.frame.width.saturating_sub(4));
    let mut what = format!(" {count} heads");
    if let Some(kind) = list.filter.kind {
        what.push_str(&format!(" · {} layers only", kind.name()));
    }
    if let Some(group) = list.filter.group {
        what.push_str(&format!(" · KV group {group} only"));
    }
    let sorted = match (&list.similarity, list.order) {
        (Some(to), HeadOrder::Similarity) => {
            let names = model_names(state, NAME);
            format!(" like {} {} ", names[to.side.index()], to.head.short_title())
        }
        (_, HeadOrder::Head) => " in the order of the models ".to_owned(),
        (_, HeadOrder::Similarity) => " by similarity, on this prompt ".to_owned(),
        (_, HeadOrder::Push) => " by push to the likeliest next token ".to_owned(),
        (_, HeadOrder::By(statistic)) => format!(" by {}, {} ", statistic.short_id(), statistic.over()),
    };
    let mut block = boxed(chrome.focus).title(Span::styled(fit(&format!("{what} "), room), chrome.strong));
    if width(&what) + width(&sorted) < room {
        block = block.title(Line::from(Span::styled(sorted, chrome.accent)).alignment(Alignment::Right));
    }
    let status = status(state);
    let (texts, style) = match status.is_empty() {
        true => {
            (["↻ on repeated random tokens", "↻ repeated tokens"].map(str::to_owned).to_vec(), chrome.dim)
        }
        false => (vec![status], chrome.accent),
    };
    block.render(layout.frame, buffer);
    let hidden = more(&on_screen(state, layout.frame), count);
    put_under(layout.frame, (&texts, style), &hidden, theme, buffer);
}

/// What is under way for the list, and what went wrong.
fn status(state: &State) -> String {
    let names = model_names(state, NAME);
    let mut parts = Vec::new();
    for (side, name) in Side::BOTH.into_iter().zip(&names) {
        let Some(shown) = &state.pane(side).shown else { continue };
        parts.extend(heads_to_come(state, side, shown).map(|what| format!("{name}: {what}")));
        parts.extend(scores_to_come(state, name, shown));
        parts.extend(sweep_to_come(state, name, shown));
    }
    match state.screen.list.similarity.as_ref().map(|to| &to.found) {
        Some(None) => parts.push(format!("{} comparing heads", spinner(state))),
        Some(Some(Err(error))) => parts.push(error.to_string()),
        _ => {}
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::Statistic;

    #[test]
    fn what_is_sorted_by_is_on_screen_at_any_width() {
        for order in HeadOrder::all().filter(|order| *order != HeadOrder::Head) {
            for room in 14..140 {
                let (columns, left) = numbers(order, room);
                assert!(columns.iter().any(|column| column.0 == order), "{order} {room}");
                let taken: usize = columns.iter().map(|(_, heading)| column(heading)).sum();
                assert_eq!(taken + left, room);
            }
        }
        let all = numbers(HeadOrder::By(Statistic::Induction), 200).0;
        assert_eq!(all.len(), Statistic::ALL.len() + 1, "and push: all but similarity");
        for room in BAR.0..200 {
            let (columns, left) = numbers(HeadOrder::default(), room);
            let has_least_needed = columns.iter().any(|column| rank(column.0) > MOST_NEEDED);
            assert!(!has_least_needed || left >= BAR.0, "the bar comes first: {room}");
        }
    }
}
