//! The lines of a text, written as SVG: a box behind each token.

use super::layout::{Area, Place, SMALL};
use super::panel::Panel;
use super::passage::{HEADING_LINE, HEADING_SIZE, LINE, Passage, SIZE};
use super::svg::{Drawing, MIDDLE};
use crate::vocabulary::xml::number;

impl Drawing<'_> {
    pub(super) fn passage(&mut self, passage: &Passage, panel: &Panel, place: &Place) {
        let Area { x, y, .. } = place.content;
        let (text, dim) = (self.ink.text, self.ink.dim);
        for (at, line) in place.heading.0.iter().enumerate() {
            self.text((x, y + SMALL + at as f32 * HEADING_LINE), line, HEADING_SIZE, dim, "");
        }
        for (at, line) in place.lines.iter().enumerate() {
            let top = y + place.heading.1 + at as f32 * LINE;
            for run in line {
                let value = passage.value(run).map(|value| self.figure.ramp.color(self.level(panel, value)));
                let [left, high, width, height] = [x + run.x, top + 1.0, run.width, LINE - 3.0].map(number);
                let is_marked = passage.marked.is_some_and(|token| run.tokens.contains(&token));
                let stroke = if is_marked {
                    format!(" stroke=\"{}\" stroke-width=\"1.6\"", text.hex())
                } else {
                    String::new()
                };
                let fill = value.map_or("none".to_owned(), |color| color.hex());
                if value.is_some() || is_marked {
                    self.add(format_args!(
                        "<rect x=\"{left}\" y=\"{high}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"{stroke}/>\n"
                    ));
                }
                let ink = match value {
                    Some(color) => color.text(),
                    None if run.tokens.start >= passage.future => dim,
                    None => text,
                };
                let (letters, before, width) = &run.letters;
                if letters.is_empty() {
                    continue;
                }
                // Wherever it is shown, with whatever font, a token is as wide as its box.
                let width = format!(" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", number(*width));
                let middle = top + LINE / 2.0 - 0.5 + SIZE * MIDDLE;
                self.text((x + run.x + before, middle), letters, SIZE, ink, &width);
            }
        }
    }
}
