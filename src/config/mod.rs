//! What can be set: the embedded `config.toml`, over it the user's file, over that `ATTNSCOPE_*` variables, and over all
//! of them flags of the command line.
//!
//! `schema` has the type of every setting, `layers` merges the layers key by key and remembers where each key was set,
//! `lines` knows on which line of the file that is, `show` prints all settings with their places, and `keys` is the
//! table of the viewer's keys. To add a setting: its field in `schema`, its line and comment in `config.toml`; and if it
//! has a variable, an entry of [`VARIABLES`].

mod error;
pub mod keys;
mod layers;
mod lines;
mod nearest;
mod origin;
mod schema;
mod show;
mod starter;

pub use error::ConfigError;
pub use layers::{Sources, VARIABLES};
pub use origin::Origin;
pub use schema::{Config, MOST_GENERATED, Pair, ParseThreadsError, Sampling, Theme, Threads};
pub use starter::starter;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

use crate::bounded;

/// The settings of this user: of `file`, or of the usual place if there is a file, and of the environment.
///
/// # Errors
/// If a file cannot be read, or says something that is no setting: the message names where and what.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let user = match file {
        Some(path) => Some((path.to_owned(), read(path)?)),
        None => default_config_path()
            .filter(|path| path.exists())
            .map(|path| read(&path).map(|text| (path, text)))
            .transpose()?,
    };
    let file = user.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
    Config::from_sources(&Sources {
        file,
        variable: &|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()),
    })
}

/// Where the user's file is looked for; `None` for a user without a home.
pub fn default_config_path() -> Option<PathBuf> {
    Some(Xdg::new().ok()?.config_dir().join("attnscope").join("config.toml"))
}

/// Where prompts are kept from run to run; `None` for a user without a home.
pub fn history_path() -> Option<PathBuf> {
    Some(Xdg::new().ok()?.state_dir()?.join("attnscope").join("history"))
}

/// Where it is kept which GPUs compute what the CPU computes; `None` for a user without a home.
pub fn checked_gpus_path() -> Option<PathBuf> {
    Some(Xdg::new().ok()?.state_dir()?.join("attnscope").join("gpus"))
}

/// Bytes of a file of settings, at most: more is something else.
const LONGEST: u64 = 1 << 20;

fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = bounded::open(path).map_err(failed)?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    let invalid = |line, message: &str| ConfigError::Invalid {
        path: path.to_owned(),
        line,
        message: message.to_owned(),
    };
    if bytes.len() as u64 > LONGEST {
        return Err(invalid(1, "too long for a file of settings: name another one with --config"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        invalid(line, "this is no UTF-8: save the file as UTF-8")
    })
}
