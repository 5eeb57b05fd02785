//! `attnscope segments`: how much the segments of a prompt give each other.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::args::SegmentsArgs;
use super::asked::Asked;
use super::failure::Failure;
use super::flags::check_view;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::escape_controls;
use crate::attention::segments::{
    Cut, NamedSpans, SegmentShares, Segments, SegmentsError, Unmeasured, lookback,
};
use crate::bounded;
use crate::export::segments::{SegmentPass, write_csv, write_json, write_table};
use crate::export::{Recipe, Source, Subject};
use crate::vocabulary::SegmentRule;

/// Bytes of a file of segments, at most.
const MOST_BYTES: u64 = 1 << 20;

/// Runs every model, and measures what its segments give each other.
///
/// # Errors
/// If a model cannot be loaded, cannot read the prompt, or has no such view, or the prompt can't be cut that way.
pub fn run(args: &SegmentsArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    // Before a model is loaded for nothing.
    let cut = cut(&args.by)?;
    let rule = if let Cut::Rule(rule) = cut { rule } else { SegmentRule::Auto };
    session.listen();
    let mut passes = Vec::new();
    for asked in settings.passes(&args.models, &args.input)? {
        let model = session.load_asked(&asked)?;
        check_view(args.view, Some(args.view), model.info())?;
        let Asked { input, without, .. } = asked;
        let capture = session.capture_without(&model, &input, &without)?;
        let source = Source::new(&capture, input, Subject::Segments(args.view, rule)).cut_by(&cut);
        let segments =
            Segments::new(&capture, source.prompt(), &cut).map_err(|error| about(&args.by, &error))?;
        let is_stopped = || session.cancel.is_cancelled();
        let unmeasured = |error: Unmeasured| match error {
            Unmeasured::Stopped => Failure::Interrupted,
            error => Failure::Failed(error.to_string()),
        };
        let lookback = lookback(&capture, &segments, &is_stopped).map_err(unmeasured)?;
        let shares =
            SegmentShares::new(&capture, Arc::new(segments), args.view, &is_stopped).map_err(unmeasured)?;
        passes.push(SegmentPass { capture, shares, lookback, recipe: Recipe::new(source, None) });
    }
    if args.csv {
        return stdout::print(false, |out| Ok(out.flush()?), |out| write_csv(out, &passes));
    }
    stdout::print(args.json, |out| write_json(out, &passes), |out| write_table(out, &passes))
}

/// What a prompt is to be cut by: a rule by its name, or else a file.
///
/// # Errors
/// If there is no such rule and no such file, or the file is none of segments.
pub(super) fn cut(by: &str) -> Result<Cut, Failure> {
    let unknown = match by.parse::<SegmentRule>() {
        Ok(rule) => return Ok(Cut::Rule(rule)),
        Err(unknown) => unknown,
    };
    let path = Path::new(by);
    let text = bounded::read_text(path, MOST_BYTES).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::Failed(format!("{unknown}, or a file: there is no {}", escape_controls(by)))
        }
        _ => Failure::Failed(format!("{}: {error}", escape_controls(by))),
    })?;
    let spans = NamedSpans::from_json(&text).map_err(|error| about(by, &error))?;
    Ok(Cut::Named(Arc::new(spans)))
}

/// Why a prompt can't be cut, with the file that says how.
pub(super) fn about(by: &str, error: &SegmentsError) -> Failure {
    Failure::Failed(match by.parse::<SegmentRule>() {
        Ok(_) => error.to_string(),
        Err(_) if by.is_empty() => error.to_string(),
        Err(_) => format!("{}: {error}", escape_controls(by)),
    })
}
