//! `attnscope push`: what each part of a pass adds to the logit of a next token.

use super::args::PushArgs;
use super::asked::Asked;
use super::failure::Failure;
use super::file::AskedFile;
use super::flags::{check_place, logit_tokens};
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::export::push::{write_csv, write_json, write_table};
use crate::export::{Found, FoundSubject, LogitTokens, Source, Subject};

/// Parts that a table lists.
const TOP: usize = 20;

/// Runs every model, and tells the logit of a next token apart.
///
/// # Errors
/// If a model cannot be loaded or cannot read the prompt, there is no such token or head, or the file cannot be written.
pub fn run(args: &PushArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let file = AskedFile::of(&args.file, settings)?;
    let asked = settings.passes(&args.models, &args.input)?;
    let subject = Subject::Found(FoundSubject::Push(LogitTokens::default(), args.query));
    let file = file.map(|file| file.open(asked.len())).transpose()?;
    let mut passes = Vec::new();
    for asked in asked {
        let model = session.load_asked(&asked)?;
        let Asked { input, without, .. } = asked;
        model.check_output_head()?;
        // First, so that a token that isn't there is told before anything takes long.
        let tokens = logit_tokens([args.token.as_ref(), args.versus.as_ref()], &model)?;
        let capture = session.capture_without(&model, &input, &without)?;
        if let Some(query) = args.query {
            check_place("--query", query, query, capture.tokens.len())?;
        }
        let source = Source::new(&capture, input, subject);
        passes.push(session.push(&model, (capture, source), tokens, args.query)?);
    }
    if let Some(file) = file {
        return file.write_found(&Found::Push(passes), session);
    }
    let all = args.top.unwrap_or(usize::MAX);
    if args.csv {
        return stdout::print(false, |_| Ok(()), |out| write_csv(out, &passes, all));
    }
    let table = args.top.unwrap_or(TOP);
    stdout::print(args.json, |out| write_json(out, &passes, all), |out| write_table(out, &passes, table))
}
