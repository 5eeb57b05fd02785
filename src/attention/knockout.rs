//! Knockout of spans: what the next token becomes where a span's keys are hidden from all queries behind it (Geva et al.
//! 2023), beside what the same span is given. "Attention is not explanation" (Jain & Wallace 2019): how far the one says the
//! other is [`Agreement`].

use std::ops::Range;

use super::ablation::{NextChange, next_changes, next_divergence};
use super::push::Push;
use super::{Capture, NextToken, NoSuchView, Token, View, Weighted, escape_controls};

/// Next tokens that are listed of a span.
const LISTED: usize = 5;
/// Spans below which ranks say nothing.
const LEAST_RANKED: usize = 3;

/// Tokens that are hidden together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenSpan {
    /// What they are called; safe to print.
    pub name: String,
    /// Their positions.
    pub tokens: Range<usize>,
}

impl HiddenSpan {
    /// Of these tokens, named by their text, with the line ends in it; of blanks and line ends alone, by what stands for these.
    ///
    /// # Panics
    /// If there are no such tokens.
    pub fn of(tokens: &[Token], span: Range<usize>) -> Self {
        let text: String = Token::whole_texts(&tokens[span.clone()]).into_iter().collect();
        let name = match text.trim().is_empty() {
            true => Token::joined_label(&tokens[span.clone()]),
            false => escape_controls(text.trim_matches(' ')),
        };
        Self { name, tokens: span }
    }

    /// Each word by itself: a token that begins with a blank begins a word.
    pub fn words(tokens: &[Token]) -> Vec<Self> {
        let begins = |token: &Token| token.text.starts_with(char::is_whitespace);
        let mut starts: Vec<usize> =
            (0..tokens.len()).filter(|at| *at == 0 || begins(&tokens[*at])).collect();
        starts.push(tokens.len());
        starts.windows(2).map(|pair| Self::of(tokens, pair[0]..pair[1])).collect()
    }
}

/// What the keys of a capture are given by the token that the next one is predicted after, one number for each.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyMeasures {
    /// The next token that is looked at.
    pub target: NextToken,
    /// Mean attention of all heads.
    pub shares: Vec<f32>,
    /// The same, weighted by the length of values after the output projection, divided by its sum.
    pub weighted: Vec<f32>,
    /// What all heads add to the logit of `target` through each key.
    pub pushes: Vec<f32>,
}

impl KeyMeasures {
    /// Of a capture's last token.
    ///
    /// # Errors
    /// Never, with a capture that has heads.
    pub fn new(capture: &Capture, push: &Push) -> Result<Self, NoSuchView> {
        let row = |view| Ok::<_, NoSuchView>(capture.row(view, push.query)?.0);
        let mut weighted = row(View::ValueWeighted(Weighted::Mean))?;
        let sum: f32 = weighted.iter().sum();
        if sum > 0.0 {
            weighted.iter_mut().for_each(|weight| *weight /= sum);
        }
        let pushes = push.by_key().to_vec();
        Ok(Self { target: push.target.clone(), shares: row(View::Mean)?, weighted, pushes })
    }
}

/// What hiding a span changes, and what the span is given.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanEffect {
    /// The span.
    pub span: HiddenSpan,
    /// Queries that it is hidden from: without any, nothing changes.
    pub later: usize,
    /// Mean attention that the last token gives it, of all heads.
    pub share: f32,
    /// Its share of the same, weighted by the length of values.
    pub weighted: f32,
    /// What all heads add to the next token's logit through its keys.
    pub push: f32,
    /// How much the logarithm of the next token's probability rises where it is hidden, in nats.
    pub change: f64,
    /// KL(before ‖ after) of the next token, in nats.
    pub divergence: f64,
    /// The likeliest next tokens before and after.
    pub next: Vec<NextChange>,
}

impl SpanEffect {
    /// From a pass, and the pass with the span hidden, of the same model over the same tokens. `None` without an output
    /// head.
    pub fn new(span: HiddenSpan, before: &Capture, after: &Capture, keys: &KeyMeasures) -> Option<Self> {
        let log = |capture: &Capture| {
            let logit = *capture.logits.get(keys.target.token.id as usize)?;
            Some(f64::from(logit) - capture.log_sum_exp()?)
        };
        let sum = |values: &[f32]| span.tokens.clone().filter_map(|key| values.get(key)).sum();
        let mut next = next_changes(before, after);
        next.truncate(LISTED);
        Some(Self {
            later: before.tokens.len() - span.tokens.end,
            share: sum(&keys.shares),
            weighted: sum(&keys.weighted),
            push: sum(&keys.pushes),
            change: log(after)? - log(before)?,
            divergence: next_divergence(before, after)?,
            next,
            span,
        })
    }
}

