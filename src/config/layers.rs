//! Merging the layers of settings, key by key, and remembering where each key came from.

use std::collections::BTreeMap;
use std::iter::successors;
use std::path::Path;

use serde::Deserialize as _;
use toml::{Table, Value};

use super::error::{ConfigError, explain};
use super::keys::Keys;
use super::lines::Lines;
use super::nearest::nearest;
use super::origin::Origin;
use super::schema::{Config, Pair};

/// The settings in the binary.
pub(super) const EMBEDDED: &str = include_str!("../../config.toml");

/// The variables that are read, each with the key it sets.
pub const VARIABLES: [(&str, &str); 9] = [
    ("ATTNSCOPE_PAIR", "pair"),
    ("ATTNSCOPE_PROMPT", "prompt"),
    ("ATTNSCOPE_DEVICE", "device"),
    ("ATTNSCOPE_ENGINE", "engine"),
    ("ATTNSCOPE_DTYPE", "dtype"),
    ("ATTNSCOPE_THREADS", "threads"),
    ("ATTNSCOPE_OFFLINE", "offline"),
    ("ATTNSCOPE_COLOR", "theme.color"),
    ("ATTNSCOPE_BACKGROUND", "theme.background"),
];

/// The layers over the embedded settings.
pub struct Sources<'a> {
    /// The user's file: its path, for messages, and its text.
    pub file: Option<(&'a Path, &'a str)>,
    /// The value of a variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Config {
    /// The embedded settings with `sources` merged over them.
    ///
    /// # Errors
    /// If a source says something that is no setting, or a pair is incomplete.
    pub fn from_sources(sources: &Sources<'_>) -> Result<Self, ConfigError> {
        let mut settings = Settings::embedded();
        if let Some((path, text)) = sources.file {
            settings.merge_file(path, text)?;
        }
        for (name, key) in VARIABLES {
            if let Some(value) = (sources.variable)(name) {
                settings.merge_text(Origin::Variable(name), name, key, value)?;
            }
        }
        settings.finish()
    }

    /// These settings with flags merged over them: each with its name, the key it sets, and its value as text.
    ///
    /// # Errors
    /// If a key cannot have the value.
    pub fn with_flags(
        self,
        flags: impl IntoIterator<Item = (&'static str, &'static str, String)>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Settings { values: self.values, origins: self.origins, lines: self.lines };
        for (name, key, value) in flags {
            settings.merge_text(Origin::Flag(name), name, key, value)?;
        }
        settings.finish()
    }

    /// Where the setting of a key (`theme.color`), or the table it came with, was made.
    pub fn origin(&self, key: &str) -> &Origin {
        let mut around = successors(Some(key), |key| key.rsplit_once('.').map(|(table, _)| table));
        around.find_map(|key| self.origins.get(key)).unwrap_or(&Origin::Embedded)
    }

    /// The error about the value of a key that does not go with the others, with the place where it was set.
    pub fn reject_unknown(&self, key: &str, message: String) -> ConfigError {
        let origin = self.origin(key).clone();
        let line = matches!(origin, Origin::File(_)).then(|| self.lines.line(key)).flatten();
        ConfigError::Rejected { origin, line, message }
    }

    /// The pair with that name.
    ///
    /// # Errors
    /// If there is none; the message names those there are.
    pub fn pair(&self, name: &str) -> Result<&Pair, ConfigError> {
        self.pairs.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.pairs.keys().map(String::as_str).collect();
            let advice = match nearest(name, &names) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("use {}, or define it under [pairs] of config.toml", names.join(" or ")),
            };
            ConfigError::NoSuchPair { name: name.to_owned(), advice }
        })
    }
}

/// Settings while layers are merged.
struct Settings {
    values: Table,
    origins: BTreeMap<String, Origin>,
    lines: Lines,
}

impl Settings {
    fn embedded() -> Self {
        let values = EMBEDDED.parse().expect("a test reads the embedded config.toml");
        Self { values, origins: BTreeMap::new(), lines: Lines::default() }
    }

