//! What rows are named by in a file: the tokens that are read there, or those that are predicted from them.

use crate::attention::{Capture, Token};
use crate::vocabulary::RowReading;

/// What the column with the names of rows is headed by.
pub fn heading(rows: RowReading) -> &'static str {
    match rows {
        RowReading::Reading => "query",
        RowReading::Predicting => "predicting",
    }
}

/// A name for each token's row, of what `name` calls tokens: of the token itself, or of the next one. The likeliest token
/// after the last one stands in brackets, for it is not there yet.
pub fn of_tokens(capture: &Capture, rows: RowReading, name: impl Fn(&Token) -> String) -> Vec<String> {
    let tokens = capture.tokens.iter().map(&name);
    match rows {
        RowReading::Reading => tokens.collect(),
        RowReading::Predicting => {
            let likeliest = capture.next.first().map_or_else(|| "?".to_owned(), |next| name(&next.token));
            tokens.skip(1).chain([format!("({likeliest})")]).collect()
        }
    }
}

/// A label for each row of the matrices.
pub fn labels(capture: &Capture, rows: RowReading) -> Vec<String> {
    match rows {
        RowReading::Reading => capture.labels(),
        RowReading::Predicting => capture.predicted_labels(capture.next.first()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;

    #[test]
    fn a_row_is_named_by_the_next_token_and_the_last_by_the_likeliest() {
        let capture = example::capture();
        let raw = |rows| of_tokens(&capture, rows, |token| token.raw.clone());
        assert_eq!(raw(RowReading::Reading), ["it", "Ġ'"]);
        let likeliest = &capture.next[0].token;
        assert_eq!(raw(RowReading::Predicting), ["Ġ'".to_owned(), format!("({})", likeliest.raw)]);
        assert_eq!(labels(&capture, RowReading::Predicting)[1], format!("({})", likeliest.label()));
        let without = Capture { next: Vec::new(), ..capture };
        assert_eq!(of_tokens(&without, RowReading::Predicting, Token::label)[1], "(?)");
    }
}
