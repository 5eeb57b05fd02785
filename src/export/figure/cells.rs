//! The cells of a figure: boxes with numbers, or pixels of an image.

use std::fmt::Write as _;

use super::layout::{Area, LABEL, Place, SMALL};
use super::panel::{Content, Heads, Panel, Square};
use super::pixels::Pixels;
use super::svg::{Drawing, MIDDLE};
use crate::vocabulary::signed;
use crate::vocabulary::xml::number;

/// Cells of a small matrix up to which its outline follows each.
const FEW: usize = 16;
/// The side of the cross of a head that is off, where there is room for more than that.
const CROSS: f32 = 7.0;

impl Drawing<'_> {
    pub(super) fn square(&mut self, square: &Square, panel: &Panel, place: &Place) {
        let size = square.rows.len();
        let Area { x, y, .. } = place.content;
        if place.has_boxes {
            self.boxes(square, panel, place);
        } else {
            let level = |value: f32| self.level(panel, value);
            let mut pixels = Pixels::new(&self.figure.ramp, square.column_labels.len(), size);
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
                true => (signed(value, 3), SMALL),
                false => (format!("{value:.3}"), LABEL),
            };
            self.text(middle(area, size), &text, size, color.text(), "");
        }
    }

    /// All heads in one image, with transparent cells between them.
    pub(super) fn heads(&mut self, heads: &Heads, panel: &Panel, place: &Place) {
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

    /// A cross in the corner of a head's place, which no value of a small matrix is in.
    pub(super) fn off(&mut self, (layer, head): (usize, usize), panel: &Panel, place: &Place) {
        let value = match &panel.content {
            Content::Square(square) => {
                square.rows.get(layer).and_then(|row| row.get(head).copied().flatten())
            }
            _ => None,
        };
        let ink =
            value.map_or(self.ink.text, |value| self.figure.ramp.color(self.level(panel, value)).text());
        let (arm, inset) = if place.cell < 3.0 * CROSS { (place.cell, 0.0) } else { (CROSS, CROSS / 3.0) };
        let inset = inset + (place.step - place.cell) / 2.0 * f32::from(u8::from(place.has_boxes));
        let left = place.content.x + head as f32 * place.step + place.cell - arm - inset;
        let top = place.content.y + layer as f32 * place.step + inset;
        let [left, top, arm] = [left, top, arm].map(number);
        self.add(format_args!(
            "<path d=\"M{left} {top}l{arm} {arm}m-{arm} 0l{arm} -{arm}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.4\"/>\n",
            ink.hex()
        ));
    }

    pub(super) fn level(&self, panel: &Panel, value: f32) -> f32 {
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

fn middle(area: Area, size: f32) -> (f32, f32) {
    (area.x + area.width / 2.0, area.y + area.height / 2.0 + size * MIDDLE)
}
