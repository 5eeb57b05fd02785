//! A number of all heads as a map on standard output: a row per layer, a column per head.

use std::io::{self, IsTerminal as _, Write};

use crossterm::style::force_color_output;
use ratatui::backend::IntoCrossterm as _;

use super::asked::title;
use super::failure::Failure;
use super::settings::Settings;
use super::stdout;
use crate::attention::{Capture, ColorScale, Extent, HeadEntry, Scale, Statistic};
use crate::export::ExportError;
use crate::terminal;
use crate::theme::{ColorDepth, Palette, Theme};

/// Prints a map of each pass, all with one scale, and the scale under them.
///
/// # Errors
/// If standard output refuses.
pub fn print(captures: &[&Capture], statistic: Statistic, settings: &Settings) -> Result<(), Failure> {
    let look = Look::of_stdout(settings);
    let maps = maps(captures, statistic);
    stdout::print(false, |_| Ok(()), |out| write_maps(out, &maps, &look, Sign::Above))
}

/// Prints maps of numbers on both sides of 0, all with one scale around it, and the scale under them.
///
/// # Errors
/// If standard output refuses.
pub fn print_signed(maps: &[Map], settings: &Settings) -> Result<(), Failure> {
    let look = Look::of_stdout(settings);
    stdout::print(false, |_| Ok(()), |out| write_maps(out, maps, &look, Sign::Both))
}

/// A map: what it is of, and its values by layer.
pub struct Map {
    pub title: String,
    /// \[layers\]\[columns\]
    pub values: Vec<Vec<Option<f32>>>,
    /// Heads that are off, by layer and head.
    pub off: Vec<(usize, usize)>,
}

/// On which sides of 0 values are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Above,
    Both,
}

/// A number of all heads of each pass.
fn maps(captures: &[&Capture], statistic: Statistic) -> Vec<Map> {
    let map = |capture: &&Capture| {
        let (name, unit) = (title(&capture.model.name, &capture.ablation), statistic.unit());
        let values: Vec<Option<f32>> =
            HeadEntry::all(capture).iter().map(|entry| entry.value(statistic)).collect();
        Map {
            title: format!("{name}: {} ({unit})", statistic.title()),
            values: values.chunks(capture.model.heads.max(1)).map(<[_]>::to_vec).collect(),
            off: capture.ablation.heads().collect(),
        }
    };
    captures.iter().map(map).collect()
}

/// Columns before the cells of a map: the layer's number.
const LABEL: usize = 5;
/// Columns of the colour scale under maps.
const BAR: usize = 24;
/// Before the number of a head that is off.
const OFF: char = '×';

/// What a map is drawn with.
struct Look {
    theme: Theme,
    /// Columns of the screen, if it goes to one.
    columns: Option<usize>,
}

impl Look {
    /// In colours where standard output is a terminal that has some, or they are forced.
    fn of_stdout(settings: &Settings) -> Self {
        let theme = &settings.config.theme;
        let is_terminal = io::stdout().is_terminal();
        let is_forced =
            ["FORCE_COLOR", "CLICOLOR_FORCE"].into_iter().any(|name| std::env::var_os(name).is_some());
        let look =
            terminal::Look::new(theme.color, theme.background).ok().filter(|_| is_terminal || is_forced);
        let depth = look.map_or(ColorDepth::None, |look| look.depth);
        let background = look.map(|look| look.background).unwrap_or_default();
        let columns = crossterm::terminal::size().ok().map(|(columns, _)| columns.into());
        Self {
            theme: Theme::new(theme.colormap, depth, background),
            columns: columns.filter(|_| is_terminal),
        }
    }

    /// A text on the colour of a level; without colours, on nothing.
    fn paint(&self, level: f32, text: &str, sign: Sign) -> String {
        if self.theme.depth == ColorDepth::None {
            return text.to_owned();
        }
        self.palette(sign).cell(level).into_crossterm().apply(text).to_string()
    }

    /// A level by itself, in so many columns: its colour, or its glyph.
    fn blank(&self, level: f32, columns: usize, sign: Sign) -> String {
        let glyph = self.palette(sign).glyph(level).unwrap_or(' ').to_string();
        self.paint(level, &glyph.repeat(columns), sign)
    }

    fn palette(&self, sign: Sign) -> &Palette {
        match sign {
            Sign::Above => &self.theme.values,
            Sign::Both => &self.theme.differences,
        }
    }
}

