//! What somebody meant who made a slip.

/// The name that is most similar to `word`, if one is similar enough.
pub fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(word, name);
    let best = names.iter().copied().min_by_key(|name| distance(name))?;
    (distance(best) <= 1 + word.len() / 3).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_none() {
        let names = ["device", "dtype", "threads"];
        assert_eq!(nearest("thread", &names), Some("threads"));
        assert_eq!(nearest("devcie", &names), Some("device"));
        assert_eq!(nearest("precision", &names), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
