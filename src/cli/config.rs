//! `attnscope config`: what is set and where, where the file is looked for, and a file to begin with.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use super::args::{ConfigArgs, GlobalArgs};
use super::failure::Failure;
use super::reporter::Reporter;
use crate::attention::{escape_controls, is_unprintable};
use crate::config::{default_config_path, load, starter};

/// Shows the settings, says where their file is looked for, or writes it.
///
/// # Errors
/// If there is no place for a file, it is there already, or says something that is no setting.
pub fn run(args: &ConfigArgs, global: &GlobalArgs) -> Result<(), Failure> {
    let path = global.config.clone().or_else(default_config_path);
    let path = || {
        let nowhere = "there is no home for a file of settings: set HOME, or name one with --config";
        path.as_deref().ok_or_else(|| Failure::Failed(nowhere.to_owned()))
    };
    if args.init {
        return init(path()?);
    }
    let mut out = io::stdout().lock();
    if args.path {
        return Ok(writeln!(out, "{}", escape_controls(&path()?.to_string_lossy()))?);
    }
    let config = load(global.config.as_deref())?.with_flags(global.settings())?;
    writeln!(out, "# Every setting of attnscope {}, and where it was made.", env!("CARGO_PKG_VERSION"))?;
    if let Some(path) = path().ok().filter(|path| !path.exists()) {
        let path = escape_controls(&path.to_string_lossy());
        writeln!(out, "# There is no {path}: attnscope config --init writes one.")?;
    }
    writeln!(out)?;
    Ok(out.write_all(printable(&config.to_toml()).as_bytes())?)
}

/// Settings that may go to a terminal: what hides or reorders text, which stands in quotes, is escaped as TOML does.
fn printable(toml: &str) -> String {
    let mut out = String::with_capacity(toml.len());
    for c in toml.chars() {
        if c != '\n' && is_unprintable(c) {
            out.push_str(&format!("\\U{:08x}", c as u32));
        } else {
            out.push(c);
        }
    }
    out
}

/// Writes a file to begin with, unless there is one.
fn init(path: &Path) -> Result<(), Failure> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        OpenOptions::new().write(true).create_new(true).open(path)?.write_all(starter().as_bytes())
    };
    write().map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AlreadyExists => {
                "it is there already, and stays as it is: edit it, or move it away".to_owned()
            }
            _ => format!("{error}: choose another place with --config"),
        };
        Failure::Failed(format!("{}: {advice}", path.display()))
    })?;
    Reporter::new().say(&format!("wrote {}: nothing in it is set yet", path.display()));
    Ok(())
}
