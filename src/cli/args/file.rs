//! Flags of a file in the place of what a command prints.

use std::path::PathBuf;

use clap::Args;

use super::commands::FigureArgs;
use crate::cli::values::among;
use crate::vocabulary::ExportFormat;

/// A file in the place of what is printed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub struct FileArgs {
    /// What the file is, if its name doesn't end in it: svg or png, a figure; csv or json, numbers
    #[arg(long, requires = "out", value_parser = among(&ExportFormat::OF_FOUND), hide_possible_values = true)]
    pub format: Option<ExportFormat>,
    /// File to write in place of the table, which is replaced if it is there. What its name ends in says what it is: .svg or
    /// .png, a figure; .csv or .json, numbers. 'attnscope render' makes it again; - is standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub figure: FigureArgs,
}
