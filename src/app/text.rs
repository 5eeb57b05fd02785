//! The text in the place of the matrices: which is shown, and how one moves in it. The cursor is the same one: its row is
//! the token that is looked at, its column the key that is marked.

use std::sync::Arc;

use super::action::Effect;
use super::panels::Panel as _;
use super::state::State;
use super::state::cursor::Cursor;
use super::state::exact_keys::KeysStage;
use super::state::notes::NOTHING_SHOWN;
use super::state::step::step;
use crate::app::state::side::Side;
use crate::attention::LookedAt;
use crate::attention::text::{TextLayout, next_segment, next_word, previous_segment, previous_word};
use crate::config::keys::Command;
use crate::vocabulary::{LongPrompts, RowReading, TextColoring};
use crate::worker::protocol::{LookedAtJob, TokenRow, WorkerError};

/// Shows the text, coloured by one thing after the other, and the matrix again. In the place of a panel or of a comparison
/// it comes as it was.
pub(super) fn turn(state: &mut State) {
    state.display.is_text_by_itself = false;
    if state.screen.panel().is_some() || state.screen.compared().is_some() {
        if state.screen.panel().is_some() {
            state.screen.close();
        }
        state.screen.difference = None;
        state.display.text = state.display.text.or(Some(TextColoring::default()));
        return;
    }
    state.display.text = match state.display.text {
        None => Some(TextColoring::default()),
        Some(coloring) if coloring.next() == TextColoring::default() => None,
        Some(coloring) => Some(coloring.next()),
    };
}

/// Asks for what colours the text on screen and isn't there: the push of the token that is marked; or its row, or how much each
/// token is looked at, where the matrix says nothing of single tokens.
pub(super) fn refresh(state: &mut State) -> Vec<Effect> {
    let mut effects = match state.shows_text() {
        Some(TextColoring::Push) => state.pushes.refresh(&mut state.panes),
        Some(TextColoring::LooksAt) => state.exact_rows.refresh(&state.panes),
        Some(TextColoring::LookedAt) => {
            return state.exact_keys.refresh(&state.panes, state.display.normalisation);
        }
        None => vec![],
    };
    effects.extend(state.exact_keys.leave());
    effects
}

/// Takes how much each token of a capture is looked at.
pub(super) fn looked_at(
    state: &mut State,
    question: &LookedAtJob,
    found: Result<Arc<LookedAt>, WorkerError>,
) {
    state.exact_keys.answered(question, found.as_ref().err().cloned());
    let Ok(found) = found else { return };
    for pane in &mut state.panes.both {
        let shown = pane.shown.as_mut().filter(|shown| Arc::ptr_eq(&shown.capture, &question.capture));
        if let Some(shown) = shown {
            shown.keep_looked_at((question.view, question.normalisation), &found);
        }
    }
}

impl State {
    /// What heads of the view on screen add to the next token through each token, up to the marked one; nothing before that
    /// is computed.
    pub fn push_by_token(&self, side: Side) -> Option<Vec<f32>> {
        let (pane, found) = (self.pane(side), self.pushes.panes[side.index()].as_ref()?);
        let (shown, push) = (pane.shown.as_ref()?, found.push.as_ref()?);
        let is_it = Arc::ptr_eq(found.capture(), &shown.capture) && push.query == pane.token();
        is_it.then(|| push.of_view(shown.view(), &shown.capture.model))
    }

    /// What the marked token gives to each token, where cells of the matrix are several; nothing before that is computed.
    pub fn exact_row(&self, side: Side) -> Option<&TokenRow> {
        self.exact_rows.of(side, self.pane(side))
    }

    /// Where a side's text has the colours of cells of several tokens: how it stands with how much each of these is looked at.
    pub fn by_cells(&self, side: Side) -> Option<&KeysStage> {
        let stage = self.exact_keys.of(side, self.pane(side), self.display.normalisation);
        stage.filter(|_| self.shows_text() == Some(TextColoring::LookedAt))
    }

    /// Whether what colours the text on screen is being computed.
    pub(super) fn colours_text(&self) -> bool {
        match self.shows_text() {
            Some(TextColoring::Push) => self.pushes.is_busy(),
            Some(TextColoring::LooksAt) => self.exact_rows.is_busy(),
            Some(TextColoring::LookedAt) => self.exact_keys.is_busy(),
            None => false,
        }
    }

