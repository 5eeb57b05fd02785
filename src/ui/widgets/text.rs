//! Text of a given width on screen: wide and combining characters measured as the terminal draws them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::attention::{escape_controls, is_hidden};
use crate::vocabulary::with_minus;

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
        // One that no line has room for begins where the one before it ends.
        let has_no_line = width(&word) > room && width(&line) + 2 <= room;
        if !line.is_empty() && !has_no_line && width(&line) + 1 + width(&word) > room {
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

/// The same in at most so many lines. Of a text that takes more, its middle goes, of which `…` stands at the beginning of the
/// last line: what to do stands at the end.
pub fn wrap_in(text: &str, room: usize, lines: usize) -> Vec<String> {
    let mut wrapped = wrap(text, room);
    if wrapped.len() <= lines {
        return wrapped;
    }
    wrapped.truncate(lines.saturating_sub(1));
    match lines {
        0 => {}
        1 => wrapped.push(fit_ends(&on_one_line(text), room)),
        _ => wrapped.push(last_words(text, room)),
    }
    wrapped
}

/// `…`, and as many words of a text's end as fit; where not one does, the end of the last.
fn last_words(text: &str, room: usize) -> String {
    let words: Vec<String> = text.split_whitespace().map(escape_controls).collect();
    let ends = (0..words.len()).map(|first| format!("… {}", words[first..].join(" ")));
    let whole = ends.into_iter().find(|end| width(end) <= room);
    whole.unwrap_or_else(|| fit_name(words.last().map_or("", String::as_str), room))
}

/// A text with one blank between words, control characters escaped.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().map(escape_controls).collect::<Vec<_>>().join(" ")
}

/// A number of at most five columns, and one for a minus sign, as exact as fits: `0.676`, `12.35`, `1234`, `2e12`.
pub fn number(value: f32) -> String {
    with_minus(&match value.abs() {
        size if size >= 99_999.5 => format!("{value:.0e}"),
        size if size >= 999.95 => format!("{value:.0}"),
        size if size >= 99.995 => format!("{value:.1}"),
        size if size >= 9.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    })
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

/// Writes `text` at a position, no further than `room` columns and never outside the buffer; `…` stands for words that had
/// to go. Returns the column after it.
pub fn put(buffer: &mut Buffer, x: u16, y: u16, text: &str, room: usize, style: Style) -> u16 {
    let area = buffer.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return x;
    }
    let room = room.min(usize::from(area.right() - x));
    // No character has more columns than bytes.
    if text.len() <= room || width(text.trim_end()) <= room {
        return buffer.set_stringn(x, y, text, room, style).0;
    }
    buffer.set_stringn(x, y, fit(text, room), room, style).0
}

/// Writes the first of texts that say the same in fewer and fewer words of which `area` has room for all lines, else as much of
/// the last one as [fits](wrap_in). Returns how many rows that takes.
pub fn put_notice(buffer: &mut Buffer, area: Rect, texts: &[impl AsRef<str>], style: Style) -> u16 {
    let (room, rows) = (usize::from(area.width), usize::from(area.height));
    let fits = |text: &&str| wrap(text, room).len() <= rows;
    let last = texts.last().map_or("", AsRef::as_ref);
    let text = texts.iter().map(AsRef::as_ref).find(fits).unwrap_or(last);
    let lines = wrap_in(text, room, rows);
    for (row, line) in area.rows().zip(&lines) {
        put(buffer, row.x, row.y, line, room, style);
    }
    lines.len() as u16
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
        assert_eq!(wrap("ab cdefghijk", 6), ["ab cde", "fghijk"]);
        assert_eq!(wrap("日本語", 2), ["日", "本", "語"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("a\u{1b}[2J日", 8), ["a\\u{1b}[", "2J日"]);
    }

    #[test]
    fn of_a_text_of_too_many_lines_the_middle_goes_and_not_what_to_do() {
        let text = "the file is not there: look for it, or choose another one: r tries again";
        assert_eq!(wrap_in(text, 80, 1), [text]);
        assert_eq!(wrap_in(text, 24, 9).len(), 4);
        let three = ["the file is not there:", "look for it, or choose", "… one: r tries again"];
        assert_eq!(wrap_in(text, 24, 3), three);
        assert_eq!(wrap_in(text, 24, 1), ["the file is… tries again"]);
        assert_eq!(wrap_in(text, 24, 0), [] as [&str; 0]);
        assert_eq!(wrap_in("a /very/long/path/indeed", 8, 2), ["a /very/", "…/indeed"]);
    }

    #[test]
    fn words_are_never_cut_without_a_sign() {
        let area = Rect::new(0, 0, 12, 2);
        let row = |buffer: &Buffer, y: u16| -> String { (0..12).map(|x| buffer[(x, y)].symbol()).collect() };
        let mut buffer = Buffer::empty(area);
        put(&mut buffer, 2, 0, "more than fits", 99, Style::new());
        put(&mut buffer, 0, 1, "padded    ", 8, Style::new());
        assert_eq!([row(&buffer, 0), row(&buffer, 1)], ["  more than…", "padded      "]);
        let mut buffer = Buffer::empty(area);
        let texts = ["this says all of it, and more", "all of it: key r"];
        assert_eq!(put_notice(&mut buffer, area, &texts, Style::new()), 2);
        assert_eq!([row(&buffer, 0), row(&buffer, 1)], ["all of it:  ", "key r       "]);
    }

    proptest::proptest! {
        #[test]
        fn a_notice_never_takes_more_than_it_has(text in "[a-z日 \\n]{0,60}", room in 1..20usize, lines in 0..4usize) {
            let wrapped = wrap_in(&text, room, lines);
            proptest::prop_assert!(wrapped.len() <= lines.max(1));
            if wrap(&text, room).len() > lines {
                proptest::prop_assert!(wrapped.len() == lines);
                proptest::prop_assert!(wrapped.iter().all(|line| room < 2 || width(line) <= room), "{wrapped:?}");
            }
        }

        #[test]
        fn any_text_fits_any_room(text in ".{0,20}", room in 0..12usize) {
            for padded in [right(&text, room), center(&text, room)] {
                proptest::prop_assert!(width(&padded) >= room);
            }
            proptest::prop_assert!(!wrap(&text, room).is_empty());
        }
    }
}
