//! config.toml.

use std::path::Path;

use attnscope::config::{Config, Sources};
use proptest::prelude::*;

use crate::change::{apply, changes};
use crate::run::{file, keep, run};

fn read(text: &str) -> Result<Config, attnscope::config::ConfigError> {
    let nothing = |_: &str| None;
    Config::from_sources(&Sources { file: Some((Path::new("config.toml"), text)), variable: &nothing })
}

#[test]
fn settings() {
    let seed = String::from_utf8(file("config.toml")).unwrap();
    // Of one's own, a file is a few lines.
    let short = "pair = \"mine\"\nprompt = \"x\"\n[pairs.mine]\nleft = \"a/b\"\nright = \"./c\"\n[theme]\ncolor = \"256\"\n[keys]\nquit = [\"q\", \"ctrl-c\"]\n";
    let seeds = [seed, short.to_owned()];
    for seed in &seeds {
        read(seed).unwrap();
    }
    run("settings", 2500, &(0..2usize, changes()), |(which, changes)| {
        let text = apply(changes, seeds[*which].as_bytes());
        let text = String::from_utf8_lossy(&text);
        keep("config.toml", text.as_bytes());
        match read(&text) {
            Ok(config) => {
                let shown = config.to_toml();
                let again = read(&shown);
                prop_assert!(again.is_ok(), "what is shown can't be read: {:?}\n{shown}", again.err());
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        Ok(())
    });
}
