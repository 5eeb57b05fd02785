//! The table of statistics.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;
use strum::{EnumCount, VariantArray};

use super::mask::Mask;
use crate::attention::{RepeatScores, Token};

/// A number that tells what a head does. Those with `Prompt` in their name have a counterpart on repeated random
/// tokens, where nothing but the repetition can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, VariantArray)]
#[allow(missing_docs)] // The table says what each is.
pub enum Statistic {
    Sink,
    FirstToken,
    Entropy,
    Distance,
    Local,
    Delimiter,
    PromptPrevious,
    PromptDuplicate,
    PromptInduction,
    Off,
    Previous,
    Duplicate,
    #[default]
    Induction,
}

/// What a statistic is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Unit {
    /// A part of the attention, from 0 to 1.
    Share,
    /// Natural units of information.
    Nats,
    /// A number of tokens.
    Tokens,
}

/// What a statistic is computed over.
#[derive(Debug, Clone, Copy)]
pub enum Over {
    /// The rows of the prompt.
    Prompt(RowSum, Divisor),
    /// Repeated random tokens: one of the scores of a head.
    Repeated(fn(&RepeatScores) -> f32),
    /// The prompt, which runs once for each head.
    Sweep,
}

/// What is added up over the rows of a head. A = attention, q = query, k = key.
#[derive(Debug, Clone, Copy)]
pub enum RowSum {
    /// What a row gives to no token.
    Sink,
    /// −Σ p ln p of a row, its sink being one more outcome.
    Entropy,
    /// Σ A·(q − k) of a row.
    Distance,
    /// Σ A of a row over the keys of a mask.
    Masked(Mask),
}

/// What a sum is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divisor {
    /// The number of queries.
    Queries,
    /// The number of queries after the first one.
    LaterQueries,
    /// All attention that tokens are given.
    Attention,
}

/// What is known of a statistic.
#[derive(Debug)]
struct Info {
    /// As the command line spells it.
    id: &'static str,
    /// The heading of its column.
    heading: &'static str,
    /// As people read it, without what it is computed over.
    name: &'static str,
    unit: Unit,
    over: Over,
    /// Whether it is a number only of models with sinks.
    needs_sinks: bool,
    formula: &'static str,
    /// Who has described it.
    source: &'static str,
    /// Its place among the statistics that a pane shows of its head, if it shows it. These are over the prompt.
    pane: Option<u8>,
    /// Its place among the statistics for which a report lists the best heads, if it lists them.
    report: Option<u8>,
    /// How long it stays where there is no room for all: the smallest the longest.
    rank: u8,
}

use Divisor::{Attention, LaterQueries, Queries};
use Over::{Prompt, Repeated, Sweep};

const OLSSON: &str = "Olsson et al. 2022";
const VIG: &str = "Vig & Belinkov 2019";
const PREVIOUS: Mask = Mask::Near { from: 1, to: 2 };
/// The newest tokens that a query sees, itself among them.
const LOCAL: Mask = Mask::Near { from: 0, to: 8 };
const DELIMITERS: Mask = Mask::Tokens { is: |_, token| is_delimiter(token), own: true };
const FIRST_TOKEN: Mask = Mask::Tokens { is: |at, _| at == 0, own: false };

