//! What an export is of. Numbers and pages hold matrices; a figure may show something else, too.

use std::fmt;
use std::str::FromStr;

use super::error::ExportError;
use super::found_subject::{FoundSubject, HiddenBy, ParseFoundError};
use super::selection::{ParseSelectionError, Selection};
use super::text_subject::{ParseTextSubjectError, TextSubject};
use crate::attention::{Capture, ParseStatisticError, ParseViewError, Statistic};
use crate::vocabulary::{ExportFormat, SegmentRule, TextColoring, UnknownName, View, serde_as_text};

/// Why value-weighted attention of two models is not subtracted.
pub const NOT_COMPARED: &str =
    "lengths of values are each model's own: value-weighted attention is not compared, choose another --view";

/// Why a map is in no file of numbers, and in no page.
const DRAWN_ONLY: &str =
    "a map is a figure: write it as svg or png; 'attnscope heads --json' has its numbers";
/// Why a text is in no file of numbers, and is no difference.
const TEXT_DRAWN_ONLY: &str =
    "a text is a figure: write it as svg, png or html; choose a matrix for its numbers: --view head:3.5";
const TEXT_ALONE: &str = "--difference is of matrices: leave it out of a text";
const PUSH_WHOLE: &str = "push adds up to a logit, and no row to 1: leave --normalisation out";
/// What the text of a map begins with.
const MAP: &str = "map:";
/// What the text of segments begins with; the rule that they are cut by follows, if it is not the automatic one:
/// `segments-sentences:mean`.
const SEGMENTS: &str = "segments";
/// Why segments are in no file of numbers, and in no page.
const SEGMENTS_DRAWN: &str =
    "a matrix of segments is a figure: write it as svg or png; 'attnscope segments --json' has its numbers";
/// What can be written of what is found about a pass, and what can't.
const FOUND_FORMATS: &str = "push, effects, patching, sinks and how far heads are apart are written as csv, json, svg or png: choose one of these";
const FOUND_WHOLE: &str = "--difference and --normalisation are of attention: leave them out";

/// What an export is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// One matrix of a pass, or every head's.
    Matrices(Selection),
    /// A statistic of all heads: a cell for each, a row per layer.
    Map(Statistic),
    /// The text, its tokens in the colours of their values.
    Text(TextSubject),
    /// How much of a view the segments of the prompt give each other.
    Segments(View, SegmentRule),
    /// What more passes, or going through the parts of one, found.
    Found(FoundSubject),
}

impl Subject {
    /// What the command line says of its choices.
    pub const CHOICES: &str = "Which matrix: mean, layer:3, head:3.5, group:3.1, sliding, full, rollout, \
        value-weighted:mean, value-weighted:layer:3, value-weighted:head:3.5; or all, every head; or, as a figure, a number of every head by \
        its name in 'heads', map:induction, or what segments of the prompt give each other, segments:mean or \
        segments-sentences:head:3.5 (by chat, paragraphs or sentences); or the text, in the colours of what its last token \
        looks at, text:head:3.5, of what token 17 looks at, counted from 0, text:head:3.5@17, of how much each is \
        looked at, looked-at:head:3.5, or of what heads add through each to the logit of the next token, pushed:head:3.5 or, \
        after token 17, pushed:mean@17";

    /// The matrices that it is of.
    ///
    /// # Errors
    /// If it is of something else.
    pub fn matrices(self) -> Result<Selection, ExportError> {
        match self {
            Subject::Matrices(selection) => Ok(selection),
            Subject::Map(_) => Err(ExportError::Unfit(format!("{self}: {DRAWN_ONLY}"))),
            Subject::Text(_) => Err(ExportError::Unfit(format!("{self}: {TEXT_DRAWN_ONLY}"))),
            Subject::Segments(..) => Err(ExportError::Unfit(format!("{self}: {SEGMENTS_DRAWN}"))),
            Subject::Found(_) => Err(ExportError::Unfit(FOUND_FORMATS.to_owned())),
        }
    }

