//! The logit lens: for each model a row per layer, with what it would predict and how sure.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::widgets::Widget;

use super::columns::boxes;
use super::face::{Face, no_legend};
use super::model_box::model_box;
use super::read_text::draw_text;
use crate::app::{LensPanel, LensStage, Opened, State};
use crate::attention::lens::Lens;
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, other_side, pair};
use crate::ui::facts::{to_come, why_not};
use crate::ui::names::visible;
use crate::ui::places::{Body, Part};
use crate::ui::widgets::area::{put_under, take_top};
use crate::ui::widgets::bar::bar;
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{fit, put, put_notice, right, width};

/// Columns of what a row is after.
const AFTER: usize = 9;
/// Columns of a token, at most.
const TOKEN: usize = 14;
/// Columns of a probability: `100.0%`.
const SHARE: usize = 6;
/// Columns of a bar, at least and at most.
const BAR: (usize, usize) = (4, 24);

/// What each layer of both models would predict.
pub const FACE: Face = Face { title, hints, legend: no_legend, place: boxes, draw };

fn title(_: &State, _: &str) -> Vec<String> {
    let short = "logit lens: what each layer predicts".to_owned();
    vec!["logit lens: what each layer would predict after the cursor's token".to_owned(), short]
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "token"),
        hint(state, Command::OtherModel, other_side(state)),
        hint(state, Command::Back, "back"),
        hint(state, Command::EditPrompt, "prompt"),
    ]
}

fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let (Body::Panel(layout), Opened::Lens(lens)) = (body, state.screen.opened()) else { return };
    for part in &layout.parts {
        draw_panel(state, lens.panes[part.side.index()].as_ref(), part, theme, buffer);
    }
}

/// Draws a model's layers.
fn draw_panel(state: &State, panel: Option<&LensPanel>, part: &Part, theme: &Theme, buffer: &mut Buffer) {
    let body = part.area.inner(Margin::new(1, 1));
    let body = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let rows = body.height.saturating_sub(3);
    let shown = panel.and_then(|panel| panel.lens.as_ref()).map(|lens| rows_of(lens, usize::from(rows)));
    draw_frame(state, part, panel, shown.as_deref(), theme, buffer);
    let Some(panel) = panel else { return };
    draw_text(&panel.capture.tokens, panel.query, Rect { height: body.height.min(1), ..body }, theme, buffer);
    match (&panel.lens, shown) {
        (Some(lens), Some(shown)) => {
            let table = Rect { y: body.y + 2, height: body.height.saturating_sub(2), ..body };
            draw_rows(lens, &shown, table, theme, buffer);
        }
        _ => draw_notice(state, panel, body, theme, buffer),
    }
}

fn draw_frame(
    state: &State,
    part: &Part,
    panel: Option<&LensPanel>,
    rows: Option<&[usize]>,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    model_box(state, part.side, part.area.width, &[], theme).render(part.area, buffer);
    let status = panel.map(|panel| status(state, panel)).filter(|status| !status.is_empty());
    let status = status.or_else(|| to_come(state, part.side)).unwrap_or_default();
    let count = match (rows, panel.and_then(|panel| panel.lens.as_ref())) {
        (Some(rows), Some(lens)) if rows.len() < lens.rows.len() => {
            format!(" {} of {} rows ", rows.len(), lens.rows.len())
        }
        _ => String::new(),
    };
    put_under(part.area, (&[status], theme.chrome.accent), &count, theme, buffer);
}

/// What is under way while an older answer is on screen, or went wrong.
fn status(state: &State, panel: &LensPanel) -> String {
    match (&panel.stage, &panel.lens) {
        (LensStage::Running { layer, layers }, Some(_)) => {
            format!("{} layer {layer} of {layers}", spinner(state))
        }
        (LensStage::Failed(error), Some(_)) => why_not(state, error),
        _ => String::new(),
    }
}

/// The rows that there is room for: the first, the last, and as many between as fit, evenly.
fn rows_of(lens: &Lens, room: usize) -> Vec<usize> {
    let count = lens.rows.len();
    let shown = count.min(room);
    match shown {
        0 => Vec::new(),
        1 => vec![count - 1],
        _ => (0..shown).map(|at| (at * (count - 1) + (shown - 1) / 2) / (shown - 1)).collect(),
    }
}

