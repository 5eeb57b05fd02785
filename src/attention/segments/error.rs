//! Why a prompt can't be cut into segments.

use super::entry::{Entry, MOST_SPANS};

/// What a file of segments looks like.
const EXAMPLE: &str = r#"write [{"name": "question", "start": 0, "end": 12}], bytes of the prompt"#;

/// Why a prompt can't be cut into segments, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentsError {
    /// There is no chat template around it.
    #[error(
        "the prompt was read as it is, without a chat template: cut it by paragraphs or sentences, or read it with --chat"
    )]
    NoChat,
    /// Bytes are named, and the prompt is token ids.
    #[error("the prompt is token ids, and segments of a file are bytes of a text: give it with --prompt")]
    NoText,
    /// The file is none of segments.
    #[error("{0}: {EXAMPLE}")]
    NotRead(String),
    /// The file has no entries.
    #[error("it names no segment: {EXAMPLE}")]
    None,
    /// The file has too many entries.
    #[error("it names {0} segments: name at most {MOST_SPANS}")]
    TooMany(usize),
    /// An entry has no name.
    #[error("entry {entry} has no name: give it one")]
    NoName {
        /// Its number, from 1.
        entry: usize,
    },
    /// An entry ends where it starts, or before.
    #[error("{entry} goes from byte {start} to {end}: \"end\" is the byte after its last one")]
    Empty {
        /// The entry.
        entry: Entry,
        /// Its first byte.
        start: usize,
        /// The byte after its last one.
        end: usize,
    },
    /// Two entries have bytes in common.
    #[error("{} and {} overlap at byte {byte}: let one end where the other starts", entries[0], entries[1])]
    Overlap {
        /// The entries.
        entries: [Entry; 2],
        /// The first byte that both have.
        byte: usize,
    },
    /// An entry ends after the prompt.
    #[error("{entry} ends at byte {end}: the prompt has {bytes} bytes")]
    Beyond {
        /// The entry.
        entry: Entry,
        /// The byte after its last one.
        end: usize,
        /// Bytes of the prompt.
        bytes: usize,
    },
    /// An entry starts or ends inside a character.
    #[error("{entry}: byte {byte} is inside a character: use {} or {}", around.0, around.1)]
    InsideCharacter {
        /// The entry.
        entry: Entry,
        /// The byte.
        byte: usize,
        /// Where the character begins and ends.
        around: (usize, usize),
    },
    /// No token begins in an entry.
    #[error("no token begins in {entry}: let it hold the first letter of a token")]
    NoToken {
        /// The entry.
        entry: Entry,
    },
}
