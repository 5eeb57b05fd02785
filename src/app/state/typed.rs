//! Text that goes into a line as a whole: measured before anything reads it, and put there at once.

use tui_input::{Input, InputRequest};

/// Bytes of a prompt, at most: more than any model reads.
pub const LONGEST_PROMPT: usize = 1 << 20;
/// Bytes of a line that searches a list or names a file, at most: the longest path.
pub(in crate::app) const LONGEST_LINE: usize = 4096;

/// Puts `text` where the line's cursor is.
///
/// # Errors
/// If the line would be longer than `longest` bytes; it stays as it was.
pub(in crate::app) fn insert(line: &mut Input, text: &str, longest: usize) -> Result<(), String> {
    if line.value().len() + text.len() > longest {
        return Err(too_long(longest));
    }
    let (at, value) = (line.cursor(), line.value());
    let byte = value.char_indices().nth(at).map_or(value.len(), |(byte, _)| byte);
    let value = [&value[..byte], text, &value[byte..]].concat();
    *line = std::mem::take(line).with_value(value);
    // What is cut next is cut anew.
    line.handle(InputRequest::SetCursor(at + text.chars().count()));
    Ok(())
}

/// Puts characters where the line's cursor is that were typed one after the other: as many as there is room for.
///
/// # Errors
/// If there is no room for all of them.
pub(in crate::app) fn insert_fitting(line: &mut Input, text: &str, longest: usize) -> Result<(), String> {
    let room = longest.saturating_sub(line.value().len());
    let ends = text.char_indices().map(|(byte, c)| byte + c.len_utf8());
    let fitting =
        if text.len() <= room { text.len() } else { ends.take_while(|end| *end <= room).last().unwrap_or(0) };
    if fitting > 0 {
        insert(line, &text[..fitting], longest)?;
    }
    if fitting < text.len() { Err(too_long(longest)) } else { Ok(()) }
}

/// Puts a text that was pasted into a line that is one line: control characters are left out.
///
/// # Errors
/// If the line would be too long; it stays as it was.
pub(in crate::app) fn paste(line: &mut Input, text: &str) -> Result<(), String> {
    if text.len() > 4 * LONGEST_LINE {
        return Err(too_long(LONGEST_LINE));
    }
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    insert(line, &text, LONGEST_LINE)
}

/// Does to the line what a key says, unless it would become longer than `longest` bytes. Returns whether its text has
/// changed.
///
/// # Errors
/// If it would be longer.
pub(in crate::app) fn handle(
    line: &mut Input,
    request: InputRequest,
    longest: usize,
) -> Result<bool, String> {
    let before = matches!(request, InputRequest::Yank).then(|| line.clone());
    if matches!(request, InputRequest::InsertChar(c) if line.value().len() + c.len_utf8() > longest) {
        return Err(too_long(longest));
    }
    let changed = line.handle(request).is_some_and(|change| change.value);
    match before {
        Some(before) if line.value().len() > longest => {
            *line = before;
            Err(too_long(longest))
        }
        _ => Ok(changed),
    }
}

/// What is said where a text is too long.
pub fn too_long(longest: usize) -> String {
    match longest >> 20 {
        0 => format!("too long: {longest} bytes at most"),
        megabytes => format!("too long: {megabytes} MB at most"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_where_the_cursor_is_as_if_it_were_typed() {
        let mut line = Input::new("aé日z".to_owned());
        line.handle(InputRequest::SetCursor(3));
        let mut typed = line.clone();
        insert(&mut line, "x\n\u{301}y", 100).unwrap();
        for c in "x\n\u{301}y".chars() {
            typed.handle(InputRequest::InsertChar(c));
        }
        assert_eq!((line.value(), line.cursor()), (typed.value(), typed.cursor()));
        assert_eq!(line.value(), "aé日x\n\u{301}yz");
    }

    #[test]
    fn what_is_too_long_is_not_taken() {
        let mut line = Input::new("abc".to_owned());
        assert_eq!(insert(&mut line, "defg", 6).unwrap_err(), "too long: 6 bytes at most");
        assert!(insert(&mut line, "def", 6).is_ok());
        assert!(handle(&mut line, InputRequest::InsertChar('g'), 6).is_err());
        assert_eq!(handle(&mut line, InputRequest::DeleteLine, 6), Ok(true));
        assert_eq!(handle(&mut line, InputRequest::Yank, 6), Ok(true));
        assert_eq!(handle(&mut line, InputRequest::GoToStart, 6), Ok(false));
        assert!(handle(&mut line, InputRequest::Yank, 6).is_err());
        assert_eq!(line.value(), "abcdef");
        assert_eq!(too_long(LONGEST_PROMPT), "too long: 1 MB at most");
    }

    #[test]
    fn of_what_is_typed_in_a_row_as_much_is_taken_as_there_is_room_for() {
        let mut line = Input::new("az".to_owned());
        line.handle(InputRequest::SetCursor(1));
        assert_eq!(insert_fitting(&mut line, "日b", 6), Ok(()));
        assert_eq!((line.value(), line.cursor()), ("a日bz", 3));
        assert!(insert_fitting(&mut line, "é", 6).is_err());
        assert!(insert_fitting(&mut line, "xéé", 9).is_err());
        assert_eq!((line.value(), line.cursor()), ("a日bxéz", 5));
    }

    #[test]
    fn a_paste_into_one_line_has_no_line_ends() {
        let mut line = Input::new("a".to_owned());
        paste(&mut line, "b\r\n\tc\u{1b}").unwrap();
        assert_eq!(line.value(), "abc");
        assert!(paste(&mut line, &"x".repeat(10 << 20)).is_err());
        assert_eq!(line.value(), "abc");
    }
}
