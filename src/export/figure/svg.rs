//! A figure written as SVG.

use std::fmt::Write as _;

use super::bar::ticks;
use super::layout::{Area, BAR, LABEL, LABEL_GAP, Layout, Place, SMALL, SUBTITLE, TITLE};
use super::pixels::Pixels;
use super::text::{FAMILY, Ruler};
use super::{Content, Figure, Heads, Panel, Square};
use crate::attention::Curve;
use crate::theme::{Background, Ramp, Rgb};

/// Colours that the gradient of a bar goes through.
const STOPS: usize = 32;
/// From the middle of letters to their foot, as a part of their size.
const MIDDLE: f32 = 0.36;
/// Cells of a small matrix up to which its outline follows each.
const FEW: usize = 16;

/// Colours of what is no value.
struct Ink {
    paper: Rgb,
    text: Rgb,
    dim: Rgb,
    /// Around what has values: zero may be as light, or as dark, as the paper.
    line: Rgb,
}

impl Ink {
    fn new(background: Background) -> Self {
        match background {
            Background::Light => Self {
                paper: Rgb(255, 255, 255),
                text: Rgb(28, 30, 34),
                dim: Rgb(98, 103, 112),
                line: Rgb(150, 155, 164),
            },
            Background::Dark => Self {
                paper: Rgb(22, 22, 26),
                text: Rgb(232, 232, 236),
                dim: Rgb(160, 163, 171),
                line: Rgb(104, 107, 116),
            },
        }
    }
}

impl Figure {
    /// The figure as an SVG document. Text stays text; the recipe is in its `metadata` as JSON.
    pub fn svg(&self) -> String {
        let layout = Layout::new(self, &Ruler::new());
        let Layout { width, height, margin, .. } = layout;
        let mut drawing = Drawing { out: String::new(), figure: self, ink: Ink::new(self.theme) };
        let paper = drawing.ink.paper.hex();
        drawing.add(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
             viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"{FAMILY}\" \
             font-size=\"{LABEL}\" xml:space=\"preserve\">\n<title>{}</title>\n<metadata>{}</metadata>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"{paper}\"/>\n",
            escape(&self.panels.iter().map(|panel| panel.title.as_str()).collect::<Vec<_>>().join(" | ")),
            escape(&json_as_xml(&self.metadata)),
        ));
        for (panel, place) in self.panels.iter().zip(&layout.panels) {
            drawing.panel(panel, place);
        }
        let dim = drawing.ink.dim;
        for (y, line) in &layout.caption {
            drawing.text((margin, *y), line, SMALL, dim, "");
        }
        drawing.out.push_str("</svg>\n");
        drawing.out
    }
}

struct Drawing<'a> {
    out: String,
    figure: &'a Figure,
    ink: Ink,
}

