//! `attnscope print`: the article's printout.

use std::io::{self, BufWriter, Write};

use super::args::PrintArgs;
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use crate::attention::escape_controls;
use crate::export::file::Stoppable;
use crate::export::print;

/// Prints each model's tokens and matrix; several models under a heading each.
///
/// # Errors
/// If a model cannot be loaded, cannot read the prompt, or has no such view.
pub fn run(args: &PrintArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let models = settings.models_of(&args.models)?;
    let input = settings.input(&args.input)?;
    let cancel = session.cancel.clone();
    let mut out = Stoppable::new(BufWriter::new(io::stdout().lock()), || cancel.is_cancelled());
    for (at, reference) in models.iter().enumerate() {
        let model = session.load(reference)?;
        let capture = session.capture(&model, &input)?;
        capture.check(args.view)?;
        if models.len() > 1 {
            let gap = if at > 0 { "\n" } else { "" };
            writeln!(out, "{gap}# {}", escape_controls(&model.info().name))?;
        }
        print::write(&mut out, &capture, args.view, args.rows)?;
        out.flush()?;
    }
    Ok(())
}
