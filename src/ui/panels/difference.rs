//! Left and right in one square, and in sentences where the two differ most.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::columns::take_inspector;
use super::face::Face;
use crate::app::{Arrangement, ColorScale, Column, Compared, Difference, Extent, Scale, Side, State};
use crate::attention::alignment::Granularity;
use crate::attention::named_by_next;
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, pair};
use crate::ui::chrome::legend::{self, Legend, Words};
use crate::ui::facts::{PREVIOUS, facts_that_fit, heads_to_come};
use crate::ui::names::{model_names, view_names};
use crate::ui::places::{Body, DifferenceLayout};
use crate::ui::widgets::area::{boxed, take_bottom, take_top};
use crate::ui::widgets::grid::Needs;
use crate::ui::widgets::matrix::{Drawing, Highlights};
use crate::ui::widgets::text::{first_that_fits, fit, put, put_line, put_notice, short, width};
use crate::ui::widgets::values::Values;
use crate::vocabulary::{ColorRange, RowReading, View, nats, signed, with_minus};

/// Both panes in one square.
pub const FACE: Face = Face { title, hints, legend, place, draw };

fn title(state: &State, _: &str) -> Vec<String> {
    let what = match arrangement(state) {
        Arrangement::Split => "left below, right above",
        Arrangement::Difference => "left minus right",
    };
    view_names(state).map(|view| format!("{what}: {view}")).into()
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        hint(state, Command::Difference, "by pieces, by words, back to both"),
        hint(state, Command::Split, "below and above the diagonal"),
        pair(state, (Command::Open, Command::Back), "deeper, back"),
        pair(state, (Command::PreviousLayer, Command::NextLayer), "layer"),
        pair(state, (Command::PreviousHead, Command::NextHead), "head"),
        hint(state, Command::EditPrompt, "prompt"),
    ]
}

fn legend<'a>(state: &State, body: &Body, words: Words, theme: &'a Theme) -> Option<Legend<'a>> {
    let compared = state.screen.compared()?;
    let [left, right] = names(state, body);
    let is_split = arrangement(state) == Arrangement::Split;
    let clipped = legend::clipped(compared.labels().len(), words);
    let is_clipped = !clipped.is_empty();
    let range = match state.display.range {
        ColorRange::Top(_) => if is_split { "0 to 1" } else { "−1 to 1" }.to_owned(),
        ColorRange::Shared | ColorRange::Own => format!("top{clipped}"),
    };
    let (before, after) = if is_split {
        let own = [("◺".to_owned(), left), ("◹".to_owned(), format!("{right}, queries across"))];
        (own, legend::color_map(state, theme))
    } else {
        let more = [("−".to_owned(), format!("{right} more")), ("+".to_owned(), format!("{left} more"))];
        (more, ("·".to_owned(), "future".to_owned()))
    };
    let common =
        [legend::normalisation(state), legend::color_scale(state), (state.keys.hint(Command::Range), range)];
    let settings = before.into_iter().chain(common).chain([after]).collect();
    let Scale { bottom, top, .. } = scale(state, compared);
    let is_log = state.display.color_scale == ColorScale::Log;
    Some(if is_split {
        let bottom = if is_log { format!("≤{} ", short(bottom)) } else { "0 ".to_owned() };
        Legend { palette: &theme.values, bottom, top: legend::top(top, is_clipped), settings }
    } else {
        let log = if is_log { format!("log ±{} to ", short(bottom)) } else { String::new() };
        let (bottom, top) = (format!("{log}{} ", signed(-top, 3)), signed(top, 3));
        Legend { palette: &theme.differences, bottom, top, settings }
    })
}

fn place(state: &State, mut frame: Rect, screen: u16) -> Body {
    let mut sentences = take_inspector(state, &mut frame, screen);
    let (Some(difference), Some(compared)) = (&state.screen.difference, state.screen.compared()) else {
        return Body::default();
    };
    // What only one side says has a line.
    if sentences.height == 2 && compared.comparison().has_left_over() {
        let more = take_bottom(&mut frame, 1);
        sentences = Rect { y: more.y, height: 3, ..sentences };
    }
    let name = compared.labels().iter().map(|label| width(label)).max().unwrap_or(0);
    let size = compared.comparison().shape().size();
    let [left, right] = compared.comparison().sides().each_ref().map(|side| side.sinks().is_some());
    let (sink, sink_row) = match difference.arrangement {
        Arrangement::Difference => (left || right, false),
        Arrangement::Split => (left, right),
    };
    let name = if sink_row { name.max(width("sink")) } else { name };
    let area = frame.inner(Margin::new(2, 1));
    let needs = Needs { area, size, sink, sink_row, name };
    let grid = needs.place(Needs::cell(&[needs]), |viewport| difference.scroll_in(viewport));
    let sentences = Rect { x: sentences.x + 1, width: sentences.width.saturating_sub(2), ..sentences };
    Body::Difference(DifferenceLayout { side: state.panes.focus, frame, grid, sentences })
}

