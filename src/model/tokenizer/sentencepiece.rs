//! SentencePiece's own files: a protobuf of which few fields are needed, and what is made of it where no class
//! of tokenizers knows better.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::protobuf::{Field, fields};
use super::special::{Added, Settings, Special};
use super::vocabulary::{Merge, Pieces, Vocabulary, merges_by_rank};

/// What a piece is, as SentencePiece numbers it.
const NORMAL: u64 = 1;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;

/// A model of SentencePiece.
#[derive(Debug, PartialEq)]
pub struct SentencePiece {
    /// Text, score and kind.
    pieces: Vec<(String, f32, u64)>,
    is_unigram: bool,
    byte_fallback: bool,
    /// Id and piece of what is unknown, of the beginning and of the end; ids may be -1.
    unknown: (i64, String),
    begin: (i64, String),
    end: (i64, String),
    charsmap: Vec<u8>,
    dummy_prefix: bool,
    remove_extra_whitespaces: bool,
    escape_whitespaces: bool,
}

impl SentencePiece {
    /// Reads a file; `None` if it isn't one of SentencePiece's.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut model = Self {
            pieces: Vec::new(),
            is_unigram: true,
            byte_fallback: false,
            unknown: (0, "<unk>".to_owned()),
            begin: (1, "<s>".to_owned()),
            end: (2, "</s>".to_owned()),
            charsmap: Vec::new(),
            dummy_prefix: true,
            remove_extra_whitespaces: true,
            escape_whitespaces: true,
        };
        for (number, field) in fields(bytes)? {
            let Field::Bytes(message) = field else { continue };
            match number {
                1 => model.pieces.push(piece(message)?),
                2 => model.read_trainer(message)?,
                3 => model.read_normalizer(message)?,
                _ => {}
            }
        }
        (!model.pieces.is_empty()).then_some(model)
    }

    fn read_trainer(&mut self, message: &[u8]) -> Option<()> {
        for (number, field) in fields(message)? {
            match number {
                3 => self.is_unigram = field.number()? == 1,
                35 => self.byte_fallback = field.number()? != 0,
                40 => self.unknown.0 = field.number()?.cast_signed() as i32 as i64,
                41 => self.begin.0 = field.number()?.cast_signed() as i32 as i64,
                42 => self.end.0 = field.number()?.cast_signed() as i32 as i64,
                45 => self.unknown.1 = field.text()?,
                46 => self.begin.1 = field.text()?,
                47 => self.end.1 = field.text()?,
                _ => {}
            }
        }
        Some(())
    }

    fn read_normalizer(&mut self, message: &[u8]) -> Option<()> {
        for (number, field) in fields(message)? {
            match (number, &field) {
                (2, Field::Bytes(charsmap)) => self.charsmap = charsmap.to_vec(),
                (3, _) => self.dummy_prefix = field.number()? != 0,
                (4, _) => self.remove_extra_whitespaces = field.number()? != 0,
                (5, _) => self.escape_whitespaces = field.number()? != 0,
                _ => {}
            }
        }
        Some(())
    }

    pub fn is_unigram(&self) -> bool {
        self.is_unigram
    }

    fn names(&self) -> Vec<String> {
        self.pieces.iter().map(|(piece, ..)| piece.clone()).collect()
    }

    /// Its pieces with scores, or with ids and merges.
    pub fn vocabulary(&self, scored: bool) -> Vocabulary {
        let scores = self.pieces.iter().map(|(piece, score, _)| (piece.clone(), f64::from(*score))).collect();
        let pieces = Pieces::Scores(scores);
        Vocabulary {
            pieces: Some(if scored { pieces } else { Pieces::Ids(pieces.into_ids()) }),
            merges: if scored { Vec::new() } else { merges_by_rank(&self.names(), Some) },
            charsmap: (!self.charsmap.is_empty()).then(|| STANDARD.encode(&self.charsmap)),
            unknown: u32::try_from(self.unknown.0).ok(),
            post_processor: None,
        }
    }

    /// The pieces that stand for themselves; only those that control are special.
    pub fn added(&self) -> Vec<Special> {
        let own = self.pieces.iter().filter(|(.., kind)| [CONTROL, USER_DEFINED].contains(kind));
        let added = |(piece, _, kind): &(String, f32, u64)| {
            Special::Token(Added::new(piece, *kind == CONTROL).normalized(false))
        };
        own.map(added).collect()
    }

    /// A tokenizer.json that encodes as SentencePiece does, for models whose class isn't known.
    pub fn pipeline(&self, settings: &mut Settings) -> Value {
        let names = self.renamed(settings);
        let user_defined: Vec<&str> = self.of_kind(USER_DEFINED, &names);
        if let Some(additional) = &mut settings.additional {
            additional.retain(|token| {
                let is_own =
                    |(piece, _, kind): &(String, f32, u64)| *kind == USER_DEFINED && piece == token.content();
                !self.pieces.iter().any(is_own)
            });
        }
        if self.dummy_prefix {
            // Matched before the text is normalised, so that what follows gets a prefix of its own.
            for added in settings.added.values_mut() {
                *added = added.clone().normalized(false);
            }
        }
        let legacy = settings.flag("legacy").unwrap_or(true);
        for (name, (id, piece)) in
            [("bos_token", &self.begin), ("eos_token", &self.end), ("unk_token", &self.unknown)]
        {
            if *id >= 0 {
                settings.default_name(name, Some(Special::Text(piece.clone())));
            }
        }
        let mut pre_tokenizers = Vec::new();
        if self.dummy_prefix {
            let scheme = if legacy { "always" } else { "first" };
            pre_tokenizers.push(json!({
                "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": false
            }));
        }
        if !user_defined.is_empty() {
            let mut longest = user_defined.clone();
            longest.sort_by_key(|piece| std::cmp::Reverse(piece.chars().count()));
            let pattern: Vec<String> = longest.into_iter().map(escaped).collect();
            pre_tokenizers.push(json!({
                "type": "Split", "pattern": {"Regex": pattern.join("|")}, "behavior": "Isolated", "invert": false
            }));
        }
        json!({
            "version": "1.0",
            "added_tokens": [],
            "normalizer": {"type": "Sequence", "normalizers": self.normalizers(legacy)},
            "pre_tokenizer": (!pre_tokenizers.is_empty())
                .then(|| json!({"type": "Sequence", "pretokenizers": pre_tokenizers})),
            "post_processor": null,
            "decoder": null,
            "model": self.model(&names, !user_defined.is_empty()),
        })
    }

    fn normalizers(&self, legacy: bool) -> Vec<Value> {
        let replace = |pattern: Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
        let mut all = Vec::new();
        if !self.charsmap.is_empty() {
            all.push(json!({"type": "Precompiled", "precompiled_charsmap": STANDARD.encode(&self.charsmap)}));
        }
        if self.remove_extra_whitespaces {
            all.push(replace(json!({"Regex": r"\A +| +\z"}), ""));
            all.push(replace(json!({"Regex": " {2,}"}), " "));
        }
        if self.escape_whitespaces {
            all.push(replace(json!({"String": " "}), "▁"));
        }
        if self.dummy_prefix && legacy {
            all.push(replace(json!({"Regex": r"\A▁"}), "▁▁"));
        }
        all
    }

    fn model(&self, names: &[String], has_user_defined: bool) -> Value {
        if self.is_unigram {
            let scores = self.pieces.iter().map(|(piece, score, _)| json!([piece, score]));
            return json!({
                "type": "Unigram", "unk_id": self.unknown.0, "vocab": scores.collect::<Vec<_>>(),
                "byte_fallback": self.byte_fallback,
            });
        }
        // Only normal pieces are merged, the likeliest first.
        let rank = |id: usize| {
            let (_, score, kind) = &self.pieces[id];
            (*kind == NORMAL).then_some(Descending(*score))
        };
        let merges = merges_by_score(names, rank);
        let ids: serde_json::Map<String, Value> =
            names.iter().enumerate().map(|(id, piece)| (piece.clone(), Value::from(id))).collect();
        json!({
            "type": "BPE", "vocab": ids, "merges": merges, "unk_token": self.unknown.1, "fuse_unk": true,
            "byte_fallback": self.byte_fallback, "ignore_merges": has_user_defined,
        })
    }

    /// The pieces as `added_tokens_decoder` calls them; nothing gets the name of another that keeps its own.
    fn renamed(&self, settings: &Settings) -> Vec<String> {
        let mut names = self.names();
        if self.is_unigram {
            return names;
        }
        let new = |id: usize| settings.added.get(&u32::try_from(id).ok()?);
        let kept: std::collections::HashSet<String> = names
            .iter()
            .enumerate()
            .filter(|(id, _)| new(*id).is_none())
            .map(|(_, name)| name.clone())
            .collect();
        for (id, name) in names.iter_mut().enumerate() {
            if let Some(added) = new(id).filter(|added| !kept.contains(&added.token.content)) {
                name.clone_from(&added.token.content);
            }
        }
        names
    }

    fn of_kind<'a>(&self, kind: u64, names: &'a [String]) -> Vec<&'a str> {
        let pieces = self.pieces.iter().zip(names);
        pieces.filter(|((.., known), _)| *known == kind).map(|(_, name)| name.as_str()).collect()
    }
}

