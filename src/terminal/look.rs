//! What the terminal can show: as far as it is set, known of the terminal, or said by it.

use super::answers::{self, Answer};
use super::capabilities::{self, Described};
use super::error::TerminalError;
use crate::theme::{Background, ColorDepth};

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// How many colours it has.
    pub depth: ColorDepth,
    /// What is behind its text.
    pub background: Background,
    /// Whether it shows nothing but ASCII.
    pub ascii: bool,
    /// Whether it is to be asked for more colours.
    asks_depth: bool,
    /// Whether it is to be asked what is behind its text.
    asks_background: bool,
}

impl Look {
    /// By what is set, else by what the environment says of the terminal.
    ///
    /// # Errors
    /// If the terminal can't place text on its screen.
    pub fn new(depth: Option<ColorDepth>, background: Option<Background>) -> Result<Self, TerminalError> {
        let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let described = Described::of_terminal();
        if let Some(name) = capabilities::dumb(&variable, described.as_ref()) {
            return Err(if name.is_empty() { TerminalError::Unnamed } else { TerminalError::Dumb(name) });
        }
        let colors = capabilities::colors(&variable, described.as_ref(), capabilities::tmux_has_true_color);
        Ok(Self {
            depth: depth.unwrap_or(colors.depth),
            background: background.or_else(|| capabilities::colorfgbg(&variable)).unwrap_or_default(),
            ascii: !capabilities::is_utf8(&variable),
            asks_depth: depth.is_none() && colors.may_be_more,
            asks_background: background.is_none(),
        })
    }

    /// What to ask the terminal; empty if all is known.
    pub(super) fn questions(&self) -> String {
        let mut questions = String::new();
        if self.asks_background {
            questions += answers::BACKGROUND;
        }
        if self.asks_depth {
            questions += answers::COLORS;
        }
        questions
    }

    /// Whether something was asked.
    pub fn asks(&self) -> bool {
        self.asks_background || self.asks_depth
    }

    /// Takes an answer; returns whether that changes anything.
    pub fn hear(&mut self, answer: Answer) -> bool {
        let before = *self;
        match answer {
            Answer::Background(background) if self.asks_background => self.background = background,
            Answer::TrueColor if self.asks_depth => self.depth = ColorDepth::TrueColor,
            _ => {}
        }
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_changes_what_was_asked_about_only() {
        let dark = Look {
            depth: ColorDepth::Ansi256,
            background: Background::Dark,
            ascii: false,
            asks_depth: true,
            asks_background: true,
        };
        let (light, more) = (Answer::Background(Background::Light), Answer::TrueColor);
        let mut asked = dark;
        assert!(asked.hear(light) && asked.hear(more) && !asked.hear(more) && !asked.hear(Answer::Last));
        assert_eq!((asked.background, asked.depth), (Background::Light, ColorDepth::TrueColor));
        assert!(asked.questions().contains("]11;?") && asked.questions().contains("+q524742"));
        let mut set = Look { asks_depth: false, asks_background: false, ..dark };
        assert!(!set.hear(light) && !set.hear(more) && set.questions().is_empty() && !set.asks());
    }
}
