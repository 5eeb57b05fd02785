//! Text of a given width on screen: wide and combining characters measured as the terminal draws them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::attention::{escape_controls, is_hidden};

/// Columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// A text of at most `room` columns; `…` stands for what had to go.
pub fn fit(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let mut left = room.saturating_sub(1);
    for grapheme in Span::raw(text).styled_graphemes(Style::new()) {
        let columns = width(grapheme.symbol);
        if columns > left {
            break;
        }
        left -= columns;
        fitted.push_str(grapheme.symbol);
    }
    if room > 0 {
        fitted.push('…');
    }
    fitted
}

/// The first of texts that say the same in fewer and fewer words for which there is room, else as much of the last one as
/// there is room for.
pub fn first_that_fits(texts: &[impl AsRef<str>], room: usize) -> String {
    let mut all = texts.iter().map(AsRef::as_ref);
    let last = texts.last().map_or("", AsRef::as_ref);
    fit(all.find(|text| width(text) <= room).unwrap_or(last), room)
}

/// A name that fits in `room` columns: of a longer one its end, where a file's own name stands.
pub fn fit_name(name: &str, room: usize) -> String {
    if width(name) <= room {
        return name.to_owned();
    }
    let mut left = room.saturating_sub(1);
    let span = Span::raw(name);
    let graphemes: Vec<&str> = span.styled_graphemes(Style::new()).map(|grapheme| grapheme.symbol).collect();
    let mut start = graphemes.len();
    while start > 0 && width(graphemes[start - 1]) <= left {
        start -= 1;
        left -= width(graphemes[start]);
    }
    if room > 0 { format!("…{}", graphemes[start..].concat()) } else { String::new() }
}

/// A text that fits in `room` columns: of a longer one its beginning and its end.
pub fn fit_ends(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let start = fit(text, room / 2);
    let start = start.trim_end_matches('…');
    format!("{start}{}", fit_name(text, room - width(start)))
}

/// A text of exactly `room` columns, its end at the right.
pub fn right(text: &str, room: usize) -> String {
    let text = fit(text, room);
    format!("{}{text}", " ".repeat(room.saturating_sub(width(&text))))
}

/// A text of exactly `room` columns, in the middle.
pub fn center(text: &str, room: usize) -> String {
    let text = fit(text, room);
    let free = room.saturating_sub(width(&text));
    format!("{}{text}{}", " ".repeat(free / 2), " ".repeat(free - free / 2))
}

/// Lines of at most `room` columns, broken at blanks where there are any; control characters escaped.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace().map(escape_controls) {
        if !line.is_empty() && width(&line) + 1 + width(&word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        if width(&line) + width(&word) <= room {
            line.push_str(&word);
            continue;
        }
        for grapheme in Span::raw(&word).styled_graphemes(Style::new()) {
            if !line.is_empty() && width(&line) + width(grapheme.symbol) > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(grapheme.symbol);
        }
    }
    lines.push(line);
    lines
}

/// A number of at most five columns, as exact as fits: `0.676`, `12.35`, `1234`, `2e12`.
pub fn number(value: f32) -> String {
    match value.abs() {
        size if size >= 99_999.5 => format!("{value:.0e}"),
        size if size >= 999.95 => format!("{value:.0}"),
        size if size >= 99.995 => format!("{value:.1}"),
        size if size >= 9.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Where a colour scale begins, in two digits: `0.12`, `0.034`, `4.2·10⁻⁵`.
pub fn short(value: f32) -> String {
    if value >= 0.001 {
        let places = if value >= 0.0995 { 2 } else { 3 };
        return format!("{value:.places$}");
    }
    let text = format!("{value:.1e}");
    let (digits, exponent) = text.split_once("e-").unwrap_or((&text, "0"));
    let superscript = |c: char| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(c.to_digit(10).unwrap_or(0) as usize);
    let exponent: String = exponent.chars().filter_map(superscript).collect();
    match digits.trim_end_matches(".0") {
        "1" => format!("10⁻{exponent}"),
        digits => format!("{digits}·10⁻{exponent}"),
    }
}

/// Writes `text` at a position, no further than `room` columns and never outside the buffer. Returns
/// the column after it.
pub fn put(buffer: &mut Buffer, x: u16, y: u16, text: &str, room: usize, style: Style) -> u16 {
    let area = buffer.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return x;
    }
    buffer.set_stringn(x, y, text, room, style).0
}

/// Takes what is hidden out of every cell, wherever it came from: names, tokens and what is typed all end here.
pub fn clean(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() && cell.symbol().chars().any(is_hidden) {
            let mut shown: String = cell.symbol().chars().filter(|c| !is_hidden(*c)).collect();
            if shown.is_empty() {
                shown.push('�');
            }
            cell.set_symbol(&shown);
        }
    }
}

