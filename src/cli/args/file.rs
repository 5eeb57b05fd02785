//! Flags of a file in the place of what a command prints.

use std::path::PathBuf;

use clap::Args;

use super::commands::FigureArgs;
use crate::cli::values::one_of;
use crate::vocabulary::ExportFormat;

/// A file in the place of what is printed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub struct FileArgs {
    /// Write a file in place of the table: svg or png, a figure; or csv or json, where the command has numbers for it.
    /// 'attnscope render' makes it again
    #[arg(long, requires = "out", value_parser = one_of::<ExportFormat>(), hide_possible_values = true)]
    pub format: Option<ExportFormat>,
    /// File to write, which is replaced if it is there; - is standard output
    #[arg(long, value_name = "FILE", requires = "format")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub figure: FigureArgs,
}
