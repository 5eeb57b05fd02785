//! Left and right in one square, and in sentences where the two differ most.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

use super::grid::{Grid, Needs};
use super::matrix::{Drawing, Marks};
use super::pane::heads_to_come;
use super::text::{fit, put, put_line, short, width};
use super::values::Values;
use crate::app::{Arrangement, ColorScale, Column, Compared, Difference, Extent, Pane, Scale, State};
use crate::attention::alignment::Granularity;
use crate::attention::short_names;
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::vocabulary::{ColorRange, View};
use crate::worker::protocol::Side;

/// Where the parts of a comparison go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceLayout {
    /// The model that has the focus.
    pub side: Side,
    /// With its border.
    pub frame: Rect,
    /// The matrix.
    pub grid: Grid,
    /// What is written under it.
    pub sentences: Rect,
}

/// Where a comparison goes, in the place of both panes.
pub fn place(state: &State, frame: Rect, sentences: Rect) -> Option<DifferenceLayout> {
    let difference = state.difference.as_ref()?;
    let compared = difference.shown()?;
    let name = compared.labels.iter().map(|label| width(label)).max().unwrap_or(0);
    let size = compared.comparison.shape().size();
    let [left, right] = compared.comparison.sides().each_ref().map(|side| side.sinks().is_some());
    let (sink, sink_row) = match difference.arrangement {
        Arrangement::Difference => (left || right, false),
        Arrangement::Split => (left, right),
    };
    let area = frame.inner(Margin::new(2, 1));
    let needs = Needs { area, size, sink, sink_row, name };
    let grid = needs.place(Needs::cell(&[needs]), |viewport| difference.scroll_in(viewport));
    let sentences = Rect { x: sentences.x + 1, width: sentences.width.saturating_sub(2), ..sentences };
    Some(DifferenceLayout { side: state.focus, frame, grid, sentences })
}

/// The colour scale: of differences, centred on 0; of both sides.
pub fn scale(state: &State, compared: &Compared) -> Scale {
    let arrangement = arrangement(state);
    let extent = compared.extent(state.rules.normalisation, arrangement);
    let extent = match state.rules.range {
        ColorRange::Top(top) => Extent { top, ..extent },
        ColorRange::Shared | ColorRange::Own => extent,
    };
    Scale::new(state.rules.curve, extent)
}

/// As what the sides are compared.
pub fn arrangement(state: &State) -> Arrangement {
    state.difference.as_ref().map(|difference| difference.arrangement).unwrap_or_default()
}

/// What the ends of a scale of differences stand for: below, above.
pub fn ends(state: &State, compared: &Compared) -> (String, String) {
    let top = scale(state, compared).top;
    let log = match state.rules.curve {
        ColorScale::Linear => String::new(),
        ColorScale::Log => format!("log ±{} to ", short(scale(state, compared).bottom)),
    };
    (format!("{log}−{top:.3} "), format!("+{top:.3}"))
}

/// The two models, short.
pub fn names(state: &State) -> [String; 2] {
    let name = |pane: &Pane| {
        // Of the picture, which stays until another model has read the prompt.
        let model = pane.shown.as_ref().map(|shown| &*shown.capture.model).or(pane.model.as_deref());
        let name = model.map_or(pane.reference.as_str(), |model| &model.name);
        let ablation = pane.shown.as_ref().map(|shown| &shown.capture.ablation).filter(|off| !off.is_empty());
        ablation.map_or_else(|| name.to_owned(), |off| format!("{name} without {off}"))
    };
    let [left, right] = state.panes.each_ref().map(name);
    short_names([&left, &right])
}

/// Draws square and sentences.
pub fn draw(state: &State, layout: &DifferenceLayout, theme: &Theme, buffer: &mut Buffer) {
    let Some(difference) = &state.difference else { return };
    let Some(compared) = difference.shown() else { return };
    let names = names(state);
    draw_frame(state, compared, &names, layout, theme, buffer);
    Drawing {
        names: &compared.labels,
        values: match difference.arrangement {
            Arrangement::Difference => Values::Difference(&compared.comparison),
            Arrangement::Split => Values::Split(&compared.comparison),
        },
        grid: &layout.grid,
        marks: Marks { cursor: difference.cursor, lit: None, span: 0..0 },
        normalisation: state.rules.normalisation,
        scale: scale(state, compared),
        theme,
    }
    .draw(buffer);
    let mut rest = layout.sentences;
    if rest.height == 0 {
        return;
    }
    exact(state, difference, &names, Rect { height: 1, ..rest }, theme, buffer);
    (rest.y, rest.height) = (rest.y + 1, rest.height - 1);
    let different = compared.comparison.most_different();
    if different.iter().all(|piece| compared.comparison.divergence(*piece) == 0.0) {
        let text = match is_of_heads_off(state) {
            true => format!(
                "nothing moves here: heads of the same layer and of earlier ones stay as they are; {} is a later layer",
                state.keys.hint(Command::NextLayer)
            ),
            false => "both give the same here".to_owned(),
        };
        let row = Rect { height: rest.height.min(1), ..rest };
        put_line(buffer, row, [(text, theme.chrome.text)]);
        return;
    }
    for (row, piece) in rest.rows().zip(different) {
        let divergence = compared.comparison.divergence(piece);
        let number = (format!("{divergence:.3}  "), theme.chrome.strong);
        put_line(buffer, row, [number, (compared.comparison.sentence(&names, piece), theme.chrome.text)]);
    }
}

