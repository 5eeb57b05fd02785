//! What a whole sequence says: a key, the mouse, the focus. Pure.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

/// What a sequence says.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// What the user does.
    Event(Event),
    /// What follows is pasted.
    PasteBegins,
    /// What kind of terminal it is, as an answer: all are asked for it last.
    Attributes,
}

/// A key that sends a character, by the character's bytes; what isn't UTF-8 is none.
pub fn character(bytes: &[u8]) -> Option<(KeyCode, KeyModifiers)> {
    let c = std::str::from_utf8(bytes).ok()?.chars().next()?;
    Some(named(c, KeyModifiers::NONE))
}

/// A character as the key that it is on a keyboard.
fn named(c: char, held: KeyModifiers) -> (KeyCode, KeyModifiers) {
    let control = |code: u8| (KeyCode::Char(char::from(code)), held | KeyModifiers::CONTROL);
    match c {
        '\r' => (KeyCode::Enter, held),
        '\t' if held.contains(KeyModifiers::SHIFT) => (KeyCode::BackTab, held),
        '\t' => (KeyCode::Tab, held),
        '\u{1b}' => (KeyCode::Esc, held),
        '\u{7f}' => (KeyCode::Backspace, held),
        '\0' => control(b' '),
        '\u{1}'..='\u{1a}' => control(c as u8 - 1 + b'a'),
        '\u{1c}'..='\u{1f}' => control(c as u8 - 0x1c + b'4'),
        c if c.is_uppercase() => (KeyCode::Char(c), held | KeyModifiers::SHIFT),
        c => (KeyCode::Char(c), held),
    }
}

/// A sequence that begins with `ESC [` or `ESC O`; nothing for those that are neither a key nor known.
pub fn sequence(bytes: &[u8]) -> Option<Decoded> {
    match bytes {
        [_, b'O', byte] => Some(key(letter(*byte)?, KeyModifiers::NONE, KeyEventKind::Press)),
        [_, b'[', b'M', cb, x, y] => mouse(
            cb.checked_sub(32)?.into(),
            (*x).checked_sub(32)?.into(),
            (*y).checked_sub(32)?.into(),
            false,
        ),
        [_, b'[', b'[', byte @ b'A'..=b'E'] => {
            Some(key(KeyCode::F(byte - b'A' + 1), KeyModifiers::NONE, KeyEventKind::Press))
        }
        [_, b'[', parameters @ .., last] => control(std::str::from_utf8(parameters).ok()?, *last),
        _ => None,
    }
}

fn control(parameters: &str, last: u8) -> Option<Decoded> {
    if let Some(parameters) = parameters.strip_prefix('<') {
        let [cb, x, y] = *numbers(parameters).first_chunk()?;
        return matches!(last, b'M' | b'm').then(|| mouse(cb, x, y, last == b'm')).flatten();
    }
    if parameters.starts_with('?') {
        return (last == b'c').then_some(Decoded::Attributes);
    }
    if !parameters.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')) {
        return None;
    }
    let values = numbers(parameters);
    let (held, kind) = held(parameters);
    match (last, values.as_slice()) {
        (b'~', [200]) => Some(Decoded::PasteBegins),
        // As xterm sends keys that have no sequence of their own, if it is told to.
        (b'~', [27, _, code]) => coded(*code, held, kind),
        (b'~', [number, ..]) => Some(key(numbered(*number)?, held, kind)),
        (b'u', [code, ..]) => coded(shifted(parameters, *code, held), held, kind),
        (b'I', []) => Some(Decoded::Event(Event::FocusGained)),
        (b'O', []) => Some(Decoded::Event(Event::FocusLost)),
        (b'Z', _) => Some(key(KeyCode::BackTab, held | KeyModifiers::SHIFT, kind)),
        (b'M', [cb, x, y]) => mouse(cb.checked_sub(32)?, *x, *y, false),
        (_, [] | [_] | [1, _]) => Some(key(letter(last)?, held, kind)),
        _ => None,
    }
}

fn key(code: KeyCode, held: KeyModifiers, kind: KeyEventKind) -> Decoded {
    Decoded::Event(Event::Key(KeyEvent::new_with_kind(code, held, kind)))
}

