//! Push: for each model bars on both sides of an axis, of what its heads, MLPs and embedding add to the logit of a next
//! token; and of what the chosen head adds through each key.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::Modifier;
use ratatui::widgets::Widget;

use super::columns::columns;
use super::face::{Face, no_legend};
use super::model_box::model_box;
use super::read_text::draw_text;
use crate::app::{Opened, PushPanel, PushStage, State};
use crate::attention::push::{HeadPush, MEANS, Part as PassPart, Push};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, other_side, pair};
use crate::ui::facts::{to_come, why_not};
use crate::ui::names::{ABLATED, visible};
use crate::ui::places::{Body, PanelLayout, Part};
use crate::ui::widgets::area::{put_under, take_top};
use crate::ui::widgets::bar::put_signed_bar;
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{first_that_fits, fit, put, put_notice, right, width};
use crate::ui::widgets::window::{more, window};
use crate::vocabulary::{signed, with_minus};

/// Columns of a part's name, and of a number: `embedding`, `+12.345`.
const NAME: usize = 9;
const VALUE: usize = 8;
/// Columns of a key: its position and its token, at most.
const KEY: usize = 18;
/// Columns of a bar, at least and at most.
const BAR: (usize, usize) = (5, 41);
/// Columns from which the keys of the chosen head stand beside the parts.
const BESIDE_FROM: u16 = 84;
/// Columns of a residual: `parts less logit: -1e-16`.
const RESIDUAL: usize = 24;
/// Rows from which sums of all parts have a line.
const SUMS_FROM: u16 = 10;

/// What each part adds to the logit of a next token.
pub const FACE: Face = Face { title, hints, legend: no_legend, place, draw };

fn title(_: &State, _: &str) -> Vec<String> {
    let long = "push: what each part adds to the logit of a next token";
    vec![
        format!("{long}, after the cursor's token"),
        long.to_owned(),
        "push to the logit of a next token".to_owned(),
    ]
}

fn hints(state: &State) -> Vec<Hint> {
    let is_inside = panel(state, state.panes.focus.index()).is_some_and(|panel| panel.inside.is_some());
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "choose"),
        hint(state, Command::Open, if is_inside { "go to the head" } else { "a head's keys" }),
        pair(state, (Command::LikelierToken, Command::UnlikelierToken), "next token"),
        hint(state, Command::Contrast, "less another's"),
        pair(state, (Command::CursorLeft, Command::CursorRight), "token"),
        hint(state, Command::OtherModel, other_side(state)),
        hint(state, Command::AblateHead, "switch it off"),
        hint(state, Command::Back, "back"),
    ]
}

fn panel(state: &State, side: usize) -> Option<&PushPanel> {
    match state.screen.opened() {
        Opened::Push(push) => push.panes[side].as_ref(),
        _ => None,
    }
}

/// Where what a box holds is drawn.
struct Places {
    /// The text, and what is told apart.
    head: Rect,
    /// The list of parts, or of keys.
    list: Rect,
    /// The keys of the chosen head, where there is room beside the parts.
    beside: Option<Rect>,
}

fn places(area: Rect) -> Places {
    let body = area.inner(Margin::new(1, 1));
    let mut body = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let height = if body.height >= SUMS_FROM { 4 } else { 2 };
    let head = take_top(&mut body, height);
    if body.width < BESIDE_FROM {
        return Places { head, list: body, beside: None };
    }
    let width = body.width / 2;
    let beside = Rect { x: body.x + width + 2, width: body.width - width - 2, ..body };
    Places { head, list: Rect { width, ..body }, beside: Some(beside) }
}

/// A box for each model that there is room for, and the heads in its list, for the mouse.
fn place(state: &State, frame: Rect, _: u16) -> Body {
    let mut parts = Vec::new();
    for (side, area) in columns(state, frame) {
        parts.push(Part { side, view: None, area });
        let Some(panel) = panel(state, side.index()).filter(|panel| panel.inside.is_none()) else { continue };
        let (Some(push), list) = (&panel.push, places(area).list) else { continue };
        let shown = window(panel.row, list.height.into(), push.parts().len());
        for (y, (part, _)) in (list.y..).zip(&push.parts()[shown]) {
            parts.extend(part.view().map(|view| Part {
                side,
                view: Some(view),
                area: Rect { y, height: 1, ..list },
            }));
        }
    }
    Body::Panel(PanelLayout { side: state.panes.focus, frame, parts })
}

fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let Body::Panel(layout) = body else { return };
    for part in layout.parts.iter().filter(|part| part.view.is_none()) {
        let panel = panel(state, part.side.index());
        draw_frame(state, part, panel, theme, buffer);
        let Some(panel) = panel else { continue };
        let places = places(part.area);
        draw_head(panel, places.head, theme, buffer);
        match &panel.push {
            Some(push) => draw_lists(panel, push, &places, theme, buffer),
            None => draw_notice(state, panel, places.list, theme, buffer),
        }
    }
}

fn draw_frame(state: &State, part: &Part, panel: Option<&PushPanel>, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let status = panel.and_then(|panel| status(state, panel)).or_else(|| to_come(state, part.side));
    let (texts, style) = match status {
        Some(status) => (vec![status], chrome.accent),
        None => {
            let short = "direct effects only".to_owned();
            (vec![format!("{short}: later heads may undo them"), short], chrome.dim)
        }
    };
    let hidden = |panel: &PushPanel| {
        let count = panel.push.as_ref().filter(|_| panel.inside.is_none())?.parts().len();
        let list = places(part.area).list;
        Some(more(&window(panel.row, list.height.into(), count), count))
    };
    model_box(state, part.side, part.area.width, &[], theme).render(part.area, buffer);
    let hidden = panel.and_then(hidden).unwrap_or_default();
    put_under(part.area, (&texts, style), &hidden, theme, buffer);
}

/// What is under way while an older answer is on screen, or went wrong.
fn status(state: &State, panel: &PushPanel) -> Option<String> {
    panel.push.as_ref()?;
    match &panel.stage {
        PushStage::Waiting => Some(format!("{} computing", spinner(state))),
        PushStage::Failed(error) => Some(why_not(state, error)),
        PushStage::Known => None,
    }
}

/// The text, the next token, its logit, and what all parts of a kind add.
fn draw_head(panel: &PushPanel, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let (chrome, room) = (&theme.chrome, usize::from(area.width));
    let line = |at: u16| Rect { y: area.y + at, height: 1, ..area };
    draw_text(&panel.capture().tokens, panel.query(), line(0), theme, buffer);
    let Some(push) = panel.push.as_ref().filter(|_| area.height > 1) else { return };
    let target = visible(&push.target);
    let target = match &push.versus {
        Some(versus) => format!("{target} less {}", visible(versus)),
        None => format!("{target} {:.1}%", push.target.probability * 100.0),
    };
    let (begin, logit) = ("logit of ", signed(push.logit, 3));
    let free = |x: u16| usize::from(area.right().saturating_sub(x));
    let x = put(buffer, area.x, line(1).y, begin, room, chrome.dim);
    let target = fit(&target, free(x).saturating_sub(width(&logit) + 1));
    let x = put(buffer, x, line(1).y, &target, free(x), chrome.accent) + 1;
    let x = put(buffer, x, line(1).y, &logit, free(x), chrome.strong) + 2;
    let residual = with_minus(&format!("{:.0e}", push.residual()));
    let residual = |room| {
        let long = format!("parts sum to the logit: residual {residual}");
        first_that_fits(&[long, format!("parts less logit: {residual}")], room)
    };
    if area.height > 3 {
        put(buffer, area.x, line(2).y, &sums(push, room), room, chrome.text);
        put(buffer, area.x, line(3).y, &residual(room), room, chrome.dim);
    } else if free(x) > RESIDUAL {
        put(buffer, x, line(1).y, &residual(free(x)), free(x), chrome.dim);
    }
}

/// What all parts of a kind add.
fn sums(push: &Push, room: usize) -> String {
    let heads: f64 = push.heads.iter().map(|head| head.total).sum();
    let means = push.means.unwrap_or(0.0);
    let rest = push.embedding + push.biases + means;
    let sums = [heads, push.mlps.iter().sum(), push.embedding, push.biases, rest, means];
    let [heads, mlps, embedding, biases, rest, means] = sums.map(|sum| signed(sum, 2));
    let long = format!("heads {heads}  MLPs {mlps}  embedding {embedding}  biases {biases}");
    let short = format!("heads {heads} MLPs {mlps} rest {rest}");
    let texts = match push.means {
        Some(_) => vec![format!("{long}  {MEANS} {means}"), format!("{long}  means {means}"), short],
        None => vec![long, short],
    };
    first_that_fits(&texts, room)
}

