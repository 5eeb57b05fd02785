//! The text of a prompt as it is read: what is seen of each token, in lines that are broken between words, and the words
//! and segments that one steps through.
//!
//! `glyphs` makes what is seen of tokens, `lines` breaks that, and `steps` knows where words and segments begin. What a
//! glyph is as wide as, is for the one who lays it out: columns of a terminal, or pixels of a figure.

mod glyphs;
mod lines;
mod steps;

pub use glyphs::{Character, Glyph, GlyphKind, characters, extents, glyphs, is_sign, sign};
pub use lines::{Piece, TextLayout, breaks};
pub use steps::{find, next_segment, next_word, previous_segment, previous_word};