/// The parameters, without what is said of them after a colon. What is too large is too large for all.
fn numbers(parameters: &str) -> Vec<u32> {
    if parameters.is_empty() {
        return Vec::new();
    }
    let number = |text: &str| text.split(':').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    parameters.split(';').map(number).collect()
}

/// The modifiers, and whether it is a press: the second parameter.
fn held(parameters: &str) -> (KeyModifiers, KeyEventKind) {
    let mut parts = parameters.split(';').nth(1).unwrap_or_default().split(':');
    let mut next = || parts.next().and_then(|text| text.parse::<u8>().ok());
    let bits = next().unwrap_or(1).saturating_sub(1);
    let kind = match next() {
        Some(2) => KeyEventKind::Repeat,
        Some(3) => KeyEventKind::Release,
        _ => KeyEventKind::Press,
    };
    let modifiers = [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
    ];
    let held = modifiers.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, modifier)| modifier);
    (held.collect(), kind)
}

/// The number of the character that a key types. Terminals that send all keys by number name the key without Shift, and
/// after a colon, if they say it, with it.
fn shifted(parameters: &str, code: u32, held: KeyModifiers) -> u32 {
    if !held.contains(KeyModifiers::SHIFT) || held.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return code;
    }
    let said =
        parameters.split(';').next().and_then(|key| key.split(':').nth(1)).and_then(|text| text.parse().ok());
    let upper = || char::from_u32(code).filter(|c| c.is_lowercase()).and_then(|c| c.to_uppercase().next());
    said.unwrap_or_else(|| upper().map_or(code, u32::from))
}

/// A key by the number of its character, as terminals send it that can tell all keys apart.
fn coded(code: u32, held: KeyModifiers, kind: KeyEventKind) -> Option<Decoded> {
    // The private area has keys without characters: media, modifiers alone.
    let c = char::from_u32(code).filter(|c| !matches!(c, '\u{e000}'..='\u{f8ff}'))?;
    let (code, held) = named(c, held);
    Some(key(code, held, kind))
}

fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23..=26 => KeyCode::F(number as u8 - 12),
        28..=29 => KeyCode::F(number as u8 - 15),
        31..=34 => KeyCode::F(number as u8 - 17),
        _ => return None,
    })
}

fn letter(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'M' => KeyCode::Enter,
        b'P'..=b'S' => KeyCode::F(last - b'P' + 1),
        _ => return None,
    })
}