    /// The one view that it is of, if it is of one.
    pub fn view(self) -> Option<View> {
        match self {
            Subject::Matrices(Selection::One(view)) => Some(view),
            Subject::Text(text) => Some(text.view),
            Subject::Segments(view, _) => Some(view),
            Subject::Matrices(Selection::All) | Subject::Map(_) | Subject::Found(_) => None,
        }
    }

    /// The place of the token that it names, if it names one.
    pub fn token(self) -> Option<usize> {
        match self {
            Subject::Text(text) => text.token,
            Subject::Found(FoundSubject::Push(_, query)) => query,
            _ => None,
        }
    }

    /// The text that it is of, if its colours are what heads push, which takes more than a pass.
    pub fn pushed(self) -> Option<TextSubject> {
        match self {
            Subject::Text(text) if text.coloring == TextColoring::Push => Some(text),
            _ => None,
        }
    }

    /// Whether its values may be below 0.
    pub fn is_signed(self) -> bool {
        self.pushed().is_some()
            || matches!(
                self,
                Subject::Found(FoundSubject::Push(..) | FoundSubject::Effect(..) | FoundSubject::Patch(..))
            )
    }

    /// Whether it takes a pass for each head.
    pub fn needs_sweep(self) -> bool {
        matches!(self, Subject::Map(statistic) if statistic.needs_sweep())
    }

    /// Whether it is made of what heads do on repeated random tokens, and so needs more than a pass.
    pub fn needs_scores(self) -> bool {
        matches!(self, Subject::Map(statistic) if statistic.is_on_repeated_tokens())
    }

    /// Why it can't be exported in a format, as a difference, or by a rule for rows; nothing if it can.
    pub fn obstacle(self, format: ExportFormat, is_difference: bool, has_rule: bool) -> Option<&'static str> {
        match self {
            Subject::Matrices(Selection::One(view)) => {
                (is_difference && view.is_value_weighted()).then_some(NOT_COMPARED)
            }
            Subject::Matrices(Selection::All) if is_difference => {
                Some("--difference is of one matrix of each model: choose another --view than all")
            }
            Subject::Matrices(Selection::All) => (has_rule && format.draws_a_grid()).then_some(
                "all heads at once are drawn raw: leave --normalisation out, or choose one --view",
            ),
            Subject::Text(_) if !format.is_figure() => Some(TEXT_DRAWN_ONLY),
            Subject::Text(_) if is_difference => Some(TEXT_ALONE),
            Subject::Text(text) => (text.coloring == TextColoring::Push && has_rule).then_some(PUSH_WHOLE),
            Subject::Map(_) if !format.draws_a_grid() => Some(DRAWN_ONLY),
            Subject::Map(_) if is_difference => Some("--difference is of attention: leave it out of a map"),
            Subject::Map(_) => has_rule.then_some("--normalisation is of rows: leave it out of a map"),
            Subject::Segments(..) if !format.draws_a_grid() => Some(SEGMENTS_DRAWN),
            Subject::Segments(..) if is_difference => {
                Some("--difference is of tokens, and segments have names: leave it out")
            }
            Subject::Segments(..) => has_rule
                .then_some("segments are drawn raw, a row and its sink sum to 1: leave --normalisation out"),
            Subject::Found(_) if !ExportFormat::OF_FOUND.contains(&format) => Some(FOUND_FORMATS),
            Subject::Found(_) => (is_difference || has_rule).then_some(FOUND_WHOLE),
        }
    }

    /// The rule that segments are cut by, if there are segments.
    pub fn rule(self) -> Option<SegmentRule> {
        match self {
            Subject::Segments(_, rule)
            | Subject::Found(FoundSubject::Effect(HiddenBy::Segments(rule), _)) => Some(rule),
            _ => None,
        }
    }

    /// Whether its rows have a sink beside them.
    pub fn has_sinks(self, capture: &Capture) -> bool {
        match self {
            Subject::Matrices(selection) => selection.has_sinks(capture),
            Subject::Map(_) | Subject::Found(_) => capture.model.has_sinks,
            Subject::Text(text) => capture.has_sinks(text.view),
            Subject::Segments(view, _) => capture.has_sinks(view),
        }
    }

    /// As people read it.
    pub fn title(self) -> String {
        match self {
            Subject::Matrices(selection) => selection.title(),
            Subject::Map(statistic) => statistic.title(),
            Subject::Text(text) => text.title(),
            Subject::Segments(view, _) => format!("segments, {}", view.title()),
            Subject::Found(found) => found.title(),
        }
    }
}

