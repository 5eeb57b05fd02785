//! One key press, and its name in the configuration: `q`, `[`, `enter`, `ctrl-c`, `shift-tab`.

use std::fmt;
use std::str::FromStr;

/// Which key, without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // The names say it all.
pub enum KeyCode {
    Char(char),
    F(u8),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
}

/// A key press. Of characters, `shift` is part of the character: `M`, not `shift-m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// Whether Ctrl was held.
    pub ctrl: bool,
    /// Whether Alt was held.
    pub alt: bool,
    /// Whether Shift was held; never set with a character.
    pub shift: bool,
}

/// Keys with a name: in the configuration, and for people.
const NAMES: [(&str, &str, KeyCode); 15] = [
    ("enter", "Enter", KeyCode::Enter),
    ("esc", "Esc", KeyCode::Esc),
    ("tab", "Tab", KeyCode::Tab),
    ("space", "Space", KeyCode::Char(' ')),
    ("backspace", "Backspace", KeyCode::Backspace),
    ("delete", "Delete", KeyCode::Delete),
    ("insert", "Insert", KeyCode::Insert),
    ("left", "←", KeyCode::Left),
    ("right", "→", KeyCode::Right),
    ("up", "↑", KeyCode::Up),
    ("down", "↓", KeyCode::Down),
    ("pageup", "PgUp", KeyCode::PageUp),
    ("pagedown", "PgDn", KeyCode::PageDown),
    ("home", "Home", KeyCode::Home),
    ("end", "End", KeyCode::End),
];

impl Key {
    /// A key without modifiers.
    pub fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// The character this key types, if it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// As people read it: `Ctrl-C`, `Enter`, `↑`, `[`.
    pub fn label(self) -> String {
        let mut label = String::new();
        for (held, name) in [(self.ctrl, "Ctrl-"), (self.alt, "Alt-"), (self.shift, "Shift-")] {
            label.push_str(if held { name } else { "" });
        }
        match self.code {
            KeyCode::F(number) => label.push_str(&format!("F{number}")),
            KeyCode::Char(c) if c != ' ' && self.ctrl => label.extend(c.to_uppercase()),
            KeyCode::Char(c) if c != ' ' => label.push(c),
            code => label.push_str(NAMES.iter().find(|name| name.2 == code).map_or("", |name| name.1)),
        }
        label
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            f.write_str(if held { name } else { "" })?;
        }
        match self.code {
            KeyCode::F(number) => write!(f, "f{number}"),
            KeyCode::Char(c) if c != ' ' => write!(f, "{c}"),
            code => f.write_str(NAMES.iter().find(|name| name.2 == code).map_or("", |name| name.0)),
        }
    }
}

/// A text that names no key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "'{0}' is no key: write a character (q, [, M), a name (enter, esc, tab, space, up, pageup, f1) or ctrl-c"
)]
pub struct ParseKeyError(String);

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseKeyError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Key> {
    let mut key = Key::plain(KeyCode::Esc);
    let mut rest = text;
    while let Some((prefix, after)) =
        rest.split_once('-').filter(|(prefix, after)| !prefix.is_empty() && !after.is_empty())
    {
        let modifier = match prefix.to_ascii_lowercase().as_str() {
            "ctrl" => &mut key.ctrl,
            "alt" => &mut key.alt,
            "shift" => &mut key.shift,
            _ => return None,
        };
        *modifier = true;
        rest = after;
    }
    let lower = rest.to_ascii_lowercase();
    let named = NAMES.iter().find(|name| name.0 == lower).map(|name| name.2);
    key.code = match (named, lower.strip_prefix('f').and_then(|number| number.parse().ok())) {
        (Some(code), _) => code,
        (None, Some(number @ 1..=24)) => KeyCode::F(number),
        _ => KeyCode::Char(single_char(rest)?),
    };
    match &mut key.code {
        // Terminals don't tell Ctrl-c from Ctrl-C.
        KeyCode::Char(c) if key.ctrl => *c = c.to_ascii_lowercase(),
        KeyCode::Char(_) if key.shift => return None,
        _ => {}
    }
    Some(key)
}

fn single_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    let c = chars.next().filter(|c| !c.is_control() && !c.is_whitespace())?;
    chars.next().is_none().then_some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "q",
            "M",
            "[",
            "{",
            "-",
            "ctrl--",
            "?",
            "enter",
            "shift-tab",
            "ctrl-c",
            "alt-x",
            "space",
            "f12",
            "é",
        ] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_key() {
        for text in ["", "ctrl-", "meta-x", "qq", "shift-a", "f99", " ", "\n", "escape!"] {
            let error = text.parse::<Key>().unwrap_err();
            assert!(error.to_string().contains(&format!("'{text}' is no key")), "{error}");
        }
    }

    #[test]
    fn labels_are_for_people() {
        let label = |text: &str| text.parse::<Key>().unwrap().label();
        assert_eq!(
            ["ctrl-c", "up", "M", "shift-tab", "f1"].map(label),
            ["Ctrl-C", "↑", "M", "Shift-Tab", "F1"]
        );
    }
}
