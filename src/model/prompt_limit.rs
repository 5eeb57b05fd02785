//! Whether a prompt can fit a model, known before it is tokenised: tokenising takes some 300 times the memory of its
//! prompt, and a prompt may be a file of any size.
//!
//! A token covers no more of a text than the longest piece of the vocabulary that begins at the same place. This
//! gives the least number of tokens of a prompt; if that is too many, nothing needs to be tokenised. Some tokenizers
//! drop or squeeze text (`Strip`, `Lowercase`, words that become one `[UNK]`). For those nothing is known beforehand,
//! and only [`MOST_BYTES`] holds.

use std::sync::OnceLock;

use serde_json::Value;
use tokenizers::{ModelWrapper, Tokenizer};

use super::tokenizer::byte_characters;

/// Bytes that a prompt may have, whatever it is made of. The longest contexts hold less: 131 072 tokens of text are
/// about 600 kB.
pub const MOST_BYTES: usize = 2 << 20;

/// What sentencepiece writes for a space.
const SPACE: &str = "▁";

/// Why a prompt can't fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooLong {
    /// It is more tokens than were allowed.
    Tokens,
    /// It is more than [`MOST_BYTES`].
    Bytes,
}

/// The limits of a tokenizer's prompts, worked out for the first long prompt.
#[derive(Debug, Default)]
pub struct PromptLimit {
    measure: OnceLock<Option<Measure>>,
}

impl PromptLimit {
    /// Checks that a prompt may be `most` tokens or fewer. A prompt that fits is never refused, unless it has too
    /// many bytes.
    ///
    /// # Errors
    /// If it can't be.
    pub fn check(&self, tokenizer: &Tokenizer, prompt: &str, most: usize) -> Result<(), TooLong> {
        // Nothing is cheaper than this, and hardly a prompt needs more.
        if prompt.len() <= most && prompt.len() <= MOST_BYTES {
            return Ok(());
        }
        let measure = self.measure.get_or_init(|| Measure::of(tokenizer));
        match measure {
            Some(measure) if measure.exceeds(prompt, most) => Err(TooLong::Tokens),
            _ if prompt.len() > MOST_BYTES => Err(TooLong::Bytes),
            _ => Ok(()),
        }
    }
}

/// A lower bound of how many tokens a text is.
#[derive(Debug)]
struct Measure {
    pieces: Pieces,
    /// Whether only texts of ASCII stay as they are.
    ascii_only: bool,
    /// Whether [`SPACE`] and a space are the same.
    marks_spaces: bool,
    /// Tokens that take the blanks beside them, any number.
    greedy: Vec<String>,
}

/// What a tokenizer leaves of a text before its model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    /// Perhaps less than all of it.
    Less,
    /// All of it, if it is ASCII.
    Ascii,
    /// All of it.
    All,
}

impl Measure {
    /// For a tokenizer whose tokens together are the text; `None` for others.
    fn of(tokenizer: &Tokenizer) -> Option<Self> {
        let json = |part: Option<serde_json::Result<Value>>| part.transpose().ok();
        let normalizer = json(tokenizer.get_normalizer().map(serde_json::to_value))?;
        let splitter = json(tokenizer.get_pre_tokenizer().map(serde_json::to_value))?;
        let kept = after_normalizer(normalizer.as_ref()).min(after_splitter(splitter.as_ref()));
        let ModelWrapper::BPE(model) = tokenizer.get_model() else { return None };
        let is_affixed = |affix: &Option<String>| affix.as_ref().is_some_and(|affix| !affix.is_empty());
        if kept == Kept::Less
            || is_affixed(&model.continuing_subword_prefix)
            || is_affixed(&model.end_of_word_suffix)
        {
            return None;
        }
        let of_characters = byte_characters();
        let by_bytes = [&normalizer, &splitter].into_iter().flatten().any(|part| mentions(part, "ByteLevel"));
        let vocabulary = tokenizer.get_vocab(true);
        let has_every_byte = match by_bytes {
            true => of_characters.keys().all(|character| vocabulary.contains_key(&character.to_string())),
            false => {
                let name = |byte| format!("<0x{byte:02X}>");
                model.byte_fallback && (0..=255u8).all(|byte| vocabulary.contains_key(&name(byte)))
            }
        };
        if !has_every_byte {
            return None;
        }
        let added = tokenizer.get_added_tokens_decoder();
        let mut pieces: Vec<Vec<u8>> =
            added.values().map(|token| token.content.clone().into_bytes()).collect();
        pieces.extend(vocabulary.into_keys().map(|piece| {
            let bytes = || piece.chars().map(|c| of_characters.get(&c).copied()).collect::<Option<Vec<u8>>>();
            let bytes = by_bytes.then(bytes).flatten();
            bytes.unwrap_or_else(|| piece.replace(SPACE, " ").into_bytes())
        }));
        // A space may be put in front of a text, which is no part of it.
        let tails: Vec<Vec<u8>> =
            pieces.iter().filter_map(|piece| piece.strip_prefix(b" ")).map(<[u8]>::to_vec).collect();
        pieces.extend(tails);
        let greedy = added.values().filter(|token| token.lstrip || token.rstrip);
        Some(Self {
            pieces: Pieces::new(pieces),
            ascii_only: kept == Kept::Ascii,
            marks_spaces: !by_bytes,
            greedy: greedy.map(|token| token.content.clone()).collect(),
        })
    }

