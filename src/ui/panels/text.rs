//! The text of the prompt in the place of the matrices, on both sides or on one of them.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::columns::{columns, take_inspector};
use super::face::Face;
use super::panes;
use crate::app::{Side, State, TextViewport};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, other_side, pair};
use crate::ui::chrome::legend::{self, Legend, Words};
use crate::ui::names::view_names;
use crate::ui::pane::thumbnails;
use crate::ui::places::{Body, PaneLayout};
use crate::ui::widgets::area::take_top;
use crate::ui::widgets::text_grid::TextGrid;
use crate::vocabulary::{ColorRange, TextColoring};

/// Columns before the lines: the sign of the cursor's line, and a blank.
const MARGIN: u16 = 2;
/// Rows of a text from which there is a heading above it, and from which a blank row sets that apart.
const HEADED: u16 = 3;
const AIRY: u16 = 12;

/// The text.
pub const FACE: Face = Face { title, hints, legend, place, draw: panes::draw };

fn title(state: &State, other: &str) -> Vec<String> {
    let coloring = state.display.text.unwrap_or_default();
    let what = match coloring {
        TextColoring::LooksAt => "what the marked token looks at",
        TextColoring::LookedAt => "how much later tokens look at each",
        TextColoring::Push => "push on the token after the marked one",
    };
    let titles =
        |what: &str, other: &str| view_names(state).map(|view| format!("text{what} · {view}{other}"));
    [titles(&format!(": {what}"), other), titles("", other), titles("", "")].concat()
}

fn hints(state: &State) -> Vec<Hint> {
    let next = match state.display.text {
        Some(TextColoring::LooksAt) => "what is looked at",
        Some(TextColoring::LookedAt) => "push",
        _ => "matrix",
    };
    let mut hints = vec![
        hint(state, Command::Text, next),
        pair(state, (Command::CursorLeft, Command::CursorRight), "token"),
        pair(state, (Command::CursorUp, Command::CursorDown), "line"),
        pair(state, (Command::PreviousWord, Command::NextWord), "word"),
        pair(state, (Command::PreviousSegment, Command::NextSegment), "paragraph"),
        hint(state, Command::StrongestKey, "next strongest"),
        hint(state, Command::Find, "find"),
        pair(state, (Command::Open, Command::Back), "deeper, back"),
        pair(state, (Command::PreviousLayer, Command::NextLayer), "layer"),
        pair(state, (Command::PreviousHead, Command::NextHead), "head"),
        hint(state, Command::OtherModel, other_side(state)),
        hint(state, Command::EditPrompt, "prompt"),
        hint(state, Command::Quit, "quit"),
    ];
    if state.find.is_on() {
        hints.insert(0, hint(state, Command::Back, "end the search"));
        hints.insert(0, pair(state, (Command::PreviousMatch, Command::NextMatch), "places"));
    }
    hints
}

fn legend<'a>(state: &State, _: &Body, words: Words, theme: &'a Theme) -> Option<Legend<'a>> {
    state.panes.shown().next()?;
    let coloring = state.display.text.unwrap_or_default();
    let tokens = state.panes.shown().map(|shown| shown.capture.tokens.len()).max().unwrap_or(0);
    let mut settings = vec![(state.keys.hint(Command::Text), coloring.title().to_owned())];
    settings.extend((coloring != TextColoring::Push).then(|| legend::normalisation(state)));
    settings.push(legend::color_scale(state));
    settings.push(match coloring {
        TextColoring::LooksAt => panes::range(state, words),
        TextColoring::LookedAt => panes::range_of(state, legend::clipped_keys(tokens, words)),
        TextColoring::Push => panes::range_of(state, ""),
    });
    settings.push(legend::color_map(state, theme));
    if state.display.has_glyphs {
        settings.push(("·".to_owned(), "later tokens".to_owned()));
    }
    settings.splice(0..0, legend::rows(state));
    if coloring == TextColoring::Push {
        let tops = Side::BOTH.map(|side| format!("{:.2}", state.scale(side).top));
        let top = if state.display.range == ColorRange::Own { tops.join(" ┊ ") } else { tops[0].clone() };
        let (bottom, top) = (format!("−{top} "), format!("+{top} logits"));
        return Some(Legend { palette: &theme.differences, bottom, top, settings });
    }
    let is_clipped = match coloring {
        TextColoring::LookedAt => !legend::clipped_keys(tokens, words).is_empty(),
        TextColoring::LooksAt | TextColoring::Push => panes::is_clipped(state),
    };
    let top = panes::top(state, is_clipped);
    Some(Legend { palette: &theme.values, bottom: panes::bottom(state), top, settings })
}

fn place(state: &State, mut rest: Rect, screen: u16) -> Body {
    let inspector = take_inspector(state, &mut rest, screen);
    let mut panes = [None, None];
    for (side, frame) in columns(state, rest) {
        let under = Rect { x: frame.x + 1, width: frame.width.saturating_sub(2), ..inspector };
        let mut pane = panes::pane(state, side, frame, under, true);
        pane.text = text(state, &pane);
        pane.thumbnails = thumbnails::place(state.pane(side), pane.strip);
        panes[side.index()] = Some(pane);
    }
    Body::Panes(panes)
}

/// The lines of a pane's text that are on screen.
fn text(state: &State, pane: &PaneLayout) -> Option<TextGrid> {
    let placed = state.pane(pane.side);
    let shown = placed.shown.as_ref()?;
    let mut rest = pane.body;
    let (is_headed, is_airy) = (rest.height >= HEADED, rest.height >= AIRY);
    let heading = take_top(&mut rest, is_headed.into());
    take_top(&mut rest, is_airy.into());
    let margin = MARGIN.min(rest.width);
    let area = Rect { x: rest.x + margin, width: rest.width - margin, ..rest };
    // Without colours, values are glyphs below the text.
    let height = 1 + u16::from(state.display.has_glyphs);
    let viewport = TextViewport {
        columns: usize::from(area.width).max(1),
        lines: usize::from(area.height / height),
        hides_special: state.display.hides_special,
        rows: state.display.rows,
    };
    let layout = shown.text_layout(viewport.columns, viewport.hides_special);
    let first = placed.text_scroll_in(viewport);
    Some(TextGrid { heading, area, layout: Arc::clone(&layout), viewport, first, height })
}
