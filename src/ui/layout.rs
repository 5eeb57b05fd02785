//! Where everything goes.

use ratatui::layout::{Margin, Position, Rect};

use super::grid::{Grid, Needs};
use super::overview::Overview;
use super::{
    DifferenceLayout, LeaderboardLayout, LensLayout, PopupLayout, difference, heads, help, leaderboard,
    minimap, popup, text, thumbnails,
};
use crate::app::{Column, Load, Mode, Pane, Pass, Shown, State, Viewports, Zoom};
use crate::attention::View;
use crate::worker::protocol::Side;

/// The smallest screen on which something can be seen.
pub const SMALLEST: (u16, u16) = (24, 9);
/// Columns from which both panes are shown.
const BOTH_FROM: u16 = 64;
/// Rows from which there is room to breathe.
const TALL: u16 = 32;
/// Columns of a pane from which the matrix doesn't touch the border.
const AIRY: u16 = 44;
/// Lines that an error takes over a matrix, at most.
const ERROR_LINES: u16 = 4;

/// Where everything goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// The screen.
    pub area: Rect,
    /// Whether nothing can be shown but that.
    pub too_small: bool,
    /// The line at the top.
    pub title: Rect,
    /// Left and right, as far as they are shown.
    pub panes: [Option<PaneLayout>; 2],
    /// The head grid, in the panes' place.
    pub heads: Option<HeadsLayout>,
    /// The list of all heads, in the panes' place.
    pub leaderboard: Option<LeaderboardLayout>,
    /// What each layer would predict, in the panes' place.
    pub lens: [Option<LensLayout>; 2],
    /// Left minus right, in the panes' place.
    pub difference: Option<DifferenceLayout>,
    /// The colour scale.
    pub legend: Rect,
    /// The prompt, with its border if there is room for one.
    pub prompt: Rect,
    /// The line of hints; empty on a small screen.
    pub hints: Rect,
    /// What lies over everything else.
    pub popup: Option<PopupLayout>,
    /// Rows of the help that don't fit; 0 unless it is open.
    pub help_overflow: usize,
}

/// Where the parts of a pane go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaneLayout {
    /// Which.
    pub side: Side,
    /// With its border.
    pub frame: Rect,
    /// Within its border, above the thumbnails.
    pub body: Rect,
    /// An error over the matrix; empty without one.
    pub error: Rect,
    /// The matrix, if there is one.
    pub grid: Option<Grid>,
    /// All of the matrix, in the place of its cells.
    pub overview: Option<Overview>,
    /// A rule, numbers and thumbnails; empty if there is no room.
    pub strip: Rect,
    /// Thumbnails in it.
    pub thumbnails: Vec<(View, Rect)>,
    /// Where the part of a matrix that is on screen lies, at the end of the strip; empty if all of it is.
    pub minimap: Rect,
    /// What is written under the pane.
    pub inspector: Rect,
}

/// Where the parts of the head grid go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadsLayout {
    /// Whose heads.
    pub side: Side,
    /// With its border.
    pub frame: Rect,
    /// Heads on screen, layer after layer.
    pub heads: Vec<(View, Rect)>,
}

/// What is at a position of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// A cell.
    Cell {
        /// Of which pane.
        side: Side,
        /// Its row.
        query: usize,
        /// Its column.
        column: Column,
    },
    /// A thumbnail, or a head in the list of all.
    Thumbnail {
        /// Of which pane.
        side: Side,
        /// What it stands for.
        view: View,
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
            Hit::Cell { side, .. } | Hit::Thumbnail { side, .. } | Hit::Pane(side) => Some(side),
            Hit::Prompt | Hit::Row(_) | Hit::Popup | Hit::Behind => None,
        }
    }
}

impl Layout {
    /// What is at a position of the screen.
    pub fn hit(&self, at: Position) -> Option<Hit> {
        if let Some(popup) = &self.popup {
            let elsewhere = if popup.frame.contains(at) { Hit::Popup } else { Hit::Behind };
            return Some(popup.row(at).map_or(elsewhere, Hit::Row));
        }
        if self.prompt.contains(at) {
            return Some(Hit::Prompt);
        }
        if let Some(HeadsLayout { side, frame, heads }) = &self.heads {
            let head = heads.iter().find(|(_, area)| area.contains(at));
            let elsewhere = || frame.contains(at).then_some(Hit::Pane(*side));
            return head.map(|&(view, _)| Hit::Thumbnail { side: *side, view }).or_else(elsewhere);
        }
        if let Some(LeaderboardLayout { side, frame, heads, .. }) = &self.leaderboard {
            let head = heads.iter().find(|(_, _, area)| area.contains(at));
            let elsewhere = || frame.contains(at).then_some(Hit::Pane(*side));
            return head.map(|&(side, view, _)| Hit::Thumbnail { side, view }).or_else(elsewhere);
        }
        if let Some(DifferenceLayout { side, frame, grid, .. }) = &self.difference {
            let cell = grid.hit(at).map(|(query, column)| Hit::Cell { side: *side, query, column });
            return cell.or_else(|| frame.contains(at).then_some(Hit::Pane(*side)));
        }
        let pane = self
            .panes
            .iter()
            .flatten()
            .find(|pane| pane.frame.contains(at) || pane.inspector.contains(at))?;
        let side = pane.side;
        let cell = match (pane.overview, pane.grid) {
            (Some(overview), _) => overview.hit(at),
            (None, grid) => grid.and_then(|grid| grid.hit(at)),
        };
        if let Some((query, column)) = cell {
            return Some(Hit::Cell { side, query, column });
        }
        let thumbnail = pane.thumbnails.iter().find(|(_, area)| area.contains(at));
        Some(thumbnail.map_or(Hit::Pane(side), |&(view, _)| Hit::Thumbnail { side, view }))
    }

