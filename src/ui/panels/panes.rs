//! Both panes side by side, or one of them.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};

use super::columns::{columns, take_inspector};
use super::face::Face;
use crate::app::{ColorScale, Pane, Side, State, Zoom};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, other_side, pair};
use crate::ui::chrome::legend::{self, Legend, Setting, Words};
use crate::ui::names::view_names;
use crate::ui::pane::{frame, inspector, minimap, shares, thumbnails};
use crate::ui::places::{Body, PaneLayout};
use crate::ui::widgets::area::{take_bottom, take_top};
use crate::ui::widgets::grid::Needs;
use crate::ui::widgets::overview::Overview;
use crate::ui::widgets::text::{short, width, wrap};
use crate::vocabulary::ColorRange;

/// Columns of a pane from which the matrix doesn't touch the border.
const AIRY: u16 = 44;
/// Lines that an error takes over a matrix, at most.
const ERROR_LINES: u16 = 4;

/// Both panes.
pub const FACE: Face = Face { title, hints, legend, place, draw };

fn title(state: &State, other: &str) -> Vec<String> {
    let names = view_names(state);
    [names.clone().map(|view| format!("{view}{other}")), names].concat()
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        hint(state, Command::EditPrompt, "prompt"),
        pair(state, (Command::Open, Command::Back), "deeper, back"),
        pair(state, (Command::PreviousLayer, Command::NextLayer), "layer"),
        pair(state, (Command::PreviousHead, Command::NextHead), "head"),
        hint(state, Command::HeadGrid, "all heads"),
        hint(state, Command::OtherModel, other_side(state)),
        hint(state, Command::Quit, "quit"),
        pair(state, (Command::AppendNext, Command::TakeBack), "next token"),
        hint(state, Command::Write, "let both write"),
        pair(state, (Command::LikelierToken, Command::UnlikelierToken), "choose it"),
        hint(state, Command::Pin, "pin"),
        hint(state, Command::ModelPicker, "other models"),
        hint(state, Command::CommandPalette, "all commands"),
        hint(state, Command::MarkSpan, "span"),
        hint(state, Command::Lens, "logit lens"),
        hint(state, Command::OnePane, if state.display.one_pane { "both sides" } else { "one pane" }),
    ]
}

fn legend<'a>(state: &State, body: &Body, words: Words, theme: &'a Theme) -> Option<Legend<'a>> {
    state.panes.shown().next()?;
    let display = state.display;
    let mut settings = vec![
        legend::normalisation(state),
        legend::color_scale(state),
        range(state, words),
        legend::color_map(state, theme),
    ];
    let overview = match body {
        Body::Panes(panes) => panes.iter().flatten().find_map(|pane| pane.overview),
        _ => None,
    };
    match overview {
        Some(Overview { bin, .. }) => {
            let cell = state.panes.shown().map(|shown| shown.matrix().bin()).max().unwrap_or(1);
            // A pixel that is one token is neither a largest nor a mean.
            if bin * cell > 1 {
                let bin = bin * cell;
                let pooling = format!("{} of {bin}×{bin}", display.pooling.name());
                settings.insert(0, (state.keys.hint(Command::Pooling), pooling));
            }
        }
        // An overview leaves the future empty.
        None => settings.push(("·".to_owned(), "future".to_owned())),
    }
    settings.splice(0..0, legend::rows(state));
    Some(Legend {
        palette: &theme.values,
        bottom: bottom(state),
        top: top(state, is_clipped(state)),
        settings,
    })
}

/// What the top of the scale is.
pub(super) fn range(state: &State, words: Words) -> Setting {
    range_of(state, legend::clipped(rows(state), words))
}

/// Whether a row of a matrix may go beyond it.
pub(super) fn is_clipped(state: &State) -> bool {
    !legend::clipped(rows(state), Words::All).is_empty()
}

fn rows(state: &State) -> usize {
    state.panes.shown().map(|shown| shown.matrix().size()).max().unwrap_or(0)
}

/// The same where so much is left aside.
pub(super) fn range_of(state: &State, clipped: &str) -> Setting {
    let range = match state.display.range {
        ColorRange::Shared | ColorRange::Own if state.panes.is_alone() => format!("up to the top{clipped}"),
        ColorRange::Shared => format!("top of both{clipped}"),
        ColorRange::Own => format!("top of each{clipped}"),
        ColorRange::Top(_) => "0 to 1".to_owned(),
    };
    (state.keys.hint(Command::Range), range)
}

/// What the lowest colour stands for; on each side, if it isn't the same.
pub(super) fn bottom(state: &State) -> String {
    match state.display.color_scale {
        ColorScale::Linear => "0 ".to_owned(),
        ColorScale::Log => on_each_side(state, |side| format!("≤{}", short(state.scale(side).bottom))) + " ",
    }
}

/// What the highest colour stands for, and whether there is more; on each side, if it isn't the same.
pub(super) fn top(state: &State, is_clipped: bool) -> String {
    match state.display.range {
        ColorRange::Top(_) => if legend::is_value_weighted(state) { "≥1" } else { "1" }.to_owned(),
        ColorRange::Shared | ColorRange::Own => {
            on_each_side(state, |side| legend::top(state.scale(side).top, is_clipped))
        }
    }
}

