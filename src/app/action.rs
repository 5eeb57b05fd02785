//! What can happen to the viewer, and what it can ask for.

use tui_input::InputRequest;

use super::state::cursor::Column;
use super::state::exports::{ExportContent, Exported};
use super::state::hover::Hover;
use crate::app::state::side::Side;
use crate::attention::View;
use crate::config::keys::Command;
use crate::vocabulary::ExportFormat;
use crate::worker::protocol::{Event, Request};

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
    /// Go to the row above in the editor; from the first one, put the prompt of before into it.
    EarlierPrompt,
    /// Go to the row below in the editor; from the last one, put the prompt of after, or what was being written, into
    /// it.
    LaterPrompt,
    /// Text was pasted into the line that is edited. If none is, this opens the prompt's: a paste never fires
    /// keys.
    Paste(String),
    /// Another program has left the text like this, or why there is none.
    Edited(Result<String, String>),
    /// The file that the first prompt came from holds this now, or why it can't be read.
    Reloaded(Result<String, String>),
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
        /// The pane that shows it.
        side: Side,
        /// Index of its row.
        query: usize,
        /// Its column.
        column: Column,
    },
    /// A token of a text was clicked.
    PointToToken {
        /// The pane that shows it.
        side: Side,
        /// Its index.
        token: usize,
    },
    /// A cell of a panel was clicked.
    ChooseCell {
        /// The side of its model.
        side: Side,
        /// Index of its row.
        row: usize,
        /// Its column.
        column: Column,
    },
    /// A thumbnail was clicked, or a head in the list of all.
    ShowView {
        /// The side of its model.
        side: Side,
        /// The view that it stands for.
        view: View,
    },
    /// A pane was clicked.
    Focus(Side),
    /// The wheel was turned over a pane: cells to move by, down and right being positive.
    Scroll {
        /// The pane that the mouse is over.
        side: Side,
        /// Rows to move by.
        rows: isize,
        /// Columns to move by.
        columns: isize,
    },
    /// The wheel was turned to zoom.
    Zoom {
        /// The pane that the mouse is over.
        side: Side,
        /// The cell that the mouse is over, if it is one: its row and its column.
        cell: Option<(usize, Column)>,
        /// [`Command::ZoomIn`] or [`Command::ZoomOut`].
        command: Command,
    },
    /// The mouse is over something else now.
    Hover(Option<Hover>),
    /// A tenth of a second went by while `State::wants_ticks`.
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
#[must_use]
pub enum Effect {
    /// Ask the worker.
    Send(Request),
    /// Take the mouse, or leave it to the terminal.
    CaptureMouse(bool),
    /// Keep a prompt for later runs of the program.
    Remember(String),
    /// Write a file, without holding up the loop.
    Export {
        /// The pane whose matrices are written, where those of one are.
        side: Side,
        /// What is written.
        content: ExportContent,
        /// The format of the file.
        format: ExportFormat,
        /// The name of the file, as it was typed.
        file: String,
        /// Whether a file of that name may go.
        replace: bool,
    },
    /// Stop writing it.
    StopExport,
    /// Put a text on the clipboard.
    Copy(String),
    /// Draw everything anew, whatever the terminal shows.
    Redraw,
    /// Have another program edit a text, in this terminal: [`Action::Edited`].
    EditElsewhere(String),
    /// Read the file once more that the first prompt came from: [`Action::Reloaded`].
    ReadPromptFile,
    /// Stop this process, as Ctrl-Z does.
    Suspend,
    /// Leave the loop.
    Quit,
}
