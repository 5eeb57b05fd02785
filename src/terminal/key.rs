//! A key in our own terms.

use crossterm::event::{KeyEvent, KeyEventKind, KeyModifiers};

use crate::config::keys::{Key, KeyCode};

/// A key press in our own terms; nothing for a release, and for keys that nothing can be bound to.
pub fn key(event: KeyEvent) -> Option<Key> {
    use crossterm::event::KeyCode as Code;
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let held = |modifier| event.modifiers.contains(modifier);
    let mut key = Key {
        shift: held(KeyModifiers::SHIFT),
        ctrl: held(KeyModifiers::CONTROL),
        alt: held(KeyModifiers::ALT),
        code: KeyCode::Esc,
    };
    key.code = match event.code {
        Code::Char(c) => {
            key.shift = false;
            KeyCode::Char(if key.ctrl { c.to_ascii_lowercase() } else { c })
        }
        Code::BackTab => {
            key.shift = true;
            KeyCode::Tab
        }
        Code::F(number) => KeyCode::F(number),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::Tab => KeyCode::Tab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Insert => KeyCode::Insert,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        _ => return None,
    };
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(code: crossterm::event::KeyCode, modifiers: KeyModifiers) -> String {
        key(KeyEvent::new(code, modifiers)).unwrap().to_string()
    }

    #[test]
    fn shift_is_part_of_a_character() {
        assert_eq!(named(crossterm::event::KeyCode::Char('M'), KeyModifiers::SHIFT), "M");
        assert_eq!(
            named(crossterm::event::KeyCode::Char('C'), KeyModifiers::CONTROL | KeyModifiers::SHIFT),
            "ctrl-c"
        );
        assert_eq!(named(crossterm::event::KeyCode::BackTab, KeyModifiers::SHIFT), "shift-tab");
    }

    #[test]
    fn only_presses_count() {
        let release = KeyEvent::new_with_kind(
            crossterm::event::KeyCode::Enter,
            KeyModifiers::NONE,
            KeyEventKind::Release,
        );
        assert_eq!(key(release), None);
    }
}
