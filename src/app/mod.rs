//! What the viewer knows and how it changes: a pure reducer. No I/O, no clock, no terminal; what happens
//! comes in as an [`Action`], what is to be done goes out as an [`Effect`].

mod action;
mod chooser;
mod copy;
mod cursor;
mod difference;
mod export;
mod grow;
mod history;
mod hover;
mod leaderboard;
mod link;
mod palette;
mod pane;
mod picker;
mod pin;
mod popup;
mod prompt;
mod rules;
mod selection;
mod span;
mod state;
mod update;
mod worker;
mod zoom;

pub use crate::attention::{Curve, LOG_FLOOR, Scale};
pub use action::{Action, Effect};
pub use chooser::{Chooser, Found};
pub use cursor::{Column, Cursor, Scroll, Viewport};
pub use difference::{Arrangement, Compared, Difference};
pub use export::{ExportChoice, ExportContent, ExportDialog, ExportFormat, ExportStage, Exported};
pub use history::History;
pub use hover::Hover;
pub use leaderboard::{Leaderboard, Likeness, ListedHead, Scores};
pub use palette::{Palette, columns as palette_columns};
pub use pane::{Load, Pane, Pass, Shown};
pub use picker::{Listing, Picker, Stage};
pub use pin::Pin;
pub use popup::Popup;
pub use rules::{Range, Rules};
pub use selection::{Depth, Selection};
pub use span::Span;
pub use state::{Mode, State};
pub use update::update;
pub use zoom::Zoom;