/// A row for each statistic, in their order.
#[rustfmt::skip]
const TABLE: [Info; Statistic::COUNT] = [
    Info { id: "sink", heading: "sink", name: "to the sink", unit: Unit::Share, over: Prompt(RowSum::Sink, Queries),
        needs_sinks: true, formula: "mean over q of 1 - sum_k A[q,k]", source: "OpenAI 2025 (gpt-oss)",
        pane: Some(0), report: Some(4), rank: 1 },
    Info { id: "first-token", heading: "first", name: "to the first token", unit: Unit::Share,
        over: Prompt(RowSum::Masked(FIRST_TOKEN), LaterQueries), needs_sinks: false,
        formula: "mean over q >= 1 of A[q,0]", source: "Xiao et al. 2023", pane: Some(3), report: Some(3), rank: 5 },
    Info { id: "entropy", heading: "entropy", name: "entropy", unit: Unit::Nats,
        over: Prompt(RowSum::Entropy, Queries), needs_sinks: false,
        formula: "mean over q of -sum p ln p, the sink being one more outcome", source: "Clark et al. 2019",
        pane: Some(5), report: None, rank: 6 },
    Info { id: "distance", heading: "distance", name: "mean distance", unit: Unit::Tokens,
        over: Prompt(RowSum::Distance, Attention), needs_sinks: false,
        formula: "sum A (q - k) / sum A", source: VIG, pane: Some(4), report: None, rank: 7 },
    Info { id: "local", heading: "local", name: "to the last 8 tokens", unit: Unit::Share,
        over: Prompt(RowSum::Masked(LOCAL), Attention), needs_sinks: false,
        formula: "sum A at q - 8 < k <= q / sum A", source: "Sukhbaatar et al. 2019", pane: None, report: None, rank: 11 },
    Info { id: "delimiter", heading: "delimiter", name: "to delimiters", unit: Unit::Share,
        over: Prompt(RowSum::Masked(DELIMITERS), Attention), needs_sinks: false,
        formula: "sum A at punctuation, line ends and special tokens / sum A", source: "Clark et al. 2019",
        pane: None, report: None, rank: 12 },
    Info { id: "prompt-previous", heading: "previous", name: "previous token", unit: Unit::Share,
        over: Prompt(RowSum::Masked(PREVIOUS), Attention), needs_sinks: false,
        formula: "sum A at k = q - 1 / sum A", source: VIG, pane: Some(1), report: None, rank: 9 },
    Info { id: "prompt-duplicate", heading: "duplicate", name: "duplicate token", unit: Unit::Share,
        over: Prompt(RowSum::Masked(Mask::Copies), Attention), needs_sinks: false,
        formula: "sum A at earlier copies of the query's token / sum A", source: OLSSON,
        pane: None, report: None, rank: 10 },
    Info { id: "prompt-induction", heading: "induction", name: "induction", unit: Unit::Share,
        over: Prompt(RowSum::Masked(Mask::AfterCopies), Attention), needs_sinks: false,
        formula: "sum A at the tokens after these copies / sum A", source: OLSSON,
        pane: Some(2), report: None, rank: 8 },
    Info { id: "off", heading: "off", name: "next token without it", unit: Unit::Nats, over: Sweep,
        needs_sinks: false, formula: "KL(all heads on || this one off) of the next token", source: "Michel et al. 2019",
        pane: None, report: None, rank: 13 },
    Info { id: "previous", heading: "previous", name: "previous token", unit: Unit::Share,
        over: Repeated(|scores| scores.previous), needs_sinks: false,
        formula: "mean of A at k = q - 1", source: OLSSON, pane: None, report: Some(0), rank: 3 },
    Info { id: "duplicate", heading: "duplicate", name: "duplicate token", unit: Unit::Share,
        over: Repeated(|scores| scores.duplicate), needs_sinks: false,
        formula: "mean of A at k = q - T, T being the period", source: OLSSON,
        pane: None, report: Some(1), rank: 4 },
    Info { id: "induction", heading: "induction", name: "induction", unit: Unit::Share,
        over: Repeated(|scores| scores.induction), needs_sinks: false,
        formula: "mean of A at k = q - T + 1", source: OLSSON, pane: None, report: Some(2), rank: 2 },
];

/// A text of punctuation and line ends, with blanks among them. ASCII's symbols (`$`, `+`) count as punctuation.
static DELIMITER: LazyLock<Result<Regex, regex::Error>> =
    LazyLock::new(|| Regex::new(r"^\s*(?:[\p{P}[:punct:]\n\r\u{85}\u{2028}\u{2029}]\s*)+$"));

/// Whether a token is punctuation, a line end or a special token.
fn is_delimiter(token: &Token) -> bool {
    let is_text = !token.splits_a_character();
    token.is_special || is_text && DELIMITER.as_ref().is_ok_and(|regex| regex.is_match(&token.text))
}

impl Statistic {
    /// All of them, in the order in which tables have their columns.
    pub const ALL: [Self; Self::COUNT] = match Self::VARIANTS.first_chunk() {
        Some(all) => *all,
        None => unreachable!(),
    };

    /// All of them in the order in which people go through them: those that take a pass for each head come last.
    pub fn in_turn() -> impl Iterator<Item = Self> + Clone {
        let all = |needs_sweep: bool| Self::ALL.into_iter().filter(move |it| it.needs_sweep() == needs_sweep);
        all(false).chain(all(true))
    }

    /// The statistics that a pane shows of its head, the most telling first.
    pub fn of_panes() -> Vec<Self> {
        Self::listed_by(|info| info.pane)
    }

    /// The statistics for which a report lists the best heads, in its order.
    pub fn of_report() -> Vec<Self> {
        Self::listed_by(|info| info.report)
    }

    fn listed_by(place: fn(&Info) -> Option<u8>) -> Vec<Self> {
        let mut listed: Vec<Self> = Self::ALL.into_iter().filter(|it| place(it.info()).is_some()).collect();
        listed.sort_by_key(|it| place(it.info()));
        listed
    }