/// Whether one side is the model of the other without some heads.
fn is_of_heads_off(state: &State) -> bool {
    let mut shown = state.panes.iter().filter_map(|pane| pane.shown.as_ref());
    shown.any(|shown| !shown.capture.ablation.is_empty())
}

fn draw_frame(
    state: &State,
    compared: &Compared,
    names: &[String; 2],
    layout: &DifferenceLayout,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let [left, right] = compared.views.map(View::short_title);
    let joined = |[left, right]: [&str; 2]| match arrangement(state) {
        Arrangement::Difference => format!("{left} − {right}"),
        Arrangement::Split => format!("{left} below, {right} above"),
    };
    let views = if left == right { left } else { joined([&left, &right]) };
    let pieces = match state.difference.as_ref().map(|difference| difference.granularity) {
        Some(Granularity::Words) => "whole words",
        _ => "pieces of text that both have",
    };
    let room = usize::from(layout.frame.width).saturating_sub(width(&views) + 8);
    let title = fit(&format!(" {} ", joined([&names[0], &names[1]])), room);
    let facts = fit(&format!("· {pieces} "), room.saturating_sub(width(&title)));
    let mut mean = format!(
        " Jensen-Shannon divergence, raw: {:.3} nats on average ",
        compared.comparison.mean_divergence()
    );
    if compared.prompt != state.prompt {
        mean.push_str("· of the previous prompt ");
    }
    for side in Side::BOTH {
        let to_come = state.pane(side).shown.as_ref().and_then(|shown| heads_to_come(state, side, shown));
        mean.push_str(&to_come.map_or_else(String::new, |what| format!("· {} {what} ", names[side.index()])));
    }
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(chrome.focus)
        .title(Line::from(vec![Span::styled(title, chrome.strong), Span::styled(facts, chrome.dim)]))
        .title(Line::from(Span::styled(format!(" {views} "), chrome.accent)).alignment(Alignment::Right))
        .title_bottom(Span::styled(fit(&mean, usize::from(layout.frame.width.saturating_sub(2))), chrome.dim))
        .render(layout.frame, buffer);
}

/// `AI → write  gpt2 0.676 − gpt-oss 0.077 = +0.599`.
fn exact(
    state: &State,
    difference: &Difference,
    names: &[String; 2],
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let Some(compared) = difference.shown() else { return };
    let (cursor, chrome, rule) = (difference.cursor, &theme.chrome, state.rules.normalisation);
    let label = |column: Column| match column {
        Column::Sink => "sink",
        Column::Key(key) => compared.labels.get(key).map_or("", String::as_str),
    };
    if cursor.query >= compared.labels.len() {
        return;
    }
    let side = |at: usize| {
        let row = rule.row(&compared.comparison.sides()[at], cursor.query);
        match (cursor.column.value(&row), cursor.column) {
            (Some(value), _) => format!("{} {value:.3}", names[at]),
            (None, Column::Sink) if compared.comparison.sides()[at].sinks().is_none() => {
                format!("{} has no sinks", names[at])
            }
            (None, _) => format!("{} left out", names[at]),
        }
    };
    let row = compared.comparison.difference(rule, cursor.query);
    let value = match cursor.column {
        Column::Sink => row.sink,
        Column::Key(key) => row.keys.get(key).copied().flatten(),
    };
    let result = value.map_or_else(String::new, |value| format!(" = {value:+.3}").replace('-', "−"));
    let third = usize::from(area.width) / 3;
    put_line(
        buffer,
        area,
        [
            (fit(label(Column::Key(cursor.query)), third), chrome.accent),
            (" → ".to_owned(), chrome.dim),
            (fit(label(cursor.column), third), chrome.accent),
            (format!("  {} − {}", side(0), side(1)), chrome.text),
            (result, chrome.strong),
        ],
    );
    let heading = "divergence, most different first";
    let x = area.right().saturating_sub(width(heading) as u16);
    // Only where it leaves the numbers alone.
    if area.width > 100 {
        put(buffer, x, area.y, heading, width(heading), chrome.dim);
    }
}
