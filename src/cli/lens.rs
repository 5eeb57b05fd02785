//! `attnscope lens`: what each layer would predict.

use super::args::LensArgs;
use super::asked::Asked;
use super::failure::Failure;
use super::flags::check_place;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::export::lens::{LensPass, write_json, write_table};
use crate::export::{Recipe, Selection, Source};

/// Runs every model, and predicts from each of its layers.
///
/// # Errors
/// If a model cannot be loaded or cannot read the prompt, or there is no such token.
pub fn run(args: &LensArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let mut passes = Vec::new();
    for asked in settings.passes(&args.models, &args.input)? {
        let model = session.load_asked(&asked)?;
        let Asked { input, without, .. } = asked;
        // Before it runs for nothing.
        model.check_output_head()?;
        let (capture, stream) = session.capture_keeping(&model, &input, &without)?;
        let tokens = capture.tokens.len();
        let query = args.token.unwrap_or(tokens - 1);
        check_place("--token", query, query, tokens)?;
        let lens = model.lens(&stream, query, args.top)?;
        let recipe = Recipe::new(Source::new(&capture, input, Selection::All), None);
        passes.push(LensPass { capture, lens, recipe });
    }
    stdout::print(args.json, |out| write_json(out, &passes), |out| write_table(out, &passes))
}