fn draw_rows(lens: &Lens, rows: &[usize], area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let Some(prediction) = lens.prediction() else { return };
    let likeliest = || rows.iter().filter_map(|row| lens.rows[*row].next.first());
    let before = AFTER + 3;
    let most = usize::from(area.width).saturating_sub(before + 1 + SHARE).min(TOKEN);
    let names = likeliest().map(|next| width(&visible(next))).max().unwrap_or(0).max(4).min(most);
    let room = usize::from(area.width).saturating_sub(before + names + 2 * (SHARE + 2) + 2);
    let bars = if room / 2 >= BAR.0 { (room / 2).min(BAR.1) } else { 0 };
    let gap = if bars > 0 { bars + 3 } else { 2 };
    let own_x = area.x + (before + names + 1 + SHARE + gap) as u16;
    let rest = usize::from(area.right().saturating_sub(own_x));
    let own = format!("p of {}", visible(prediction));
    let own = if width(&own) > rest.max(SHARE) { "final".to_owned() } else { own };
    put(buffer, area.x, area.y, "after", AFTER, chrome.dim);
    put(buffer, area.x + AFTER as u16 + 3, area.y, "predicts", names + 1 + SHARE, chrome.dim);
    put(buffer, own_x, area.y, &fit(&own, rest), rest, chrome.dim);
    for (y, &row) in (area.y + 1..area.bottom()).zip(rows) {
        let layer = &lens.rows[row];
        let Some(next) = layer.next.first() else { continue };
        let agrees = next.token.id == prediction.token.id;
        let (mark, style) = if agrees { ("▸ ", chrome.accent) } else { ("  ", chrome.text) };
        put(buffer, area.x, y, &Lens::name(row), AFTER, chrome.dim);
        let x = put(buffer, area.x + AFTER as u16 + 1, y, mark, 2, chrome.accent);
        put(buffer, x, y, &fit(&visible(next), names), names, style);
        let x = x + names as u16 + 1;
        let probability = |x: u16, probability: f32, buffer: &mut Buffer| {
            let share = right(&format!("{:.1}%", probability * 100.0), SHARE);
            let x = put(buffer, x, y, &share, SHARE, chrome.strong) + 1;
            put(buffer, x, y, &bar(probability, bars), bars, chrome.bar);
        };
        probability(x, next.probability, buffer);
        if rest >= SHARE {
            probability(own_x, layer.of_last, buffer);
        }
    }
}

/// What is said before there is an answer.
fn draw_notice(state: &State, panel: &LensPanel, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let (text, style) = match &panel.stage {
        LensStage::Running { layer, layers } => {
            (format!("{} running the prompt: layer {layer} of {layers}", spinner(state)), theme.chrome.text)
        }
        LensStage::Failed(error) => (why_not(state, error), theme.chrome.error),
        LensStage::Waiting | LensStage::Known => {
            (format!("{} running the prompt", spinner(state)), theme.chrome.text)
        }
    };
    let mut under = area;
    take_top(&mut under, 2);
    put_notice(buffer, under, &[text], style);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::lens::LensRow;

    #[test]
    fn the_first_and_the_last_row_are_always_there() {
        let lens = |rows| Lens { query: 0, rows: vec![LensRow { next: Vec::new(), of_last: 0.0 }; rows] };
        assert_eq!(rows_of(&lens(4), 9), [0, 1, 2, 3]);
        assert_eq!(rows_of(&lens(5), 3), [0, 2, 4]);
        assert_eq!(rows_of(&lens(5), 2), [0, 4]);
        assert_eq!(rows_of(&lens(5), 1), [4]);
        assert_eq!(rows_of(&lens(5), 0), [] as [usize; 0]);
        for room in 2..25 {
            let rows = rows_of(&lens(25), room);
            assert!(rows.windows(2).all(|pair| pair[0] < pair[1]), "{rows:?}");
            assert_eq!((rows[0], rows[room - 1]), (0, 24));
        }
    }
}
