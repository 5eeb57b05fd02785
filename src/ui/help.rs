//! The keys, from the key table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::text::{fit, put};
use crate::app::State;
use crate::config::keys::{Command, Group};
use crate::theme::Theme;

/// Columns of the keys, and of a whole entry.
const KEYS: usize = 16;
const ENTRY: usize = 60;

/// How everything is counted, said once.
const COUNTING: &str = " layers, heads and tokens are counted from zero ";

enum Row {
    Heading(&'static str),
    Entry(String, &'static str),
    Blank,
}

/// Rows that don't fit on a screen.
pub fn overflow(state: &State, screen: Rect) -> usize {
    rows(&columns(state, screen)).saturating_sub(usize::from(screen.height.saturating_sub(2)))
}

fn rows(columns: &[Vec<Row>]) -> usize {
    columns.iter().map(Vec::len).max().unwrap_or(0)
}

/// Draws a box in the middle of `screen`, in two columns if it is wide enough.
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
    let first = state.help_row.min(overflow);
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.chrome.focus)
        .title(Span::styled(" keys ", theme.chrome.strong))
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
        Row::Blank => {}
    }
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
    if usize::from(screen.width) >= 2 * ENTRY + 5 {
        let (left, right) = Group::ALL.split_at(2);
        return vec![stack(left, true), stack(right, true)];
    }
    let roomy = stack(&Group::ALL, true);
    vec![if roomy.len() + 2 <= usize::from(screen.height) { roomy } else { stack(&Group::ALL, false) }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::text::width;

    #[test]
    fn every_description_fits() {
        for command in Command::all() {
            assert!(width(command.does()) + KEYS <= ENTRY, "{}", command.does());
        }
    }
}
