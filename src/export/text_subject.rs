//! A text as something to export: whose attention colours it, by what, and from which token.

use std::fmt;

use super::found_subject::{LogitTokens, ParseFoundError};
use crate::attention::Capture;
use crate::vocabulary::{ParseViewError, RowReading, TextColoring, View};

/// What the text of a coloured text begins with.
const PREFIXES: [(&str, TextColoring); 3] =
    [("text", TextColoring::LooksAt), ("looked-at", TextColoring::LookedAt), ("pushed", TextColoring::Push)];

/// A text whose tokens are coloured. Written `text:head:3.5`, `text:mean@17`, `looked-at:layer:3`, `pushed:head:3.5@17`; where
/// next tokens are named, by their ids before the view: `pushed:262-345:mean`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSubject {
    /// Whose attention it is; of push, whose heads.
    pub view: View,
    /// What the colours say.
    pub coloring: TextColoring,
    /// The token that looks, counted from 0; the last one if none is named.
    pub token: Option<usize>,
    /// The next tokens whose logits heads push.
    pub next: LogitTokens,
}

impl TextSubject {
    /// As people read it: `text by layer 3, head 5`.
    pub fn title(self) -> String {
        match self.coloring {
            TextColoring::Push => format!("text by what {} through each token", adding(self.view)[1]),
            TextColoring::LooksAt | TextColoring::LookedAt => format!("text by {}", self.view.title()),
        }
    }

    /// The same without words that change nothing: heads push, whatever is made of their attention, and what is looked at is
    /// so by all later tokens.
    #[must_use]
    pub fn canonical(self) -> Self {
        match (self.coloring, self.view.attention()) {
            (TextColoring::Push, View::Rollout) => Self { view: View::Mean, ..self },
            (TextColoring::Push, view) => Self { view, ..self },
            (TextColoring::LookedAt, _) => Self { token: None, ..self },
            (TextColoring::LooksAt, _) => self,
        }
    }

    /// The query whose row, or whose push, colours a text of so many tokens.
    pub fn query(self, tokens: usize, rows: RowReading) -> usize {
        self.token.map_or(tokens.saturating_sub(1), |token| Capture::row_of(token, rows))
    }
}

/// What is pushed by the heads of a view, whatever that makes of them: `all heads add`, `all heads push`.
pub fn adding(view: View) -> [String; 2] {
    let heads = match view.attention() {
        View::Head { layer, head } => {
            return ["adds", "pushes"].map(|does| format!("head {layer}.{head} {does}"));
        }
        View::Layer(layer) => format!("the heads of layer {layer}"),
        View::Group { layer, group } => format!("the heads of KV group {group} in layer {layer}"),
        View::Kind(kind) => format!("the heads of the {kind} layers"),
        View::Mean | View::Rollout | View::ValueWeighted(_) => "all heads".to_owned(),
    };
    ["add", "push"].map(|do_it| format!("{heads} {do_it}"))
}

impl fmt::Display for TextSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = PREFIXES.iter().find(|(_, coloring)| *coloring == self.coloring).map_or("", |it| it.0);
        write!(f, "{prefix}{}:{}", self.next, self.view)?;
        self.token.map_or(Ok(()), |token| write!(f, "@{token}"))
    }
}

/// A text that names no coloured text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseTextSubjectError {
    /// What is coloured by is no matrix.
    #[error(transparent)]
    View(#[from] ParseViewError),
    /// What stands for a next token is no number.
    #[error(transparent)]
    Next(#[from] ParseFoundError),
    /// What is behind the @ is no number.
    #[error("'{0}' is no number of a token: write text:mean@17, counted from 0")]
    Token(String),
}

impl TextSubject {
    /// What a text names, if it begins like one of these.
    pub fn parse(text: &str) -> Option<Result<Self, ParseTextSubjectError>> {
        let (prefix, rest) = text.split_once(':')?;
        let coloring = PREFIXES.iter().find(|it| it.0 == prefix)?.1;
        Some(read(coloring, rest))
    }
}

fn read(coloring: TextColoring, text: &str) -> Result<TextSubject, ParseTextSubjectError> {
    let (of, token) = text.split_once('@').map_or((text, None), |(of, token)| (of, Some(token)));
    // Ids are numbers, and no view begins with one.
    let is_ids = |ids: &str| coloring == TextColoring::Push && !ids.contains(char::is_alphabetic);
    let (ids, view) = match of.split_once(':') {
        Some((ids, view)) if is_ids(ids) => (Some(ids), view),
        _ => (None, of),
    };
    let number = |token: &str| token.parse().map_err(|_| ParseTextSubjectError::Token(token.to_owned()));
    let token = token.map(number).transpose()?;
    Ok(TextSubject { view: view.parse()?, coloring, token, next: LogitTokens::parse(ids)? })
}