/// The colour scale: of differences, centred on 0; of both sides.
fn scale(state: &State, compared: &Compared) -> Scale {
    let extent = compared.extent(state.display.normalisation, arrangement(state));
    let extent = match state.display.range {
        ColorRange::Top(top) => Extent { top, ..extent },
        ColorRange::Shared | ColorRange::Own => extent,
    };
    Scale::new(state.display.color_scale, extent)
}

/// How the sides share the square.
fn arrangement(state: &State) -> Arrangement {
    state.screen.difference.as_ref().map(|difference| difference.arrangement).unwrap_or_default()
}

/// Draws square and sentences.
fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let Body::Difference(layout) = body else { return };
    let (Some(difference), Some(compared)) = (&state.screen.difference, state.screen.compared()) else {
        return;
    };
    let names = names(state, body);
    draw_frame(state, compared, &names, layout, theme, buffer);
    let row_names = row_names(state, difference, compared);
    Drawing {
        names: compared.labels(),
        row_names: &row_names,
        written: usize::MAX,
        special: &[],
        hides_special: false,
        values: match difference.arrangement {
            Arrangement::Difference => Values::Difference(compared.comparison()),
            Arrangement::Split => Values::Split(compared.comparison()),
        },
        grid: &layout.grid,
        highlights: Highlights { cursor: difference.cursor, lit: None, span: 0..0 },
        normalisation: state.display.normalisation,
        scale: scale(state, compared),
        theme,
    }
    .draw(buffer);
    let mut rest = layout.sentences;
    if rest.height == 0 {
        return;
    }
    exact(state, difference, &names, take_top(&mut rest, 1), theme, buffer);
    let different = compared.comparison().most_different();
    if different.iter().all(|piece| compared.comparison().divergence(*piece) == 0.0) {
        let texts = match is_of_ablated_heads(state) {
            true => nothing_moves(state),
            false => vec!["both give the same here".to_owned()],
        };
        put_notice(buffer, rest, &texts, theme.chrome.text);
        return;
    }
    let room = usize::from(rest.width);
    if let Some(left_over) = compared.comparison().left_over_sentences(&names).filter(|_| rest.height > 1) {
        let left_over = first_that_fits(&left_over, room);
        put_line(buffer, take_top(&mut rest, 1), [(left_over, theme.chrome.dim)]);
    }
    for (row, piece) in rest.rows().zip(different) {
        let divergence = compared.comparison().divergence(piece);
        let number = format!("{}  ", with_minus(&nats(f64::from(divergence), 3)));
        let sentences = compared.comparison().sentences(&names, piece, state.display.rows);
        let sentence = first_that_fits(&sentences, room.saturating_sub(width(&number)));
        put_line(buffer, row, [(number, theme.chrome.strong), (sentence, theme.chrome.text)]);
    }
}

/// Why both sides are the same, in fewer and fewer words.
fn nothing_moves(state: &State) -> Vec<String> {
    let later = state.keys.hint(Command::NextLayer);
    vec![
        format!(
            "nothing moves here: heads of the same layer and of earlier ones stay as they are; {later} is a later layer"
        ),
        format!("nothing moves in this layer: {later} is a later one"),
        format!("nothing moves: {later} a later layer"),
    ]
}

/// Both models, each in a part of the width that leaves room for what is said of them.
fn names(state: &State, body: &Body) -> [String; 2] {
    let width = if let Body::Difference(layout) = body { layout.frame.width } else { 0 };
    model_names(state, usize::from(width) / 4)
}

