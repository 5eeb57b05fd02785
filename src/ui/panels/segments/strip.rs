//! A bar for each query of the chosen segment: what goes to the sink, to the first token, and to each segment.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::Column;
use crate::attention::segments::SegmentShares;
use crate::theme::Theme;
use crate::ui::widgets::area::take_top;
use crate::ui::widgets::stack;
use crate::ui::widgets::text::{fit, put_line, width};

/// Rows of the strip, at most.
const MOST: u16 = 17;

/// Rows of the strip in a box with so many rows, for a matrix of so many segments: what the parts are called, and bars.
pub fn height(body: u16, segments: usize) -> u16 {
    let least = match body {
        0..8 => return 0,
        8..12 => 2,
        12..18 => 5,
        18..30 => 7,
        _ => 9,
    };
    let matrix = u16::try_from(2 * segments + 2).unwrap_or(u16::MAX);
    body.saturating_sub(matrix).clamp(least, MOST)
}

/// Draws the bars of the chosen segment; of more queries than there are columns, the mean of some in each.
pub fn draw(
    shares: &SegmentShares,
    (row, column): (usize, Column),
    mut area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    if area.height < 2 || area.width < 4 {
        return;
    }
    area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let queries: Vec<usize> = shares.segments.tokens(row).collect();
    let parts = shares.segments.count() + 2;
    let own = 2 + if let Column::Key(key) = column { key } else { row };
    let heading = take_top(&mut area, 1);
    let all = mean(shares, &queries, parts);
    draw_heading(shares, (row, own), &all, heading, theme, buffer);
    let styles: Vec<Style> = (0..parts).map(|part| style(part, theme)).collect();
    if area.height == 1 {
        return stack::lying(&all, &styles, area, theme, buffer);
    }
    let room = usize::from(area.width);
    let (count, columns) = match queries.len() {
        0 => return,
        few if few <= room => (few, (room / few).clamp(1, 3)),
        _ => (room, 1),
    };
    for at in 0..count {
        let of = queries.len() * at / count..queries.len() * (at + 1) / count;
        let bar = mean(shares, &queries[of], parts);
        let x = area.x + (at * columns) as u16;
        // Wide bars have a gap between them.
        let place = Rect { x, width: columns.saturating_sub(1).max(1) as u16, ..area };
        stack::standing(&bar, &styles, place, theme, buffer);
    }
}

/// `rows of 3  ■ sink 12%  ■ first token 30%  ■ 2 20% Once upon…`: in as many words as there is room for.
fn draw_heading(
    shares: &SegmentShares,
    (row, own): (usize, usize),
    bar: &[f32],
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let percent = |part: usize| format!(" {:.0}%", 100.0 * bar.get(part).copied().unwrap_or(0.0));
    let name = shares.segments.label(own - 2);
    let rest = if shares.segments.of(0) == own - 2 { "rest of " } else { "" };
    let parts = |names: [&str; 3]| {
        let parts = [0, 1, own].into_iter().zip(names).skip(usize::from(!shares.has_sinks));
        parts.map(|(part, name)| (part, format!(" {name}{}", percent(part)))).collect::<Vec<_>>()
    };
    let rows = format!("rows of {}", row + 1);
    let columns = |parts: &[(usize, String)]| parts.iter().map(|(_, text)| width(text) + 3).sum::<usize>();
    let own_number = own - 1;
    let long = parts(["sink", "first token", &format!("{rest}{own_number}")]);
    let fits = width(&rows) + columns(&long) <= usize::from(area.width);
    let parts = if fits { long } else { parts(["sink", "first", &own_number.to_string()]) };
    let mut x = put_line(buffer, area, [(rows, chrome.strong)]);
    for (part, text) in parts {
        let rest = Rect { x: x + 2, width: area.right().saturating_sub(x + 2), ..area };
        if width(&text) + 1 > usize::from(rest.width) {
            return;
        }
        let sign = (stack::sign(part, theme).to_owned(), style(part, theme));
        x = put_line(buffer, rest, [sign, (text, chrome.text)]);
    }
    let rest = Rect { x: x + 1, width: area.right().saturating_sub(x + 1), ..area };
    let name = name.split_once(' ').map_or(name.as_str(), |(_, name)| name);
    put_line(buffer, rest, [(fit(name, usize::from(rest.width)), chrome.dim)]);
}

/// The style of a part: the sink, the first token, and then segments.
fn style(part: usize, theme: &Theme) -> Style {
    let chrome = &theme.chrome;
    match part {
        0 | 1 => chrome.shares[part],
        _ => chrome.segments[(part - 2) % chrome.segments.len()],
    }
}

/// The mean of the bars of some queries.
fn mean(shares: &SegmentShares, queries: &[usize], parts: usize) -> Vec<f32> {
    let mut sum = vec![0.0; parts];
    for query in queries {
        sum.iter_mut().zip(shares.bar(*query)).for_each(|(sum, share)| *sum += share);
    }
    let count = queries.len().max(1) as f32;
    sum.into_iter().map(|sum| sum / count).collect()
}
