//! Who asks the hub.

use std::fmt;
use std::path::Path;

use crate::bounded;

/// Bytes of a file with a token in it, at most.
const LONGEST: u64 = 64 << 10;

/// A secret with which the hub is asked. It is never shown; where it came from is.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    secret: String,
    origin: String,
    problem: Option<String>,
}

impl Token {
    /// One that came from `origin`, a variable or a file, for messages. Line breaks and blanks around it are left
    /// out, as Python does; `None` if nothing is left.
    pub fn new(text: &str, origin: &str) -> Option<Self> {
        let text = text.replace(['\r', '\n'], "");
        let secret = text.trim();
        (!secret.is_empty()).then(|| Self {
            secret: secret.to_owned(),
            origin: origin.to_owned(),
            problem: problem(secret),
        })
    }

    /// The one in a file, if there is that file.
    pub(super) fn in_file(file: &Path) -> Option<Self> {
        let origin = file.display().to_string();
        match bounded::read_text(file, LONGEST) {
            Ok(text) => Self::new(&text, &origin),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                Some(Self { secret: String::new(), origin, problem: Some(format!("can't be read: {error}")) })
            }
        }
    }

    /// Where it came from: a variable, or a file.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What is sent.
    ///
    /// # Errors
    /// If it can't be one; in a sentence that doesn't show it.
    pub(super) fn secret(&self) -> Result<&str, String> {
        match &self.problem {
            None => Ok(&self.secret),
            Some(problem) => Err(format!("the token of {} {problem}", self.origin)),
        }
    }
}

/// What keeps `text` from being a token: only letters, digits and a few signs can be sent as one.
fn problem(text: &str) -> Option<String> {
    let is_sign = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let (at, wrong) = text.chars().enumerate().find(|(_, c)| !is_sign(*c))?;
    let what = match wrong {
        c if c.is_whitespace() => "a blank",
        '"' | '\'' => "a quotation mark",
        c if c.is_control() => "a control character",
        _ => "a character that no token has",
    };
    Some(format!("has {what} at place {} of {}: write the token alone", at + 1, text.chars().count()))
}

/// The token is nobody's business.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token of {}", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_token_is_left_out() {
        for text in ["hf_abc", " hf_abc ", "hf_abc\n", "hf_\r\nabc\n"] {
            assert_eq!(Token::new(text, "HF_TOKEN").unwrap().secret().unwrap(), "hf_abc");
        }
        for nothing in ["", " ", "\n\r\n"] {
            assert_eq!(Token::new(nothing, "HF_TOKEN"), None);
        }
    }

    #[test]
    fn a_malformed_token_is_named_and_not_shown() {
        for (text, what) in [
            ("hf_s3cret s3cret", "a blank"),
            ("\"hf_s3cret\"", "a quotation mark"),
            ("hf_s3cr\u{7}et", "a control character"),
            ("hf_s3cr\u{e9}t", "a character that no token has"),
        ] {
            let message = Token::new(text, "HF_TOKEN").unwrap().secret().unwrap_err();
            assert!(message.starts_with("the token of HF_TOKEN has ") && message.contains(what), "{message}");
            assert!(!message.contains("s3cr"), "{message}");
        }
    }

    #[test]
    fn a_token_is_read_from_a_file_and_never_debugged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        assert_eq!(Token::in_file(&file), None);
        std::fs::write(&file, [0xff, 0xfe]).unwrap();
        assert!(Token::in_file(&file).unwrap().secret().unwrap_err().contains("can't be read"));
        std::fs::write(&file, "hf_s3cret\n").unwrap();
        let token = Token::in_file(&file).unwrap();
        assert_eq!(token.secret().unwrap(), "hf_s3cret");
        assert!(!format!("{token:?}").contains("s3cret"));
    }
}