    fn merge_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let invalid = |error| ConfigError::invalid(path, text, &error);
        let values = toml::from_str::<Table>(text).map_err(invalid)?;
        self.lines = Lines::of(text);
        if let Some(error) = self.keys_error(path, &values) {
            return Err(error);
        }
        toml::from_str::<Config>(text).map_err(invalid)?;
        self.merge_layer(values, &Origin::File(path.to_owned()));
        Ok(())
    }

    /// What is wrong with a file's keys, placed where the reader of TOML knows no more than the whole table.
    fn keys_error(&self, path: &Path, values: &Table) -> Option<ConfigError> {
        let keys = BTreeMap::<String, Vec<String>>::deserialize(values.get("keys")?.clone()).ok()?;
        let error = Keys::from_table(&keys).err()?;
        let lines = error.places(&keys).into_iter().filter_map(|(action, at)| {
            let key = at.map_or_else(|| format!("keys.{action}"), |at| format!("keys.{action}[{at}]"));
            self.lines.line(&key)
        });
        let line = lines.max().unwrap_or(1);
        Some(ConfigError::Invalid { path: path.to_owned(), line, message: error.to_string() })
    }

    /// Merges a value that is written without TOML's quotes.
    fn merge_text(
        &mut self,
        origin: Origin,
        name: &'static str,
        key: &str,
        text: String,
    ) -> Result<(), ConfigError> {
        let value = match text.as_str() {
            "1" | "true" if matches!(key, "offline" | "cache") => Value::Boolean(true),
            "0" | "false" if matches!(key, "offline" | "cache") => Value::Boolean(false),
            _ => Value::String(text),
        };
        let mut path = key.rsplit('.');
        let last = path.next().unwrap_or(key);
        let leaf = Table::from_iter([(last.to_owned(), value)]);
        let values = path.fold(leaf, |inner, key| Table::from_iter([(key.to_owned(), Value::Table(inner))]));
        Config::deserialize(values.clone())
            .map_err(|error| ConfigError::Variable { name, message: explain(&error) })?;
        self.merge_layer(values, &origin);
        Ok(())
    }

    fn merge_layer(&mut self, values: Table, origin: &Origin) {
        merge_layer(&mut self.values, values, "", &mut |key| {
            self.origins.insert(key, origin.clone());
        });
    }

    fn finish(self) -> Result<Config, ConfigError> {
        let mut config =
            Config::deserialize(self.values.clone()).expect("every source was read before it was laid");
        (config.values, config.origins, config.lines) = (self.values, self.origins, self.lines);
        for (name, pair) in &config.pairs {
            if pair.models().next().is_none() {
                let message = format!("pair '{name}' has no model: add left = \"…\" to [pairs.{name}]");
                return Err(config.reject_unknown(&format!("pairs.{name}"), message));
            }
        }
        if let Err(error) = config.pair(&config.pair) {
            return Err(config.reject_unknown("pair", error.to_string()));
        }
        Ok(config)
    }
}

