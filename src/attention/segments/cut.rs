//! From a prompt and what it is to be cut by to its segments.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::chat;
use super::entry::Entry;
use super::error::SegmentsError;
use super::named_span::{NamedSpan, NamedSpans};
use super::segmented::Segments;
use super::stretch::Stretch;
use super::text::{numbered, paragraphs, sentences};
use crate::attention::{Capture, Token, escape_controls};
use crate::vocabulary::SegmentRule;

/// What a prompt is cut by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// A rule.
    Rule(SegmentRule),
    /// Bytes of the prompt that somebody named.
    Named(Arc<NamedSpans>),
}

impl Default for Cut {
    fn default() -> Self {
        Self::Rule(SegmentRule::Auto)
    }
}

impl Segments {
    /// The segments of a capture's tokens. `prompt` is the text of its prompt; empty where it was given as ids.
    ///
    /// # Errors
    /// If it can't be cut that way.
    pub fn new(capture: &Capture, prompt: &str, cut: &Cut) -> Result<Self, SegmentsError> {
        segments(capture, prompt, cut)
    }
}

fn segments(capture: &Capture, prompt: &str, cut: &Cut) -> Result<Segments, SegmentsError> {
    let (text, tokens) = match &capture.chat {
        Some(chat) => (Cow::Borrowed(chat.text()), Cow::Borrowed(&*capture.tokens)),
        None if prompt.is_empty() => text_of_ids(&capture.tokens),
        None => (Cow::Borrowed(prompt), Cow::Borrowed(&*capture.tokens)),
    };
    let user = match &capture.chat {
        Some(chat) => chat.user(),
        None => 0..text.len(),
    };
    let own = &text[user.clone()];
    let (by, within) = match cut {
        Cut::Rule(SegmentRule::Chat) if capture.chat.is_none() => return Err(SegmentsError::NoChat),
        Cut::Rule(SegmentRule::Auto | SegmentRule::Chat) if capture.chat.is_some() => {
            ("chat template", Vec::new())
        }
        Cut::Rule(SegmentRule::Paragraphs) => ("paragraphs", numbered(own, paragraphs(own))),
        Cut::Rule(SegmentRule::Sentences) => ("sentences", numbered(own, sentences(own))),
        Cut::Rule(SegmentRule::Auto | SegmentRule::Chat) => match paragraphs(own) {
            found if found.len() > 1 => ("paragraphs", numbered(own, found)),
            _ => ("sentences", numbered(own, sentences(own))),
        },
        Cut::Named(_) if capture.chat.is_none() && prompt.is_empty() => return Err(SegmentsError::NoText),
        Cut::Named(spans) => ("a file", named(capture, own, spans)?),
    };
    let within = within.into_iter().map(|it| Stretch { bytes: moved(&it.bytes, user.start), ..it });
    let is_within = |it: &Stretch| user.start <= it.bytes.start && it.bytes.end <= user.end;
    let stretches: Vec<Stretch> = match &capture.chat {
        None => within.collect(),
        Some(chat) if by == "chat template" => chat::turns(chat),
        Some(chat) => {
            let turns = chat::turns(chat);
            let (before, after): (Vec<_>, Vec<_>) = turns
                .into_iter()
                .filter(|turn| !is_within(turn))
                .partition(|turn| turn.bytes.start < user.start);
            before.into_iter().chain(within).chain(after).collect()
        }
    };
    let is_taken = |name: &str| stretches.iter().any(|stretch| stretch.name == name);
    let rest = match (&capture.chat, by) {
        (Some(_), _) => ["template", "template"],
        (None, "a file") if is_taken("rest") => ["(rest)", "written"],
        (None, "a file") => ["rest", "written"],
        (None, _) => ["added", "written"],
    };
    let segments = Segments::of_stretches(by, &text, &tokens, &stretches, rest);
    if let Cut::Named(spans) = cut {
        let has_token = |span: &NamedSpan| segments.names().contains(&escape_controls(&span.name));
        if let Some((entry, span)) = spans.in_order().into_iter().find(|(_, span)| !has_token(span)) {
            return Err(SegmentsError::NoToken { entry: Entry::new(entry, &span.name) });
        }
    }
    Ok(segments)
}

/// The stretches that a file names, in the bytes of what was said, which are `own`: without the blanks around it where
/// a template takes these away.
fn named(capture: &Capture, own: &str, spans: &NamedSpans) -> Result<Vec<Stretch>, SegmentsError> {
    let said = capture.chat.as_ref().map_or(own, |chat| chat.conversation().user.as_str());
    let blanks = if own.len() < said.len() { said.len() - said.trim_start().len() } else { 0 };
    let mut stretches = Vec::new();
    for (entry, span) in spans.in_order() {
        if span.end > said.len() {
            let entry = Entry::new(entry, &span.name);
            return Err(SegmentsError::Beyond { entry, end: span.end, bytes: said.len() });
        }
        if let Some(byte) = [span.start, span.end].into_iter().find(|byte| !said.is_char_boundary(*byte)) {
            let around = (said.floor_char_boundary(byte), said.ceil_char_boundary(byte));
            return Err(SegmentsError::InsideCharacter {
                entry: Entry::new(entry, &span.name),
                byte,
                around,
            });
        }
        let inside = |byte: usize| byte.saturating_sub(blanks).min(own.len());
        let bytes = inside(span.start)..inside(span.end);
        stretches.push(Stretch { name: escape_controls(&span.name), bytes });
    }
    Ok(stretches)
}

/// A text of tokens that were given as ids, and the tokens with their places in it. Special ones are none of it, and
/// what a model wrote neither.
fn text_of_ids(tokens: &[Token]) -> (Cow<'static, str>, Cow<'static, [Token]>) {
    let mut text = String::new();
    let mut place = |token: &Token| {
        let start = text.len();
        if !token.is_special && !token.is_generated {
            text.push_str(&token.text);
        }
        Token { span: start..text.len(), ..token.clone() }
    };
    let tokens = tokens.iter().map(&mut place).collect();
    (Cow::Owned(text), Cow::Owned(tokens))
}

fn moved(bytes: &Range<usize>, by: usize) -> Range<usize> {
    bytes.start + by..bytes.end + by
}
