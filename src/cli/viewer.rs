//! The viewer: two models side by side.

use std::io::Write as _;
use std::path::Path;

use super::args::{ScreenshotArgs, ViewerArgs};
use super::ending::check_name;
use super::failure::Failure;
use super::interrupt;
use super::segments;
use super::session::Session;
use super::settings::{Longest, Settings};
use crate::config;
use crate::config::keys::Key;
use crate::export::file::Destination;
use crate::runtime::{self, Ending, ViewerConfig};
use crate::vocabulary::ExportFormat;
use crate::worker;

/// Looks at two models until it is quit.
///
/// # Errors
/// If a model has no such name, a large download is refused, there is no terminal, or a signal ends it.
pub fn run(args: &ViewerArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let mut viewer = configure(args, settings, session)?;
    viewer.history = config::history_path();
    let told_to_end = interrupt::hand_over(&session.cancel);
    let ending = on_runtime(|| async {
        let (worker, events) = worker::spawn(settings.load.clone());
        runtime::run(viewer, worker, events, told_to_end)
            .await
            .map_err(|error| Failure::Failed(error.to_string()))
    })??;
    match ending {
        Ending::Quit => Ok(()),
        Ending::Signal(code) => Err(Failure::Signal(code)),
    }
}

/// Draws the viewer's screen into an SVG file, without a terminal.
///
/// # Errors
/// As [`run`], or if a key is none, a model has failed in the end, or the file can't be written.
pub fn screenshot(args: &ScreenshotArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let keys: Vec<Key> = args
        .keys
        .split_whitespace()
        .map(|key| key.parse().map_err(|error| Failure::Usage(format!("--keys: {error}"))))
        .collect::<Result<_, _>>()?;
    check_name("--out", &args.out, ExportFormat::Svg)?;
    session.listen();
    let mut out = Destination::open(&args.out)?;
    let mut viewer = configure(&args.viewer, settings, session)?;
    viewer.background = Some(viewer.background.unwrap_or_default());
    let picture = interrupt::at_once(|| {
        on_runtime(|| async {
            let (worker, events) = worker::spawn(settings.load.clone());
            runtime::screenshot(viewer, worker, events, (args.width, args.height), &keys).await
        })
    })?
    .map_err(Failure::Failed)?;
    out.write_all(picture.as_bytes())?;
    Ok(out.finish()?)
}

fn configure(args: &ViewerArgs, settings: &Settings, session: &mut Session) -> Result<ViewerConfig, Failure> {
    let (left, right) = settings.viewer_models(args)?;
    // Before anybody listens to signals: who gives the prompt may take long, and Ctrl-C is to end that.
    let prompt = settings.prompt(args.prompt.as_deref(), args.prompt_file.as_deref(), Longest::OfViewer)?;
    session.consent_to_show([&left].into_iter().chain(&right))?;
    let config = &settings.config;
    let (chat, system) = settings.chat(&args.chat);
    let (sampling, drawn) = settings.sampling(&args.sampling)?;
    Ok(ViewerConfig {
        sampling,
        drawn,
        left: left.to_string(),
        right: right.map(|right| right.to_string()),
        prompt,
        prompt_file: args.prompt_file.clone().filter(|_| args.prompt.is_none()),
        chat,
        system,
        keys: config.keys.clone(),
        map: config.theme.colormap,
        depth: config.theme.color,
        background: config.theme.background,
        mouse: config.mouse,
        input_is_read: args.prompt.is_none() && args.prompt_file.as_deref() == Some(Path::new("-")),
        live: config.live,
        long_prompts: config.long_prompts,
        rows: args.rows.unwrap_or_default(),
        segments: args.segments.as_deref().map(segments::cut).transpose()?.unwrap_or_default(),
        most_tokens: config.generation.tokens,
        kept_bytes: u64::from(config.history.captures_mb) << 20,
        pairs: settings.pairs(),
        history: None,
    })
}

/// Runs `work` on a runtime that doesn't wait, when it is done, for models that still compute.
fn on_runtime<T, F: Future<Output = T>>(work: impl FnOnce() -> F) -> Result<T, Failure> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::Failed(format!("cannot start the event loop: {error}")))?;
    let done = runtime.block_on(async { work().await });
    runtime.shutdown_background();
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use crate::config::{Config, Sources};
    use clap::Parser as _;

    #[test]
    fn flags_and_settings_say_how_next_tokens_are_drawn() {
        let sampling = |text: &str, line: &str| {
            let file = Some((Path::new("my.toml"), text));
            let config = Config::from_sources(&Sources { file, variable: &|_| None }).unwrap();
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            Settings::new(&cli.global, config).unwrap().sampling(&cli.viewer.sampling)
        };
        let (default, on) = sampling("", "attnscope").unwrap();
        assert_eq!((default.temperature, default.top_p, default.seed, on), (0.8, 0.95, 1, false));
        let (set, on) = sampling("[sampling]\non = true\ntop-p = 1", "attnscope").unwrap();
        assert_eq!((set.top_p, on), (1.0, true));
        let (given, on) = sampling("[sampling]\nseed = 5", "attnscope --temperature 0 --seed 7").unwrap();
        assert_eq!((given.temperature, given.top_p, given.seed, on), (0.0, 0.95, 7, true));
        let error = sampling("[sampling]\ntemperature = -1.5", "attnscope").unwrap_err().message().unwrap();
        assert!(error.starts_with("my.toml:2: '-1.5' is no temperature"), "{error}");
    }
}