/// A score, of which higher ones come first.
#[derive(Clone, Copy, PartialEq)]
struct Descending(f32);

impl Eq for Descending {}

impl Ord for Descending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.0 + 0.0).total_cmp(&(self.0 + 0.0))
    }
}

impl PartialOrd for Descending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// As [`merges_by_rank`], but the ways to make one piece are in the order of their text.
fn merges_by_score(pieces: &[String], rank: impl Fn(usize) -> Option<Descending>) -> Vec<Merge> {
    let mut merges = merges_by_rank(pieces, rank);
    for ways in merges.chunk_by_mut(|(a, b), (c, d)| {
        a.len() + b.len() == c.len() + d.len() && joined(a, b).eq(joined(c, d))
    }) {
        ways.sort();
    }
    merges
}

fn joined<'a>(left: &'a str, right: &'a str) -> impl Iterator<Item = char> + 'a {
    left.chars().chain(right.chars())
}

/// Text, score and kind of a piece.
fn piece(message: &[u8]) -> Option<(String, f32, u64)> {
    let mut piece = (String::new(), 0.0, NORMAL);
    for (number, field) in fields(message)? {
        match (number, &field) {
            (1, _) => piece.0 = field.text()?,
            (2, Field::Float(score)) => piece.1 = *score,
            (3, _) => piece.2 = field.number()?,
            _ => {}
        }
    }
    piece.1.is_finite().then_some(piece)
}

