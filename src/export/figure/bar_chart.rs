//! Bars, written as SVG: a name, and a bar with its number in each column.

use super::bars::{BarColumn, Bars, COLUMN_GAP, HEADING, NAME_GAP, NUMBER, ROW, SIZE};
use super::layout::{Area, Place, SMALL};
use super::svg::{Drawing, MIDDLE};
use crate::vocabulary::xml::number;

/// How far from 0 the colours of bars are: strong enough beside the paper, whichever that is.
const LEVEL: f32 = 0.75;
/// Above and below a bar.
const INSET: f32 = 3.5;

impl Drawing<'_> {
    pub(super) fn bars(&mut self, bars: &Bars, place: &Place) {
        let Area { x, y, .. } = place.content;
        let text = self.ink.text;
        self.out.push_str("<g text-anchor=\"end\">\n");
        for (row, name) in &place.rows {
            self.text((x - NAME_GAP, middle(y, *row)), name, SIZE, text, "");
        }
        self.out.push_str("</g>\n");
        let width = bars.column_width();
        for (at, column) in bars.columns.iter().enumerate() {
            let left = x + at as f32 * (width + COLUMN_GAP);
            self.column(column, (left, y, width));
        }
    }

    fn column(&mut self, column: &BarColumn, (left, top, width): (f32, f32, f32)) {
        let (text, dim, rows) = (self.ink.text, self.ink.dim, column.values.len());
        // The font of figures has one weight: another one would be that of whatever machine draws it.
        self.text((left, top + SIZE), column.heading, SIZE, text, "");
        self.text((left, top + SIZE + 13.0), &column.note, SMALL, dim, "");
        let room = width - NUMBER;
        let (zero, longest) = if column.is_signed { (left + room / 2.0, room / 2.0) } else { (left, room) };
        let largest = column.largest();
        for (row, value) in column.values.iter().enumerate() {
            let number_at = (left + width, middle(top, row));
            let Some(value) = *value else {
                self.text(number_at, "–", SMALL, dim, " text-anchor=\"end\"");
                continue;
            };
            let reach = if largest > 0.0 { (value / largest) as f32 * longest } else { 0.0 };
            let color = self.figure.ramp.color(if value < 0.0 { -LEVEL } else { LEVEL }).hex();
            let [x, y] = [zero.min(zero + reach), top + HEADING + row as f32 * ROW + INSET].map(number);
            let [bar, height] = [reach.abs(), ROW - 2.0 * INSET].map(number);
            self.add(format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{bar}\" height=\"{height}\" fill=\"{color}\"/>\n"
            ));
            self.text(number_at, &column.number(value), SMALL, text, " text-anchor=\"end\"");
        }
        let (x, y) = (number(zero), number(top + HEADING));
        self.outline(&format!("M{x} {y}v{}", number(rows as f32 * ROW)));
    }
}

/// The foot of the letters of a row.
fn middle(top: f32, row: usize) -> f32 {
    top + HEADING + (row as f32 + 0.5) * ROW + SIZE * MIDDLE
}