    /// What there is room for: what the state takes before the layout is drawn.
    pub fn viewports(&self) -> Viewports {
        Viewports {
            panes: self.panes.each_ref().map(|pane| Some(pane.as_ref()?.grid?.viewport)),
            difference: self.difference.as_ref().map(|placed| placed.grid.viewport),
            help_overflow: self.help_overflow,
        }
    }
}

/// Where everything goes on a screen of that size.
pub fn layout(state: &State, area: Rect) -> Layout {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return Layout { area, too_small: true, ..Layout::default() };
    }
    let tall = area.height >= TALL;
    let mut rest = area;
    let title = take_top(&mut rest, 1);
    let hints = take_bottom(&mut rest, if area.height >= 14 { 1 } else { 0 });
    let prompt = take_bottom(&mut rest, if tall { 3 } else { 1 });
    let legend = take_bottom(&mut rest, 1);
    let popup = state.popup.as_ref().map(|popup| popup::place(popup, area));
    let fixed = Layout { area, title, legend, prompt, hints, popup, ..Layout::default() };
    let side = state.focus;
    if let (Mode::HeadGrid(chosen), Some(shown)) = (state.mode, &state.pane(side).shown) {
        let heads = heads::place(shown, chosen, rest);
        return Layout { heads: Some(HeadsLayout { side, frame: rest, heads }), ..fixed };
    }
    if state.mode == Mode::Leaderboard {
        return Layout { leaderboard: Some(leaderboard::place(state, rest)), ..fixed };
    }
    if state.mode == Mode::Lens {
        let mut lens = [None, None];
        for (side, frame) in columns(state, rest) {
            lens[side.index()] = Some(LensLayout { side, frame });
        }
        return Layout { lens, ..fixed };
    }
    let inspector = match area.height {
        0..14 => 1,
        14..22 => 2,
        22..TALL => 3,
        TALL..42 => 7.min(most_lines(state)),
        _ => 10.min(most_lines(state)),
    };
    let inspector = take_bottom(&mut rest, inspector);
    let help_overflow = if state.mode == Mode::Help { help::overflow(state, area) } else { 0 };
    if let Some(placed) = difference::place(state, rest, inspector) {
        return Layout { difference: Some(placed), help_overflow, ..fixed };
    }

    let place = |has_strip: bool| {
        let mut panes = [None, None];
        for (side, frame) in columns(state, rest) {
            let under = Rect { x: frame.x + 1, width: frame.width.saturating_sub(2), ..inspector };
            panes[side.index()] = Some(pane(state, side, frame, under, has_strip));
        }
        place_grids(state, &mut panes);
        panes
    };
    let mut panes = place(true);
    // Small pictures of heads give way to a matrix that fits without them.
    let may_fit = panes.iter().flatten().all(|pane| {
        let rows = usize::from(pane.body.height + pane.strip.height);
        pane.grid.is_none_or(|grid| grid.size < rows)
    });
    if state.zoom == Zoom::Whole && may_fit && is_cut(&panes) {
        let without = place(false);
        if !is_cut(&without) {
            panes = without;
        }
    }
    place_overviews(state, &mut panes);
    place_strips(state, &mut panes);
    Layout { panes, help_overflow, ..fixed }
}

fn is_cut(panes: &[Option<PaneLayout>; 2]) -> bool {
    panes.iter().flatten().filter_map(|pane| pane.grid).any(|grid| grid.is_cut())
}

/// Both sides next to each other, or the one that keys go to: where there is no room for both, or it is to have all
/// of it.
fn columns(state: &State, area: Rect) -> Vec<(Side, Rect)> {
    let both = area.width >= BOTH_FROM && !state.one_pane;
    let sides = if both { Side::BOTH.to_vec() } else { vec![state.focus] };
    let width = area.width / sides.len() as u16;
    let column = |(at, side): (usize, &Side)| {
        let x = area.x + at as u16 * width;
        let width = if at + 1 == sides.len() { area.right() - x } else { width };
        (*side, Rect { x, width, ..area })
    };
    sides.iter().enumerate().map(column).collect()
}

