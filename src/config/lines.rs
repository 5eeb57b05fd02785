//! On which line of a file each setting stands.

use std::collections::BTreeMap;
use std::iter::successors;

use toml::de::{DeTable, DeValue};

/// The line of each key by its full name (`theme.color`), and of each item of a list (`keys.mean[0]`), from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(BTreeMap<String, usize>);

impl Lines {
    /// Those of a file; none of what is no TOML.
    pub fn of(text: &str) -> Self {
        let mut lines = Self::default();
        if let Ok(table) = DeTable::parse(text) {
            lines.add_table("", table.get_ref(), text);
        }
        lines
    }

    /// The line of a key, or of the table around it.
    pub fn line(&self, key: &str) -> Option<usize> {
        let mut around = successors(Some(key), |key| key.rsplit_once(['.', '[']).map(|(table, _)| table));
        around.find_map(|key| self.0.get(key)).copied()
    }

    fn add_table(&mut self, prefix: &str, table: &DeTable<'_>, text: &str) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            self.0.insert(name.clone(), line_at(text, key.span().start));
            match value.get_ref() {
                DeValue::Table(inner) => self.add_table(&format!("{name}."), inner, text),
                DeValue::Array(items) => {
                    for (at, item) in items.iter().enumerate() {
                        self.0.insert(format!("{name}[{at}]"), line_at(text, item.span().start));
                    }
                }
                _ => {}
            }
        }
    }
}

/// The line of a byte, from 1.
pub fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_wherever_they_stand() {
        let text = "prompt = \"\"\"\nmany\nlines\n\"\"\"\ntheme.color = '16'\r\n[keys]\n# mean = []\nmean = [\n  'n',\n  'N',\n]\n\
                    [pairs.\"odd name\"]\nleft = 'a' # b\n[pairs]\nmine = { left = 'a',\n right = 'b' }\n";
        let lines = Lines::of(text);
        for (key, line) in [
            ("prompt", 1),
            ("theme.color", 5),
            ("keys", 6),
            ("keys.mean", 8),
            ("keys.mean[0]", 9),
            ("keys.mean[1]", 10),
            ("keys.mean[7]", 8),
            ("pairs.odd name.left", 13),
            ("pairs.odd name.right", 12),
            ("pairs.mine.left", 15),
            ("pairs.mine.right", 16),
        ] {
            assert_eq!(lines.line(key), Some(line), "{key}");
        }
        assert_eq!(lines.line("device"), None);
        assert_eq!(Lines::of("["), Lines::default());
    }
}
