//! A conversation in a model's chat template: the text that was read, and where the prompt is in it.

use std::ops::Range;

use crate::vocabulary::Conversation;

/// A conversation, and the text that a model's template makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatPrompt {
    conversation: Conversation,
    text: String,
    user: Range<usize>,
}

impl ChatPrompt {
    /// A conversation and the text of it, which ends with how the answer begins.
    pub fn new(conversation: Conversation, text: String) -> Self {
        let before = text.len().saturating_sub(conversation.answer.len());
        // Templates may trim what a user says. The last place counts: a system's text may quote it.
        let user = conversation.user.trim();
        let start = text.get(..before).and_then(|text| text.rfind(user)).unwrap_or(before);
        let end = if start == before { before } else { start + user.len() };
        Self { conversation, text, user: start..end }
    }

    /// Its text without what a model wrote behind it.
    pub fn before(&self, written: &str) -> &str {
        self.text.strip_suffix(written).unwrap_or(&self.text)
    }

    /// The same with another text that a model wrote, in the place of what it wrote before.
    pub fn grown(&self, before: &str, written: &str) -> Self {
        let Conversation { system, user, answer } = &self.conversation;
        let answer = format!("{}{written}", answer.strip_suffix(before).unwrap_or(answer));
        let text = format!("{}{written}", self.before(before));
        Self::new(Conversation { system: system.clone(), user: user.clone(), answer }, text)
    }

    /// What was said.
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// The text that was read: the spans of its tokens lie in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where in the text the user's turn is, without the blanks around it; empty if it is not there.
    pub fn user(&self) -> Range<usize> {
        self.user.clone()
    }

    /// Where a byte of the prompt (what the user says, and then how the answer begins) is in the text, if it is there.
    pub fn byte(&self, at: usize) -> Option<usize> {
        let said = &self.conversation.user;
        if at >= said.len() {
            let byte = self.text.len() - self.conversation.answer.len() + (at - said.len());
            return (byte < self.text.len()).then_some(byte);
        }
        let trimmed = said.len() - said.trim_start().len();
        let byte = self.user.start + at.checked_sub(trimmed)?;
        self.user.contains(&byte).then_some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_of_the_prompt_is_found_in_the_text() {
        let (user, answer) = (" Hi! ".to_owned(), "Hi".to_owned());
        let chat = Conversation { system: Some("Say Hi!".to_owned()), user, answer };
        let text = "<s>Say Hi!<u>Hi!<a>Hi";
        let prompt = ChatPrompt::new(chat.clone(), text.to_owned());
        let found = (0..8).map(|at| prompt.byte(at).map(|byte| &text[byte..=byte])).collect::<Vec<_>>();
        let expected = [None, Some("H"), Some("i"), Some("!"), None, Some("H"), Some("i"), None];
        assert_eq!(found, expected);
        assert_eq!(prompt.byte(1), Some(13));
        let without = ChatPrompt::new(chat, "<a>Hi".to_owned());
        assert_eq!((without.byte(1), without.byte(5)), (None, Some(3)));
        let other = ChatPrompt::new(Conversation::default(), String::new());
        assert_eq!(other.byte(0), None);
    }

    #[test]
    fn what_a_model_writes_is_the_rest_of_the_answer() {
        let chat = Conversation { user: "Hi".to_owned(), answer: "Oh".to_owned(), ..Conversation::default() };
        let prompt = ChatPrompt::new(chat, "<u>Hi<a>Oh".to_owned());
        let one = prompt.grown("", " y\u{fffd}");
        assert_eq!(
            (one.text(), one.conversation().answer.as_str()),
            ("<u>Hi<a>Oh y\u{fffd}", "Oh y\u{fffd}")
        );
        let two = one.grown(" y\u{fffd}", " yé");
        assert_eq!((two.text(), two.before(" yé")), ("<u>Hi<a>Oh yé", "<u>Hi<a>Oh"));
        assert_eq!(two.byte(4), Some(10), "the byte after the prompt is the first that was written");
    }
}
