//! Sinks: for each model what goes to learned sinks and to the first token, the keys that are sinks of many heads, and for
//! each layer its heads and what is largest in the residual stream after it.

mod keys;
mod layers;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::columns::boxes;
use super::face::Face;
use super::model_box::model_box;
use crate::app::{Opened, SinkSide, SinkTruth, State};
use crate::attention::sinks::{HeadSink, NOTHING_BEHIND, SINK_SHARE, Sinks, StateActivations};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, other_side, pair};
use crate::ui::chrome::legend::{self, Legend, Words};
use crate::ui::facts::{fewer_facts, nothing_yet, why_not};
use crate::ui::places::Body;
use crate::ui::widgets::area::{inset, put_under, take_top};
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{put, put_line, put_notice, width};
use crate::ui::widgets::window::more;

/// What goes nowhere.
pub const FACE: Face = Face { title, hints, legend, place: boxes, draw };

fn sinks(state: &State) -> Option<&SinkTruth> {
    if let Opened::Sinks(sinks) = state.screen.opened() { Some(sinks) } else { None }
}

fn title(_: &State, _: &str) -> Vec<String> {
    let short = "sinks: what heads give to no word";
    vec![format!("{short}, and what is large behind it"), short.to_owned()]
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "layer"),
        hint(state, Command::Normalisation, "first token, learned sink"),
        hint(state, Command::OtherModel, other_side(state)),
        hint(state, Command::Open, "go to the layer"),
        hint(state, Command::Back, "back"),
    ]
}

fn legend<'a>(state: &State, _: &Body, words: Words, theme: &'a Theme) -> Option<Legend<'a>> {
    let number = sinks(state)?.number;
    let what = match words {
        Words::All => format!("each head: the share that goes {}", number.title()),
        Words::Few => number.title().to_owned(),
    };
    let settings = vec![(state.keys.hint(Command::Normalisation), what), legend::color_map(state, theme)];
    Some(Legend { palette: &theme.values, bottom: "0 ".to_owned(), top: "1".to_owned(), settings })
}

fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let (Body::Panel(layout), Some(all)) = (body, sinks(state)) else { return };
    for part in &layout.parts {
        let side = all.sides[part.side.index()].as_ref();
        let row = all.row_of(part.side);
        model_box(state, part.side, part.area.width, &[], theme).render(part.area, buffer);
        let mut rest = inset(part.area.inner(Margin::new(1, 1)));
        let Some(side) = side else {
            let why = nothing_yet(state, part.side);
            put(buffer, rest.x, rest.y, &why, rest.width.into(), theme.chrome.dim);
            continue;
        };
        match &side.sinks {
            Some(Ok(found)) => {
                draw_summary(found, &mut rest, theme, buffer);
                keys::draw(found, side, &mut rest, theme, buffer);
            }
            Some(Err(error)) => {
                draw_notice(&why_not(state, error), theme.chrome.error, &mut rest, buffer);
            }
            None => {
                let text = format!("{} going through the rows of all heads", spinner(state));
                draw_notice(&text, theme.chrome.text, &mut rest, buffer);
            }
        }
        let on_screen = layers::draw(side, (all.number, row), rest, theme, buffer);
        let hidden = more(&on_screen, side.capture.model.layers + 1);
        let texts = match status(state, side) {
            Ok(states) => {
                states.get(row).map(|it| fewer_facts(layers::facts(side, row, it))).unwrap_or_default()
            }
            Err(status) => vec![status],
        };
        put_under(part.area, (&texts, theme.chrome.accent), &hidden, theme, buffer);
    }
}

/// What is large in the residual stream, or else what is under way or went wrong there.
fn status<'a>(state: &State, side: &'a SinkSide) -> Result<&'a [StateActivations], String> {
    match &side.activations {
        None => Err(format!("{} running the prompt for its residual stream", spinner(state))),
        Some(Err(error)) => Err(format!("residual stream: {}", why_not(state, error))),
        Some(Ok(states)) => Ok(states),
    }
}

/// What goes to learned sinks, and to the first token, over all heads.
fn draw_summary(found: &Sinks, rest: &mut Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let mean = |of: fn(&HeadSink) -> Option<f32>| found.mean(of);
    let mut line = |name: &str, share: Option<f32>, rate: Option<f32>, more: String| {
        let area = take_top(rest, 1);
        let share = share.map_or_else(|| "none".to_owned(), |share| format!("{share:.3}"));
        let rate = rate.map(|rate| format!("  {:.0}% of heads", 100.0 * rate)).unwrap_or_default();
        let above = if rate.is_empty() { String::new() } else { format!(" over {SINK_SHARE}") };
        let styles = [chrome.text, chrome.strong, chrome.text, chrome.text, chrome.dim];
        let texts = [format!("{name:14}"), share, rate, above, more];
        let mut room = usize::from(area.width);
        let mut fits = |text: &String| {
            room = room.saturating_sub(width(text));
            room > 0
        };
        let count = texts.iter().map_while(|text| Some(text).filter(|text| fits(text))).count();
        put_line(buffer, area, texts.into_iter().zip(styles).take(count));
    };
    line("learned sinks", mean(|head| head.learned), found.learned_rate, String::new());
    if found.has_later_tokens() {
        let values = mean(|head| head.value_ratio);
        let values = values.map(|it| format!("  its values ×{it:.2}")).unwrap_or_default();
        line("first token", mean(|head| head.first), found.keys.first().map(|key| key.rate), values);
    } else {
        let pieces =
            [(format!("{:14}", "first token"), chrome.text), (NOTHING_BEHIND.to_owned(), chrome.dim)];
        put_line(buffer, take_top(rest, 1), pieces);
    }
}

fn draw_notice(text: &str, style: Style, rest: &mut Rect, buffer: &mut Buffer) {
    let rows = put_notice(buffer, *rest, &[text], style);
    take_top(rest, rows);
}
