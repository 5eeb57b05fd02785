//! The title of a box that is about a model's pass: its name, what sets the pass apart, and what else there is to say.
//! Where there is no room for all of it, parts give way in this order: what else there is to say, a fact at a time; the prompt
//! of what is pinned; words about the heads that are off, of which in the end only their number is said; the model's name,
//! from its beginning. Boxes can be told apart by the end of the name, so that always stays.

use super::facts::facts_that_fit;
use super::names::off_names;
use super::widgets::line::on_one_line;
use super::widgets::text::{first_that_fits, fit, fit_name, width};
use crate::app::{DisplayedCapture, Side, State};

/// Columns that a model's name keeps.
pub const LEAST_NAME: usize = 8;
/// Columns that the prompt of what is pinned has, before anything else is said. In fewer than the second it says nothing.
const PROMPT: (usize, usize) = (8, 4);

/// What sets a capture apart from the newest one of its model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apart {
    /// In fewer and fewer words: the second say what the first do.
    words: [String; 3],
    /// The prompt that it is of, if it is pinned beside another one.
    prompt: Option<String>,
}

impl Apart {
    /// Of what a pane shows.
    pub fn of(state: &State, side: Side, shown: &DisplayedCapture) -> Self {
        let ablation = &shown.capture.ablation;
        let off = if ablation.is_empty() { Default::default() } else { off_names(ablation) };
        let behind =
            |before: &str, off: String| if off.is_empty() { String::new() } else { format!("{before}{off}") };
        match state.panes.pinned(side) {
            Some(pin) if pin.is_before && ablation.is_empty() => {
                let words = ["  before: all heads on", "  all heads on", "  all heads on"];
                Self { words: words.map(str::to_owned), prompt: None }
            }
            Some(_) => {
                let words = off.map(|off| format!("  pinned{}", behind(" ", off)));
                Self { words, prompt: Some(on_one_line(&shown.prompt)) }
            }
            None => Self { words: off.map(|off| behind("  ", off)), prompt: None },
        }
    }

    /// With words that stand behind the others, in fewer and fewer.
    pub fn and(mut self, more: [&str; 3]) -> Self {
        self.words.iter_mut().zip(more).for_each(|(words, more)| *words = format!("{words}  {more}"));
        self
    }

    /// Whether there is something.
    pub fn is_any(&self) -> bool {
        !self.words[0].is_empty()
    }

    /// Columns of all that should be said, with as much of a name and of a prompt as has to be.
    pub fn needed(&self, name: &str) -> usize {
        width(name).min(LEAST_NAME) + width(&self.words[0]) + self.least_prompt()
    }

    fn least_prompt(&self) -> usize {
        self.prompt.as_ref().map_or(0, |prompt| 2 + width(prompt).min(PROMPT.0))
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
    /// How many facts of that are said.
    pub facts: usize,
}

impl BoxTitle {
    /// Shares out so many columns.
    pub fn new(name: &str, apart: &Apart, more: &[String], room: usize) -> Self {
        let for_words = room.saturating_sub(width(name).min(LEAST_NAME));
        let beside = |words: &str| {
            let taken = width(name) + width(words) + apart.least_prompt();
            more.first().filter(|more| taken + 2 + width(more) <= room)
        };
        // Of words that say the same, the fewer are said where they leave room for something else.
        let is_long = width(name) + width(&apart.words[0]) <= room
            && (beside(&apart.words[0]).is_some() || beside(&apart.words[1]).is_none());
        let words = first_that_fits(&apart.words[usize::from(!is_long)..], for_words);
        let name = fit_name(name, room.saturating_sub(width(&words)));
        let mut rest = room.saturating_sub(width(&name) + width(&words));
        let more_room = rest.saturating_sub(apart.least_prompt() + 2);
        let said = facts_that_fit(more.to_vec(), more_room);
        let (facts, more) = (said.len(), said.join(" · "));
        let more = if more.is_empty() { more } else { format!("  {more}") };
        rest -= width(&more);
        let prompt = apart.prompt.as_deref().unwrap_or_default();
        let has_prompt = !prompt.is_empty() && rest >= 2 + width(prompt).min(PROMPT.1);
        let prompt = if has_prompt { format!(": {}", fit(prompt, rest - 2)) } else { String::new() };
        Self { name, apart: words + &prompt, more, facts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(apart: &Apart, more: &[&str], rooms: &[usize]) -> Vec<String> {
        let more: Vec<String> = more.iter().map(ToString::to_string).collect();
        let title = |room: &usize| BoxTitle::new("org/some-model", apart, &more, *room);
        let text = |BoxTitle { name, apart, more, .. }| [name, apart, more].concat();
        rooms.iter().map(title).map(text).collect()
    }

    fn apart(words: [&str; 3], prompt: Option<&str>) -> Apart {
        Apart { words: words.map(str::to_owned), prompt: prompt.map(str::to_owned) }
    }

    #[test]
    fn what_else_there_is_gives_way_first_then_the_prompt_and_the_name_never_all_of_it() {
        let words = ["  pinned without 0.1, 2.3", "  pinned without 0.1, 2.3", "  pinned 2 off"];
        let pinned = apart(words, Some("write a story"));
        let found = titles(&pinned, &["mean", "3 by sentences"], &[90, 64, 54, 48, 42, 30, 20]);
        assert_eq!(
            found,
            [
                "org/some-model  pinned without 0.1, 2.3: write a story  mean · 3 by sentences",
                "org/some-model  pinned without 0.1, 2.3: write a story  mean",
                "org/some-model  pinned without 0.1, 2.3: write a story",
                "org/some-model  pinned without 0.1, 2.3: write …",
                "org/some-model  pinned without 0.1, 2.3",
                "org/some-model  pinned 2 off",
                "…e-model  pinned 2 …",
            ]
        );
    }

    #[test]
    fn words_are_fewer_where_the_name_or_what_else_there_is_needs_their_columns() {
        let before = apart(["  before: all heads on", "  all heads on", "  all heads on"], None);
        let found = titles(&before, &[], &[40, 30, 23]);
        let expected = [
            "org/some-model  before: all heads on",
            "org/some-model  all heads on",
            "…me-model  all heads on",
        ];
        assert_eq!(found, expected);
        let found = titles(&before, &["by words", "next"], &[60, 40, 32]);
        let expected = [
            "org/some-model  before: all heads on  by words · next",
            "org/some-model  all heads on  by words",
            "org/some-model  all heads on",
        ];
        assert_eq!(found, expected);
        for room in 0..80 {
            let title = titles(&before, &["more", "and more"], &[room]).concat();
            assert!(width(&title) <= room, "{title} in {room}");
        }
    }
}