    /// As the command line spells it: `prompt-previous`.
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// As the command line spells it, without what it is computed over: `previous`.
    pub fn short_id(self) -> &'static str {
        self.id().trim_start_matches("prompt-")
    }

    /// The heading of its column.
    pub fn heading(self) -> &'static str {
        self.info().heading
    }

    /// As people read it: `previous token, on repeated random tokens`.
    pub fn title(self) -> String {
        format!("{}, {}", self.info().name, self.over())
    }

    /// What it is measured in.
    pub fn unit(self) -> Unit {
        self.info().unit
    }

    /// What it is computed over.
    pub fn over(self) -> Over {
        self.info().over
    }

    /// Whether it is computed over repeated random tokens, and not over the prompt.
    pub fn is_on_repeated_tokens(self) -> bool {
        matches!(self.over(), Repeated(_))
    }

    /// Whether it takes a pass for each head, and so is known only once somebody has asked for it.
    pub fn needs_sweep(self) -> bool {
        matches!(self.over(), Sweep)
    }

    /// Whether it is a number only of models with sinks.
    pub fn needs_sinks(self) -> bool {
        self.info().needs_sinks
    }

    /// How long it stays where there is no room for all: the smallest the longest.
    pub fn rank(self) -> usize {
        self.info().rank.into()
    }

    /// What it is, on a line for the help: its formula, its unit, and who has described it.
    pub fn explanation(self) -> String {
        let Info { formula, unit, source, .. } = self.info();
        format!("{formula} ({unit}; {source})")
    }

    /// The keys that it counts, if it counts some.
    pub fn mask(self) -> Option<Mask> {
        match self.over() {
            Prompt(RowSum::Masked(mask), _) => Some(mask),
            _ => None,
        }
    }

    fn info(self) -> &'static Info {
        &TABLE[self as usize]
    }
}

/// A text that names no statistic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no statistic of heads: use {}", Statistic::ALL.map(Statistic::id).join(", "))]
pub struct ParseStatisticError {
    text: String,
}

impl FromStr for Statistic {
    type Err = ParseStatisticError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|statistic| statistic.id() == text);
        known.ok_or_else(|| ParseStatisticError { text: text.to_owned() })
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Prompt(..) | Sweep => "on this prompt",
            Repeated(_) => "on repeated random tokens",
        })
    }
}

/// A sum of attention times a mask: what a device computes of a block of rows.
#[derive(Debug, Clone, Copy)]
pub enum Feature {
    /// All attention.
    Mass,
    /// Times q − k.
    Distance,
    /// Over the keys that a statistic counts.
    Masked(Statistic, Mask),
}

impl Feature {
    /// How many there are.
    pub const COUNT: usize = {
        let (mut at, mut count) = (0, 1);
        while at < TABLE.len() {
            count += matches!(TABLE[at].over, Prompt(RowSum::Distance | RowSum::Masked(_), _)) as usize;
            at += 1;
        }
        count
    };

    /// All of them; [`row_sums_of_features`](super::row_sums_of_features) takes their sums in this order.
    pub fn all() -> impl Iterator<Item = Self> {
        let of = |statistic: Statistic| match statistic.over() {
            Prompt(RowSum::Distance, _) => Some(Feature::Distance),
            Prompt(RowSum::Masked(mask), _) => Some(Feature::Masked(statistic, mask)),
            Prompt(RowSum::Sink | RowSum::Entropy, _) | Repeated(_) | Sweep => None,
        };
        std::iter::once(Feature::Mass).chain(Statistic::ALL.into_iter().filter_map(of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statistic_has_names_of_its_own() {
        for (at, statistic) in Statistic::ALL.into_iter().enumerate() {
            let others = &Statistic::ALL[..at];
            assert!(
                others.iter().all(|other| other.id() != statistic.id() && other.rank() != statistic.rank())
            );
            assert!(others.iter().all(|other| other.title() != statistic.title()), "{statistic:?}");
            assert_eq!(statistic.id().starts_with("prompt-"), others_on_repeated(statistic), "{statistic:?}");
        }
        assert_eq!(Feature::all().count(), Feature::COUNT);
        assert!(Statistic::of_panes().iter().all(|it| !it.is_on_repeated_tokens()));
        let report: Vec<&str> = Statistic::of_report().into_iter().map(Statistic::id).collect();
        assert_eq!(report, ["previous", "duplicate", "induction", "first-token", "sink"]);
        assert_eq!(Statistic::Previous.title(), "previous token, on repeated random tokens");
    }

    #[test]
    fn delimiters_are_punctuation_line_ends_and_special_tokens() {
        let token = |text: &str| Token::from_bytes(0, text.to_owned(), text.as_bytes(), 0);
        for text in [
            ".",
            " ,",
            "\n",
            "\n\n",
            "\r\n  ",
            ":\n\t",
            "...",
            "。",
            "」",
            " —",
            "?!",
            "$",
            "؟",
            "।",
            " \u{2028}",
        ] {
            assert!(is_delimiter(&token(text)), "{text:?}");
        }
        for text in ["a", " the", "it's", " ", "7", "漢", "", "'s", "\t", "🙂", "\u{301}", "a.", ".a"] {
            assert!(!is_delimiter(&token(text)), "{text:?}");
        }
        assert!(!is_delimiter(&Token::from_bytes(0, String::new(), &[0xe6], 0)), "a part of a character");
        assert!(is_delimiter(&Token { is_special: true, ..token("<s>") }));
    }

    /// Whether there is one of the same short name on repeated random tokens.
    fn others_on_repeated(statistic: Statistic) -> bool {
        let mut others = Statistic::ALL.into_iter().filter(|other| *other != statistic);
        !statistic.is_on_repeated_tokens()
            && others.any(|other| other.is_on_repeated_tokens() && other.short_id() == statistic.short_id())
    }
}