fn pane(state: &State, side: Side, frame: Rect, inspector: Rect, has_strip: bool) -> PaneLayout {
    let pane = state.pane(side);
    let mut body = frame.inner(Margin::new(1, 1));
    let shown = pane.shown.is_some();
    let strip_height = if shown && has_strip { thumbnails::height(body.height) } else { 0 };
    let strip = take_bottom(&mut body, strip_height);
    if body.width >= AIRY {
        body = Rect { x: body.x + 1, width: body.width - 2, ..body };
    }
    let error_lines = match error_of(pane) {
        Some(error) if shown => text::wrap(error, usize::from(body.width)).len() as u16 + 1,
        _ => 0,
    };
    let mut within = body;
    let error = take_top(&mut within, error_lines.min(ERROR_LINES));
    PaneLayout {
        side,
        frame,
        body: within,
        error,
        grid: None,
        overview: None,
        strip,
        thumbnails: Vec::new(),
        minimap: Rect::default(),
        inspector,
    }
}

/// Small pictures of heads, and where the part of a matrix lies that is on screen: it is known once the grids are
/// placed.
fn place_strips(state: &State, panes: &mut [Option<PaneLayout>; 2]) {
    // A pane that is wanted, and that there is no room for, is cut as it was when it was on screen last.
    let is_cut = |side: Side| match &panes[side.index()] {
        Some(pane) => pane.grid.is_some_and(|grid| grid.is_cut()),
        None => state.pane(side).is_cut() && !state.one_pane,
    };
    let is_whole = state.zoom == Zoom::Whole && Side::BOTH.into_iter().any(is_cut);
    for pane in panes.iter_mut().flatten() {
        if !is_whole && pane.grid.is_some_and(|grid| grid.is_cut()) {
            pane.minimap = minimap::place(pane.strip);
        }
        let strip = Rect { width: pane.strip.width - pane.minimap.width, ..pane.strip };
        pane.thumbnails = thumbnails::place(state.pane(pane.side), strip);
    }
}

/// Lines that can be filled under a pane: the cell, what would come next, and a line per column.
fn most_lines(state: &State) -> u16 {
    let columns = |shown: &Shown| shown.matrix().size() + usize::from(shown.matrix().sinks().is_some());
    let most = state.panes.iter().filter_map(|pane| pane.shown.as_ref()).map(columns).max();
    let moved =
        state.panes.iter().any(|pane| pane.shown.as_ref().is_some_and(|s| s.capture.before.is_some()));
    most.map_or(3, |columns| columns.min(64) as u16 + 2 + u16::from(moved))
}

/// What went wrong last, if it did.
pub fn error_of(pane: &Pane) -> Option<&str> {
    match (&pane.load, &pane.pass) {
        (Load::Failed(error), _) | (_, Pass::Failed(error)) => Some(error),
        _ => None,
    }
}

/// Matrices with cells of the same size on both sides.
fn place_grids(state: &State, panes: &mut [Option<PaneLayout>; 2]) {
    let longest = |labels: &[String]| labels.iter().map(|label| text::width(label)).max().unwrap_or(0);
    let shown = panes.iter().flatten().filter_map(|pane| state.pane(pane.side).shown.as_ref());
    let name = shown.map(|shown| longest(&shown.labels)).max().unwrap_or(0);
    let needs = |pane: &PaneLayout| {
        let matrix = state.pane(pane.side).shown.as_ref()?.matrix();
        let (size, sink) = (matrix.size(), matrix.sinks().is_some());
        Some(Needs { area: pane.body, size, sink, sink_row: false, name })
    };
    let all: Vec<Needs> = panes.iter().flatten().filter_map(needs).collect();
    let shows_all = |cell| all.iter().all(|needs| needs.shows_all(cell));
    let cell = state.zoom.cell(Needs::cell(&all), shows_all);
    for pane in panes.iter_mut().flatten() {
        let placed = state.pane(pane.side);
        pane.grid = needs(pane).map(|needs| needs.place(cell, |viewport| placed.scroll_in(viewport)));
    }
}

/// If a matrix is to be shown whole and isn't, both are, with pixels of as many cells.
fn place_overviews(state: &State, panes: &mut [Option<PaneLayout>; 2]) {
    let grids = || panes.iter().flatten().filter_map(|pane| pane.grid);
    if state.zoom != Zoom::Whole || !is_cut(panes) {
        return;
    }
    let is_folded = |pane: &Pane| pane.shown.as_ref().is_some_and(|shown| shown.matrix().bin() > 1);
    let words = state.panes.iter().any(is_folded);
    let bin = grids().map(|grid| Overview::of(&grid, words).bin).max().unwrap_or(1);
    for pane in panes.iter_mut().flatten() {
        pane.overview = pane.grid.map(|grid| Overview { bin, ..Overview::of(&grid, words) });
    }
}

fn take_top(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let taken = Rect { height, ..*rest };
    *rest = Rect { y: rest.y + height, height: rest.height - height, ..*rest };
    taken
}

fn take_bottom(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    rest.height -= height;
    Rect { y: rest.y + rest.height, height, ..*rest }
}
