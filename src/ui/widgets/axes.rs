//! What rows and columns of a matrix stand for, in words: in full where there is room, short where there is little.

use crate::vocabulary::RowReading;

/// For a line of its own, the longest first.
const SENTENCES: [&str; 3] = [
    "rows: the token that looks (query) · columns: what it looks at (key)",
    "rows look (query) · columns are looked at (key)",
    "rows: query · columns: key",
];
/// For the corner above the rows' names and before the columns', the longest first.
const CORNERS: [&str; 5] = ["query ↓ key →", "query↓key→", "query ↓", "query↓", "q↓k→"];
/// The same where rows are named by what is predicted from them.
const PREDICTING_SENTENCES: [&str; 3] = [
    "rows: the token predicted from there (predicting) · columns: what is looked at (key)",
    "rows: what is predicted from them · columns: key",
    "rows: predicting · columns: key",
];
const PREDICTING_CORNERS: [&str; 4] = ["predicting ↓ key →", "predicting ↓", "pred.↓", "p↓k→"];
/// For what is left behind the columns' names.
pub const KEYS: &str = "← key";

/// As much as fits into so many columns.
pub fn sentence(rows: RowReading, room: usize) -> Option<&'static str> {
    match rows {
        RowReading::Reading => longest(&SENTENCES, room),
        RowReading::Predicting => longest(&PREDICTING_SENTENCES, room),
    }
}

/// As much as fits into so many columns, and whether it says what columns are.
pub fn corner(rows: RowReading, room: usize) -> Option<(&'static str, bool)> {
    let corners: &[&str] = match rows {
        RowReading::Reading => &CORNERS,
        RowReading::Predicting => &PREDICTING_CORNERS,
    };
    longest(corners, room).map(|text| (text, text.contains('k')))
}

fn longest(texts: &[&'static str], room: usize) -> Option<&'static str> {
    texts.iter().copied().find(|text| super::text::width(text) <= room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_axes_are_named_or_the_room_is_too_small() {
        let rows = RowReading::Reading;
        assert_eq!(corner(rows, 5), Some(("q↓k→", true)));
        assert_eq!(corner(rows, 7), Some(("query ↓", false)));
        assert_eq!(corner(rows, 20), Some(("query ↓ key →", true)));
        assert_eq!(corner(RowReading::Predicting, 20), Some(("predicting ↓ key →", true)));
        assert_eq!((corner(rows, 3), sentence(rows, 25)), (None, None));
        assert!(sentence(RowReading::Predicting, 99).is_some_and(|text| text.contains("predict")));
        assert!(sentence(rows, 26).is_some_and(|text| text.contains("query") && text.contains("key")));
    }
}
