//! How the pass of a pane was made, for an export.

use crate::app::{DisplayedCapture, Side, State};
use crate::export::{Input, Source, Subject};

/// The pass that a pane shows, and what of it is exported.
pub(super) fn of_pane(state: &State, side: Side, shown: &DisplayedCapture, subject: Subject) -> Source {
    // What a model wrote is never cut into tokens again.
    let is_written = shown.capture.prompt_tokens() < shown.capture.tokens.len();
    let input = match &shown.capture.chat {
        _ if is_written => Input::Ids(shown.capture.tokens.iter().map(|token| token.id).collect()),
        Some(chat) => Input::Chat(chat.conversation().clone()),
        None => Input::Prompt(shown.prompt.clone()),
    };
    let source = Source::new(&shown.capture, input, subject);
    Source { is_pinned: state.panes.pinned(side).is_some(), ..source }
}
