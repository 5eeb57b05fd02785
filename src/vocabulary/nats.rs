//! Divergences as people read them.

/// A divergence with so many places, or by its power of ten where these would say nothing: `0.0031`, `3.1e-5`.
pub fn nats(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let is_nothing = !text.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    if is_nothing && value != 0.0 { format!("{value:.1e}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_ones_say_something_and_none_is_none() {
        for (value, expected) in [
            (0.4207, "0.4207"),
            (0.00006, "0.0001"),
            (0.00004, "4.0e-5"),
            (3.12e-9, "3.1e-9"),
            (0.0, "0.0000"),
        ] {
            assert_eq!(nats(value, 4), expected);
        }
        assert_eq!((nats(0.0004, 3), nats(0.0006, 3)), ("4.0e-4".to_owned(), "0.001".to_owned()));
    }
}