/// How far what spans are given ranks them as hiding them does: Spearman's ρ with |Δ ln p|. Of spans that are hidden from
/// some query; nothing of fewer than three, or where all are equal.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Agreement {
    /// Of their shares.
    pub share: Option<f64>,
    /// Of their value-weighted shares.
    pub weighted: Option<f64>,
    /// Of their pushes.
    pub push: Option<f64>,
}

impl Agreement {
    /// Of these spans.
    pub fn of<'a>(effects: impl IntoIterator<Item = &'a SpanEffect>) -> Self {
        let effects: Vec<&SpanEffect> = effects.into_iter().filter(|effect| effect.later > 0).collect();
        let sizes: Vec<f64> = effects.iter().map(|effect| effect.change.abs()).collect();
        let rho = |of: fn(&SpanEffect) -> f32| {
            let values: Vec<f64> = effects.iter().map(|effect| f64::from(of(effect))).collect();
            spearman(&values, &sizes)
        };
        Self {
            share: rho(|effect| effect.share),
            weighted: rho(|effect| effect.weighted),
            push: rho(|effect| effect.push),
        }
    }
}

/// Spearman's rank correlation; equal values share the mean of their ranks.
fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() < LEAST_RANKED || a.len() != b.len() {
        return None;
    }
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() - 1) as f64 / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    (spread > 0.0).then(|| product(&a, &b) / spread)
}

/// The rank of each value, from 0; equal ones have the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let (mut ranks, mut first) = (vec![0.0; values.len()], 0);
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let mean = first as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|at| ranks[*at] = mean);
        first += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::tokens;

    /// Ranks (0, 1, 2, 3) and (0, 2, 1, 3): one pair changes places, ρ = 1 − 6·2 / (4·15) = 0.8. With two that are equal,
    /// ranks (½, ½, 2, 3) and (0, 1, 2, 3): 4½ / √(4½ · 5).
    #[test]
    fn ranks_by_hand() {
        let rho = |a: &[f64], b: &[f64]| spearman(a, b).unwrap();
        assert!((rho(&[0.1, 0.2, 0.3, 9.0], &[-5.0, 2.0, 1.0, 3.0]) - 0.8).abs() < 1e-12);
        assert!((rho(&[1.0, 1.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]) - 4.5 / 22.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(rho(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
        assert_eq!(spearman(&[1.0, 2.0], &[1.0, 2.0]), None, "two are always in step");
        assert_eq!(spearman(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None, "nothing is ranked");
    }

    #[test]
    fn agreement_is_of_spans_that_something_is_behind() {
        let effect = |share, push, change, later| SpanEffect {
            span: HiddenSpan { name: String::new(), tokens: 0..1 },
            later,
            share,
            weighted: 0.25,
            push,
            change,
            divergence: 0.0,
            next: Vec::new(),
        };
        let effects = [effect(0.1, 3.0, -0.1, 3), effect(0.2, 2.0, 0.2, 2), effect(0.3, 1.0, -0.3, 1)];
        let expected = Agreement { share: Some(1.0), weighted: None, push: Some(-1.0) };
        assert_eq!(Agreement::of(&effects), expected);
        let last = effect(9.0, 9.0, 0.0, 0);
        assert_eq!(Agreement::of(effects.iter().chain([&last])), expected);
    }

    #[test]
    fn words_begin_with_a_blank() {
        let spans = HiddenSpan::words(&tokens(&["write", " a", " sto", "ry", ".\n", " x"]));
        let names: Vec<(&str, Range<usize>)> =
            spans.iter().map(|span| (span.name.as_str(), span.tokens.clone())).collect();
        assert_eq!(names, [("write", 0..1), ("a", 1..2), ("story.\\n", 2..5), ("x", 5..6)]);
        assert_eq!(HiddenSpan::words(&[]), []);
        let spans = HiddenSpan::words(&tokens(&["a", "\n", "The", "\n\n", " b", "  "]));
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["a", "\\nThe", "\\n\\n", "b", "␣␣"], "line ends and blanks are seen");
    }
}
