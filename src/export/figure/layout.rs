//! Where the parts of a figure go, in its own pixels.

use super::bars::{Bars, NAME_GAP};
use super::contents::Figure;
use super::panel::{Content, Heads, Panel, Square};
use super::passage::{LINE, Line, Passage};
use super::text::Ruler;

/// Around everything.
const MARGIN: f32 = 28.0;
/// Between two panels.
const GAP: f32 = 44.0;
/// Figures are no wider than this, unless a single column is.
const WIDEST: f32 = 1700.0;
/// The width of a figure by its height that goes well on a page.
const PAGE: f32 = 1.5;
/// A caption needs this much at least to read well.
const NARROWEST: f32 = 460.0;

/// Sizes of type.
pub const TITLE: f32 = 15.0;
pub const SUBTITLE: f32 = 11.5;
pub const LABEL: f32 = 11.0;
pub const SMALL: f32 = 10.0;

/// From the top of a panel to its matrix: title and subtitle.
const HEADER: f32 = 50.0;
/// Between labels and what they label.
pub const LABEL_GAP: f32 = 6.0;
/// Room for the name of an axis.
const AXIS: f32 = 20.0;
/// Width of a label, at most; and of a title.
const LONGEST_LABEL: f32 = 110.0;
const LONGEST_TITLE: f32 = 640.0;
/// Between two lines of labels, and between two slanted ones.
const LABEL_LINE: f32 = 14.0;
const SLANTED_LINE: f32 = 18.0;
/// Tokens up to which cells have numbers.
const NUMBERED: usize = 12;
/// A cell with a number.
const NUMBERED_CELL: f32 = 46.0;
/// A cell without, at most.
const LARGEST_CELL: f32 = 30.0;
/// A matrix of many cells, alone and beside another.
const MATRIX: f32 = 600.0;
const MATRIX_OF_TWO: f32 = 480.0;
/// Cells up to which each is drawn by itself; more are pixels of an image.
const MOST_BOXES: usize = 48;
/// The sink's column, at least, and what sets it apart.
const SINK: f32 = 14.0;
const SINK_GAP: f32 = 9.0;

/// A colour bar: how far from its panel, how wide, how high at most and at least, and for its numbers and words.
const BAR_GAP: f32 = 30.0;
pub const BAR: f32 = 13.0;
const BAR_HEIGHT: (f32, f32) = (90.0, 300.0);
const BAR_TEXT: f32 = 72.0;
/// What a bar takes in all.
const BAR_ROOM: f32 = BAR_GAP + BAR + BAR_TEXT;

/// All heads of a model: how wide together, and each at least and at most.
const HEADS: f32 = 900.0;
const HEAD: (f32, f32) = (14.0, 72.0);

/// Between lines of the caption, before it, and between its paragraphs.
const CAPTION_LINE: f32 = 15.0;
const CAPTION_GAP: f32 = 26.0;

/// A box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

/// Where everything goes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    pub width: f32,
    pub height: f32,
    pub panels: Vec<Place>,
    /// Lines with their baselines.
    pub caption: Vec<(f32, String)>,
    pub margin: f32,
}

/// Where a panel goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Title and subtitle, and everything else.
    pub x: f32,
    pub y: f32,
    /// The matrix, without the sink's column; or all heads.
    pub content: Area,
    /// Labels on the left, the part that is written, each with its row; and those below.
    pub rows: Vec<(usize, String)>,
    pub columns: Vec<(usize, String)>,
    /// Whether the labels below are slanted, for want of room.
    pub slanted: bool,
    /// How deep the labels below reach.
    pub drop: f32,
    /// From one row to the next, and one column to the next.
    pub step: f32,
    /// The part of it that is no gap.
    pub cell: f32,
    /// The sink's column.
    pub sink: Option<Area>,
    /// The colour bar, if this panel has it.
    pub bar: Option<Area>,
    /// Whether cells have their numbers in them.
    pub is_numbered: bool,
    /// Whether each cell is drawn by itself.
    pub has_boxes: bool,
    /// The lines of a text; those above it, and how high these are.
    pub lines: Vec<Line>,
    pub heading: (Vec<String>, f32),
    /// Title and subtitle, as far as there is room for them.
    pub titles: [String; 2],
}

