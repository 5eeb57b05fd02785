//! On which line of a file each setting stands.

use std::collections::BTreeMap;
use std::iter::successors;

use toml::de::{DeTable, DeValue};

/// The line of each key by its full name (`theme.color`), and of each item of a list (`keys.mean[0]`), from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(BTreeMap<String, usize>);

impl Lines {
    /// The lines of a file; empty if it is no TOML.
    pub fn of(text: &str) -> Self {
        let mut lines = Self::default();
        if let Ok(table) = DeTable::parse(text) {
            let ends: Vec<usize> = text.match_indices('\n').map(|(end, _)| end).collect();
            lines.add_table("", table.get_ref(), &ends);
        }
        lines
    }

    /// The line of a key, or of the table around it.
    pub fn line(&self, key: &str) -> Option<usize> {
        let mut around = successors(Some(key), |key| key.rsplit_once(['.', '[']).map(|(table, _)| table));
        around.find_map(|key| self.0.get(key)).copied()
    }

    /// `ends` is where lines end: a file may have very many keys.
    fn add_table(&mut self, prefix: &str, table: &DeTable<'_>, ends: &[usize]) {
        let line_at = |byte: usize| 1 + ends.partition_point(|end| *end < byte);
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            self.0.insert(name.clone(), line_at(key.span().start));
            match value.get_ref() {
                DeValue::Table(inner) => self.add_table(&format!("{name}."), inner, ends),
                DeValue::Array(items) => {
                    for (at, item) in items.iter().enumerate() {
                        self.0.insert(format!("{name}[{at}]"), line_at(item.span().start));
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
    use std::path::Path;

    use super::*;
    use crate::config::{Config, ConfigError, Sources};

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

    #[test]
    fn very_many_keys_take_no_very_long_time() {
        let text: String = (0..40_000).map(|at| format!("k{at} = [1, 2]\n")).collect();
        let started = std::time::Instant::now();
        assert_eq!(Lines::of(&text).line("k39999[1]"), Some(40_000));
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    fn from_file(text: &str) -> Result<Config, ConfigError> {
        let file = Some((Path::new("my.toml"), text));
        Config::from_sources(&Sources { file, variable: &|_| None })
    }

    /// Each in a file whose third line is wrong, after a text of several lines that begins on the first.
    #[test]
    fn an_error_names_the_line_of_its_key() {
        for (text, words) in [
            ("prompt = \"\"\"\n\"\"\"\nthread = 1", "unknown key 'thread'"),
            ("prompt = \"\"\"\n\"\"\"\nmouse = 'yes'", "boolean"),
            ("prompt = \"\"\"\n\"\"\"\nthreads = 0", "from 1 to 1024"),
            ("prompt = \"\"\"\n\"\"\"\ntheme.colr = '16'", "did you mean 'color'"),
            ("prompt = \"\"\"\n\"\"\"\ntheme = { color = '15' }", "truecolor"),
            ("\n[theme]\ncolor = 'all'", "truecolor"),
            ("\n[sampling]\nseed = -1", "u64"),
            ("\n[sampling]\ntop_p = 1", "did you mean 'top-p'"),
            ("\n[pairs.x]\nlefft = 'a/b'", "did you mean 'left'"),
            ("\n[pairs]\nx = { left = 'a/b', rihgt = 'c' }", "did you mean 'right'"),
            ("\n[pairs.x]\nleft = 3", "string"),
            ("\n[keys]\nmaen = ['n']", "did you mean 'mean'"),
            ("\n[keys]\nmean = 'n'", "sequence"),
            ("\n[keys]\nmean = ['n', 3]", "string"),
            ("[keys]\nmean = ['n',\n 'nn']", "'nn' is no key"),
            ("[keys]\nopen = ['n']\nmean = ['n']", "to both"),
            ("[keys]\nmean = ['n']\nopen = ['n']", "to both"),
            ("\n[keys]\nquit = []", "at least one key"),
            ("pair = 'demo'\n\npair = 'demo'", "duplicate key"),
            ("\n\npair = demo", ""),
        ] {
            for text in [text.to_owned(), text.replace('\n', "\r\n")] {
                let error = from_file(&text).unwrap_err().to_string();
                assert!(error.starts_with("my.toml:3: ") && error.contains(words), "{text:?}: {error}");
                assert!(!error.contains('\n'), "{error}");
            }
        }
    }

    #[test]
    fn an_error_about_a_variable_or_a_flag_names_that() {
        let file = Some((Path::new("my.toml"), "\npair = 'demo'\n"));
        let variable = |name: &str| (name == "ATTNSCOPE_PAIR").then(|| "dmo".to_owned());
        let error = Config::from_sources(&Sources { file, variable: &variable }).unwrap_err().to_string();
        assert!(error.starts_with("ATTNSCOPE_PAIR: there is no pair 'dmo'"), "{error}");
        let config = Config::from_sources(&Sources { file, variable: &|_| None }).unwrap();
        let flagged = config.with_flags([("--device", "device", "cpu".to_owned())]).unwrap();
        assert_eq!(flagged.reject_unknown("device", "wrong".to_owned()).to_string(), "--device: wrong");
        assert_eq!(flagged.reject_unknown("pair", "wrong".to_owned()).to_string(), "my.toml:2: wrong");
        assert_eq!(
            flagged.reject_unknown("dtype", "wrong".to_owned()).to_string(),
            "the embedded config.toml: wrong"
        );
    }
}
