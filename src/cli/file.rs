//! A file in the place of what a command prints: a figure, or numbers with their recipe.

use std::path::Path;

use super::args::{FigureArgs, FileArgs};
use super::export::{paths, style, write_with};
use super::failure::Failure;
use super::fit::{check_models, format_for};
use super::session::Session;
use super::settings::Settings;
use crate::export::file::Destination;
use crate::export::{FigureStyle, Found, FoundSubject, Subject};
use crate::vocabulary::ExportFormat;

/// Of what is found about a pass, all is written as the same formats.
const FOUND: Subject = Subject::Found(FoundSubject::Sinks);

/// A file that is asked for.
pub(super) struct AskedFile<'a> {
    format: ExportFormat,
    style: FigureStyle,
    out: &'a Path,
    figure: &'a FigureArgs,
}

/// The same, open.
pub(super) struct OpenFile {
    format: ExportFormat,
    style: FigureStyle,
    out: Destination,
}

impl<'a> AskedFile<'a> {
    /// The file that flags ask for, before anything is touched; nothing if they ask for none.
    ///
    /// # Errors
    /// If such a file can't hold what flags ask for.
    pub fn of(args: &'a FileArgs, settings: &Settings) -> Result<Option<Self>, Failure> {
        let Some(out) = &args.out else {
            if args.figure != FigureArgs::default() {
                let message = "flags of figures go with --format svg or png, and a file: --out FILE";
                return Err(Failure::Usage(message.to_owned()));
            }
            return Ok(None);
        };
        let format = format_for(FOUND, args.format, out, &args.figure)?;
        Ok(Some(Self { format, style: style(&args.figure, settings), out, figure: &args.figure }))
    }

    /// Opens it for what is found of so many models, before one is loaded for nothing.
    ///
    /// # Errors
    /// If these are too many, or it can't be written.
    pub fn open(self, models: usize) -> Result<OpenFile, Failure> {
        let Self { format, style, out, figure } = self;
        check_models(figure, models)?;
        let out = paths(out, format, &[], 1)?.remove(0);
        Ok(OpenFile { format, style, out: Destination::open(&out)? })
    }
}

impl OpenFile {
    /// Writes what was found about passes.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write_found(self, found: &Found, session: &mut Session) -> Result<(), Failure> {
        let recipe = found.recipe(self.format, self.style)?;
        write_with(self.out, session, |out| found.write(out, &recipe))
    }
}