fn draw_lists(panel: &PushPanel, push: &Push, places: &Places, theme: &Theme, buffer: &mut Buffer) {
    match panel.head().filter(|_| panel.inside.is_some()) {
        Some(head) => draw_keys(panel, head, Some(panel.row), places.list, theme, buffer),
        None => {
            draw_parts(panel, push, places.list, theme, buffer);
            if let (Some(head), Some(beside)) = (panel.head(), places.beside) {
                draw_keys(panel, head, None, beside, theme, buffer);
            }
        }
    }
}

fn draw_parts(panel: &PushPanel, push: &Push, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let parts = push.parts();
    let top = parts.first().map_or(0.0, |(_, push)| push.abs());
    let shown = window(panel.row, area.height.into(), parts.len());
    let ablation = &panel.capture().ablation;
    for (y, at) in (area.y..).zip(shown) {
        let (part, push) = parts[at];
        let is_off = matches!(part, PassPart::Head { layer, head } if ablation.contains(layer, head));
        let name = format!("{}{part}", if is_off { ABLATED } else { "" });
        let row = BarRow {
            name: right(&name, NAME),
            value: push as f32,
            top: top as f32,
            is_chosen: at == panel.row,
        };
        row.draw(Rect { y, height: 1, ..area }, theme, buffer);
    }
}

/// The keys of a head, those that it pushes most through first.
fn draw_keys(
    panel: &PushPanel,
    head: &HeadPush,
    row: Option<usize>,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let mut rest = area;
    let heading = take_top(&mut rest, 1);
    let keys = head.ranked_keys();
    let on_screen = window(row.unwrap_or(0), rest.height.into(), keys.len());
    let hidden = more(&on_screen, keys.len());
    let left = Rect { width: heading.width.saturating_sub(width(&hidden) as u16), ..heading };
    let (name, total) = (format!("{}.{}", head.layer, head.head), signed(head.total, 3));
    let texts = [format!("{name} through its keys: {total}"), format!("{name} by key: {total}")];
    put_notice(buffer, left, &texts, theme.chrome.strong);
    put(buffer, left.right(), heading.y, &hidden, width(&hidden), theme.chrome.dim);
    let top = keys.first().map_or(0.0, |(_, push)| push.abs());
    let place = panel.query().to_string().len();
    let columns = usize::from(area.width).saturating_sub(VALUE + BAR.0 + 4).clamp(place + 2, KEY);
    for (y, at) in (rest.y..).zip(on_screen) {
        let (key, value) = keys[at];
        let label = panel.capture().tokens.get(key).map(|token| token.label()).unwrap_or_default();
        let name = format!("{} {}", right(&key.to_string(), place), fit(&label, columns - place - 1));
        let name = format!("{name}{}", " ".repeat(columns.saturating_sub(width(&name))));
        let row = BarRow { name, value, top, is_chosen: row == Some(at) };
        row.draw(Rect { y, height: 1, ..rest }, theme, buffer);
    }
}

/// A line with a name, a number, and a bar from an axis.
struct BarRow {
    name: String,
    value: f32,
    /// The magnitude of the longest bar.
    top: f32,
    is_chosen: bool,
}

impl BarRow {
    fn draw(&self, area: Rect, theme: &Theme, buffer: &mut Buffer) {
        let (chrome, room) = (&theme.chrome, usize::from(area.width));
        let (mark, style) = if self.is_chosen { ("▸ ", chrome.accent) } else { ("  ", chrome.text) };
        let x = put(buffer, area.x, area.y, mark, room, chrome.accent);
        let free = |x: u16| usize::from(area.right().saturating_sub(x));
        let x = put(buffer, x, area.y, &self.name, free(x), style.add_modifier(Modifier::BOLD));
        let value = right(&signed(self.value, 3), VALUE);
        let x = put(buffer, x, area.y, &value, free(x), style) + 1;
        if free(x) < BAR.0 {
            return;
        }
        let level = if self.top > 0.0 { self.value / self.top } else { 0.0 };
        put_signed_bar(buffer, (x, area.y), level, free(x).min(BAR.1), theme);
    }
}

/// What is said before there is an answer.
fn draw_notice(state: &State, panel: &PushPanel, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let (text, style) = match &panel.stage {
        PushStage::Failed(error) => (why_not(state, error), theme.chrome.error),
        PushStage::Waiting | PushStage::Known => {
            (format!("{} computing what each part adds", spinner(state)), theme.chrome.text)
        }
    };
    put_notice(buffer, area, &[text], style);
}
