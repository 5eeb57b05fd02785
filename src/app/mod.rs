//! What the viewer knows and how it changes: a pure reducer. No I/O, no clock, no terminal; what happens
//! comes in as an [`Action`], what is to be done goes out as an [`Effect`].
//!
//! [`State`] is made of sub-states (`state/`, each a file that knows nothing of the others), of the panes and the panels
//! in their place (`panels/`), and of the popup over them (`popups/`). [`update`] is the only way to change it. It asks
//! the popup first, then the panel that is open, and then the files beside this one, each of which is a subject: the
//! prompt, tokens that are appended, texts that models write, heads that are switched off, loads. After every action it brings what depends on
//! other things up to date: the difference, the panel, what is computed layer by layer.
//!
//! Nothing here computes anything large: matrices come from the worker.

mod ablate;
mod action;
mod append;
mod captured;
mod commands;
mod copy;
mod events;
mod find;
mod first_cursor;
mod layers;
mod lit;
mod loading;
mod navigation;
mod one_pane;
mod panels;
mod popups;
mod prompt;
mod state;
mod text;
mod update;
mod write;

pub use crate::attention::{ColorScale, Extent, Scale};
pub use action::{Action, Effect};
pub use panels::{
    Arrangement, Compared, Difference, EffectSide, EffectStage, HeadGrid, HeadList, HiddenUnit, LensPanel,
    LensStage, ListedHead, LogitLens, Mode, ModelShift, Opened, Panel, Panes, PatchMap, PatchStage, Pin,
    PushPanel, PushStage, Pushes, Reaction, Screen, SegmentCells, SegmentMap, SegmentSide, SegmentStage,
    Similarity, SinkNumber, SinkSide, SinkTruth, SpanEffects,
};
pub use popups::{ExportDialog, ExportStage, Listing, Palette, Picker, Popup, Stage, palette_columns};
pub use state::State;
pub use state::ablations::Ablations;
pub use state::by_layer::ByLayer;
pub use state::cursor::{Column, Cursor, Scroll, Viewport, Viewports};
pub use state::display::DisplaySettings;
pub use state::displayed::{DisplayedCapture, SweepStage};
pub use state::editor::Editor;
pub use state::editor_rows::EditorRows;
pub use state::exact_keys::KeysStage;
pub use state::exports::{ExportChoice, ExportContent, Exported};
pub use state::find::Find;
pub use state::fuzzy_list::{Found, FuzzyList};
pub use state::help::Help;
pub use state::history::History;
pub use state::hover::Hover;
pub use state::kept::Kept;
pub use state::pane::{Load, Pane, Pass};
pub use state::run::Run;
pub use state::scores::{ScoreBook, Scores};
pub use state::selection::{Depth, Selection};
pub use state::side::Side;
pub use state::span::Span;
pub use state::text_place::TextPlace;
pub use state::text_viewport::TextViewport;
pub use state::typed::{LONGEST_PROMPT, too_long};
pub use state::writing::{Step, Writer, WriterStage, Writing};
pub use state::zoom::Zoom;
pub use update::update;
