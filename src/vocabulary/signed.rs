//! Numbers below 0 as people see them.
//!
//! On screen, in figures and in pages a minus sign is `−`: as wide as `+`, and no hyphen. What programs read has `-`:
//! files of numbers, what is copied, and what commands print.

/// The minus sign of numbers that are shown.
const MINUS: &str = "−";

/// A number in digits as it is shown.
pub fn with_minus(number: &str) -> String {
    number.replace('-', MINUS)
}

/// A number of so many places with its sign, as it is shown: `+0.500`, `−2.000`. What is rounded to 0 has none.
pub fn signed(value: impl Into<f64>, places: usize) -> String {
    let text = format!("{:+.places$}", value.into());
    match text.bytes().any(|byte| (b'1'..=b'9').contains(&byte) || byte.is_ascii_alphabetic()) {
        true => with_minus(&text),
        false => text[1..].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_stands_before_what_is_not_nothing() {
        let texts = [0.5, -2.0, 0.0, -0.0, -0.0004, 0.0006, -12.3456].map(|value: f64| signed(value, 3));
        assert_eq!(texts, ["+0.500", "−2.000", "0.000", "0.000", "0.000", "+0.001", "−12.346"]);
        assert_eq!([signed(-0.25f32, 2), signed(f64::NEG_INFINITY, 2)], ["−0.25", "−inf"]);
        assert_eq!(["3.1e-5", "-1.5", "0.2"].map(with_minus), ["3.1e−5", "−1.5", "0.2"]);
    }
}