/// Writes maps, all with one scale, and the scale under them. Cells have numbers where there is room.
fn write_maps(out: &mut impl Write, maps: &[Map], look: &Look, sign: Sign) -> Result<(), ExportError> {
    force_color_output(look.theme.depth != ColorDepth::None);
    let sizes =
        |map: &Map| map.values.iter().flatten().flatten().map(|value| value.abs()).collect::<Vec<_>>();
    let extent = Extent::of(maps.iter().flat_map(sizes));
    let scale = Scale::new(ColorScale::Linear, extent);
    let level = |value: f32| match sign {
        Sign::Above => scale.level(value),
        Sign::Both => scale.signed_level(value),
    };
    let heads = maps.iter().filter_map(|map| map.values.first()).map(Vec::len).max().unwrap_or(0);
    // Before numbers there is room for what is said of their heads, and a blank before that.
    let has_off = maps.iter().any(|map| !map.off.is_empty());
    let signs = usize::from(sign == Sign::Both) + usize::from(has_off);
    let sizes = [3, 2].map(|places| (format!("{:.places$}", extent.top).len() + 1 + signs, Some(places)));
    let fits = |(columns, _): &(usize, Option<usize>)| {
        look.columns.is_none_or(|room| LABEL + 1 + heads * columns <= room)
    };
    let (columns, places) = sizes.into_iter().chain([(2, None)]).find(fits).unwrap_or((1, None));
    for (at, map) in maps.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", map.title)?;
        let heads = map.values.first().map_or(0, Vec::len);
        // Where a number takes more than its column, not every head has one.
        let every = (heads.to_string().len() + 1).div_ceil(columns);
        let number = |head: usize| match places {
            Some(_) => format!("{head:>columns$}"),
            None => format!("{head:<0$}", every * columns),
        };
        let numbers: String = (0..heads).step_by(every).map(number).collect();
        writeln!(out, "{:>LABEL$} {}", "layer", numbers.trim_end())?;
        for (layer, row) in map.values.iter().enumerate() {
            write!(out, "{layer:>LABEL$} ")?;
            for (head, value) in row.iter().enumerate() {
                let is_off = map.off.contains(&(layer, head));
                let cell = match (value, places) {
                    (None, _) => crossed(format!("{:>columns$}", "-"), is_off),
                    (Some(value), None) if is_off => {
                        look.paint(level(*value), &format!("{OFF:<columns$}"), sign)
                    }
                    (Some(value), None) => look.blank(level(*value), columns, sign),
                    (Some(value), Some(places)) => {
                        let number = match sign {
                            Sign::Above => format!("{value:>columns$.places$}"),
                            Sign::Both => format!("{value:>+columns$.places$}"),
                        };
                        look.paint(level(*value), &crossed(number, is_off), sign)
                    }
                };
                write!(out, "{cell}")?;
            }
            writeln!(out)?;
        }
    }
    if has_off {
        writeln!(out, "\n{OFF:>LABEL$} a head that is off")?;
    }
    if places.is_some() && look.theme.depth == ColorDepth::None {
        return Ok(());
    }
    let lowest = look.palette(sign).lowest();
    let level = |at: usize| lowest + (1.0 - lowest) * at as f32 / (BAR - 1) as f32;
    let bar: String = (0..BAR).map(|at| look.blank(level(at), 1, sign)).collect();
    let bottom = match sign {
        Sign::Above => "0".to_owned(),
        Sign::Both => format!("{:.3}", -extent.top),
    };
    writeln!(out, "\n{bottom:>LABEL$} {bar} {:.3}", extent.top)?;
    Ok(())
}

/// A cell with the sign of a head that is off before what is in it, if it is.
fn crossed(cell: String, is_off: bool) -> String {
    match cell.rsplit_once(' ').filter(|_| is_off) {
        Some((before, number)) => format!("{before}{OFF}{number}"),
        None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;
    use crate::theme::{Background, ColorMap};

    fn printed(statistic: Statistic, depth: ColorDepth, columns: Option<usize>) -> String {
        printed_of(&example::capture(), statistic, depth, columns)
    }

    fn printed_of(
        capture: &Capture,
        statistic: Statistic,
        depth: ColorDepth,
        columns: Option<usize>,
    ) -> String {
        let look = Look { theme: Theme::new(ColorMap::Viridis, depth, Background::Dark), columns };
        let mut out = Vec::new();
        write_maps(&mut out, &maps(&[capture, capture], statistic), &look, Sign::Above).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn heads_that_are_off_are_marked() {
        let capture = Capture { ablation: "0.1".parse().unwrap(), ..example::capture() };
        let of = |statistic, columns| printed_of(&capture, statistic, ColorDepth::None, columns);
        let one = "layer       0      1\n    0   0.000 ×0.000\n    1   0.000  0.000\n";
        let wide = of(Statistic::Sink, None);
        assert!(wide.contains(one) && wide.ends_with("\n\n    × a head that is off\n"), "{wide}");
        assert!(of(Statistic::Sink, Some(10)).contains("layer 0 1\n    0   × \n"));
        assert!(of(Statistic::Induction, None).contains("    0       -     ×-\n"));
    }

    #[test]
    fn a_map_has_numbers_where_there_is_room_and_else_colours_or_glyphs() {
        let wide = printed(Statistic::Sink, ColorDepth::None, None);
        let one = "example: to the sink, on this prompt (share)\nlayer      0     1\n    0  0.000 0.000\n    1  0.000 0.000\n";
        assert_eq!(wide, format!("{one}\n{one}"));
        let narrow = printed(Statistic::Sink, ColorDepth::None, Some(10));
        assert!(narrow.contains("layer 0 1\n    0     \n"), "no glyph stands for nothing: {narrow}");
        assert!(narrow.ends_with("█ 0.000\n"), "the scale says what glyphs mean: {narrow}");
        let unknown = printed(Statistic::Induction, ColorDepth::None, None);
        assert!(unknown.contains("    0      -     -\n"), "{unknown}");
        let coloured = printed(Statistic::Sink, ColorDepth::TrueColor, Some(80));
        assert!(coloured.contains("\u{1b}[48;2;") || coloured.contains(";48;2;"), "{coloured:?}");
        let lines = coloured.lines().filter(|line| line.contains('\u{1b}'));
        assert!(
            lines.clone().count() == 5 && lines.into_iter().all(|line| !line.ends_with(' ')),
            "{coloured:?}"
        );
    }
}
