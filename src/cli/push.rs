//! `attnscope push`: what each part of a pass adds to the logit of a next token.

use super::args::PushArgs;
use super::asked::Asked;
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::export::push::{PushPass, write_csv, write_json, write_table};
use crate::export::{Recipe, Selection, Source};

/// Likeliest next tokens that are listed.
const NEXT: usize = 10;
/// Parts that a table lists.
const TOP: usize = 20;

/// Runs every model, and tells the logit of a next token apart.
///
/// # Errors
/// If a model cannot be loaded or cannot read the prompt, or there is no such token or head.
pub fn run(args: &PushArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let mut passes = Vec::new();
    for Asked { model, input, without } in settings.passes(&args.models, &args.input)? {
        let model = session.load(&model)?;
        model.check_output_head()?;
        // First, so that a token that isn't there is told before anything takes long.
        let named = |name: &Option<String>| name.as_ref().map(|name| model.token_named(name)).transpose();
        let tokens = (named(&args.token)?, named(&args.versus)?);
        let capture = session.capture_without(&model, &input, &without)?;
        let query = args.query.unwrap_or(capture.tokens.len() - 1);
        let pass = model.run_token(&capture, query, NEXT, &session.cancel)?;
        let push = model.push(&capture, &pass, tokens, &session.cancel)?;
        let recipe = Recipe::new(Source::new(&capture, input, Selection::All), None);
        passes.push(PushPass { capture, push, recipe });
    }
    let all = args.top.unwrap_or(usize::MAX);
    if args.csv {
        return stdout::print(false, |_| Ok(()), |out| write_csv(out, &passes, all));
    }
    let table = args.top.unwrap_or(TOP);
    stdout::print(args.json, |out| write_json(out, &passes, all), |out| write_table(out, &passes, table))
}
