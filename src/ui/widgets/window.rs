//! The part of a list that is on screen.

use std::ops::Range;

/// The part of `count` things that is on screen where there is room for `room` of them: the one `at` which one looks is
/// in its middle where there is more on both sides.
pub fn window(at: usize, room: usize, count: usize) -> Range<usize> {
    let first = at.saturating_sub(room / 2).min(count.saturating_sub(room));
    first..count.min(first + room)
}

/// How many of `count` things are not on screen, for the border of their list: ` … 31 more `; nothing where all are.
pub fn more(on_screen: &Range<usize>, count: usize) -> String {
    match count.saturating_sub(on_screen.len()) {
        0 => String::new(),
        more => format!(" … {more} more "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_looks_at_is_on_screen_and_no_room_is_left_empty() {
        for (count, room) in [(0, 3), (2, 3), (10, 3), (10, 4), (5, 0)] {
            for at in 0..count {
                let part = window(at, room, count);
                assert_eq!(part.len(), room.min(count));
                assert!(room == 0 || part.contains(&at), "{at} of {count} in {part:?}");
            }
        }
        assert_eq!(window(5, 3, 10), 4..7);
        assert_eq!([more(&(4..7), 10), more(&(0..10), 10), more(&(0..0), 0)], [" … 7 more ", "", ""]);
    }
}
