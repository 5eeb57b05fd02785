//! `attnscope` without a command: the viewer.

use serde::Deserialize;
use serde::de::IntoDeserializer;

use super::args::ViewerArgs;
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use crate::config::{self, Config};
use crate::runtime::{self, ViewerConfig};
use crate::theme::{Background, ColorDepth, ColorMap};
use crate::worker;

/// Shows the two models until the viewer is quit.
///
/// # Errors
/// If a model or the prompt cannot be meant, a large download is declined, or there is no terminal.
pub fn run(args: &ViewerArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let (left, right) = settings.viewer_models(args)?;
    let prompt = settings.prompt(args.prompt.as_deref(), args.prompt_file.as_deref())?;
    let config = &settings.config;
    let viewer = ViewerConfig {
        left: left.to_string(),
        right: right.to_string(),
        prompt,
        keys: config.keys.clone(),
        map: color_map(config)?,
        depth: depth(config.theme.color),
        background: background(config.theme.background),
        mouse: config.mouse,
    };
    for model in [&left, &right] {
        session.consent(model)?;
    }
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::Failed(format!("cannot start the background: {error}")))?;
    let ended = runtime.block_on(async {
        let (worker, events) = worker::spawn(settings.load.clone());
        // A worker that is gone closes `events`, which the viewer shows.
        let send = |request| drop(worker.send(request));
        runtime::run(viewer, send, events).await
    });
    // A load that is under way is not waited for.
    runtime.shutdown_background();
    ended.map_err(|error| Failure::Failed(error.to_string()))
}

fn color_map(config: &Config) -> Result<ColorMap, Failure> {
    let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
        config.theme.colormap.as_str().into_deserializer();
    ColorMap::deserialize(name).map_err(|error| {
        Failure::Failed(format!("{}: theme.colormap: {error}", config.origin("theme.colormap")))
    })
}

fn depth(depth: config::ColorDepth) -> Option<ColorDepth> {
    match depth {
        config::ColorDepth::Auto => None,
        config::ColorDepth::TrueColor => Some(ColorDepth::TrueColor),
        config::ColorDepth::Ansi256 => Some(ColorDepth::Ansi256),
        config::ColorDepth::Ansi16 => Some(ColorDepth::Ansi16),
        config::ColorDepth::None => Some(ColorDepth::None),
    }
}

fn background(background: config::Background) -> Option<Background> {
    match background {
        config::Background::Auto => None,
        config::Background::Dark => Some(Background::Dark),
        config::Background::Light => Some(Background::Light),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;
    use std::path::Path;

    #[test]
    fn colour_maps_go_by_the_names_that_config_toml_lists() {
        let map = |name: &str| {
            let text = format!("[theme]\ncolormap = '{name}'");
            let file = Some((Path::new("my.toml"), text.as_str()));
            color_map(&Config::from_sources(&Sources { file, variable: &|_| None }).unwrap())
        };
        for (name, expected) in ["viridis", "cividis", "magma", "blues"].iter().zip(ColorMap::ALL) {
            assert_eq!(map(name).unwrap(), expected);
        }
        let message = map("jet").unwrap_err().message().unwrap();
        assert!(message.starts_with("my.toml: ") && message.contains("cividis"), "{message}");
    }
}