impl Layout {
    /// Lays a figure out, in as many columns as make it most like a page: all panels in a row, or in rows that are as long as
    /// each other.
    pub fn new(figure: &Figure, ruler: &Ruler) -> Self {
        let count = figure.panels.len();
        let matrix = if count > 1 { MATRIX_OF_TWO } else { MATRIX };
        let cells = figure.panels.iter().filter_map(|panel| cell(panel, matrix));
        let cell = cells.reduce(f32::min).unwrap_or(LARGEST_CELL);
        let measured = figure.panels.iter().map(|panel| {
            let place = place(panel, (cell, matrix), ruler);
            let width = place.width(ruler);
            (place, width)
        });
        let measured: Vec<(Place, f32)> = measured.collect();
        let columns = (2..=count).filter(|columns| count.is_multiple_of(*columns));
        let wide = columns.map(|columns| Self::in_columns(columns, &measured, figure, ruler));
        let all = [Self::in_columns(1, &measured, figure, ruler)].into_iter();
        let all = all.chain(wide.filter(|layout| layout.width <= WIDEST));
        all.min_by(|a, b| a.off_page().total_cmp(&b.off_page())).unwrap_or_default()
    }

    /// Panels with their widths, in rows of so many.
    fn in_columns(columns: usize, measured: &[(Place, f32)], figure: &Figure, ruler: &Ruler) -> Self {
        let is_shared = figure.panels.windows(2).all(|pair| pair[0].scale == pair[1].scale);
        // One bar of all panels is at the end of the first row.
        let has_bar = |at: usize| figure.panels[at].has_colors() && (!is_shared || at + 1 == columns);
        // Where the title is wider than the matrix, the bar stays beside the matrix.
        let end = |at: usize| match (&measured[at], has_bar(at)) {
            ((place, width), true) => width.max(place.content.x + place.content.width + BAR_ROOM),
            ((_, width), false) => *width,
        };
        let width_of = |column: usize| (column..measured.len()).step_by(columns).map(end).fold(0.0, f32::max);
        let (mut panels, mut right, mut y) = (Vec::new(), 0.0f32, MARGIN);
        let mut bottom = MARGIN;
        for row in measured.chunks(columns) {
            let mut x = MARGIN;
            for (column, (place, _)) in row.iter().enumerate() {
                let mut place = place.clone();
                place.shift(x, y);
                place.bar = has_bar(panels.len()).then(|| bar_beside(place.content));
                bottom = bottom.max(place.bottom());
                right = right.max(x + width_of(column));
                x += width_of(column) + GAP;
                panels.push(place);
            }
            y = bottom + GAP;
        }
        let least = if figure.caption.is_empty() { 0.0 } else { NARROWEST };
        let width = (right + MARGIN).max(least);
        let mut caption = Vec::new();
        bottom += if figure.caption.is_empty() { 0.0 } else { CAPTION_GAP };
        for paragraph in &figure.caption {
            for line in ruler.wrap(paragraph, SMALL, width - 2.0 * MARGIN) {
                caption.push((bottom, line));
                bottom += CAPTION_LINE;
            }
            bottom += 2.0;
        }
        bottom -= if figure.caption.is_empty() { 0.0 } else { CAPTION_LINE };
        Self { width: width.ceil(), height: (bottom + MARGIN).ceil(), panels, caption, margin: MARGIN }
    }

    /// How far its shape is from that of a page.
    fn off_page(&self) -> f32 {
        (self.width / self.height / PAGE).ln().abs()
    }
}

/// The colour bar beside a matrix.
fn bar_beside(Area { x, y, width, height }: Area) -> Area {
    Area { x: x + width + BAR_GAP, y, width: BAR, height: height.clamp(BAR_HEIGHT.0, BAR_HEIGHT.1) }
}

impl Place {
    /// The words below the labels, and those before them.
    pub fn axis_y(&self) -> f32 {
        self.content.y + self.content.height + LABEL_GAP + self.drop + AXIS - LABEL_GAP
    }

    pub fn axis_x(&self) -> f32 {
        self.x + SMALL
    }

    /// The left end of everything but labels.
    pub fn left(&self) -> f32 {
        self.sink.map_or(self.content.x, |sink| sink.x)
    }

    fn bottom(&self) -> f32 {
        let bar = self.bar.map_or(0.0, |bar| bar.y + bar.height);
        bar.max(self.axis_y() + 2.0)
    }

    fn width(&self, ruler: &Ruler) -> f32 {
        let content = self.content.x + self.content.width - self.x;
        let [title, subtitle] = &self.titles;
        content.max(ruler.width(title, TITLE)).max(ruler.width(subtitle, SUBTITLE))
    }

    fn shift(&mut self, x: f32, y: f32) {
        (self.x, self.y) = (self.x + x, self.y + y);
        for area in [Some(&mut self.content), self.sink.as_mut()].into_iter().flatten() {
            (area.x, area.y) = (area.x + x, area.y + y);
        }
    }
}

/// The cell of a matrix that is so large.
fn cell(panel: &Panel, side: f32) -> Option<f32> {
    let Content::Square(square) = &panel.content else { return None };
    let size = square.row_labels.len().max(square.column_labels.len());
    Some(match size {
        0..=NUMBERED => NUMBERED_CELL,
        _ if size <= MOST_BOXES => (side / size as f32).min(LARGEST_CELL).floor(),
        _ => side / size as f32,
    })
}