impl Drawing<'_> {
    fn add(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(arguments);
    }

    fn panel(&mut self, panel: &Panel, place: &Place) {
        let (text, dim) = (self.ink.text, self.ink.dim);
        self.text((place.x, place.y + TITLE - 2.0), &panel.title, TITLE, text, "");
        self.text((place.x, place.y + TITLE + 16.0), &panel.subtitle, SUBTITLE, dim, "");
        match &panel.content {
            Content::Square(square) => self.square(square, panel, place),
            Content::Heads(heads) => self.heads(heads, panel, place),
        }
        let names = match &panel.content {
            Content::Square(_) => ["query", "key"],
            Content::Heads(_) => ["layer", "head"],
        };
        self.labels(place, names);
        if let Some(area) = place.bar {
            self.bar(panel, area);
        }
    }

    fn square(&mut self, square: &Square, panel: &Panel, place: &Place) {
        let size = square.rows.len();
        let Area { x, y, .. } = place.content;
        if place.has_boxes {
            self.boxes(square, panel, place);
        } else {
            let level = |value: f32| self.level(panel, value);
            let mut pixels = Pixels::new(&self.figure.ramp, size, size);
            for (row, values) in square.rows.iter().enumerate() {
                for (key, value) in values.iter().enumerate() {
                    value.iter().for_each(|value| pixels.put(key, row, level(*value)));
                }
            }
            let mut sink = Pixels::new(&self.figure.ramp, 1, size);
            for (row, value) in square.sink.iter().flatten().enumerate() {
                value.iter().for_each(|value| sink.put(0, row, level(*value)));
            }
            let (pixels, sink) = (pixels.data_url(), sink.data_url());
            self.image(place.content, &pixels);
            place.sink.iter().for_each(|area| self.image(*area, &sink));
        }
        // Around all that has a value, cell by cell along the diagonal.
        let reach = |row: usize| square.rows[row].len() as f32 * place.step;
        let mut outline = format!("M{} {}", number(x), number(y));
        for row in 0..size {
            let _ = write!(outline, "H{}v{}", number(x + reach(row)), number(place.step));
        }
        let _ = write!(outline, "H{}Z", number(x));
        if size > 0 {
            self.outline(&outline);
        }
        if let Some(Area { x, y, width, height }) = place.sink {
            let [x, y, width, height] = [x, y, width, height].map(number);
            self.outline(&format!("M{x} {y}h{width}v{height}h-{width}Z"));
        }
    }

    /// Every cell by itself, with its number if there is room.
    fn boxes(&mut self, square: &Square, panel: &Panel, place: &Place) {
        let Area { x, y, .. } = place.content;
        let inset = (place.step - place.cell) / 2.0;
        self.out.push_str("<g text-anchor=\"middle\">\n");
        for (row, keys) in square.rows.iter().enumerate() {
            let top = y + row as f32 * place.step + inset;
            let sink = place.sink.zip(square.sink.as_ref().map(|sink| sink[row]));
            let sink = sink.map(|(area, value)| (area.x + inset, area.width - 2.0 * inset, value));
            let key = |(key, value): (usize, &Option<f32>)| {
                (x + key as f32 * place.step + inset, place.cell, *value)
            };
            for (left, width, value) in sink.into_iter().chain(keys.iter().enumerate().map(key)) {
                let area = Area { x: left, y: top, width, height: place.cell };
                match value {
                    Some(value) => self.cell(area, value, panel, place.is_numbered),
                    None if place.is_numbered => {
                        let (at, dim) = (middle(area, LABEL), self.ink.dim);
                        self.text(at, "–", LABEL, dim, "");
                    }
                    None => {}
                }
            }
        }
        self.out.push_str("</g>\n");
    }

    fn cell(&mut self, area: Area, value: f32, panel: &Panel, is_numbered: bool) {
        let color = self.figure.ramp.color(self.level(panel, value));
        let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(number);
        self.add(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
            color.hex()
        ));
        if is_numbered {
            let (text, size) = match self.figure.ramp.lowest() < 0.0 {
                _ if value == 0.0 => ("0".to_owned(), LABEL),
                true => (format!("{value:+.3}").replace('-', "−"), SMALL),
                false => (format!("{value:.3}"), LABEL),
            };
            self.text(middle(area, size), &text, size, color.text(), "");
        }
    }

    /// All heads in one image, with transparent cells between them.
    fn heads(&mut self, heads: &Heads, panel: &Panel, place: &Place) {
        let Some(size) = heads.layers.iter().flatten().map(|head| head.size()).max().filter(|size| *size > 0)
        else {
            return;
        };
        let columns = heads.layers.iter().map(Vec::len).max().unwrap_or(0);
        // Cells of an image are all alike: the gap is as many of them as come nearest to it.
        let fine = (64 / size).max(1);
        let gap = ((place.step - place.cell) / place.cell * (size * fine) as f32).round().max(1.0) as usize;
        let step = size * fine + gap;
        let side = |count: usize| (count * step).saturating_sub(gap);
        let mut pixels = Pixels::new(&self.figure.ramp, side(columns), side(heads.layers.len()));
        for (layer, row) in heads.layers.iter().enumerate() {
            for (at, head) in row.iter().enumerate() {
                for query in 0..head.size() {
                    for (key, value) in head.row(query).iter().enumerate() {
                        let level = self.level(panel, *value);
                        let (x, y) = (at * step + key * fine, layer * step + query * fine);
                        for offset in 0..fine * fine {
                            pixels.put(x + offset % fine, y + offset / fine, level);
                        }
                    }
                }
            }
        }
        let pixels = pixels.data_url();
        self.image(place.content, &pixels);
        let mut outline = String::new();
        for (layer, row) in heads.layers.iter().enumerate() {
            for head in 0..row.len() {
                let x = place.content.x + head as f32 * place.step;
                let y = place.content.y + layer as f32 * place.step;
                outline.push_str(&triangle((x, y), place.cell, size));
            }
        }
        self.outline(&outline);
    }

    fn labels(&mut self, place: &Place, [rows, columns]: [&str; 2]) {
        let Area { x, y, width, height } = place.content;
        let (text, dim) = (self.ink.text, self.ink.dim);
        let right = place.left() - LABEL_GAP;
        let extent = place.cell;
        self.out.push_str("<g text-anchor=\"end\">\n");
        for (row, label) in &place.rows {
            let middle = y + *row as f32 * place.step + extent / 2.0 + LABEL * MIDDLE;
            self.text((right, middle), label, LABEL, text, "");
        }
        self.out.push_str("</g>\n");
        let top = y + height + LABEL_GAP;
        let sink = place.sink.map(|sink| (sink.x + sink.width / 2.0, "sink", dim));
        let keys = place.columns.iter();
        let keys =
            keys.map(|(key, label)| (x + *key as f32 * place.step + extent / 2.0, label.as_str(), text));
        self.out.push_str(if place.slanted {
            "<g text-anchor=\"end\">\n"
        } else {
            "<g text-anchor=\"middle\">\n"
        });
        for (middle, label, color) in sink.into_iter().chain(keys) {
            if place.slanted {
                let at = (middle + LABEL * MIDDLE, top + LABEL * 0.6);
                let turn = format!(" transform=\"rotate(-45 {} {})\"", number(at.0), number(at.1));
                self.text(at, label, LABEL, color, &turn);
            } else {
                self.text((middle, top + LABEL - 2.0), label, LABEL, color, "");
            }
        }
        self.out.push_str("</g>\n");
        let left = place.left();
        let below = (left + (x + width - left) / 2.0, place.axis_y());
        self.text(below, columns, SMALL, dim, " text-anchor=\"middle\"");
        let beside = (place.axis_x(), y + height / 2.0);
        let turn = format!(
            " text-anchor=\"middle\" transform=\"rotate(-90 {} {})\"",
            number(beside.0),
            number(beside.1)
        );
        self.text(beside, rows, SMALL, dim, &turn);
    }

    fn bar(&mut self, panel: &Panel, area: Area) {
        let (ramp, text, dim) = (&self.figure.ramp, self.ink.text, self.ink.dim);
        // The same colours have the same name, so that several figures may share a page.
        let name = gradient_name(ramp);
        let stops: String = (0..=STOPS)
            .map(|at| {
                let height = at as f32 / STOPS as f32;
                let level = ramp.lowest() + height * (1.0 - ramp.lowest());
                format!("<stop offset=\"{}\" stop-color=\"{}\"/>", number(height), ramp.color(level).hex())
            })
            .collect();
        let lowest = ramp.lowest();
        let Area { x, y, width, height } = area;
        self.add(format_args!(
            "<linearGradient id=\"{name}\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">{stops}</linearGradient>\n\
             <rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"url(#{name})\" stroke=\"{}\" \
             stroke-width=\"0.8\"/>\n",
            number(x),
            number(y),
            number(width),
            number(height),
            self.ink.line.hex()
        ));
        for tick in ticks(panel.scale, lowest) {
            let at = y + (1.0 - tick.height) * height;
            let line = self.ink.line.hex();
            let (start, end) = (number(x + width), number(x + width + 4.0));
            self.add(format_args!(
                "<path d=\"M{start} {0}H{end}\" stroke=\"{line}\" stroke-width=\"0.8\"/>\n",
                number(at)
            ));
            self.text((x + width + 7.0, at + SMALL * MIDDLE), &tick.text, SMALL, text, "");
        }
        let log = if panel.scale.curve == Curve::Log { ", log scale" } else { "" };
        let beside = (x + BAR + 62.0, y + height / 2.0);
        let turn = format!(
            " text-anchor=\"middle\" transform=\"rotate(-90 {} {})\"",
            number(beside.0),
            number(beside.1)
        );
        let quantity = format!("{}{log}", self.figure.quantity);
        self.text(beside, &quantity, SMALL, dim, &turn);
    }

    fn image(&mut self, area: Area, address: &str) {
        let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(number);
        self.add(format_args!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
             image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\" xlink:href=\"{address}\"/>\n"
        ));
    }

    fn outline(&mut self, path: &str) {
        let line = self.ink.line.hex();
        self.add(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{line}\" stroke-width=\"0.8\"/>\n"));
    }

    fn text(&mut self, (x, y): (f32, f32), text: &str, size: f32, color: Rgb, more: &str) {
        self.add(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{size}\" fill=\"{}\"{more}>{}</text>\n",
            number(x),
            number(y),
            color.hex(),
            escape(text)
        ));
    }

    fn level(&self, panel: &Panel, value: f32) -> f32 {
        if self.figure.ramp.lowest() < 0.0 {
            panel.scale.signed_level(value)
        } else {
            panel.scale.level(value)
        }
    }
}