fn on_each_side(state: &State, text: impl Fn(Side) -> String) -> String {
    if state.display.range != ColorRange::Own {
        return text(Side::Left);
    }
    let shown = Side::BOTH.into_iter().filter(|side| state.pane(*side).shown.is_some());
    shown.map(text).collect::<Vec<_>>().join(" ┊ ")
}

pub(super) fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let Body::Panes(panes) = body else { return };
    for pane in panes.iter().flatten() {
        frame::draw(state, pane, theme, buffer);
        inspector::draw(state, pane, theme, buffer);
    }
}

fn place(state: &State, mut rest: Rect, screen: u16) -> Body {
    let inspector = take_inspector(state, &mut rest, screen);
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
    if state.display.zoom == Zoom::Whole && may_fit && is_cut(&panes) {
        let without = place(false);
        if !is_cut(&without) {
            panes = without;
        }
    }
    place_overviews(state, &mut panes);
    place_strips(state, &mut panes);
    Body::Panes(panes)
}

fn is_cut(panes: &[Option<PaneLayout>; 2]) -> bool {
    panes.iter().flatten().filter_map(|pane| pane.grid).any(|grid| grid.is_cut())
}

pub(super) fn pane(state: &State, side: Side, frame: Rect, inspector: Rect, has_strip: bool) -> PaneLayout {
    let pane = state.pane(side);
    let mut body = frame.inner(Margin::new(1, 1));
    let shown = pane.shown.is_some();
    let strip_height = if shown && has_strip { thumbnails::height(body.height) } else { 0 };
    let strip = take_bottom(&mut body, strip_height);
    let share_height = if shown { shares::height(state, body.height) } else { 0 };
    let mut shares = take_bottom(&mut body, share_height);
    if body.width >= AIRY {
        body = Rect { x: body.x + 1, width: body.width - 2, ..body };
        shares = Rect { x: body.x, width: body.width, ..shares };
    }
    let error_lines = match pane.error() {
        Some(error) if shown => wrap(&error, usize::from(body.width)).len() as u16 + 1,
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
        text: None,
        shares,
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
        None => state.pane(side).is_cut() && !state.display.one_pane,
    };
    let is_whole = state.display.zoom == Zoom::Whole && Side::BOTH.into_iter().any(is_cut);
    for pane in panes.iter_mut().flatten() {
        if !is_whole && pane.grid.is_some_and(|grid| grid.is_cut()) {
            pane.minimap = minimap::place(pane.strip);
        }
        let strip = Rect { width: pane.strip.width - pane.minimap.width, ..pane.strip };
        pane.thumbnails = thumbnails::place(state.pane(pane.side), strip);
    }
}

/// Whether both sides have cells of one size: they show the same text, or will when the slower one is done. A prompt in a
/// chat template beside a bare one, or beside another that is pinned, is as large as fits by itself.
fn are_alike(state: &State) -> bool {
    let [Some(left), Some(right)] = state.panes.both.each_ref().map(|pane| pane.shown.as_ref()) else {
        return true;
    };
    left.text() == right.text() || state.panes.pin.is_none() && left.prompt != right.prompt
}

/// Matrices with cells of the same size on both sides; where one doesn't fit and they aren't alike, each with its own.
fn place_grids(state: &State, panes: &mut [Option<PaneLayout>; 2]) {
    let longest = |labels: &[String]| labels.iter().map(|label| width(label)).max().unwrap_or(0);
    let sides = panes.iter().flatten().map(|pane| pane.side);
    let name = sides.map(|side| longest(&state.row_labels(side))).max().unwrap_or(0);
    let needs = |pane: &PaneLayout| {
        let matrix = state.pane(pane.side).shown.as_ref()?.matrix();
        let (size, sink) = (matrix.size(), matrix.sinks().is_some());
        Some(Needs { area: pane.body, size, sink, sink_row: false, name })
    };
    let cell = |all: &[Needs]| {
        state.display.zoom.cell(Needs::cell(all), |cell| all.iter().all(|needs| needs.shows_all(cell)))
    };
    let all: Vec<Needs> = panes.iter().flatten().filter_map(needs).collect();
    let shared = cell(&all);
    let is_alone = !are_alike(state) && all.iter().any(|needs| !needs.shows_all(shared));
    for pane in panes.iter_mut().flatten() {
        let placed = state.pane(pane.side);
        let cell = if is_alone { cell(needs(pane).as_slice()) } else { shared };
        pane.grid = needs(pane).map(|needs| needs.place(cell, |viewport| placed.scroll_in(viewport)));
    }
}

/// If a matrix is to be shown whole and isn't, both are, with pixels of as many cells; or it alone, if they aren't alike.
fn place_overviews(state: &State, panes: &mut [Option<PaneLayout>; 2]) {
    let grids = || panes.iter().flatten().filter_map(|pane| pane.grid);
    if state.display.zoom != Zoom::Whole || !is_cut(panes) {
        return;
    }
    let is_folded = |pane: &Pane| pane.shown.as_ref().is_some_and(|shown| shown.matrix().bin() > 1);
    let words = state.panes.iter().any(is_folded);
    let are_alike = are_alike(state);
    let bin = grids().map(|grid| Overview::of(&grid, words).bin).max().unwrap_or(1);
    for pane in panes.iter_mut().flatten() {
        let grid = pane.grid.filter(|grid| are_alike || grid.is_cut());
        pane.overview = grid.map(|grid| {
            let mut overview = Overview::of(&grid, words);
            if are_alike {
                overview.bin = bin;
            }
            overview
        });
    }
}
