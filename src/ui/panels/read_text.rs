//! The text that a model has read, in a line around one of its tokens.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::attention::{Token, escape_controls};
use crate::theme::Theme;
use crate::ui::widgets::text::{fit, put_line, width};

/// Draws the text up to the token at `query`, which is marked, and as much of what follows as there is room for.
pub fn draw_text(tokens: &[Token], query: usize, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    let Some(own) = tokens.get(query) else { return };
    let own = fit(&escape_controls(&own.text), room);
    let (mut before, mut free) = (Vec::new(), room.saturating_sub(width(&own)));
    let texts = |tokens: &[Token]| Token::whole_texts(tokens).into_iter().map(|text| escape_controls(&text));
    // A token takes a column, but for those that are parts of a character.
    let near = query.saturating_sub(NEAR * room);
    for part in texts(&tokens[near..query]).rev() {
        if width(&part) + 1 > free {
            before.push("…".to_owned());
            break;
        }
        free -= width(&part);
        before.push(part);
    }
    before.reverse();
    let after: String = texts(&tokens[query + 1..(query + 1 + NEAR * room).min(tokens.len())]).collect();
    let pieces = [
        (before.concat(), theme.chrome.text),
        (own, theme.chrome.accent.add_modifier(Modifier::REVERSED)),
        (fit(&after, free.saturating_sub(1)), theme.chrome.dim),
    ];
    put_line(buffer, area, pieces);
}

/// Tokens looked at for each column, at most: a character of several bytes may be as many tokens.
const NEAR: usize = 8;