/// The mouse: what it does, packed as xterm does, and the column and row, from 1 on.
fn mouse(cb: u32, x: u32, y: u32, is_release: bool) -> Option<Decoded> {
    let button = match cb & 0b11 | (cb & 0b1100_0000) >> 4 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let moves = cb & 0b10_0000 != 0;
    let kind = match (button, cb & 0b11 | (cb & 0b1100_0000) >> 4, moves) {
        (Some(button), _, false) if is_release => MouseEventKind::Up(button),
        (Some(button), _, false) => MouseEventKind::Down(button),
        (Some(button), _, true) => MouseEventKind::Drag(button),
        (None, 3, false) => MouseEventKind::Up(MouseButton::Left),
        (None, 3..=5, true) => MouseEventKind::Moved,
        (None, 4, false) => MouseEventKind::ScrollUp,
        (None, 5, false) => MouseEventKind::ScrollDown,
        (None, 6, false) => MouseEventKind::ScrollLeft,
        (None, 7, false) => MouseEventKind::ScrollRight,
        _ => return None,
    };
    let modifiers = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let held = modifiers.into_iter().filter(|(bit, _)| cb & bit != 0).map(|(_, modifier)| modifier);
    let place = |at: u32| u16::try_from(at.checked_sub(1)?).ok();
    Some(Decoded::Event(Event::Mouse(MouseEvent {
        kind,
        column: place(x)?,
        row: place(y)?,
        modifiers: held.collect(),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(sequence: &str) -> Option<(KeyCode, KeyModifiers)> {
        match super::sequence(sequence.as_bytes())? {
            Decoded::Event(Event::Key(event)) => Some((event.code, event.modifiers)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_have_the_names_that_all_terminals_send_them_by() {
        let (none, shift) = (KeyModifiers::NONE, KeyModifiers::SHIFT);
        let (alt, control) = (KeyModifiers::ALT, KeyModifiers::CONTROL);
        for (sequence, code, held) in [
            ("\x1b[A", KeyCode::Up, none),
            ("\x1bOB", KeyCode::Down, none),
            ("\x1b[1;5C", KeyCode::Right, control),
            ("\x1b[1;4D", KeyCode::Left, shift | alt),
            ("\x1b[H", KeyCode::Home, none),
            ("\x1b[8~", KeyCode::End, none),
            ("\x1b[3;5~", KeyCode::Delete, control),
            ("\x1b[Z", KeyCode::BackTab, shift),
            ("\x1bOP", KeyCode::F(1), none),
            ("\x1b[1;2S", KeyCode::F(4), shift),
            ("\x1b[[E", KeyCode::F(5), none),
            ("\x1b[24~", KeyCode::F(12), none),
            ("\x1b[13;2u", KeyCode::Enter, shift),
            ("\x1b[27;2;13~", KeyCode::Enter, shift),
            ("\x1b[99;5u", KeyCode::Char('c'), control),
            ("\x1b[9;2u", KeyCode::BackTab, shift),
            ("\x1b[97;2u", KeyCode::Char('A'), shift),
            ("\x1b[47:63;2u", KeyCode::Char('?'), shift),
            ("\x1b[97:65;6u", KeyCode::Char('a'), shift | control),
            ("\x1b[233;1;233u", KeyCode::Char('é'), none),
        ] {
            assert_eq!(pressed(sequence), Some((code, held)), "{sequence:?}");
        }
        for sequence in
            ["\x1b[99~", "\x1b[57441u", "\x1b[2;7R", "\x1b[>1;2;3q", "\x1b[4;5t", "\x1b[99999999999~"]
        {
            assert_eq!(pressed(sequence), None, "{sequence:?}");
        }
        let Some(Decoded::Event(Event::Key(event))) = super::sequence(b"\x1b[1;1:3A") else { panic!() };
        assert_eq!(event.kind, KeyEventKind::Release);
    }

    #[test]
    fn controls_are_keys_held_with_ctrl() {
        for (byte, code, held) in [
            (b'\r', KeyCode::Enter, KeyModifiers::NONE),
            (b'\n', KeyCode::Char('j'), KeyModifiers::CONTROL),
            (0x03, KeyCode::Char('c'), KeyModifiers::CONTROL),
            (0x00, KeyCode::Char(' '), KeyModifiers::CONTROL),
            (0x1f, KeyCode::Char('7'), KeyModifiers::CONTROL),
            (0x7f, KeyCode::Backspace, KeyModifiers::NONE),
            (b'M', KeyCode::Char('M'), KeyModifiers::SHIFT),
        ] {
            assert_eq!(character(&[byte]), Some((code, held)), "{byte}");
        }
        assert_eq!(character("é".as_bytes()), Some((KeyCode::Char('é'), KeyModifiers::NONE)));
        assert_eq!(character(&[0xff]), None);
    }

    #[test]
    fn the_mouse_in_all_three_spellings() {
        let of = |sequence: &[u8]| match super::sequence(sequence) {
            Some(Decoded::Event(Event::Mouse(event))) => Some((event.kind, event.column, event.row)),
            None => None,
            other => panic!("{other:?}"),
        };
        let left = MouseEventKind::Down(MouseButton::Left);
        assert_eq!(of(b"\x1b[<0;330;12M"), Some((left, 329, 11)));
        assert_eq!(of(b"\x1b[<0;330;12m"), Some((MouseEventKind::Up(MouseButton::Left), 329, 11)));
        assert_eq!(of(b"\x1b[<35;1;1M"), Some((MouseEventKind::Moved, 0, 0)));
        assert_eq!(of(b"\x1b[<65;2;3M"), Some((MouseEventKind::ScrollDown, 1, 2)));
        assert_eq!(of(b"\x1b[32;30;12M"), Some((left, 29, 11)));
        assert_eq!(of(b"\x1b[M !!"), Some((left, 0, 0)));
        for broken in
            [&b"\x1b[<0;0;1M"[..], b"\x1b[<0;70000;1M", b"\x1b[<0M", b"\x1b[<999;1;1M", b"\x1b[1;1;1M"]
        {
            assert_eq!(of(broken), None, "{broken:?}");
        }
    }
}
