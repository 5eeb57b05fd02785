//! The words that one meets on screen, in plain English. The help lists them below the keys.

/// Ten words and what they mean, in the order in which they explain each other.
pub const WORDS: [(&str, &str); 10] = [
    ("token", "a piece of text that the model reads at once: a word or a part of one"),
    ("query", "the token that looks; each row is one"),
    ("key", "a token looked at; each column is one"),
    ("attention", "how a query shares itself out among its keys: weights that sum to 1"),
    ("head", "one way of looking, with a matrix of its own"),
    ("layer", "one step of the model, with several heads"),
    ("sink", "takes attention that is given to no token; some models learn one for each head"),
    (
        "normalisation",
        "what rows are divided by: nothing (raw), or what is left without the sink or the first token",
    ),
    ("induction head", "finds an earlier copy of a token and looks at the token after that copy"),
    ("logit lens", "what the model would predict if it ended after each layer"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_explained_once_and_briefly() {
        for (at, (word, meaning)) in WORDS.iter().enumerate() {
            assert!(WORDS[..at].iter().all(|(other, _)| other != word), "{word}");
            assert!(meaning.len() <= 95, "{word}: {} bytes", meaning.len());
        }
    }
}
