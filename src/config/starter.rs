//! A file of settings to begin with.

use super::layers::EMBEDDED;

const INTRODUCTION: &str = "\
# Settings of attnscope. What is commented out is the default: take the # away and change it.
# `attnscope config --show` prints what is set, and where. An unknown key is an error.
#
# A variable in brackets, and then a flag of the command line, goes before this file.
";

/// The embedded `config.toml` with every setting commented out, for the user to change.
pub fn starter() -> String {
    let (_, settings) = EMBEDDED.split_once("\n\n").unwrap_or(("", EMBEDDED));
    let is_setting = |line: &str| !line.is_empty() && !line.starts_with(['#', '[']);
    let commented =
        settings.lines().map(|line| format!("{}{line}\n", if is_setting(line) { "# " } else { "" }));
    format!("{INTRODUCTION}\n{}", commented.collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Sources};

    fn shown(text: &str) -> String {
        let file = Some((Path::new("my.toml"), text));
        Config::from_sources(&Sources { file, variable: &|_| None }).unwrap().to_toml()
    }

    #[test]
    fn it_changes_nothing_until_it_is_edited() {
        assert_eq!(shown(&starter()), shown(""));
    }

    #[test]
    fn with_its_marks_taken_away_it_sets_everything_as_it_was() {
        let is_setting = |line: &str| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
        let uncommented: Vec<&str> = starter_lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line))
            .collect();
        let shown = shown(&uncommented.join("\n"));
        assert!(!shown.contains("built in"), "{shown}");
        assert_eq!(shown.replace("my.toml", "built in"), self::shown(""));
    }

    fn starter_lines() -> impl Iterator<Item = &'static str> {
        String::leak(starter()).lines()
    }
}
