//! `attnscope sinks`: what heads give to no word, and what is large behind it.

use super::args::SinksArgs;
use super::asked::Asked;
use super::failure::Failure;
use super::file::AskedFile;
use super::session::Session;
use super::settings::Settings;
use super::stdout;
use crate::attention::Capture;
use crate::attention::sinks::Sinks;
use crate::export::sinks::{SinkPass, write_json, write_table};
use crate::export::{Recipe, Source, Subject};

/// Runs every model, and goes through the rows of its heads and its residual stream.
///
/// # Errors
/// If a model cannot be loaded, or cannot read the prompt, or the file cannot be written.
pub fn run(args: &SinksArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let asked = settings.passes(&args.models, &args.input)?;
    let file = AskedFile::open(&args.file, Subject::Sinks, asked.len(), settings)?;
    let mut passes = Vec::new();
    for Asked { model, input, without } in asked {
        let model = session.load(&model)?;
        let (capture, stream) = session.capture_keeping(&model, &input, &without)?;
        let activations = model.activations(&stream, &session.cancel)?;
        let is_stopped = || session.cancel.is_cancelled();
        let sinks = Sinks::new(&capture, &is_stopped).ok_or(Failure::Interrupted)?;
        let recipe = Recipe::new(Source::new(&capture, input, Subject::Sinks), None);
        passes.push(SinkPass { capture, sinks, activations, recipe });
    }
    if let Some(file) = file {
        let captures: Vec<&Capture> = passes.iter().map(|pass| &pass.capture).collect();
        let sources = passes.iter().map(|pass| pass.recipe.source.clone()).collect();
        return file.write_figure(&captures, sources, session);
    }
    stdout::print(args.json, |out| write_json(out, &passes), |out| write_table(out, &passes))
}
