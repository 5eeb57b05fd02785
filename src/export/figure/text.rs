//! Text of a given width on paper, measured with the font of figures.

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// The font of figures.
pub const FONT: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans-subset.ttf");
/// Its name, and similar fonts for machines that don't have it.
pub const FAMILY: &str = "'DejaVu Sans', Verdana, Geneva, sans-serif";

/// Measures text.
pub struct Ruler {
    font: Option<FontRef<'static>>,
}

impl Ruler {
    /// A ruler with the embedded font.
    pub fn new() -> Self {
        Self { font: FontRef::new(FONT).ok() }
    }

    /// How wide a text is at a font size. What the font lacks has the width it usually has in others.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        text.graphemes(true).map(|grapheme| self.advance(grapheme)).sum::<f32>() * size
    }

    /// A text of at most `room`; `…` stands for what had to go.
    pub fn fit(&self, text: &str, size: f32, room: f32) -> String {
        if self.width(text, size) <= room {
            return text.to_owned();
        }
        let mut left = room - self.width("…", size);
        let mut fitted = String::new();
        for grapheme in text.graphemes(true) {
            left -= self.width(grapheme, size);
            if left < 0.0 {
                break;
            }
            fitted.push_str(grapheme);
        }
        fitted + "…"
    }

    /// A text of at most `room`, of which both ends stay; `…` stands for what had to go.
    pub fn fit_ends(&self, text: &str, size: f32, room: f32) -> String {
        if self.width(text, size) <= room {
            return text.to_owned();
        }
        let reversed = |text: &str| text.graphemes(true).rev().collect::<String>();
        let start = self.fit(text, size, room / 2.0);
        let end = self.fit(&reversed(text), size, room - self.width(&start, size) + self.width("…", size));
        start + reversed(&end).trim_start_matches('…')
    }

    /// Lines of at most `room`, broken at blanks where there are any.
    pub fn wrap(&self, text: &str, size: f32, room: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut width = 0.0;
        // A word that is longer than a line is broken where it can be.
        let pieces =
            text.split_inclusive(' ').flat_map(|word| match self.width(word.trim_end(), size) <= room {
                true => vec![word.trim_end_matches(' '), &word[word.trim_end_matches(' ').len()..]],
                false => word.split_word_bounds().collect(),
            });
        for piece in pieces {
            let piece_width = self.width(piece, size);
            if width + piece_width > room && width > 0.0 {
                lines.push(String::new());
                width = 0.0;
                if piece == " " {
                    continue;
                }
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(piece);
                width += piece_width;
            }
        }
        lines.iter().map(|line| self.fit(line.trim_end(), size, room)).collect()
    }

    /// The width of a grapheme in a font of size 1. An emoji of several parts is one picture.
    fn advance(&self, grapheme: &str) -> f32 {
        let known: Option<f32> = grapheme.chars().map(|c| self.known(c)).sum();
        known.unwrap_or_else(|| [0.0, 0.62, 1.0][grapheme.width().min(2)])
    }

    fn known(&self, c: char) -> Option<f32> {
        let font = self.font.as_ref()?;
        let glyph = font.charmap().map(c)?;
        font.glyph_metrics(Size::new(1.0), LocationRef::default()).advance_width(glyph)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_wide_as_the_font_says() {
        let ruler = Ruler::new();
        assert_eq!(ruler.width("", 10.0), 0.0);
        // 1401 and 569 of 2048 units.
        let width = ruler.width("Ai", 2048.0);
        assert!((width - 1970.0).abs() < 1.0, "{width}");
        assert_eq!(ruler.width("日本", 10.0), 20.0);
    }

    #[test]
    fn text_is_cut_between_whole_characters() {
        let ruler = Ruler::new();
        assert_eq!(ruler.fit("日本語", 10.0, 30.0), "日本語");
        assert_eq!(ruler.fit("日本語", 10.0, 25.0), "日…");
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(ruler.width(family, 10.0), 20.0 / 2.0, "one picture");
        assert_eq!(ruler.fit(&format!("{family}{family}x"), 10.0, 22.0), format!("{family}…"));
        assert_eq!(ruler.fit_ends("日本語と英語", 10.0, 60.0), "日本語と英語");
        assert_eq!(ruler.fit_ends("日本語と英語", 10.0, 52.0), "日…と英語");
        assert_eq!(ruler.fit("abc", 10.0, 0.0), "…");
    }

    #[test]
    fn lines_fit_and_keep_their_words() {
        let ruler = Ruler::new();
        let text = "a prompt of several words, 日本語 and averyveryverylongwordwithoutanyblank";
        let lines = ruler.wrap(text, 10.0, 120.0);
        assert!(lines.len() > 2 && lines.iter().all(|line| ruler.width(line, 10.0) <= 120.0), "{lines:?}");
        assert_eq!(lines[0], "a prompt of several");
        let room = ruler.width("Push of Effect", 10.0);
        assert_eq!(
            ruler.wrap("Push of Effect: how", 10.0, room),
            ["Push of", "Effect: how"],
            "a sign stays with its word"
        );
        let room = ruler.width("from −", 10.0);
        assert_eq!(ruler.wrap("from −3.5", 10.0, room), ["from", "−3.5"]);
    }
}
