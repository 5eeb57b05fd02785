//! `attnscope sinks`: what heads give to no word, and what is large behind it.

use super::args::SinksArgs;
use super::asked::Asked;
use super::failure::Failure;
use super::file::AskedFile;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::export::sinks::{write_csv, write_json, write_table};
use crate::export::{Found, FoundSubject, Source, Subject};

/// Runs every model, and goes through the rows of its heads and its residual stream.
///
/// # Errors
/// If a model cannot be loaded, or cannot read the prompt, or the file cannot be written.
pub fn run(args: &SinksArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let file = AskedFile::of(&args.file, settings)?;
    let asked = settings.passes(&args.models, &args.input)?;
    let subject = Subject::Found(FoundSubject::Sinks);
    let file = file.map(|file| file.open(asked.len())).transpose()?;
    let mut passes = Vec::new();
    for asked in asked {
        let model = session.load_asked(&asked)?;
        let Asked { input, without, .. } = asked;
        let (capture, stream) = session.capture_keeping(&model, &input, &without)?;
        let source = Source::new(&capture, input, subject);
        passes.push(session.sinks(&model, (capture, source), &stream)?);
    }
    if let Some(file) = file {
        return file.write_found(&Found::Sinks(passes), session);
    }
    if args.csv {
        return stdout::print(false, |_| Ok(()), |out| write_csv(out, &passes));
    }
    stdout::print(args.json, |out| write_json(out, &passes), |out| write_table(out, &passes))
}
