//! Published numbers against those of a pass. Pure: data in, lines of a report out.

use std::fmt;

use super::expected::{ExpectedContinuation, ExpectedHeads, ExpectedMatrix, TextOrIds};
use crate::attention::{Capture, NoSuchView, RepeatScores, View};

/// One line of the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What was compared.
    pub what: String,
    /// How much it differs, or what was found.
    pub found: String,
    /// Whether that is close enough.
    pub passed: bool,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "pass" } else { "FAIL" };
        write!(f, "  {verdict}  {}: {}", self.what, self.found)
    }
}

/// Tokens, if they were published, and then each row of a matrix by its largest difference.
///
/// # Errors
/// If the model has no such view.
pub fn matrix(expected: &ExpectedMatrix, capture: &Capture) -> Result<Vec<Check>, NoSuchView> {
    let mut checks: Vec<Check> = expected.ids.iter().map(|ids| tokens(expected, ids, capture)).collect();
    for (query, values) in (expected.first_query..).zip(&expected.rows) {
        checks.push(row(expected, query, values, capture)?);
    }
    Ok(checks)
}

fn tokens(expected: &ExpectedMatrix, ids: &[u32], capture: &Capture) -> Check {
    let found: Vec<u32> = capture.tokens.iter().map(|token| token.id).collect();
    let passed = found == ids;
    let found = if passed { format!("{ids:?}") } else { format!("{found:?}, published {ids:?}") };
    Check { what: format!("token ids of {:?}", expected.prompt), found, passed }
}

fn row(
    expected: &ExpectedMatrix,
    query: usize,
    values: &[f64],
    capture: &Capture,
) -> Result<Check, NoSuchView> {
    let ExpectedMatrix { source, view, tolerance, .. } = expected;
    let Some(token) = capture.tokens.get(query) else {
        let found = format!("the prompt has {} tokens", capture.tokens.len());
        return Ok(Check { what: format!("{view}, query {query} ({source})"), found, passed: false });
    };
    let (weights, _) = capture.row(*view, query)?;
    let difference = largest_difference(values, &weights);
    Ok(Check {
        what: format!("{view}, query {query} {:?} ({source})", token.label()),
        found: format!("largest difference {difference:.4}, {tolerance} allowed"),
        passed: difference <= *tolerance,
    })
}

/// Infinite if there are more or fewer values, no number if one is none.
fn largest_difference(expected: &[f64], found: &[f32]) -> f64 {
    if expected.len() != found.len() {
        return f64::INFINITY;
    }
    let differences =
        expected.iter().zip(found).map(|(expected, found)| (expected - f64::from(*found)).abs());
    differences.max_by(f64::total_cmp).unwrap_or(0.0)
}

/// Whether heads do what they are known for; `scores` tells each one's.
pub fn heads(expected: &ExpectedHeads, scores: impl Fn(View) -> RepeatScores) -> Vec<Check> {
    let ExpectedHeads { pattern, above, heads } = expected;
    let check = |&view: &View| {
        let score = pattern.score(&scores(view));
        Check {
            what: format!("{view}, {pattern} score on repeated random tokens"),
            found: format!("{score:.3}, more than {above} wanted"),
            passed: score > *above,
        }
    };
    heads.iter().map(check).collect()
}

/// Whether a model wrote what it is known to write.
pub fn continuation(expected: &ExpectedContinuation, ids: &[u32], text: &str) -> Check {
    let ExpectedContinuation { source, input, continues } = expected;
    let (passed, found) = match continues {
        TextOrIds::Text(published) => (published == text, TextOrIds::Text(text.to_owned())),
        TextOrIds::Ids(published) => (published == ids, TextOrIds::Ids(ids.to_vec())),
    };
    let found = if passed { found.to_string() } else { format!("{found}, published {continues}") };
    Check { what: format!("{input} continues ({source})"), found, passed }
}

#[cfg(test)]
mod tests {
    use super::super::expected::Pattern;
    use super::*;
    use crate::export::example;

    /// The example's mean is \[0.25\], \[0.5, 0.125\].
    fn expected(rows: Vec<Vec<f64>>, first_query: usize) -> ExpectedMatrix {
        ExpectedMatrix {
            source: "test".to_owned(),
            prompt: "it '".to_owned(),
            ids: Some(vec![7, 8]),
            view: View::Mean,
            tolerance: 0.01,
            first_query,
            rows,
        }
    }

    fn verdicts(checks: &[Check]) -> Vec<bool> {
        checks.iter().map(|check| check.passed).collect()
    }

    #[test]
    fn a_row_passes_within_its_tolerance_only() {
        let checks = matrix(&expected(vec![vec![0.255], vec![0.5, 0.145]], 0), &example::capture()).unwrap();
        assert_eq!(verdicts(&checks), [true, true, false]);
        assert!(checks[2].to_string().starts_with("  FAIL  mean, query 1"), "{}", checks[2]);
        assert!(checks[2].found.contains("0.0200"), "{}", checks[2]);
    }

    #[test]
    fn other_tokens_and_missing_rows_fail() {
        let mut expected = expected(vec![vec![0.5]], 1);
        expected.ids = Some(vec![7, 9]);
        assert_eq!(verdicts(&matrix(&expected, &example::capture()).unwrap()), [false, false]);
        expected.first_query = 2;
        assert!(matrix(&expected, &example::capture()).unwrap()[1].found.contains("2 tokens"));
    }

    #[test]
    fn what_is_no_number_fails() {
        assert!(largest_difference(&[0.5, 0.5], &[f32::NAN, 0.5]).is_nan());
        assert!(largest_difference(&[0.5], &[]).is_infinite());
        assert_eq!(largest_difference(&[0.5, 0.25], &[0.25, 0.25]), 0.25);
    }

    #[test]
    fn a_head_must_score_above() {
        let views = vec![View::Head { layer: 0, head: 1 }, View::Head { layer: 1, head: 0 }];
        let expected = ExpectedHeads { pattern: Pattern::Induction, above: 0.4, heads: views };
        let scores = |view: View| RepeatScores {
            induction: if view.layer() == Some(0) { 0.5 } else { 0.4 },
            ..RepeatScores::default()
        };
        assert_eq!(verdicts(&heads(&expected, scores)), [true, false]);
    }

    #[test]
    fn a_continuation_is_compared_as_it_was_published() {
        let expected = |continues| ExpectedContinuation {
            source: "test".to_owned(),
            input: TextOrIds::Ids(vec![1]),
            continues,
        };
        assert!(continuation(&expected(TextOrIds::Ids(vec![2, 3])), &[2, 3], "x").passed);
        let failed = continuation(&expected(TextOrIds::Text(" are".to_owned())), &[2, 3], " is");
        assert!(!failed.passed && failed.found.contains("published \" are\""), "{failed}");
    }
}
