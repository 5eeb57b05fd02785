//! Where the parts of what is on screen are, and what the mouse is over there.

use ratatui::layout::{Position, Rect};

use super::widgets::grid::Grid;
use super::widgets::overview::Overview;
use super::widgets::text_grid::TextGrid;
use crate::app::{Column, Side};
use crate::attention::View;

/// What is between title and legend.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one in a frame")]
pub enum Body {
    /// Left and right, as far as they are shown.
    Panes([Option<PaneLayout>; 2]),
    /// Both in one square.
    Difference(DifferenceLayout),
    /// A panel in their place.
    Panel(PanelLayout),
    /// A panel whose cells are chosen by a click.
    Cells(PanelLayout, Vec<CellPlace>),
}

/// Where the parts of a pane go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaneLayout {
    /// The side of the screen.
    pub side: Side,
    /// The pane with its border.
    pub frame: Rect,
    /// Within its border, above the thumbnails.
    pub body: Rect,
    /// An error over the matrix; empty without one.
    pub error: Rect,
    /// The matrix, if there is one.
    pub grid: Option<Grid>,
    /// All of the matrix, in the place of its cells.
    pub overview: Option<Overview>,
    /// The text in the place of the matrix.
    pub text: Option<TextGrid>,
    /// What is written, as a strip; empty if nothing is, or there is no room.
    pub shares: Rect,
    /// A rule, numbers and thumbnails; empty if there is no room.
    pub strip: Rect,
    /// Thumbnails in it.
    pub thumbnails: Vec<(View, Rect)>,
    /// Where the part of a matrix that is on screen lies, at the end of the strip; empty if all of it is.
    pub minimap: Rect,
    /// What is written under the pane.
    pub inspector: Rect,
}

/// Where the parts of a comparison go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceLayout {
    /// The pane that has the focus.
    pub side: Side,
    /// The square with its border.
    pub frame: Rect,
    /// The matrix.
    pub grid: Grid,
    /// What is written under it.
    pub sentences: Rect,
}

/// Where the parts of a panel go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelLayout {
    /// The pane that has the focus.
    pub side: Side,
    /// The panel with its border, or all of its boxes.
    pub frame: Rect,
    /// Its parts, in the order in which they are drawn.
    pub parts: Vec<Part>,
}

/// A part of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The side of the model that it is about.
    pub side: Side,
    /// The head or the layer that it stands for: a click goes there.
    pub view: Option<View>,
    /// The part of the screen that it takes.
    pub area: Rect,
}

/// A cell of a panel that is no cell of a matrix of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellPlace {
    /// The side of the model that it is about.
    pub side: Side,
    /// Index of its row.
    pub row: usize,
    /// Its column.
    pub column: Column,
    /// The part of the screen that it takes.
    pub area: Rect,
}

/// What is at a position of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// A cell.
    Cell {
        /// The pane that shows it.
        side: Side,
        /// Index of its row.
        query: usize,
        /// Its column.
        column: Column,
    },
    /// A token of a text.
    Token {
        /// The pane that shows it.
        side: Side,
        /// Its index.
        token: usize,
    },
    /// A thumbnail, or a head in a panel.
    Thumbnail {
        /// The side of its model.
        side: Side,
        /// The view that it stands for.
        view: View,
    },
    /// A cell of a panel.
    PanelCell {
        /// The side of its model.
        side: Side,
        /// Index of its row.
        row: usize,
        /// Its column.
        column: Column,
    },
    /// Anything else of a pane.
    Pane(Side),
    /// The prompt.
    Prompt,
    /// A row of the popup's list.
    Row(usize),
    /// Anything else of the popup.
    Popup,
    /// Anything that the popup leaves on screen.
    Behind,
}

impl Hit {
    /// The pane it is of, if it is of one.
    pub fn side(self) -> Option<Side> {
        match self {
            Hit::Cell { side, .. }
            | Hit::Token { side, .. }
            | Hit::Thumbnail { side, .. }
            | Hit::PanelCell { side, .. }
            | Hit::Pane(side) => Some(side),
            Hit::Prompt | Hit::Row(_) | Hit::Popup | Hit::Behind => None,
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Panes([None, None])
    }
}

impl Body {
    /// What is at a position of the screen.
    pub fn hit(&self, at: Position) -> Option<Hit> {
        match self {
            Self::Panes(panes) => panes.iter().flatten().find_map(|pane| pane.hit(at)),
            Self::Difference(DifferenceLayout { side, frame, grid, .. }) => {
                let cell = grid.hit(at).map(|(query, column)| Hit::Cell { side: *side, query, column });
                cell.or_else(|| frame.contains(at).then_some(Hit::Pane(*side)))
            }
            Self::Panel(panel) => panel.hit(at),
            Self::Cells(panel, cells) => {
                let cell = cells.iter().find(|cell| cell.area.contains(at));
                let cell =
                    cell.map(|cell| Hit::PanelCell { side: cell.side, row: cell.row, column: cell.column });
                let part = || panel.parts.iter().find(|part| part.area.contains(at));
                cell.or_else(|| part().map(|part| Hit::Pane(part.side)))
            }
        }
    }
}

impl PaneLayout {
    fn hit(&self, at: Position) -> Option<Hit> {
        if !self.frame.contains(at) && !self.inspector.contains(at) {
            return None;
        }
        let side = self.side;
        let cell = match (self.overview, self.grid) {
            (Some(overview), _) => overview.hit(at),
            (None, grid) => grid.and_then(|grid| grid.hit(at)),
        };
        if let Some((query, column)) = cell {
            return Some(Hit::Cell { side, query, column });
        }
        if let Some(token) = self.text.as_ref().and_then(|text| text.hit(at)) {
            return Some(Hit::Token { side, token });
        }
        let thumbnail = self.thumbnails.iter().find(|(_, area)| area.contains(at));
        Some(thumbnail.map_or(Hit::Pane(side), |&(view, _)| Hit::Thumbnail { side, view }))
    }
}

impl PanelLayout {
    /// A part that stands for a view is hit as that; between such parts, the pane that has the focus is hit.
    fn hit(&self, at: Position) -> Option<Hit> {
        let mut views =
            self.parts.iter().filter_map(|part| Some((part.side, part.view?, part.area))).peekable();
        views.peek()?;
        let hit = views.find(|(_, _, area)| area.contains(at));
        let elsewhere = || self.frame.contains(at).then_some(Hit::Pane(self.side));
        hit.map(|(side, view, _)| Hit::Thumbnail { side, view }).or_else(elsewhere)
    }
}