/// Whether one side is the model of the other without some heads.
fn is_of_ablated_heads(state: &State) -> bool {
    state.panes.shown().any(|shown| !shown.capture.ablation.is_empty())
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
    let [left, right] = compared.views().map(View::short_title);
    let joined = |[left, right]: [&str; 2]| match arrangement(state) {
        Arrangement::Difference => format!("{left} − {right}"),
        Arrangement::Split => format!("{left} below, {right} above"),
    };
    let views = if left == right { left } else { joined([&left, &right]) };
    let pieces = match compared.granularity() {
        Granularity::Words => "whole words",
        Granularity::Pieces => "pieces of text that both have",
    };
    let left_over = match compared
        .comparison()
        .left_over()
        .each_ref()
        .map(|runs| runs.iter().map(|run| run.tokens.len()).sum())
    {
        [0, 0] => None,
        [left, right] => {
            let [a, b] = match Side::BOTH.map(|side| state.panes.pinned(side).is_some()) {
                [true, _] => ["pinned", "newer"],
                [_, true] => ["newer", "pinned"],
                _ => ["left", "right"],
            };
            Some(format!("tokens only {a}: {left}, only {b}: {right}"))
        }
    };
    let room = usize::from(layout.frame.width).saturating_sub(width(&views) + 8);
    let title = fit(&format!(" {} ", joined([&names[0], &names[1]])), room);
    let facts = [Some(pieces.to_owned()), left_over].into_iter().flatten();
    let facts = facts_that_fit(facts.collect(), room.saturating_sub(width(&title) + 3));
    let facts = if facts.is_empty() { String::new() } else { format!("· {} ", facts.join(" · ")) };
    let mean = with_minus(&nats(f64::from(compared.comparison().mean_divergence()), 3));
    let means = [
        format!("Jensen-Shannon divergence, raw: {mean} nats on average"),
        format!("JS divergence {mean} nats"),
    ];
    let mut passing = Vec::new();
    // One of two prompts is pinned: it stays. One that models go on from is longer.
    if !compared.prompts.iter().any(|prompt| prompt.starts_with(&state.run.prompt)) {
        passing.push(PREVIOUS.to_owned());
    }
    for side in Side::BOTH {
        let to_come = state.pane(side).shown.as_ref().and_then(|shown| heads_to_come(state, side, shown));
        passing.extend(to_come.map(|what| format!("{} {what}", names[side.index()])));
    }
    let passing = passing.join(" · ");
    let texts: Vec<String> = match passing.is_empty() {
        true => means.to_vec(),
        // What passes is said before what stays.
        false => means.map(|mean| format!("{mean} · {passing}")).into_iter().chain([passing]).collect(),
    };
    let texts: Vec<String> = texts.into_iter().map(|text| format!(" {text} ")).collect();
    let under = first_that_fits(&texts, layout.frame.width.saturating_sub(2).into());
    boxed(chrome.focus)
        .title(Line::from(vec![Span::styled(title, chrome.strong), Span::styled(facts, chrome.dim)]))
        .title(Line::from(Span::styled(format!(" {views} "), chrome.accent)).alignment(Alignment::Right))
        .title_bottom(Span::styled(under, chrome.dim))
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
    let (cursor, chrome, normalisation) = (difference.cursor, &theme.chrome, state.display.normalisation);
    let label = |column: Column| match column {
        Column::Sink => "sink",
        Column::Key(key) => compared.labels().get(key).map_or("", String::as_str),
    };
    if cursor.query >= compared.labels().len() {
        return;
    }
    let side = |at: usize| {
        let row = normalisation.row(&compared.comparison().sides()[at], cursor.query);
        match (cursor.column.value(&row), cursor.column) {
            (Some(value), _) => format!("{} {value:.3}", names[at]),
            (None, Column::Sink) if compared.comparison().sides()[at].sinks().is_none() => {
                format!("{} has no sinks", names[at])
            }
            (None, _) => format!("{} left out", names[at]),
        }
    };
    let row = compared.comparison().difference(normalisation, cursor.query);
    let value = match cursor.column {
        Column::Sink => row.sink,
        Column::Key(key) => row.keys.get(key).copied().flatten(),
    };
    let result = value.map_or_else(String::new, |value| format!(" = {}", signed(value, 3)));
    let third = usize::from(area.width) / 3;
    let row_names = row_names(state, difference, compared);
    let row_name = row_names.get(cursor.query).map_or(label(Column::Key(cursor.query)), String::as_str);
    put_line(
        buffer,
        area,
        [
            (legend::before_row(!row_names.is_empty()).to_owned(), chrome.dim),
            (fit(row_name, third), chrome.accent),
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

/// What rows are named by, where that is what is predicted from them. Of two sides in one square, a row is also a column.
fn row_names(state: &State, difference: &Difference, compared: &Compared) -> Vec<String> {
    let is_predicting = state.display.rows == RowReading::Predicting;
    match is_predicting && difference.arrangement == Arrangement::Difference {
        true => named_by_next(compared.labels(), None),
        false => Vec::new(),
    }
}