/// Merges `values` over `under`, table by table, and calls `placed` with the full name of each key.
fn merge_layer(under: &mut Table, values: Table, prefix: &str, placed: &mut dyn FnMut(String)) {
    for (key, value) in values {
        let name = format!("{prefix}{key}");
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(values)) => {
                merge_layer(under, values, &format!("{name}."), placed);
            }
            (_, value) => {
                under.insert(key, value);
                placed(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Threads;
    use crate::config::keys::{Command, Keys};
    use crate::vocabulary::{ColorDepth, ColorMap, DeviceChoice, Engine, Precision};

    fn from_file(text: &str) -> Result<Config, ConfigError> {
        let file = Some((Path::new("my.toml"), text));
        Config::from_sources(&Sources { file, variable: &|_| None })
    }

    fn from_variable(name: &str, value: &str) -> Result<Config, ConfigError> {
        let variable = |asked: &str| (asked == name).then(|| value.to_owned());
        Config::from_sources(&Sources { file: None, variable: &variable })
    }

    #[test]
    fn a_pair_may_have_one_model() {
        for (text, model) in [("left = 'a/b'", "a/b"), ("right = './c'", "./c")] {
            let config = from_file(&format!("[pairs.one]\n{text}")).unwrap();
            assert_eq!(config.pair("one").unwrap().models().collect::<Vec<_>>(), [model]);
        }
        let config = from_file("[pairs.demo]\nright = ''").unwrap();
        assert_eq!(config.pair("demo").unwrap().models().collect::<Vec<_>>(), ["demo:gpt2"]);
    }

    #[test]
    fn the_embedded_settings_are_the_documented_ones() {
        let config = from_file("").unwrap();
        assert_eq!(config.pair, "demo");
        assert_eq!(config.prompt, "write a story about AI");
        assert_eq!(
            (config.device, config.engine, config.dtype),
            (DeviceChoice::Auto, Engine::Auto, Precision::Auto)
        );
        assert_eq!((config.threads, config.offline, config.mouse), (Threads::Auto, false, true));
        assert_eq!(config.theme.color, None);
        assert_eq!(config.pair("article").unwrap().right, "openai/gpt-oss-20b");
        assert_eq!(config.origin("pair"), &Origin::Embedded);
    }

    #[test]
    fn every_embedded_key_is_explained_by_the_line_above() {
        let lines: Vec<&str> = EMBEDDED.lines().collect();
        for pair in lines.windows(2) {
            let is_key = pair[1].contains(" = ") && !pair[1].starts_with('#');
            let in_pair = pair[1].starts_with("left") || pair[1].starts_with("right");
            assert!(!is_key || in_pair || pair[0].starts_with('#'), "no comment above {}", pair[1]);
        }
    }

    /// Without their comment marks, the keys of the embedded file are all keys there are.
    #[test]
    fn the_embedded_file_lists_every_key_of_the_viewer() {
        let keys = EMBEDDED.split_once("[keys]\n").unwrap().1.split_once("\n\n").unwrap().0;
        let table: Table = keys.replace("\n# ", "\n").trim_start_matches("# ").parse().unwrap();
        assert_eq!(table.keys().count(), Command::all().count());
        assert_eq!(table.try_into::<Keys>().unwrap(), Keys::default());
        for line in keys.lines() {
            assert!(Command::all().any(|command| line.ends_with(&format!("# {}", command.does()))), "{line}");
        }
    }

    #[test]
    fn keys_are_laid_over_their_defaults() {
        let keys = from_file("[keys]\nmean = ['n']").unwrap().keys;
        assert_eq!((keys.hint(Command::Mean).as_str(), keys.hint(Command::Quit).as_str()), ("n", "q"));
        let error = from_file("[keys]\nmaen = ['n']").unwrap_err().to_string();
        assert_eq!(error, "my.toml:2: [keys] has no action 'maen': did you mean 'mean'?");
    }

    #[test]
    fn a_file_is_laid_over_key_by_key() {
        let config = from_file("[theme]\ncolor = '256'\n[pairs.mine]\nleft = 'a/b'\nright = './c'").unwrap();
        assert_eq!(config.theme.color, Some(ColorDepth::Ansi256));
        assert_eq!(config.theme.colormap, ColorMap::Viridis);
        assert_eq!(config.pairs.len(), 3);
        assert_eq!(config.origin("theme.color"), &Origin::File("my.toml".into()));
        assert_eq!(config.origin("theme.colormap"), &Origin::Embedded);
    }

    #[test]
    fn half_of_a_known_pair_may_be_replaced() {
        let config = from_file("[pairs.demo]\nright = './mine'").unwrap();
        let Pair { left, right } = config.pair("demo").unwrap();
        assert_eq!((left.as_str(), right.as_str()), ("demo:gpt2", "./mine"));
    }

    #[test]
    fn a_variable_goes_before_the_file() {
        let variable = |name: &str| (name == "ATTNSCOPE_THREADS").then(|| "3".to_owned());
        let file = Some((Path::new("my.toml"), "threads = 2"));
        let config = Config::from_sources(&Sources { file, variable: &variable }).unwrap();
        assert_eq!(config.threads, "3".parse().unwrap());
        assert_eq!(config.origin("threads"), &Origin::Variable("ATTNSCOPE_THREADS"));
    }

    #[test]
    fn a_flag_goes_before_the_variable() {
        let config = from_variable("ATTNSCOPE_OFFLINE", "0").unwrap();
        let config = config.with_flags([("--offline", "offline", "true".to_owned())]).unwrap();
        assert!(config.offline);
        assert_eq!(config.origin("offline"), &Origin::Flag("--offline"));
    }

    #[test]
    fn what_came_in_a_table_came_from_where_the_table_did() {
        let config = from_file("[pairs.mine]\nleft = 'a/b'\nright = './c'").unwrap();
        assert_eq!(config.origin("pairs.mine.left"), &Origin::File("my.toml".into()));
        assert_eq!(config.origin("pairs.demo.left"), &Origin::Embedded);
    }

    #[test]
    fn variables_reach_tables_and_switches() {
        assert_eq!(from_variable("ATTNSCOPE_COLOR", "none").unwrap().theme.color, Some(ColorDepth::None));
        assert!(from_variable("ATTNSCOPE_OFFLINE", "1").unwrap().offline);
        assert!(!from_variable("ATTNSCOPE_OFFLINE", "false").unwrap().offline);
    }

    #[test]
    fn each_variable_sets_a_key_there_is() {
        for (_, key) in VARIABLES {
            let known = key
                .split('.')
                .try_fold(Value::Table(Settings::embedded().values), |table, key| table.get(key).cloned());
            assert!(known.is_some(), "{key}");
        }
    }

    #[test]
    fn errors_say_where_what_and_what_to_do() {
        let reported = |text: &str| from_file(text).unwrap_err().to_string();
        assert_eq!(reported("\nthread = 1"), "my.toml:2: unknown key 'thread': did you mean 'threads'?");
        assert_eq!(
            reported("[theme]\nfont = 'x'"),
            "my.toml:2: unknown key 'font': the keys here are colormap, color, background"
        );
        for (text, message) in [
            ("dtype = 'f8'", "'f8' is no dtype: use auto, f32, bf16, f16"),
            ("engine = 'fast'", "'fast' is no engine: use auto, generic"),
            ("device = 'x'", "'x' is no device: use auto, cpu, cuda, cuda:N or metal"),
            ("[theme]\ncolormap = 'jet'", "'jet' is no colour map: use viridis, cividis, magma, blues"),
            ("[theme]\ncolor = '15'", "'15' is no colour depth: use truecolor, 256, 16, none, or auto"),
            ("[theme]\nbackground = 'grey'", "'grey' is no background: use light, dark, or auto"),
        ] {
            assert_eq!(reported(text), format!("my.toml:{}: {message}", text.lines().count()));
        }
        assert!(reported("pair = ").starts_with("my.toml:1: "), "{}", reported("pair = "));
        assert!(reported("mouse = 'yes'").contains("expected a boolean"), "{}", reported("mouse = 'yes'"));
        assert!(
            reported("[theme]\ncolor = 'all'").contains("truecolor"),
            "{}",
            reported("[theme]\ncolor = 'all'")
        );
        assert_eq!(reported("\npair = 'dmo'"), "my.toml:2: there is no pair 'dmo': did you mean 'demo'?");
        assert!(reported("pair = 'other'").contains("article or demo"), "{}", reported("pair = 'other'"));
        assert!(reported("\n[pairs.x]\nleft = ''").starts_with("my.toml:2: pair 'x' has no model: add left"));
        let variable = from_variable("ATTNSCOPE_THREADS", "0").unwrap_err().to_string();
        assert!(variable.starts_with("ATTNSCOPE_THREADS: ") && variable.contains("from 1"), "{variable}");
        let variable = from_variable("ATTNSCOPE_OFFLINE", "maybe").unwrap_err().to_string();
        assert!(variable.contains("expected a boolean"), "{variable}");
    }
}
