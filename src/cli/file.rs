//! A file in the place of what a command prints: a figure, or numbers with their recipe.

use super::args::{FigureArgs, FileArgs};
use super::ending::format_of;
use super::export::{check_figure, paths, style, write_with};
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use crate::export::file::Destination;
use crate::export::{FigureStyle, Found, Subject};
use crate::vocabulary::ExportFormat;

/// A file that is asked for, open.
pub(super) struct AskedFile {
    format: ExportFormat,
    style: FigureStyle,
    out: Destination,
}

impl AskedFile {
    /// Opens the file that flags ask for, before a model is loaded for nothing; nothing if they ask for none.
    ///
    /// # Errors
    /// If such a file can't hold it, of so many models, or can't be written.
    pub fn open(
        args: &FileArgs,
        subject: Subject,
        models: usize,
        settings: &Settings,
    ) -> Result<Option<Self>, Failure> {
        let Some(out) = &args.out else {
            if args.figure != FigureArgs::default() {
                let message = "flags of figures go with --format svg or png, and a file: --out FILE";
                return Err(Failure::Usage(message.to_owned()));
            }
            return Ok(None);
        };
        let format = format_of(args.format, out)?;
        check_figure(subject, format, &args.figure, models)?;
        let out = paths(out, format, &[], 1)?.remove(0);
        let style = style(&args.figure, settings);
        Ok(Some(Self { format, style, out: Destination::open(&out)? }))
    }

    /// Writes what was found about passes.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write_found(self, found: &Found, session: &mut Session) -> Result<(), Failure> {
        let recipe = found.recipe(self.format, self.style)?;
        write_with(self.out, session, |out| found.write(out, &recipe))
    }
}
