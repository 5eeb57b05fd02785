//! All settings as one TOML file, each with the place where it was made.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::keys::{Command, Keys};
use super::{Config, Origin};

/// Columns after which a place is put behind its setting, unless that is longer.
const WIDEST: usize = 44;

impl Config {
    /// Every setting, with the place where it was made behind it. As a file, it sets what is set now.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        self.write_table("", &self.values, &mut out);
        out
    }

    fn write_table(&self, prefix: &str, table: &Table, out: &mut String) {
        let settings = table.iter().filter(|(_, value)| !value.is_table());
        let lines: Vec<(String, String)> = settings
            .map(|(key, value)| {
                let place = self.place(&format!("{prefix}{key}"));
                let value = match value {
                    Value::String(text) => text_in_quotes(text),
                    other => other.to_string(),
                };
                (format!("{} = {value}", quoted(key)), place)
            })
            .collect();
        write_lines(&lines, out);
        for (key, value) in table {
            let Value::Table(inner) = value else { continue };
            let (name, is_keys) = (format!("{prefix}{key}"), prefix.is_empty() && key == "keys");
            if is_keys || inner.values().any(|value| !value.is_table()) {
                let parts: Vec<String> =
                    prefix.split_terminator('.').chain([key.as_str()]).map(quoted).collect();
                let _ = writeln!(out, "\n[{}]", parts.join("."));
            }
            if is_keys {
                write_lines(&self.key_lines(), out);
            } else {
                self.write_table(&format!("{name}."), inner, out);
            }
        }
    }

    /// The keys of each action. These differ from what was set where another action took one of them.
    fn key_lines(&self) -> Vec<(String, String)> {
        let defaults = Keys::default();
        Command::all()
            .map(|command| {
                let keys = self.keys.keys(command);
                let list = keys.iter().map(|key| Value::String(key.to_string())).collect();
                let lost = defaults.keys(command).iter().filter(|key| !keys.contains(key));
                let mut place = self.place(&format!("keys.{}", command.name()));
                for (key, other) in lost.filter_map(|key| Some((key, self.keys.command(*key)?))) {
                    let by = self.place(&format!("keys.{}", other.name()));
                    let _ = write!(place, "; {key} is {}'s: {by}", other.name());
                }
                (format!("{} = {}", command.name(), Value::Array(list)), place)
            })
            .collect()
    }

    /// Where a setting was made, on one line.
    fn place(&self, key: &str) -> String {
        match self.origin(key) {
            Origin::Embedded => "built in".to_owned(),
            origin => origin.to_string().replace(char::is_control, "�"),
        }
    }
}

fn write_lines(lines: &[(String, String)], out: &mut String) {
    let width = |setting: &str| setting.lines().last().map_or(0, |line| line.chars().count());
    let widths = lines.iter().map(|(setting, _)| width(setting));
    let column = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    for (setting, place) in lines {
        let blanks = column.saturating_sub(width(setting)) + 2;
        let _ = writeln!(out, "{setting}{:blanks$}# {place}", "");
    }
}

/// A key as TOML wants it: in quotes, unless it is a plain word.
fn quoted(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !key.is_empty() && key.chars().all(plain) { key.to_owned() } else { text_in_quotes(key) }
}

/// A text as TOML wants it, on one line.
fn text_in_quotes(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Sources;

    fn from_file(text: &str) -> Config {
        let file = Some((Path::new("my.toml"), text));
        Config::from_sources(&Sources { file, variable: &|_| None }).unwrap()
    }

    #[test]
    fn every_setting_is_shown_with_its_place() {
        let config =
            from_file("threads = 2\n[theme]\ncolor = '16'\n[pairs.mine]\nleft = './a'\nright = './b'");
        let config = config.with_flags([("--device", "device", "cuda:1".to_owned())]).unwrap();
        let shown = config.to_toml();
        let place = |setting: &str| {
            let line =
                shown.lines().find(|line| line.starts_with(setting)).unwrap_or_else(|| panic!("{shown}"));
            line.split_once("# ").unwrap().1.to_owned()
        };
        assert_eq!(place("device = \"cuda:1\" "), "--device");
        assert_eq!(place("threads = 2 "), "my.toml");
        assert_eq!(place("color = \"16\" "), "my.toml");
        assert_eq!(place("colormap = \"viridis\" "), "built in");
        assert_eq!(place("left = \"./a\" "), "my.toml");
        assert_eq!(place("quit = [\"q\", \"ctrl-c\"] "), "built in");
        assert!(shown.contains("\n[pairs.mine]\n") && !shown.contains("[pairs]"), "{shown}");
    }

    #[test]
    fn a_key_that_another_action_took_is_told() {
        let shown = from_file("[keys]\nmean = ['n']").to_toml();
        let line = |name: &str| shown.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(line("mean").contains("= [\"n\"]") && line("mean").ends_with("# my.toml"), "{shown}");
        assert!(line("normalisation = [] ").ends_with("# built in; n is mean's: my.toml"), "{shown}");
    }

    #[test]
    fn what_is_shown_sets_what_is_set() {
        let config = from_file(
            "prompt = \"a\\n\\\"b\\\" 日\"\n[keys]\nmean = ['n']\nopen = []\n\
             [pairs.'odd name.1']\nleft = './a\\b'\nright = './b'",
        );
        let again = from_file(&config.to_toml());
        assert_eq!(
            again.values.iter().filter(|value| value.0 != "keys").collect::<Vec<_>>(),
            config.values.iter().filter(|value| value.0 != "keys").collect::<Vec<_>>()
        );
        assert_eq!(again.keys, config.keys);
    }
}
