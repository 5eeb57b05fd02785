//! The title of a box that is about a model's pass: its name, what sets the pass apart, and what else there is to say.
//! Where there is no room for all of it, parts give way in this order: what else there is to say; the prompt of what is
//! pinned; the heads that are off, from their end; the model's name, from its beginning. Boxes can be told apart by the end
//! of the name, so that always stays.

use super::widgets::line::on_one_line;
use super::widgets::text::{fit, fit_name, width};
use crate::app::{DisplayedCapture, Side, State};

/// Columns that a model's name keeps.
const LEAST_NAME: usize = 8;
/// Columns that the prompt of what is pinned has, before anything else is said. In fewer than the second it says nothing.
const PROMPT: (usize, usize) = (8, 4);
/// Columns in which something else can be said.
const LEAST_MORE: usize = 6;

/// What sets a capture apart from the newest one of its model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apart {
    words: String,
    /// The same in fewer words.
    short: String,
    /// The prompt that it is of, if it is pinned beside another one.
    prompt: Option<String>,
}

impl Apart {
    /// Of what a pane shows.
    pub fn of(state: &State, side: Side, shown: &DisplayedCapture) -> Self {
        let ablation = &shown.capture.ablation;
        let off = if ablation.is_empty() { String::new() } else { format!("  without {ablation}") };
        match state.panes.pinned(side) {
            Some(pin) if pin.is_before && ablation.is_empty() => Self {
                words: "  before: all heads on".to_owned(),
                short: "  all heads on".to_owned(),
                prompt: None,
            },
            Some(_) => {
                let words = format!("  pinned{off}");
                Self { short: words.clone(), words, prompt: Some(on_one_line(&shown.prompt)) }
            }
            None => Self { words: off.clone(), short: off, prompt: None },
        }
    }

    /// Whether there is something.
    pub fn is_any(&self) -> bool {
        !self.words.is_empty()
    }

    /// Columns of all that should be said, with as much of a name and of a prompt as has to be.
    pub fn needed(&self, name: &str) -> usize {
        let prompt = self.prompt.as_ref().map_or(0, |prompt| 2 + width(prompt).min(PROMPT.0));
        width(name).min(LEAST_NAME) + width(&self.words) + prompt
    }
}

/// The parts of a title, fitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxTitle {
    /// The model's name.
    pub name: String,
    /// What sets its pass apart.
    pub apart: String,
    /// What else there is to say.
    pub more: String,
}

impl BoxTitle {
    /// Shares out so many columns.
    pub fn new(name: &str, apart: &Apart, more: &str, room: usize) -> Self {
        let least_name = width(name).min(LEAST_NAME);
        let words = match width(name) + width(&apart.words) <= room {
            true => apart.words.clone(),
            false => fit(&apart.short, room.saturating_sub(least_name)),
        };
        let name = fit_name(name, room.saturating_sub(width(&words)));
        let mut rest = room.saturating_sub(width(&name) + width(&words));
        let prompt = apart.prompt.as_deref().unwrap_or_default();
        let least_prompt = if prompt.is_empty() { 0 } else { 2 + width(prompt).min(PROMPT.0) };
        let more_room = rest.saturating_sub(least_prompt);
        let says_more = width(more) <= more_room || more_room >= LEAST_MORE;
        let more = if says_more { fit(more, more_room) } else { String::new() };
        rest -= width(&more);
        let has_prompt = !prompt.is_empty() && rest >= 2 + width(prompt).min(PROMPT.1);
        let prompt = if has_prompt { format!(": {}", fit(prompt, rest - 2)) } else { String::new() };
        Self { name, apart: words + &prompt, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(apart: &Apart, more: &str, rooms: &[usize]) -> Vec<String> {
        let title = |room: &usize| BoxTitle::new("org/some-model", apart, more, *room);
        let text = |BoxTitle { name, apart, more }| [name, apart, more].concat();
        rooms.iter().map(title).map(text).collect()
    }

    #[test]
    fn what_else_there_is_gives_way_first_then_the_prompt_and_the_name_never_all_of_it() {
        let words = "  pinned without 0.1, 2.3".to_owned();
        let pinned = Apart { short: words.clone(), words, prompt: Some("write a story".to_owned()) };
        let found = titles(&pinned, " · mean · 3 by sentences", &[90, 64, 54, 48, 42, 30, 20]);
        assert_eq!(
            found,
            [
                "org/some-model  pinned without 0.1, 2.3: write a story · mean · 3 by sentences",
                "org/some-model  pinned without 0.1, 2.3: write a… · mean · 3 by…",
                "org/some-model  pinned without 0.1, 2.3: write a story",
                "org/some-model  pinned without 0.1, 2.3: write …",
                "org/some-model  pinned without 0.1, 2.3",
                "…e-model  pinned without 0.1,…",
                "…e-model  pinned wi…",
            ]
        );
    }

    #[test]
    fn words_are_fewer_where_the_name_needs_their_columns() {
        let before = Apart {
            words: "  before: all heads on".to_owned(),
            short: "  all heads on".to_owned(),
            prompt: None,
        };
        let found = titles(&before, "", &[40, 30, 23]);
        assert_eq!(
            found,
            [
                "org/some-model  before: all heads on",
                "org/some-model  all heads on",
                "…me-model  all heads on"
            ]
        );
        for room in 0..80 {
            let title = titles(&before, "more", &[room]).concat();
            assert!(width(&title) <= room, "{title} in {room}");
        }
    }
}