/// A text that names nothing to export.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseSubjectError {
    /// It names no matrix, and no map.
    #[error("{0}, or map:induction, or text:mean")]
    Selection(#[from] ParseSelectionError),
    /// It is a text that is coloured by nothing.
    #[error(transparent)]
    Text(#[from] ParseTextSubjectError),
    /// It is a map of nothing.
    #[error(transparent)]
    Statistic(#[from] ParseStatisticError),
    /// It names no rule for segments.
    #[error(transparent)]
    Rule(#[from] UnknownName),
    /// It names no view of segments.
    #[error("segments of what? {0}")]
    View(ParseViewError),
    /// It is nothing that is found about a pass.
    #[error(transparent)]
    Found(#[from] ParseFoundError),
}

impl From<Selection> for Subject {
    fn from(selection: Selection) -> Self {
        Self::Matrices(selection)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Matrices(selection) => selection.fmt(f),
            Subject::Map(statistic) => write!(f, "{MAP}{}", statistic.id()),
            Subject::Text(text) => text.fmt(f),
            Subject::Segments(view, SegmentRule::Auto) => write!(f, "{SEGMENTS}:{view}"),
            Subject::Segments(view, rule) => write!(f, "{SEGMENTS}-{rule}:{view}"),
            Subject::Found(found) => found.fmt(f),
        }
    }
}

impl FromStr for Subject {
    type Err = ParseSubjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(text) = TextSubject::parse(text) {
            return Ok(Self::Text(text?));
        }
        if let Some(found) = FoundSubject::parse(text) {
            return Ok(Self::Found(found?));
        }
        if let Some(statistic) = text.strip_prefix(MAP) {
            return Ok(Self::Map(statistic.parse()?));
        }
        let Some((rule, view)) = text.strip_prefix(SEGMENTS).and_then(|rest| rest.split_once(':')) else {
            return Ok(Self::Matrices(text.parse()?));
        };
        let rule = match rule.strip_prefix('-') {
            Some(rule) => rule.parse()?,
            None if rule.is_empty() => SegmentRule::Auto,
            None => return Ok(Self::Matrices(text.parse()?)),
        };
        Ok(Self::Segments(view.parse().map_err(ParseSubjectError::View)?, rule))
    }
}
serde_as_text!(Subject);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_exported_is_told() {
        let obstacle = |text: &str, format, difference, rule| {
            text.parse::<Subject>().unwrap().obstacle(format, difference, rule)
        };
        assert_eq!(obstacle("all", ExportFormat::Svg, false, false), None);
        assert!(obstacle("all", ExportFormat::Svg, false, true).unwrap().contains("raw"));
        assert_eq!(obstacle("all", ExportFormat::Html, false, true), None, "a page normalises by itself");
        assert!(obstacle("all", ExportFormat::Html, true, false).unwrap().contains("one matrix"));
        assert_eq!(obstacle("value-weighted:mean", ExportFormat::Svg, true, false), Some(NOT_COMPARED));
        assert_eq!(obstacle("head:1.1", ExportFormat::Svg, true, true), None);
        for format in ExportFormat::ALL {
            let is_drawn = matches!(format, ExportFormat::Svg | ExportFormat::Png);
            assert_eq!(obstacle("map:induction", format, false, false).is_none(), is_drawn, "{format}");
        }
        assert!(obstacle("map:sink", ExportFormat::Svg, true, false).unwrap().contains("--difference"));
        assert!(obstacle("map:sink", ExportFormat::Svg, false, true).unwrap().contains("--normalisation"));
        for format in ExportFormat::ALL {
            let is_drawn = matches!(format, ExportFormat::Svg | ExportFormat::Png);
            assert_eq!(obstacle("segments:mean", format, false, false).is_none(), is_drawn, "{format}");
        }
        assert!(obstacle("segments:mean", ExportFormat::Svg, true, false).unwrap().contains("--difference"));
        assert!(
            obstacle("segments:mean", ExportFormat::Svg, false, true).unwrap().contains("--normalisation")
        );
    }

    #[test]
    fn every_subject_reads_what_it_writes() {
        for statistic in Statistic::ALL {
            let subject = Subject::Map(statistic);
            assert_eq!(subject.to_string().parse(), Ok(subject));
            assert!(subject.matrices().is_err());
        }
        for text in [
            "text:mean",
            "text:value-weighted:head:3.5@17",
            "looked-at:layer:3",
            "looked-at:rollout@2",
            "pushed:mean",
            "pushed:head:3.5@17",
            "pushed:262-345:head:3.5@17",
            "pushed:-345:mean",
        ] {
            let subject: Subject = text.parse().unwrap();
            assert_eq!(subject.to_string(), text);
            assert!(subject.matrices().is_err() && !subject.needs_scores());
            for format in ExportFormat::ALL {
                let is_ruled = format.is_figure() && subject.pushed().is_none();
                assert_eq!(subject.obstacle(format, false, true).is_none(), is_ruled, "{text} {format}");
                assert_eq!(subject.obstacle(format, false, false).is_none(), format.is_figure(), "{format}");
            }
            assert!(subject.obstacle(ExportFormat::Svg, true, false).is_some());
        }
        for text in ["segments:mean", "segments-sentences:head:1.2", "segments-chat:value-weighted:mean"] {
            let subject: Subject = text.parse().unwrap();
            assert!(matches!(subject, Subject::Segments(..)) && subject.matrices().is_err(), "{text}");
            assert_eq!(subject.to_string(), text);
        }
        for text in ["sinks", "push@3", "effect-words", "patch-residual:1-2"] {
            let subject: Subject = text.parse().unwrap();
            assert_eq!(subject.to_string(), text);
            assert!(subject.matrices().is_err() && subject.view().is_none(), "{text}");
            for format in ExportFormat::ALL {
                let is_numbers = matches!(format, ExportFormat::Csv | ExportFormat::Json);
                let is_written = format.draws_a_grid() || is_numbers;
                assert_eq!(subject.obstacle(format, false, false).is_none(), is_written, "{text} {format}");
            }
            assert!(subject.obstacle(ExportFormat::Svg, true, false).is_some(), "{text}");
        }
        assert_eq!("all".parse(), Ok(Subject::from(Selection::All)));
        let error = |text: &str| text.parse::<Subject>().unwrap_err().to_string();
        assert!(error("map:loudness").starts_with("'loudness' is no statistic of heads: use sink, "));
        assert!(error("text:loud").starts_with("'loud' "), "{}", error("text:loud"));
        assert!(error("text:mean@x").starts_with("'x' is no number of a token"));
        assert!(error("pushed:1-2-3:mean").starts_with("'2-3' is no number of a token"));
        assert!(error("text:1-2:mean").starts_with("'1-2:mean' is no view"), "{}", error("text:1-2:mean"));
        assert!(error("maps").ends_with("or all, or map:induction, or text:mean"), "{}", error("maps"));
        assert!(
            error("segments-words:mean").starts_with("'words' is no rule for segments: use auto, chat, ")
        );
        assert!(error("segments:every").starts_with("segments of what? "), "{}", error("segments:every"));
        assert!(error("segmentsx:mean").contains("segmentsx:mean"), "{}", error("segmentsx:mean"));
    }
}
