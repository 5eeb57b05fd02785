//! The keys, from the key table, and what the words on screen mean.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::{Clear, Widget};

use super::glossary::WORDS;
use crate::app::{Opened, State};
use crate::config::keys::{Command, Group};
use crate::theme::Theme;
use crate::ui::widgets::area::boxed;
use crate::ui::widgets::text::{fit, put, wrap};

/// Columns of the keys, and of a whole entry.
const KEYS: usize = 16;
const ENTRY: usize = 60;

/// How everything is counted, said once.
const COUNTING: &str = " everything is counted from 0 ";

enum Row {
    Heading(&'static str),
    Entry(String, &'static str),
    /// A line of what a word means, the word on the first one.
    Word(&'static str, String),
    Blank,
}

/// Rows that don't fit on a screen.
pub fn overflow(state: &State, screen: Rect) -> usize {
    rows(&columns(state, screen)).saturating_sub(usize::from(screen.height.saturating_sub(2)))
}

fn rows(columns: &[Vec<Row>]) -> usize {
    columns.iter().map(Vec::len).max().unwrap_or(0)
}

/// Draws a box in the middle of `screen`, in two or three columns if it is wide enough.
pub fn draw(state: &State, screen: Rect, theme: &Theme, buffer: &mut Buffer) {
    let columns = columns(state, screen);
    let height = rows(&columns) as u16 + 2;
    let width = (columns.len() * (ENTRY + 1) + 3) as u16;
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    Clear.render(area, buffer);
    let overflow = overflow(state, screen);
    let Opened::Help(help) = state.screen.opened() else { return };
    let first = help.row.min(overflow);
    let mut block = boxed(theme.chrome.focus)
        .title(Span::styled(" keys and words ", theme.chrome.strong))
        .title(Span::styled(COUNTING, theme.chrome.dim));
    if first < overflow {
        block = block.title_bottom(Span::styled(" ↓ more ", theme.chrome.accent));
    }
    let inner = block.inner(area);
    block.render(area, buffer);
    for (at, rows) in columns.iter().enumerate() {
        let x = inner.x + 1 + (at * (ENTRY + 1)) as u16;
        let room = usize::from(inner.right().saturating_sub(x + 1)).min(ENTRY);
        for (y, row) in (inner.top()..inner.bottom()).zip(rows.iter().skip(first)) {
            draw_row(row, x, y, room, theme, buffer);
        }
    }
}

fn draw_row(row: &Row, x: u16, y: u16, room: usize, theme: &Theme, buffer: &mut Buffer) {
    match row {
        Row::Heading(title) => {
            put(buffer, x, y, &fit(title, room), room, theme.chrome.accent);
        }
        Row::Entry(keys, does) => {
            put(buffer, x, y, &fit(keys, KEYS - 1), room, theme.chrome.strong);
            let room = room.saturating_sub(KEYS);
            put(buffer, x + KEYS as u16, y, &fit(does, room), room, theme.chrome.text);
        }
        Row::Word(word, line) => {
            put(buffer, x, y, &fit(word, KEYS - 1), room, theme.chrome.strong);
            let room = room.saturating_sub(KEYS);
            put(buffer, x + KEYS as u16, y, &fit(line, room), room, theme.chrome.text);
        }
        Row::Blank => {}
    }
}

/// The words, each with what it means in lines that a column has room for.
fn words(screen: Rect) -> Vec<Row> {
    let room = usize::from(screen.width.saturating_sub(4)).min(ENTRY).saturating_sub(KEYS);
    let word = |(word, meaning): &(&'static str, &'static str)| {
        let words = [*word].into_iter().chain(std::iter::repeat(""));
        wrap(meaning, room)
            .into_iter()
            .zip(words)
            .map(|(line, word)| Row::Word(word, line))
            .collect::<Vec<_>>()
    };
    std::iter::once(Row::Heading("Words")).chain(WORDS.iter().flat_map(word)).collect()
}

/// Groups side by side on a wide screen, below each other on a narrow one; without blanks where rows
/// are scarce.
fn columns(state: &State, screen: Rect) -> Vec<Vec<Row>> {
    let group = |group: Group| {
        let commands = Command::all().filter(move |command| command.group() == group);
        let keys = |command: Command| {
            let labels: Vec<String> = state.keys.keys(command).iter().map(|key| key.label()).collect();
            labels.join("  ")
        };
        let entries = commands.map(move |command| Row::Entry(keys(command), command.does()));
        [Row::Heading(group.title())].into_iter().chain(entries.collect::<Vec<_>>())
    };
    let stack = |groups: &[Group], blanks: bool| {
        let mut rows: Vec<Row> = Vec::new();
        for (at, of) in groups.iter().enumerate() {
            if at > 0 && blanks {
                rows.push(Row::Blank);
            }
            rows.extend(group(*of));
        }
        rows
    };
    let below = |mut keys: Vec<Row>| {
        keys.push(Row::Blank);
        keys.extend(words(screen));
        keys
    };
    let fitting = usize::from(screen.width.saturating_sub(3)) / (ENTRY + 1);
    if fitting >= 2 {
        let (left, right) = Group::ALL.split_at(2);
        let (left, right) = (stack(left, true), stack(right, true));
        return if fitting == 2 { vec![below(left), right] } else { vec![left, right, words(screen)] };
    }
    let roomy = below(stack(&Group::ALL, true));
    vec![if roomy.len() + 2 <= usize::from(screen.height) { roomy } else { below(stack(&Group::ALL, false)) }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::text::width;

    #[test]
    fn every_description_fits() {
        for command in Command::all() {
            assert!(width(command.does()) + KEYS <= ENTRY, "{}", command.does());
        }
    }
}
