//! What is found about a pass or two, as something to export: push, the effect of hidden spans, patching, sinks, or how far
//! heads are apart.

use std::fmt;

use crate::vocabulary::{Patched, SegmentRule, UnknownName};

/// What is found about a pass. Written `push:262-345@17`, `effect-words:262`, `patch-heads:262-345`: ids of tokens, and
/// behind the @ the token that the next one is predicted after, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundSubject {
    /// What each part adds to the logit of a next token, after the last token if none is named.
    Push(LogitTokens, Option<usize>),
    /// What hiding spans does to the probability of a next token, the likeliest if none is named.
    Effect(HiddenBy, Option<u32>),
    /// How far parts of the pass over the first prompt bring the second one.
    Patch(Patched, LogitTokens),
    /// Where heads put what they give to no word, and what is large in the residual stream there.
    Sinks,
    /// How far the heads of two passes are apart.
    Shift,
}

/// The next tokens whose logits are looked at, by their ids; nothing of those that the model is to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogitTokens {
    /// The one that counts up.
    pub token: Option<u32>,
    /// The one that is taken off.
    pub versus: Option<u32>,
}

/// What a prompt is cut into spans by that are hidden one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenBy {
    /// Each word.
    Words,
    /// Spans of tokens that somebody named.
    Spans,
    /// Segments.
    Segments(SegmentRule),
}

const PUSH: &str = "push";
const EFFECT: &str = "effect";
const PATCH: &str = "patch-";
const SINKS: &str = "sinks";
const SHIFT: &str = "shift";

impl FoundSubject {
    /// As people read it.
    pub fn title(self) -> String {
        match self {
            Self::Push(..) => "push".to_owned(),
            Self::Effect(..) => "effect of hidden spans".to_owned(),
            Self::Patch(what, _) => format!("effect of {}", what.title()),
            Self::Sinks => SINKS.to_owned(),
            Self::Shift => "how far heads are apart".to_owned(),
        }
    }

    /// What a text names, if it begins like one of these.
    pub fn parse(text: &str) -> Option<Result<Self, ParseFoundError>> {
        match text {
            SINKS => return Some(Ok(Self::Sinks)),
            SHIFT => return Some(Ok(Self::Shift)),
            _ => {}
        }
        // A push has a place behind its tokens, an effect a rule before them.
        let (text, place) = text.split_once('@').map_or((text, None), |(text, place)| (text, Some(place)));
        let (name, tokens) = text.split_once(':').map_or((text, None), |(name, ids)| (name, Some(ids)));
        let rule = name.strip_prefix(EFFECT).and_then(|rule| match rule {
            "" => Some(""),
            rule => rule.strip_prefix('-'),
        });
        Some(match (name, rule, name.strip_prefix(PATCH)) {
            (PUSH, ..) => push(tokens, place),
            (_, Some(rule), _) => effect(rule, tokens, place),
            (.., Some(what)) => patch(what, tokens, place),
            _ => return None,
        })
    }
}

fn push(tokens: Option<&str>, place: Option<&str>) -> Result<FoundSubject, ParseFoundError> {
    Ok(FoundSubject::Push(LogitTokens::parse(tokens)?, place.map(number).transpose()?))
}

fn effect(rule: &str, token: Option<&str>, place: Option<&str>) -> Result<FoundSubject, ParseFoundError> {
    let by = match rule {
        "" => HiddenBy::Segments(SegmentRule::Auto),
        "words" => HiddenBy::Words,
        "spans" => HiddenBy::Spans,
        rule => HiddenBy::Segments(rule.parse()?),
    };
    no_place(place)?;
    Ok(FoundSubject::Effect(by, token.map(number).transpose()?))
}

fn patch(what: &str, tokens: Option<&str>, place: Option<&str>) -> Result<FoundSubject, ParseFoundError> {
    no_place(place)?;
    Ok(FoundSubject::Patch(what.parse()?, LogitTokens::parse(tokens)?))
}

fn no_place(place: Option<&str>) -> Result<(), ParseFoundError> {
    place.map_or(Ok(()), |place| Err(ParseFoundError::Number(format!("@{place}"))))
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, ParseFoundError> {
    text.parse().map_err(|_| ParseFoundError::Number(text.to_owned()))
}

impl LogitTokens {
    /// What a text of ids names, `262-345`; nothing without one.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, ParseFoundError> {
        let Some(text) = text else { return Ok(Self::default()) };
        let (token, versus) =
            text.split_once('-').map_or((text, None), |(token, versus)| (token, Some(versus)));
        let token = (!token.is_empty()).then_some(token);
        Ok(Self { token: token.map(number).transpose()?, versus: versus.map(number).transpose()? })
    }
}

impl fmt::Display for LogitTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return Ok(());
        }
        f.write_str(":")?;
        self.token.map_or(Ok(()), |token| write!(f, "{token}"))?;
        self.versus.map_or(Ok(()), |versus| write!(f, "-{versus}"))
    }
}

impl fmt::Display for FoundSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push(tokens, place) => {
                write!(f, "{PUSH}{tokens}")?;
                place.map_or(Ok(()), |place| write!(f, "@{place}"))
            }
            Self::Effect(by, token) => {
                f.write_str(EFFECT)?;
                match by {
                    HiddenBy::Words => f.write_str("-words")?,
                    HiddenBy::Spans => f.write_str("-spans")?,
                    HiddenBy::Segments(SegmentRule::Auto) => {}
                    HiddenBy::Segments(rule) => write!(f, "-{rule}")?,
                }
                token.map_or(Ok(()), |token| write!(f, ":{token}"))
            }
            Self::Patch(what, tokens) => write!(f, "{PATCH}{what}{tokens}"),
            Self::Sinks => f.write_str(SINKS),
            Self::Shift => f.write_str(SHIFT),
        }
    }
}

/// A text that names nothing that is found about a pass.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseFoundError {
    /// What stands for a token is no number, or nothing is predicted after it.
    #[error("'{0}' is no number of a token: write push:262-345@17, effect-words:262 or patch-heads:262-345")]
    Number(String),
    /// There is no such rule, and nothing of that name to patch.
    #[error(transparent)]
    Name(#[from] UnknownName),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_reads_what_it_writes() {
        for text in [
            "push",
            "push@3",
            "push:262",
            "push:262-345@17",
            "push:-345",
            "effect",
            "effect-words",
            "effect-spans:7",
            "effect-sentences:262",
            "patch-heads",
            "patch-residual:262-345",
            "sinks",
            "shift",
        ] {
            assert_eq!(FoundSubject::parse(text).unwrap().unwrap().to_string(), text);
        }
        for text in
            ["mean", "pushed", "effects", "patches", "sinks:1", "shifts", "text:mean", "map:induction"]
        {
            assert_eq!(FoundSubject::parse(text), None, "{text}");
        }
        let error = |text: &str| FoundSubject::parse(text).unwrap().unwrap_err().to_string();
        for text in ["push:x", "push:1-", "push@", "effect:1-2", "effect@3", "patch-heads@3"] {
            assert!(error(text).contains("is no number of a token: write push:"), "{text}");
        }
        assert!(error("effect-lines").starts_with("'lines' is no rule for segments: use auto"));
        assert!(error("patch-mlps").starts_with("'mlps' is no thing to patch: use heads"));
    }
}
