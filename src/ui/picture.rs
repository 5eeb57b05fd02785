//! The screen as a picture: what is in the buffer, as SVG.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use crate::theme::{Background, Rgb, xterm};
use crate::vocabulary::xml::escape;

/// Pixels of a column and of a row of the screen.
const COLUMN: f32 = 8.4;
const ROW: f32 = 17.0;
/// From a row's top to the foot of its letters.
const BASELINE: f32 = 13.0;
/// Around the screen.
const MARGIN: f32 = 10.0;

/// The 16 colours that a terminal's own theme defines, as xterm has them.
const ANSI: [Rgb; 16] = Rgb::table([
    0x000000, 0xcd3131, 0x0dbc79, 0xe5e510, 0x2472c8, 0xbc3fbc, 0x11a8cd, 0xcccccc, 0x767676, 0xf14c4c,
    0x23d18b, 0xf5f543, 0x3b8eea, 0xd670d6, 0x29b8db, 0xffffff,
]);

/// How a run of cells is drawn.
#[derive(Clone, Copy, PartialEq)]
struct CellStyle {
    text: Rgb,
    behind: Rgb,
    bold: bool,
    underlined: bool,
}

/// The buffer as an SVG of its own: text stays text, every cell stays in its column.
pub fn svg(buffer: &Buffer, background: Background) -> String {
    let area = buffer.area;
    let (text, behind) = match background {
        Background::Dark => (Rgb(220, 220, 220), Rgb(22, 22, 26)),
        Background::Light => (Rgb(36, 36, 40), Rgb(255, 255, 255)),
    };
    let width = f32::from(area.width) * COLUMN + 2.0 * MARGIN;
    let height = f32::from(area.height) * ROW + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n",
        behind.hex()
    );
    let (mut boxes, mut words) = (String::new(), String::new());
    for y in area.top()..area.bottom() {
        let cells: Vec<(u16, &Cell)> = (area.left()..area.right()).map(|x| (x, &buffer[(x, y)])).collect();
        let top = MARGIN + f32::from(y - area.y) * ROW;
        for run in
            cells.chunk_by(|a, b| style_of(a.1, text, behind).behind == style_of(b.1, text, behind).behind)
        {
            let color = style_of(run[0].1, text, behind).behind;
            if color != behind {
                rect(&mut boxes, run[0].0 - area.x, run.len(), top, ROW, color);
            }
        }
        for run in cells.chunk_by(|a, b| style_of(a.1, text, behind) == style_of(b.1, text, behind)) {
            run_of_text(&mut boxes, &mut words, run, area.x, top, style_of(run[0].1, text, behind));
        }
    }
    svg.push_str(&boxes);
    svg.push_str(&words);
    svg.push_str("</svg>\n");
    svg
}

/// Half blocks become boxes, so that no font leaves gaps between them; anything else becomes text. Plain
/// letters share an element, any other sign has its own, so that no font moves its neighbours.
fn run_of_text(
    boxes: &mut String,
    words: &mut String,
    run: &[(u16, &Cell)],
    left: u16,
    top: f32,
    style: CellStyle,
) {
    let (mut word, mut start, mut covered) = (String::new(), 0, 0);
    for &(x, cell) in run {
        let (symbol, column) = (cell.symbol(), x - left);
        if x < covered {
            continue;
        }
        let columns = symbol.width().max(1);
        covered = x + columns as u16;
        if symbol.is_ascii() && (!word.is_empty() || symbol != " ") {
            if word.is_empty() {
                start = column;
            }
            word.push_str(symbol);
            continue;
        }
        letters(words, start, &std::mem::take(&mut word), top, style);
        match symbol {
            "▀" => rect(boxes, column, 1, top, ROW / 2.0, style.text),
            "▄" => rect(boxes, column, 1, top + ROW / 2.0, ROW / 2.0, style.text),
            "█" => rect(boxes, column, 1, top, ROW, style.text),
            _ => letters(words, column, symbol, top, style),
        }
    }
    letters(words, start, &word, top, style);
}

/// Text that fills exactly its columns.
fn letters(words: &mut String, column: u16, text: &str, top: f32, style: CellStyle) {
    let text = text.trim_end();
    if text.is_empty() {
        return;
    }
    let x = MARGIN + f32::from(column) * COLUMN;
    let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
    let line = if style.underlined { " text-decoration=\"underline\"" } else { "" };
    let _ = writeln!(
        words,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{weight}{line} xml:space=\"preserve\">{}</text>",
        top + BASELINE,
        text.width().max(1) as f32 * COLUMN,
        style.text.hex(),
        escape(text)
    );
}

fn rect(out: &mut String, column: u16, columns: usize, top: f32, height: f32, color: Rgb) {
    let x = MARGIN + f32::from(column) * COLUMN;
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{}\" shape-rendering=\"crispEdges\"/>",
        columns as f32 * COLUMN,
        color.hex()
    );
}

fn style_of(cell: &Cell, text: Rgb, behind: Rgb) -> CellStyle {
    let (mut front, mut back) = (rgb(cell.fg, text), rgb(cell.bg, behind));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut front, &mut back);
    }
    CellStyle {
        text: front,
        behind: back,
        bold: cell.modifier.contains(Modifier::BOLD),
        underlined: cell.modifier.contains(Modifier::UNDERLINED),
    }
}

fn rgb(color: Color, reset: Rgb) -> Rgb {
    let ansi = |index: usize| ANSI[index];
    match color {
        Color::Reset => reset,
        Color::Rgb(r, g, b) => Rgb(r, g, b),
        Color::Indexed(index @ 0..=15) => ansi(usize::from(index)),
        Color::Indexed(index) => xterm(index),
        Color::Black => ansi(0),
        Color::Red => ansi(1),
        Color::Green => ansi(2),
        Color::Yellow => ansi(3),
        Color::Blue => ansi(4),
        Color::Magenta => ansi(5),
        Color::Cyan => ansi(6),
        Color::Gray => ansi(7),
        Color::DarkGray => ansi(8),
        Color::LightRed => ansi(9),
        Color::LightGreen => ansi(10),
        Color::LightYellow => ansi(11),
        Color::LightBlue => ansi(12),
        Color::LightMagenta => ansi(13),
        Color::LightCyan => ansi(14),
        Color::White => ansi(15),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn wide_characters_keep_their_columns_and_markup_is_escaped() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(0, 0, " 日<b c> ", Style::new().fg(Color::Rgb(1, 2, 3)));
        let svg = svg(&buffer, Background::Dark);
        let text = |column: f32, columns: f32| {
            format!("x=\"{:.1}\" y=\"23.0\" textLength=\"{:.1}\"", MARGIN + column * COLUMN, columns * COLUMN)
        };
        assert!(svg.contains(&text(1.0, 2.0)) && svg.contains(">日</text>"), "{svg}");
        assert!(svg.contains(&text(3.0, 5.0)) && svg.contains(">&lt;b c&gt;</text>"), "{svg}");
        assert_eq!(svg.matches("<text").count(), 2);
    }

    #[test]
    fn cells_of_one_colour_are_one_box() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 2));
        buffer.set_style(Rect::new(1, 0, 3, 1), Style::new().bg(Color::Indexed(196)));
        let svg = svg(&buffer, Background::Dark);
        assert_eq!(svg.matches("fill=\"#ff0000\"").count(), 1, "{svg}");
    }
}
