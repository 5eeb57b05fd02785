//! What can be set: the embedded `config.toml`, over it the user's file, over that `ATTNSCOPE_*`
//! variables, and over all of them flags of the command line.

mod error;
pub mod keys;
mod layers;
mod schema;
mod show;
mod starter;

pub use error::ConfigError;
pub use layers::{Origin, Sources, VARIABLES};
pub use schema::{Background, ColorDepth, Config, Pair, ParseThreadsError, Sampling, Theme, Threads};
pub use starter::starter;

use std::fs;
use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

/// The settings of this user: of `file`, or of the usual place if there is a file, and of the environment.
///
/// # Errors
/// If a file cannot be read, or says something that is no setting: the message names where and what.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let user = match file {
        Some(path) => Some((path.to_owned(), read(path)?)),
        None => usual_path()
            .filter(|path| path.exists())
            .map(|path| read(&path).map(|text| (path, text)))
            .transpose()?,
    };
    let file = user.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
    Config::from_sources(&Sources { file, variable: &|name| std::env::var(name).ok() })
}

/// Where the user's file is looked for; `None` for a user without a home.
pub fn usual_path() -> Option<PathBuf> {
    Some(Xdg::new().ok()?.config_dir().join("attnscope").join("config.toml"))
}

/// Where prompts are kept from run to run; `None` for a user without a home.
pub fn history_path() -> Option<PathBuf> {
    Some(Xdg::new().ok()?.state_dir()?.join("attnscope").join("history"))
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}