/// Text that a pattern takes as it is.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() && !"_<>\"'%,/:;=@`!".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_told_apart() {
        assert_eq!(SentencePiece::parse(b""), None);
        assert_eq!(SentencePiece::parse(b"IQ== 0\nIg== 1\n"), None);
        for length in 0..12 {
            // A length beyond the end, a number that never ends, a group.
            for start in [[0x0a, 0xff], [0x08, 0xff], [0x0b, 0x01]] {
                let bytes: Vec<u8> = start.into_iter().chain(std::iter::repeat_n(0xff, length)).collect();
                assert_eq!(SentencePiece::parse(&bytes), None);
            }
        }
    }

    #[test]
    fn a_piece_has_text_score_and_kind() {
        let message = [&[0x0a, 2, b'a', b'b', 0x15], 1.5_f32.to_le_bytes().as_slice(), &[0x18, 4]].concat();
        assert_eq!(piece(&message), Some(("ab".to_owned(), 1.5, USER_DEFINED)));
        let file = [&[0x0a, message.len() as u8], message.as_slice()].concat();
        let model = SentencePiece::parse(&file).unwrap();
        assert!(model.is_unigram() && model.dummy_prefix && model.added().len() == 1);
    }

    #[test]
    fn a_pattern_takes_text_as_it_is() {
        assert_eq!(escaped("a.b*<x> |\n"), "a\\.b\\*<x> \\|\n");
    }
}
