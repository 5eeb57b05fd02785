//! A figure written as SVG.

use std::fmt::Write as _;

use super::contents::Figure;
use super::layout::{Area, BAR, LABEL, LABEL_GAP, Layout, Place, SMALL, SUBTITLE, TITLE};
use super::panel::{Content, Panel};
use super::text::{FAMILY, Ruler};
use super::ticks::ticks;
use crate::theme::{Ramp, Rgb};
use crate::vocabulary::xml::{escape, json_as_xml, number};
use crate::vocabulary::{Background, ColorScale};

/// Pixels of a matrix from which its axes are named in words.
const IN_WORDS: f32 = 170.0;
/// Colours that the gradient of a bar goes through.
const STOPS: usize = 32;
/// From the middle of letters to their foot, as a part of their size.
pub(super) const MIDDLE: f32 = 0.36;

/// Colours of what is no value.
pub(super) struct Ink {
    paper: Rgb,
    pub(super) text: Rgb,
    pub(super) dim: Rgb,
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
        self.document(&self.metadata)
    }

    pub(super) fn document(&self, metadata: &str) -> String {
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
            escape(&json_as_xml(metadata)),
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

pub(super) struct Drawing<'a> {
    pub(super) out: String,
    pub(super) figure: &'a Figure,
    pub(super) ink: Ink,
}

impl Drawing<'_> {
    pub(super) fn add(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(arguments);
    }

    fn panel(&mut self, panel: &Panel, place: &Place) {
        let (text, dim) = (self.ink.text, self.ink.dim);
        let [title, subtitle] = &place.titles;
        self.text((place.x, place.y + TITLE - 2.0), title, TITLE, text, "");
        self.text((place.x, place.y + TITLE + 16.0), subtitle, SUBTITLE, dim, "");
        match &panel.content {
            Content::Square(square) => self.square(square, panel, place),
            Content::Heads(heads) => self.heads(heads, panel, place),
            Content::Passage(passage) => self.passage(passage, panel, place),
            Content::Bars(bars) => self.bars(bars, place),
        }
        if matches!(panel.content, Content::Square(_) | Content::Heads(_)) {
            self.axes(panel, place);
        }
        for (layer, head) in &panel.off {
            self.off((*layer, *head), panel, place);
        }
        if let Some(area) = place.bar {
            self.bar(panel, area);
        }
    }

    fn axes(&mut self, panel: &Panel, place: &Place) {
        let has_room = place.content.height.min(place.content.width) >= IN_WORDS;
        self.labels(place, if has_room { panel.words.axes } else { panel.words.short_axes });
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
        for tick in ticks(panel.scale, lowest, panel.is_cut(), (SMALL + 1.0) / height) {
            let at = y + (1.0 - tick.height) * height;
            let line = self.ink.line.hex();
            let (start, end) = (number(x + width), number(x + width + 4.0));
            self.add(format_args!(
                "<path d=\"M{start} {0}H{end}\" stroke=\"{line}\" stroke-width=\"0.8\"/>\n",
                number(at)
            ));
            self.text((x + width + 7.0, at + SMALL * MIDDLE), &tick.text, SMALL, text, "");
        }
        let log = if panel.scale.curve == ColorScale::Log { ", log scale" } else { "" };
        let beside = (x + BAR + 62.0, y + height / 2.0);
        let turn = format!(
            " text-anchor=\"middle\" transform=\"rotate(-90 {} {})\"",
            number(beside.0),
            number(beside.1)
        );
        let quantity = format!("{}{log}", panel.words.quantity);
        self.text(beside, &quantity, SMALL, dim, &turn);
    }

    pub(super) fn image(&mut self, area: Area, address: &str) {
        let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(number);
        self.add(format_args!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
             image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\" xlink:href=\"{address}\"/>\n"
        ));
    }

    pub(super) fn outline(&mut self, path: &str) {
        let line = self.ink.line.hex();
        self.add(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{line}\" stroke-width=\"0.8\"/>\n"));
    }

    pub(super) fn text(&mut self, (x, y): (f32, f32), text: &str, size: f32, color: Rgb, more: &str) {
        self.add(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{size}\" fill=\"{}\"{more}>{}</text>\n",
            number(x),
            number(y),
            color.hex(),
            escape(text)
        ));
    }
}

fn gradient_name(ramp: &Ramp) -> String {
    let ends = [ramp.color(ramp.lowest()), ramp.color(1.0)].map(|rgb| rgb.hex().replace('#', ""));
    format!("colors-{}-{}", ends[0], ends[1])
}
