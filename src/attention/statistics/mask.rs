//! Which keys of a row a statistic counts.

use crate::attention::Token;

/// Which keys of a row a statistic counts.
#[derive(Debug, Clone, Copy)]
pub enum Mask {
    /// The keys that are so many tokens before the query; 0 is the query itself.
    Near {
        /// The smallest distance.
        from: usize,
        /// The first distance that does not count.
        to: usize,
    },
    /// The keys of some tokens.
    Tokens {
        /// Whether a token, at its position in the prompt, is one of them.
        is: fn(usize, &Token) -> bool,
        /// Whether what a query gives to itself counts.
        own: bool,
    },
    /// Earlier copies of the query's token.
    Copies,
    /// The tokens after earlier copies of the query's token.
    AfterCopies,
}
