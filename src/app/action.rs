//! What can happen to the viewer, and what it can ask for.

use tui_input::InputRequest;

use super::{Column, ExportContent, ExportFormat, Exported, Hover, Viewport};
use crate::attention::View;
use crate::config::keys::Command;
use crate::worker::protocol::{Event, Request, Side};

/// Everything that changes the state.
#[derive(Debug, Clone)]
pub enum Action {
    /// The screen is up: load the models and run the first prompt.
    Start,
    /// A key of the key table was pressed.
    Command(Command),
    /// A key was pressed in the line that is edited: the popup's, else the prompt's.
    Edit(InputRequest),
    /// Characters were typed into that line, one after the other.
    Insert(String),
    /// Put the prompt of before into the editor.
    EarlierPrompt,
    /// Put the prompt of after, or what was being written, into the editor.
    LaterPrompt,
    /// Text was pasted into the line that is edited. If none is, this opens the prompt's: a paste never fires
    /// keys.
    Paste(String),
    /// Leave the editor and run its text; do what is chosen in the popup.
    Submit,
    /// Leave the editor and keep its text, which is not run unless it runs by itself; close the popup.
    LeaveEditor,
    /// Choose another entry of the popup, so many rows further down.
    Choose(isize),
    /// Do what the popup asks about.
    Agree,
    /// A row of the popup was clicked.
    Pick(usize),
    /// A cell was clicked.
    Point {
        /// Of which pane.
        side: Side,
        /// Its row.
        query: usize,
        /// Its column.
        column: Column,
    },
    /// A thumbnail was clicked, or a head in the list of all.
    Look {
        /// Of which pane.
        side: Side,
        /// What it stands for.
        view: View,
    },
    /// A pane was clicked.
    Focus(Side),
    /// The wheel was turned over a pane: cells to move by, down and right being positive.
    Scroll {
        /// Over which pane.
        side: Side,
        /// Rows.
        rows: isize,
        /// Columns.
        columns: isize,
    },
    /// The wheel was turned to zoom.
    Zoom {
        /// Over which pane.
        side: Side,
        /// Over which cell, if it was one: the row and the column.
        cell: Option<(usize, Column)>,
        /// [`Command::ZoomIn`] or [`Command::ZoomOut`].
        command: Command,
    },
    /// The mouse is over something else now.
    Hover(Option<Hover>),
    /// A pane has room for so many cells now.
    Viewport {
        /// Which pane.
        side: Side,
        /// How many.
        viewport: Viewport,
    },
    /// The difference of both sides has room for so many cells now.
    DifferenceViewport(Viewport),
    /// So many rows of the help don't fit on the screen.
    HelpOverflow(usize),
    /// A tenth of a second went by while [`State::wants_ticks`](super::State::wants_ticks).
    Tick,
    /// The worker reports.
    Worker(Event),
    /// A file is written, or isn't.
    Exported(Exported),
    /// The worker will report no more: its thread is gone.
    WorkerGone,
}

/// What the loop does for the state.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Ask the worker.
    Send(Request),
    /// Take the mouse, or leave it to the terminal.
    CaptureMouse(bool),
    /// Keep a prompt for later runs of the program.
    Remember(String),
    /// Write a file, without holding up the loop.
    Export {
        /// Of which pane.
        side: Side,
        /// What.
        content: ExportContent,
        /// In which format.
        format: ExportFormat,
        /// Under which name, as it was typed.
        file: String,
        /// Whether a file of that name may go.
        replace: bool,
    },
    /// Stop writing it.
    StopExport,
    /// Put a text on the clipboard.
    Copy(String),
    /// Show values in the colours of the next map.
    NextColorMap,
    /// Draw everything anew, whatever the terminal shows.
    Redraw,
    /// Stop this process, as Ctrl-Z does.
    Suspend,
    /// Leave the loop.
    Quit,
}
