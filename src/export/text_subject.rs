//! A text as something to export: whose attention colours it, by what, and from which token.

use std::fmt;

use crate::vocabulary::{ParseViewError, TextColoring, View};

/// What the text of one that is coloured by what a token looks at begins with, and of one by what is looked at.
const PREFIXES: [(&str, TextColoring); 2] =
    [("text:", TextColoring::LooksAt), ("looked-at:", TextColoring::LookedAt)];

/// A text whose tokens are coloured. Written `text:head:3.5`, `text:mean@17`, `looked-at:layer:3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSubject {
    /// Whose attention it is.
    pub view: View,
    /// What the colours say.
    pub coloring: TextColoring,
    /// The token that looks, counted from 0; the last one if none is named.
    pub token: Option<usize>,
}

impl TextSubject {
    /// As people read it: `text by layer 3, head 5`.
    pub fn title(self) -> String {
        format!("text by {}", self.view.title())
    }
}

impl fmt::Display for TextSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = PREFIXES.iter().find(|(_, coloring)| *coloring == self.coloring).map_or("", |it| it.0);
        write!(f, "{prefix}{}", self.view)?;
        self.token.map_or(Ok(()), |token| write!(f, "@{token}"))
    }
}

/// A text that names no coloured text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseTextSubjectError {
    /// What is coloured by is no matrix.
    #[error(transparent)]
    View(#[from] ParseViewError),
    /// What is behind the @ is no number.
    #[error("'{0}' is no number of a token: write text:mean@17, counted from 0")]
    Token(String),
}

impl TextSubject {
    /// What a text names, if it begins like one of these.
    pub fn parse(text: &str) -> Option<Result<Self, ParseTextSubjectError>> {
        let (rest, coloring) =
            PREFIXES.iter().find_map(|(prefix, coloring)| Some((text.strip_prefix(prefix)?, *coloring)))?;
        let (view, token) = rest.split_once('@').map_or((rest, None), |(view, token)| (view, Some(token)));
        Some(view.parse().map_err(ParseTextSubjectError::from).and_then(|view| {
            let number =
                |token: &str| token.parse().map_err(|_| ParseTextSubjectError::Token(token.to_owned()));
            Ok(Self { view, coloring, token: token.map(number).transpose()? })
        }))
    }
}
