//! `attnscope print`: the article's printout.

use std::io::{self, BufWriter, Write};

use super::args::PrintArgs;
use super::asked::{Asked, title};
use super::failure::Failure;
use super::flags::check_view;
use super::session::Session;
use super::settings::Settings;
use crate::export::file::Stoppable;
use crate::export::print;

/// Prints each model's tokens and matrix; several models under a heading each.
///
/// # Errors
/// If a model cannot be loaded, cannot read the prompt, or has no such view.
pub fn run(args: &PrintArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let passes = settings.passes(&args.models, &args.input)?;
    let cancel = session.cancel.clone();
    let mut out = Stoppable::new(BufWriter::new(io::stdout().lock()), || cancel.is_cancelled());
    for (at, asked) in passes.iter().enumerate() {
        let model = session.load_asked(asked)?;
        check_view(args.view, Some(args.view), model.info())?;
        let Asked { input, without, .. } = asked;
        let capture = session.capture_without(&model, input, without)?;
        if passes.len() > 1 || !without.is_empty() {
            let gap = if at > 0 { "\n" } else { "" };
            writeln!(out, "{gap}# {}", title(&model.info().name, without))?;
        }
        print::write(&mut out, &capture, args.view, args.rows)?;
        out.flush()?;
    }
    Ok(())
}