    /// Before a frame is laid out: if the text came by itself and another one is there now, its matrix is measured first.
    pub fn measure_long(&mut self) {
        let is_new = self.panes.iter().any(|pane| pane.is_unmeasured);
        if is_new && self.display.is_text_by_itself && self.long_prompts == LongPrompts::Text {
            (self.display.text, self.display.is_text_by_itself) = (None, false);
        }
    }

    /// After the matrices of a new text were laid out: shows the text in the place of those that don't fit, if long prompts
    /// are to be shown so. Returns whether the screen is to be laid out anew.
    pub fn open_long(&mut self) -> bool {
        let is_new = self.panes.both.each_mut().map(|pane| std::mem::take(&mut pane.is_unmeasured));
        let opens = self.long_prompts == LongPrompts::Text && self.display.text.is_none();
        if is_new == [false; 2] || !opens || !self.is_cut() {
            return false;
        }
        (self.display.text, self.display.is_text_by_itself) = (Some(TextColoring::default()), true);
        true
    }
}

/// Goes to a token of a side's text, and to the key that is strongest there.
pub(super) fn point(state: &mut State, side: Side, token: usize) {
    state.panes.pane_mut(side).text.goal = None;
    let token = match state.display.rows {
        RowReading::Reading => token,
        RowReading::Predicting => token.saturating_sub(1),
    };
    if state.display.text.is_some() {
        state.panes.point_to_token(side, token, state.display.normalisation);
        return;
    }
    let pane = state.panes.pane(side);
    let Some(shown) = &pane.shown else { return };
    let cursor = Cursor { query: token / shown.matrix().bin(), ..pane.cursor };
    state.panes.point(side, cursor);
}

/// Does what a command says about words, segments and the strongest key, and where the text is on screen, about its tokens
/// and lines; whether it says anything of these.
pub(super) fn command(state: &mut State, command: Command) -> bool {
    let side = state.panes.focus;
    let pane = state.panes.pane(side);
    let is_about_text = matches!(
        command,
        Command::PreviousWord | Command::NextWord | Command::PreviousSegment | Command::NextSegment
    );
    let Some(shown) = &pane.shown else {
        if is_about_text || command == Command::StrongestKey {
            state.note = Some(NOTHING_SHOWN.to_owned());
        }
        return is_about_text || command == Command::StrongestKey;
    };
    if command == Command::StrongestKey {
        let cursor = pane.cursor.at_next_strongest(shown.matrix(), state.display.normalisation);
        state.panes.point(side, cursor);
        return true;
    }
    let tokens = &shown.capture.tokens;
    let at = pane.marked_token(state.display.rows);
    let token = match command {
        Command::PreviousWord => previous_word(tokens, at),
        Command::NextWord => next_word(tokens, at),
        Command::PreviousSegment => previous_segment(tokens, at),
        Command::NextSegment => next_segment(tokens, at),
        _ if state.shows_text().is_none() => return false,
        Command::CursorLeft => step(at, -1, tokens.len() + 1),
        Command::CursorRight => step(at, 1, tokens.len() + 1),
        _ => {
            let Some(layout) = pane.text_layout() else { return false };
            let goal = pane.text.goal.unwrap_or_else(|| layout.place(at).1);
            let Some(token) = in_lines(&layout, (at, goal), command, pane.text.viewport.lines) else {
                return false;
            };
            point(state, side, token);
            let is_vertical = !matches!(command, Command::RowStart | Command::RowEnd);
            state.panes.pane_mut(side).text.goal = is_vertical.then_some(goal);
            return true;
        }
    };
    point(state, side, token);
    true
}

/// The token that a command about lines leads to from one, at the column nearest to `goal`; `None` if it is about
/// something else. `room` is how many lines are on screen.
fn in_lines(layout: &TextLayout, (at, goal): (usize, usize), command: Command, room: usize) -> Option<usize> {
    let line = layout.place(at).0;
    let page = room.max(2) as isize - 1;
    let by = match command {
        Command::CursorUp => -1,
        Command::CursorDown => 1,
        Command::PageUp => -page,
        Command::PageDown => page,
        Command::RowStart => return layout.ends(line).map(|ends| ends.0).or(Some(at)),
        Command::RowEnd => return layout.ends(line).map(|ends| ends.1).or(Some(at)),
        _ => return None,
    };
    // A token may go on over several lines.
    let mut to = step(line, by, layout.count());
    let further = by.signum();
    loop {
        match layout.nearest(to, goal) {
            Some(token) if token != at || step(to, further, layout.count()) == to => return Some(token),
            _ if step(to, further, layout.count()) == to => return Some(at),
            _ => to = step(to, further, layout.count()),
        }
    }
}
