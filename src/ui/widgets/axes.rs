//! What rows and columns of a matrix stand for, in words: in full where there is room, short where there is little.

/// For a line of its own, the longest first.
const SENTENCES: [&str; 3] = [
    "rows: the token that looks (query) · columns: what it looks at (key)",
    "rows look (query) · columns are looked at (key)",
    "rows: query · columns: key",
];
/// For the corner above the rows' names and before the columns', the longest first.
const CORNERS: [&str; 5] = ["query ↓ key →", "query↓key→", "query ↓", "query↓", "q↓k→"];
/// For what is left behind the columns' names.
pub const KEYS: &str = "← key";

/// As much as fits into so many columns.
pub fn sentence(room: usize) -> Option<&'static str> {
    longest(&SENTENCES, room)
}

/// As much as fits into so many columns, and whether it says what columns are.
pub fn corner(room: usize) -> Option<(&'static str, bool)> {
    longest(&CORNERS, room).map(|text| (text, text.contains('k')))
}

fn longest(texts: &[&'static str], room: usize) -> Option<&'static str> {
    texts.iter().copied().find(|text| super::text::width(text) <= room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_axes_are_named_or_the_room_is_too_small() {
        assert_eq!(corner(5), Some(("q↓k→", true)));
        assert_eq!(corner(7), Some(("query ↓", false)));
        assert_eq!(corner(20), Some(("query ↓ key →", true)));
        assert_eq!((corner(3), sentence(25)), (None, None));
        assert!(sentence(26).is_some_and(|text| text.contains("query") && text.contains("key")));
    }
}