/// Writes pieces one after the other into the first line of `area`, until it is full.
pub fn put_line<'a>(
    buffer: &mut Buffer,
    area: Rect,
    pieces: impl IntoIterator<Item = (String, Style)> + 'a,
) -> u16 {
    let mut x = area.x;
    if area.height == 0 {
        return x;
    }
    for (text, style) in pieces {
        let room = usize::from(area.right().saturating_sub(x));
        x = put(buffer, x, area.y, &fit(&text, room), room, style);
    }
    x
}

/// Writes a line in the middle of row `y` of `area`.
pub fn put_centered(buffer: &mut Buffer, area: Rect, y: u16, line: &str, style: Style) {
    let room = usize::from(area.width);
    let line = fit(line, room);
    let x = area.x + (room.saturating_sub(width(&line)) / 2) as u16;
    put(buffer, x, y, &line, room, style);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_combining_characters_are_cut_where_they_fit() {
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(["日本語.gguf", "a", ""].map(|name| fit_name(name, 8)), ["…語.gguf", "a", ""]);
        assert_eq!([6, 5, 4, 1, 0].map(|room| fit_name("日本語", room)), ["日本語", "…本語", "…語", "…", ""]);
        assert_eq!(fit_ends("wrote /home/me/models/tiny.csv", 20), "wrote /ho…s/tiny.csv");
        assert_eq!(
            [9, 8, 2, 1, 0].map(|room| fit_ends("abcdefghi", room)),
            ["abcdefghi", "abc…fghi", "…i", "…", ""]
        );
        assert_eq!(fit("cafe\u{301}s", 5), "cafe\u{301}s");
        assert_eq!(fit("cafe\u{301}s", 4), "caf…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(right("日本", 3), " 日…".replace(' ', "").as_str());
    }

    #[test]
    fn numbers_of_any_size_fit() {
        let texts = [0.676, 9.99951, 12.346, 123.46, 12_345.6, 2e12].map(number);
        assert_eq!(texts, ["0.676", "10.00", "12.35", "123.5", "12346", "2e12"]);
        assert!(texts.iter().all(|text| width(text) <= 5));
        assert_eq!(
            [2.5, 0.123, 0.034, 4.2e-5, 1e-7, 9.99e-4].map(short),
            ["2.50", "0.12", "0.034", "4.2·10⁻⁵", "10⁻⁷", "10⁻³"]
        );
    }

    #[test]
    fn no_cell_hides_anything() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        let typed = "a\u{34f}b\u{ad}é\u{301}👩\u{200d}👧";
        buffer.set_string(0, 0, typed, Style::new());
        assert!(buffer.content.iter().any(|cell| cell.symbol().chars().any(is_hidden)));
        clean(&mut buffer);
        assert!(!buffer.content.iter().any(|cell| cell.symbol().chars().any(is_hidden)));
        assert_eq!(buffer.content[0].symbol(), "a");
        assert!(buffer.content.iter().any(|cell| cell.symbol() == "é\u{301}"));
        assert!(buffer.content.iter().any(|cell| cell.symbol() == "👩\u{200d}👧"));
    }

    #[test]
    fn padding_fills_exactly() {
        assert_eq!(right("ab", 4), "  ab");
        assert_eq!(center("ab", 5), " ab  ");
        assert_eq!(center("abcdef", 4), "abc…");
    }

    #[test]
    fn lines_are_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("日本語", 2), ["日", "本", "語"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("a\u{1b}[2J日", 8), ["a\\u{1b}[", "2J日"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_fits_any_room(text in ".{0,20}", room in 0..12usize) {
            for padded in [right(&text, room), center(&text, room)] {
                proptest::prop_assert!(width(&padded) >= room);
            }
            proptest::prop_assert!(!wrap(&text, room).is_empty());
        }
    }
}