/// A path around the cells of a small matrix: along each of them, or through their corners if they are many.
fn triangle((x, y): (f32, f32), side: f32, size: usize) -> String {
    let cell = side / size as f32;
    let (start, end) = (format!("M{} {}", number(x), number(y)), format!("H{}Z", number(x)));
    if size <= FEW {
        let steps: String =
            (1..=size).map(|at| format!("H{}v{}", number(x + at as f32 * cell), number(cell))).collect();
        return start + &steps + &end;
    }
    let corner = [x + side, y + side - cell].map(number);
    format!("{start}h{}L{} {}v{}{end}", number(cell), corner[0], corner[1], number(cell))
}

fn gradient_name(ramp: &Ramp) -> String {
    let ends = [ramp.color(ramp.lowest()), ramp.color(1.0)].map(|rgb| rgb.hex().replace('#', ""));
    format!("colors-{}-{}", ends[0], ends[1])
}

fn middle(area: Area, size: f32) -> (f32, f32) {
    (area.x + area.width / 2.0, area.y + area.height / 2.0 + size * MIDDLE)
}

/// A coordinate, to a hundredth.
fn number(value: f32) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text between tags. What no XML document may hold is replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if is_xml(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

/// JSON whose characters may all stand in XML: the others are escaped as JSON escapes them.
fn json_as_xml(json: &str) -> String {
    let escape = |c: char| if is_xml(c) { c.to_string() } else { format!("\\u{:04x}", c as u32) };
    json.chars().map(escape).collect()
}

fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}