    /// Whether a text is surely more than `most` tokens. No more than [`MOST_BYTES`] of it are looked at.
    fn exceeds(&self, text: &str, most: usize) -> bool {
        let text = &text[..text.floor_char_boundary(MOST_BYTES)];
        let is_known = (!self.ascii_only || text.is_ascii())
            && !self.greedy.iter().any(|token| text.contains(token.as_str()));
        if !is_known {
            return false;
        }
        match self.marks_spaces && text.contains(SPACE) {
            true => self.pieces.least(text.replace(SPACE, " ").as_bytes(), most).is_none(),
            false => self.pieces.least(text.as_bytes(), most).is_none(),
        }
    }
}

/// What a normalizer leaves of a text.
fn after_normalizer(json: Option<&Value>) -> Kept {
    let Some(json) = json else { return Kept::All };
    match json["type"].as_str() {
        Some("ByteLevel") => Kept::All,
        Some("Prepend") if json["prepend"] == SPACE => Kept::All,
        Some("Replace") if json["pattern"]["String"] == " " && json["content"] == SPACE => Kept::All,
        Some("NFC" | "NFD" | "NFKC" | "NFKD") => Kept::Ascii,
        Some("Sequence") => least_of(&json["normalizers"], after_normalizer),
        _ => Kept::Less,
    }
}

/// What a pre-tokenizer leaves of a text.
fn after_splitter(json: Option<&Value>) -> Kept {
    let Some(json) = json else { return Kept::All };
    match json["type"].as_str() {
        Some("Metaspace") if json["replacement"] == SPACE => Kept::All,
        Some("ByteLevel" | "Digits" | "UnicodeScripts" | "FixedLength") => Kept::All,
        Some("Split" | "Punctuation") if json["behavior"] != "Removed" => Kept::All,
        Some("Sequence") => least_of(&json["pretokenizers"], after_splitter),
        _ => Kept::Less,
    }
}

fn least_of(parts: &Value, after: fn(Option<&Value>) -> Kept) -> Kept {
    let Some(parts) = parts.as_array() else { return Kept::Less };
    parts.iter().map(|part| after(Some(part))).min().unwrap_or(Kept::All)
}

/// Whether a part, or a part of it, is of that type.
fn mentions(json: &Value, kind: &str) -> bool {
    match json {
        Value::Object(fields) => {
            fields.get("type").is_some_and(|found| found == kind)
                || fields.values().any(|value| mentions(value, kind))
        }
        Value::Array(parts) => parts.iter().any(|part| mentions(part, kind)),
        _ => false,
    }
}

/// What tokens stand for, sorted.
#[derive(Debug)]
struct Pieces {
    bytes: Vec<u8>,
    /// Where each begins, and where the last ends.
    starts: Vec<usize>,
    /// Of each first byte, where the pieces with it begin, and where the last of them end.
    of_first: Vec<usize>,
    /// Bytes of the longest.
    longest: usize,
}

impl Pieces {
    fn new(mut pieces: Vec<Vec<u8>>) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        pieces.sort_unstable();
        pieces.dedup();
        let starts = pieces.iter().scan(0, |end, piece| {
            *end += piece.len();
            Some(*end)
        });
        let starts = std::iter::once(0).chain(starts).collect();
        let before = |byte| pieces.partition_point(|piece| usize::from(piece[0]) < byte);
        let of_first = (0..=256).map(before).collect();
        let longest = pieces.iter().map(Vec::len).max().unwrap_or(0);
        Self { bytes: pieces.concat(), starts, of_first, longest }
    }

    fn piece(&self, at: usize) -> &[u8] {
        &self.bytes[self.starts[at]..self.starts[at + 1]]
    }

    /// The bytes of the longest piece that `text` begins with, at least 1.
    fn longest_at(&self, text: &[u8]) -> usize {
        let first = usize::from(text[0]);
        // All of these begin with what was read of the text.
        let mut range = self.of_first[first]..self.of_first[first + 1];
        let mut longest = 1;
        for (depth, byte) in text.iter().enumerate().skip(1) {
            let before = |range: &std::ops::Range<usize>, is_before: &dyn Fn(u8) -> bool| {
                let (mut low, mut high) = (range.start, range.end);
                while low < high {
                    let middle = low + (high - low) / 2;
                    match self.piece(middle).get(depth).is_none_or(|found| is_before(*found)) {
                        true => low = middle + 1,
                        false => high = middle,
                    }
                }
                low
            };
            let low = before(&range, &|found| found < *byte);
            range = low..before(&(low..range.end), &|found| found <= *byte);
            if range.is_empty() {
                break;
            }
            if self.piece(range.start).len() == depth + 1 {
                longest = depth + 1;
            }
        }
        longest
    }

    /// The fewest tokens that `text` can be, `None` if they are more than `most`. A token is allowed to end early, so
    /// that real ones are never fewer.
    fn least(&self, text: &[u8], most: usize) -> Option<usize> {
        let (mut tokens, mut end, mut reach) = (0, 0, 0);
        // Where the run of one byte ends, and what is longest inside a run of it.
        let (mut run_end, mut in_run) = (0, None);
        for at in 0..text.len() {
            if at >= run_end {
                let same = text[at..].iter().take_while(|byte| **byte == text[at]).count();
                (run_end, in_run) = (at + same, None);
            }
            let longest = match in_run.filter(|_| run_end - at >= self.longest) {
                Some(longest) => longest,
                None => self.longest_at(&text[at..]),
            };
            in_run = (run_end - at >= self.longest).then_some(longest);
            reach = reach.max(at + longest);
            if at == end {
                tokens += 1;
                end = reach;
                if tokens > most {
                    return None;
                }
            }
        }
        Some(tokens)
    }
}

#[cfg(test)]
mod tests;
