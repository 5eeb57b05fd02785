//! Above a text: the token that is marked, and the shares of its row that the text doesn't show, or not well: of the sink
//! and of the first token, which is often the largest.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text_values::Values;
use crate::app::{DisplayedCapture, PushStage, Side, State};
use crate::attention::{Token, View};
use crate::theme::Theme;
use crate::ui::facts::lacks_sinks;
use crate::ui::names::visible;
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{fit, number, put, put_line, width};
use crate::vocabulary::{Normalisation, RowReading, TextColoring};

/// What is said before the shares, and how each is called: the most words first, as many as there is room for.
const WORDS: [(bool, [&str; 2]); 4] = [
    (true, ["sink", "first token"]),
    (true, ["sink", "first"]),
    (false, ["sink", "first"]),
    (false, ["sink", "1st"]),
];

/// Something in numbers, and how the number looks.
type Fact = (String, String, Style);

/// Draws `▸ story looks at  sink 0.412  first token 0.221  ▿write 0.134` for the token that is marked, and the one that
/// the mouse lights.
pub fn draw(
    state: &State,
    (side, shown): (Side, &DisplayedCapture),
    (values, marked, lit): (&Values<'_>, usize, Option<usize>),
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    if area.is_empty() {
        return;
    }
    let (chrome, room) = (&theme.chrome, usize::from(area.width));
    let label = |token: usize| shown.capture.tokens.get(token).map(Token::label);
    // What is predicted after the text is the name of its last row.
    let name = label(marked).or_else(|| state.row_labels(side).last().cloned()).unwrap_or_default();
    let name = fit(&name, room / 3);
    let does = does(state, side, values, marked);
    let is_push = state.display.text == Some(TextColoring::Push);
    let lit = lit.and_then(|token| {
        let value = values.token(token);
        let style = value.map_or(chrome.strong, |value| {
            let (palette, level) = values.level(value, state.scale(side), theme);
            palette.cell(level)
        });
        let text = value.map_or("–".to_owned(), |value| match is_push {
            true => signed(value),
            false => number(value),
        });
        Some((format!("▿{} ", fit(&label(token)?, room / 4)), text, style))
    });
    let with = |words: &(bool, [&str; 2])| {
        let facts: Vec<Fact> =
            shares(state, (side, shown), words.1, theme).into_iter().chain(lit.clone()).collect();
        let needed = facts.iter().map(|(name, text, _)| 2 + width(name) + width(text)).sum::<usize>();
        let said = 2 + width(&name) + if words.0 { width(&does) } else { 0 };
        (said + needed <= room, words.0, facts)
    };
    let chosen = WORDS.iter().map(with).reduce(|best, other| if best.0 { best } else { other });
    let Some((_, says, facts)) = chosen else { return };
    let does = if says { does } else { String::new() };
    let line = [("▸ ".to_owned(), chrome.accent), (name, chrome.accent), (does, chrome.dim)];
    let mut x = put_line(buffer, Rect { height: 1, ..area }, line);
    for (name, text, style) in facts {
        if usize::from(area.right().saturating_sub(x)) < 2 + width(&name) + width(&text) {
            return;
        }
        x = put(buffer, x + 2, area.y, &name, room, chrome.dim);
        x = put(buffer, x, area.y, &text, room, style);
    }
}

/// What the marked token does, or what is done with it.
fn does(state: &State, side: Side, values: &Values<'_>, marked: usize) -> String {
    match (state.display.text.unwrap_or_default(), state.display.rows) {
        (TextColoring::Push, _) => pushes(state, side),
        (TextColoring::LooksAt, RowReading::Reading) => " looks at".to_owned(),
        (TextColoring::LooksAt, RowReading::Predicting) => " predicted from".to_owned(),
        (TextColoring::LookedAt, _) => match values.token(marked) {
            Some(value) => format!(" is looked at {}", number(value)),
            None => " is looked at by none".to_owned(),
        },
    }
}

/// `: heads add +12.345 to ␣research`, or how the question stands.
fn pushes(state: &State, side: Side) -> String {
    let Some(panel) = &state.pushes.panes[side.index()] else { return String::new() };
    match (&panel.stage, state.push_by_token(side), &panel.push) {
        (PushStage::Failed(error), ..) => format!(": {error}"),
        (_, Some(pushes), Some(push)) => {
            let heads = match state.pane(side).shown.as_ref().map(|shown| shown.view().attention()) {
                Some(View::Head { layer, head }) => format!("{layer}.{head} adds"),
                _ => "heads add".to_owned(),
            };
            format!(": {heads} {} to {}", signed(pushes.iter().sum()), visible(&push.target))
        }
        _ => format!(" {} computing push", spinner(state)),
    }
}

/// A push in digits, with its sign.
pub fn signed(value: f32) -> String {
    format!("{value:+.3}").replace('-', "−")
}

/// The shares of the row's sink and first token, raw, on their colours where these are those of the text.
fn shares(
    state: &State,
    (side, shown): (Side, &DisplayedCapture),
    names: [&str; 2],
    theme: &Theme,
) -> Vec<Fact> {
    // Push is no share of anything.
    if state.display.text == Some(TextColoring::Push) {
        return Vec::new();
    }
    let query = state.pane(side).cursor.query.min(shown.matrix().size().saturating_sub(1));
    let of_cells = shown.matrix().shares(query, shown.capture.prompt_tokens());
    let of_cells = of_cells.map(|shares| (shares.sink, shares.first));
    let exact = state.exact_row(side);
    let exact = exact.and_then(|row| Some((row.sink.unwrap_or(0.0), *row.weights.first()?)));
    let Some((sink_share, first_share)) = exact.or(of_cells) else { return Vec::new() };
    let is_on_scale = state.display.text == Some(TextColoring::LooksAt)
        && state.display.normalisation == Normalisation::Raw
        && !shown.view().is_value_weighted();
    let fact = |name: &str, value: f32| {
        let style = match is_on_scale {
            true => theme.values.cell(state.scale(side).level(value)),
            false => theme.chrome.strong,
        };
        (format!("{name} "), number(value), style)
    };
    let sink = match shown.matrix().sinks() {
        Some(_) => Some(fact(names[0], sink_share)),
        None => {
            lacks_sinks(state, side).then(|| (format!("{} ", names[0]), "–".to_owned(), theme.chrome.strong))
        }
    };
    sink.into_iter().chain([fact(names[1], first_share)]).collect()
}