/// A panel with its corner at 0, 0.
fn place(panel: &Panel, (cell, text): (f32, f32), ruler: &Ruler) -> Place {
    let place = match &panel.content {
        Content::Passage(passage) => place_passage(passage, text, ruler),
        Content::Square(square) => place_square(square, cell, ruler),
        Content::Heads(heads) => place_heads(heads, ruler),
        Content::Bars(bars) => place_bars(bars, ruler),
    };
    let fit = |text: &str, size: f32| ruler.fit_ends(text, size, LONGEST_TITLE);
    Place { titles: [fit(&panel.title, TITLE), fit(&panel.subtitle, SUBTITLE)], ..place }
}

fn place_square(square: &Square, cell: f32, ruler: &Ruler) -> Place {
    let (row_count, column_count) = (square.row_labels.len(), square.column_labels.len());
    let size = row_count.max(column_count);
    let labels = |labels: &[String], line: f32| -> Vec<(usize, String)> {
        let labels = labels.iter().enumerate().step_by((line / cell).ceil().max(1.0) as usize);
        labels.map(|(at, label)| (at, ruler.fit(label, LABEL, LONGEST_LABEL))).collect()
    };
    let rows = labels(&square.row_labels, LABEL_LINE);
    let columns = labels(&square.column_labels, SLANTED_LINE);
    let longest_below = longest(&labels(&square.column_labels, LABEL_LINE), ruler);
    let left = AXIS + longest(&rows, ruler) + LABEL_GAP;
    let (width, height) = (cell * column_count as f32, cell * row_count as f32);
    let sink_width = cell.max(SINK);
    let sink = square.sink.as_ref().map(|_| Area { x: left, y: HEADER, width: sink_width, height });
    let x = left + if sink.is_some() { sink_width + SINK_GAP } else { 0.0 };
    let slanted = longest_below > cell.max(SLANTED_LINE) - 6.0;
    Place {
        rows,
        columns,
        slanted,
        drop: if slanted { (longest_below + LABEL) * std::f32::consts::FRAC_1_SQRT_2 } else { LABEL },
        step: cell,
        cell: if cell >= 9.0 { cell - 1.0 } else { cell },
        sink,
        is_numbered: size <= NUMBERED && cell >= NUMBERED_CELL,
        has_boxes: size <= MOST_BOXES,
        ..place_at(Area { x, y: HEADER, width, height })
    }
}

fn place_heads(heads: &Heads, ruler: &Ruler) -> Place {
    let columns = heads.layers.first().map_or(0, Vec::len).max(1);
    let step = (HEADS / columns as f32).floor().clamp(HEAD.0 + 3.0, HEAD.1 + 6.0);
    let gap = if step >= 36.0 { 6.0 } else { 3.0 };
    let every = (LABEL_LINE / step).ceil() as usize;
    let numbers = |count: usize| (0..count).step_by(every).map(|at| (at, at.to_string())).collect::<Vec<_>>();
    let (rows, column_labels) = (numbers(heads.layers.len()), numbers(columns));
    let left = AXIS + longest(&rows, ruler) + LABEL_GAP;
    let (width, height) = (step * columns as f32 - gap, step * heads.layers.len() as f32 - gap);
    Place {
        rows,
        columns: column_labels,
        drop: LABEL,
        step,
        cell: step - gap,
        ..place_at(Area { x: left, y: HEADER, width, height })
    }
}

/// Bars, behind their names.
fn place_bars(bars: &Bars, ruler: &Ruler) -> Place {
    let (rows, (width, height)) = (bars.fitted_names(ruler), bars.size());
    let x = longest(&rows, ruler) + NAME_GAP;
    Place { rows, ..place_at(Area { x, y: HEADER, width, height }) }
}

/// A text in lines of that width.
fn place_passage(passage: &Passage, width: f32, ruler: &Ruler) -> Place {
    let (lines, heading) = (passage.lines(ruler, width), passage.heading(ruler, width));
    let height = heading.1 + LINE * lines.len() as f32;
    Place { lines, heading, ..place_at(Area { x: 0.0, y: HEADER, width, height }) }
}

/// A panel without cells and labels.
fn place_at(content: Area) -> Place {
    Place {
        x: 0.0,
        y: 0.0,
        content,
        rows: vec![],
        columns: vec![],
        slanted: false,
        drop: 0.0,
        step: 0.0,
        cell: 0.0,
        sink: None,
        bar: None,
        is_numbered: false,
        has_boxes: false,
        lines: vec![],
        heading: Default::default(),
        titles: Default::default(),
    }
}

fn longest(labels: &[(usize, String)], ruler: &Ruler) -> f32 {
    let sink = ruler.width("sink", LABEL);
    labels.iter().map(|(_, label)| ruler.width(label, LABEL)).fold(sink, f32::max).ceil()
}
