//! What a terminal says.

use crossterm::event::Event;

use super::answers::Answer;

/// What a terminal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// What its user does.
    Event(Event),
    /// What its user types: characters without Ctrl or Alt, one after the other.
    Text(String),
    /// What it answers to a question.
    Answer(Answer),
}
