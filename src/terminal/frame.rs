//! Where a sequence ends.

/// What begins a sequence.
pub(super) const ESC: u8 = 0x1b;
/// What Ctrl-C sends.
pub(super) const CTRL_C: u8 = 0x03;
/// What begins the second byte of an 8-bit control, where it is spelled in UTF-8.
pub(super) const C1: u8 = 0xc2;

/// How a sequence stands.
pub(super) enum Frame {
    /// It goes on.
    More,
    /// It is whole.
    Done,
    /// It was none: its first bytes, so many of them, stand for themselves.
    Split(usize),
}

/// How far the bytes that begin with this are from being whole.
pub(super) fn frame(bytes: &[u8]) -> Frame {
    let at = bytes.len() - 1;
    match bytes {
        [ESC] => Frame::More,
        // Not held together: an Esc, and what comes after it.
        [ESC, ESC | CTRL_C] => Frame::Split(1),
        [ESC, b'[', rest @ ..] => control(rest, at),
        [ESC, b'O'] | [ESC, b']' | b'P' | b'_'] => Frame::More,
        [ESC, b'O', 0x20..=0x7e] => Frame::Done,
        [ESC, b'O', _] => Frame::Split(at),
        [ESC, b']', b'0'..=b'9'] | [ESC, b'P', b'0'..=b'9' | b'>' | b'!' | b'+' | b'$' | b'|'] => Frame::More,
        [ESC, b'_', b'G'] => Frame::More,
        // Alt and a bracket, and then a key.
        [ESC, b']' | b'P' | b'_', _] => Frame::Split(at),
        [ESC, b']' | b'P' | b'_', .., ESC, b'\\'] => Frame::Done,
        [ESC, b']', .., 0x07] => Frame::Done,
        // The same as ESC and a backslash in one byte, unless it is within a character.
        [ESC, b']' | b'P' | b'_', rest @ .., 0x9c] if ends_with_a_character(rest) => Frame::Done,
        [ESC, b']' | b'P' | b'_', .., CTRL_C | 0x18 | 0x1a] => Frame::Split(at),
        [ESC, b']' | b'P' | b'_', .., ESC, _] => Frame::Split(at - 1),
        [ESC, b']' | b'P' | b'_', ..] => Frame::More,
        [ESC, rest @ ..] => whole_character(rest, at),
        rest => whole_character(rest, at),
    }
}

/// How a control sequence stands, by what comes after its `ESC [`.
fn control(rest: &[u8], at: usize) -> Frame {
    match rest {
        [] => Frame::More,
        // The mouse as it was in the beginning: three bytes of any value.
        [b'M', a, b, c] if [a, b, c].iter().all(|byte| **byte >= 0x20) => Frame::Done,
        [b'M', .., 0..0x20] => Frame::Split(at),
        [b'M', ..] if rest.len() < 4 => Frame::More,
        // Function keys of the Linux console.
        [b'['] => Frame::More,
        [b'[', 0x20..=0x7e] => Frame::Done,
        [.., 0x40..=0x7e] => Frame::Done,
        [.., 0x20..=0x3f] => Frame::More,
        _ => Frame::Split(at),
    }
}

/// Whether no character is cut at the end; the C1 of an 8-bit control is none.
fn ends_with_a_character(bytes: &[u8]) -> bool {
    let end = &bytes[bytes.len().saturating_sub(4)..];
    let lead = end.iter().rposition(|byte| !(0x80..0xc0).contains(byte));
    let last = lead.map_or(&[][..], |at| &end[at..]);
    last == [C1] || std::str::from_utf8(last).is_ok()
}

fn whole_character(bytes: &[u8], at: usize) -> Frame {
    match std::str::from_utf8(bytes) {
        Ok(_) => Frame::Done,
        Err(error) if error.error_len().is_none() => Frame::More,
        // No character, and dropped; but the byte that shows it may begin the next.
        Err(_) if bytes.len() > 1 => Frame::Split(at),
        Err(_) => Frame::Done,
    }
}
