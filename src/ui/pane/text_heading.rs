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
use crate::vocabulary::{Normalisation, RowReading, TextColoring, signed};

/// In how few words it is said what the marked token does, and what shares are called: the most first, as many as there is
/// room for.
const WORDS: [(usize, [&str; 2]); 6] = [
    (0, ["sink", "first token"]),
    (0, ["sink", "first"]),
    (1, ["sink", "first"]),
    (1, ["sink", "1st"]),
    (2, ["sink", "1st"]),
    (3, ["sink", "1st"]),
];

/// Something in numbers, and how the number looks.
type Fact = (String, String, Style);

/// What the marked token does: words, their number, and words behind that.
type Deed = [String; 3];

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
    let does = does(state, side, values, marked);
    let is_push = state.display.text == Some(TextColoring::Push);
    let lit = lit.and_then(|token| {
        let value = values.token(token);
        let style = value.map_or(chrome.strong, |value| {
            let (palette, level) = values.level(value, state.scale(side), theme);
            palette.cell(level)
        });
        let text = value.map_or("–".to_owned(), |value| match is_push {
            true => signed(value, 3),
            false => number(value),
        });
        Some((format!("▿{} ", fit(&label(token)?, room / 4)), text, style))
    });
    let with = |(few, names): (usize, [&str; 2])| {
        let deed = &does[few.min(does.len() - 1)];
        let facts: Vec<Fact> =
            shares(state, (side, shown), names, theme).into_iter().chain(lit.clone()).collect();
        let facts_take = facts.iter().map(|(name, text, _)| 2 + width(name) + width(text)).sum::<usize>();
        let deed_takes = 2 + deed.iter().map(|part| width(part)).sum::<usize>();
        let named = fit(&name, room / 3);
        let fits = deed_takes + width(&named) + facts_take <= room;
        // Its number is the last to go.
        let named = if fits { named } else { fit(&named, room.saturating_sub(deed_takes)) };
        (fits, (named, deed, facts))
    };
    let chosen = WORDS.into_iter().map(with).reduce(|best, other| if best.0 { best } else { other });
    let Some((_, (name, [before, own, behind], facts))) = chosen else { return };
    let line = [
        ("▸ ".to_owned(), chrome.accent),
        (name, chrome.accent),
        (before.clone(), chrome.dim),
        (own.clone(), chrome.strong),
        (behind.clone(), chrome.dim),
    ];
    let mut x = put_line(buffer, Rect { height: 1, ..area }, line);
    for (name, text, style) in facts {
        if usize::from(area.right().saturating_sub(x)) < 2 + width(&name) + width(&text) {
            return;
        }
        x = put(buffer, x + 2, area.y, &name, room, chrome.dim);
        x = put(buffer, x, area.y, &text, room, style);
    }
}

/// What the marked token does, or what is done with it, in fewer and fewer words.
fn does(state: &State, side: Side, values: &Values<'_>, marked: usize) -> Vec<Deed> {
    let words = |text: &str| [text.to_owned(), String::new(), String::new()];
    match (state.display.text.unwrap_or_default(), state.display.rows) {
        (TextColoring::Push, _) => pushes(state, side),
        (TextColoring::LooksAt, RowReading::Reading) => vec![words(" looks at"), words("")],
        (TextColoring::LooksAt, RowReading::Predicting) => vec![words(" predicted from"), words("")],
        (TextColoring::LookedAt, _) => match values.token(marked) {
            Some(value) => {
                [" is looked at ", " "].map(|before| [before.to_owned(), number(value), String::new()]).into()
            }
            None => [" is looked at by none", " –"].map(words).into(),
        },
    }
}

/// `: heads add +12.345 to ␣research after it`, or how the question stands. It is the token after the marked one that heads push:
/// of the last one, what comes after the text.
fn pushes(state: &State, side: Side) -> Vec<Deed> {
    let words = |text: String| vec![[text, String::new(), String::new()]];
    let Some(panel) = &state.pushes.panes[side.index()] else { return words(String::new()) };
    match (&panel.stage, state.push_by_token(side), &panel.push) {
        (PushStage::Failed(error), ..) => words(format!(": {error}")),
        (_, Some(pushes), Some(push)) => {
            let heads = match state.pane(side).shown.as_ref().map(|shown| shown.view().attention()) {
                Some(View::Head { layer, head }) => format!(": {layer}.{head} adds "),
                _ => ": heads add ".to_owned(),
            };
            let place = match state.display.rows {
                RowReading::Reading => "after it",
                RowReading::Predicting => "in its place",
            };
            let (sum, target) = (signed(pushes.iter().sum::<f32>(), 3), visible(&push.target));
            let deed = |before: &str, behind: String| [before.to_owned(), sum.clone(), behind];
            vec![
                deed(&heads, format!(" to {target} {place}")),
                deed(": ", format!(" to {target} {place}")),
                deed(" ", format!(" to {target}")),
                deed(" ", String::new()),
            ]
        }
        _ => words(format!(" {} computing push", spinner(state))),
    }
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
