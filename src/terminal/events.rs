//! What the terminal reports: keys, mouse, paste, size.

use std::io;
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use crate::config::keys::{Key, KeyCode};

/// Events that may wait; more than anyone types between two frames, so that only a paste can fill it.
const WAITING: usize = 1024;
/// How often the reading thread looks whether anyone still listens.
const LOOK: Duration = Duration::from_millis(100);

/// Reads events on a thread of its own until the receiver is dropped or the terminal goes away.
///
/// # Errors
/// If the thread can't be started.
pub fn events() -> io::Result<mpsc::Receiver<Event>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    thread::Builder::new().name("terminal events".into()).spawn(move || {
        while !sender.is_closed() {
            match event::poll(LOOK).and_then(|ready| ready.then(event::read).transpose()) {
                Ok(None) => {}
                Ok(Some(event)) => {
                    if sender.blocking_send(event).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    })?;
    Ok(receiver)
}

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

    fn named(code: event::KeyCode, modifiers: KeyModifiers) -> String {
        key(KeyEvent::new(code, modifiers)).unwrap().to_string()
    }

    #[test]
    fn shift_is_part_of_a_character() {
        assert_eq!(named(event::KeyCode::Char('M'), KeyModifiers::SHIFT), "M");
        assert_eq!(named(event::KeyCode::Char('C'), KeyModifiers::CONTROL | KeyModifiers::SHIFT), "ctrl-c");
        assert_eq!(named(event::KeyCode::BackTab, KeyModifiers::SHIFT), "shift-tab");
    }

    #[test]
    fn only_presses_count() {
        let release =
            KeyEvent::new_with_kind(event::KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(key(release), None);
    }
}
