//! Rows by what is predicted from them: the next token of the text, and after the last one a token that is not there yet.

use super::{Capture, NextToken, Token};

/// What stands for a token that is not there yet.
fn not_yet(next: Option<&NextToken>) -> String {
    format!("({})", next.map_or_else(|| "?".to_owned(), |next| next.token.label()))
}

/// Names of rows by what comes after each: those of the next ones, and `next` in brackets after the last.
pub fn named_by_next(names: &[String], next: Option<&NextToken>) -> Vec<String> {
    let later = names.iter().skip(1).cloned();
    later.chain((!names.is_empty()).then(|| not_yet(next))).collect()
}

impl Capture {
    /// What is predicted from each row of its matrices, by the tokens that follow: `next` comes after the last one, and
    /// stands in brackets.
    pub fn predicted_labels(&self, next: Option<&NextToken>) -> Vec<String> {
        let bin = self.mean.bin();
        if bin == 1 {
            return named_by_next(&self.digest().labels, next);
        }
        let label = |at: usize| self.tokens.get(at).map_or_else(|| not_yet(next), Token::label);
        let row = |row: usize| {
            let (first, last) = (row * bin + 1, ((row + 1) * bin).min(self.tokens.len()));
            if first >= last { label(last) } else { format!("{}…{}", label(first), label(last)) }
        };
        (0..self.mean.size()).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_the_name_of_the_next_and_the_last_one_what_is_likely() {
        let names = ["a", "b"].map(str::to_owned);
        let next = NextToken { token: Token::from_bytes(1, String::new(), b" c", 0), probability: 0.5 };
        assert_eq!(named_by_next(&names, Some(&next)), ["b", "(c)"]);
        assert_eq!(named_by_next(&names, None), ["b", "(?)"]);
        assert!(named_by_next(&[], None).is_empty());
    }
}
