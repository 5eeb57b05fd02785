//! SentencePiece's byte pairs, of which a file keeps pieces and scores: every pair of pieces that makes a piece is a
//! merge, the best score first.

use std::collections::HashSet;

use serde_json::json;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::{NormalizerWrapper, Tokenizer};

use super::super::guard::guarded;
use crate::model::gguf::{TokenKind, Vocabulary};

/// The blank of SentencePiece.
const BLANK: &str = "▁";
/// Bytes of a piece that is put together from others, at most: SentencePiece makes none of more than a few dozen.
const LONGEST_PIECE: usize = 512;
/// Ways in which a piece may be put together, of all pieces: Gemma's have three. And so many that don't count.
const MOST_MERGES: (usize, usize) = (16, 1 << 12);

pub fn tokenizer(vocabulary: &Vocabulary<'_>) -> Result<Tokenizer, String> {
    // Runs of blanks are stored as blanks, and are met as ▁ when the text is normalised.
    let piece = |(token, kind): (&&str, &TokenKind)| match kind {
        TokenKind::Normal => token.replace(' ', BLANK),
        _ => (*token).to_owned(),
    };
    let pieces: Vec<String> = vocabulary.tokens.iter().zip(&vocabulary.kinds).map(piece).collect();
    if vocabulary.scores.len() != pieces.len() {
        return Err("tokenizer.ggml.scores has no score for each token".to_owned());
    }
    let merges = merges(&pieces, vocabulary)?;
    let unknown = vocabulary.unknown.unwrap_or(0) as usize;
    let unknown = pieces.get(unknown).ok_or("tokenizer.ggml.tokens is empty")?.clone();
    let ids: Vocab = pieces.into_iter().zip(0..).collect();
    let builder = BPE::builder().vocab_and_merges(ids, merges).byte_fallback(true).fuse_unk(true);
    let model = guarded(|| builder.unk_token(unknown).build())?;
    let mut tokenizer = Tokenizer::new(model);
    let mut steps = vec![json!({"type": "Replace", "pattern": {"String": " "}, "content": BLANK})];
    if vocabulary.add_space_prefix.unwrap_or(true) {
        steps.insert(0, json!({"type": "Prepend", "prepend": BLANK}));
    }
    let normalizer = json!({"type": "Sequence", "normalizers": steps});
    let normalizer =
        serde_json::from_value::<NormalizerWrapper>(normalizer).map_err(|error| error.to_string())?;
    tokenizer.with_normalizer(Some(normalizer)).map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

/// All pairs, the best score of what they make first, then by its id and by the length of the first part.
fn merges(pieces: &[String], vocabulary: &Vocabulary<'_>) -> Result<Vec<(String, String)>, String> {
    let can_be_merged =
        |kind: &TokenKind| matches!(kind, TokenKind::Normal | TokenKind::UserDefined | TokenKind::Unused);
    let parts: HashSet<&str> = pieces
        .iter()
        .zip(&vocabulary.kinds)
        .filter(|(piece, kind)| can_be_merged(kind) && piece.len() <= LONGEST_PIECE)
        .map(|(piece, _)| piece.as_str())
        .collect();
    let mut order: Vec<usize> = (0..pieces.len())
        .filter(|id| vocabulary.kinds[*id] == TokenKind::Normal && pieces[*id].len() <= LONGEST_PIECE)
        .collect();
    // Zeros may differ in sign.
    order.sort_by(|a, b| (vocabulary.scores[*b] + 0.0).total_cmp(&(vocabulary.scores[*a] + 0.0)));
    let most = MOST_MERGES.0 * pieces.len() + MOST_MERGES.1;
    let mut merges = Vec::new();
    for piece in order.into_iter().map(|id| &pieces[id]) {
        for (cut, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(cut);
            if parts.contains(left) && parts.contains(right) {
                merges.push((left.to_owned(), right.to_owned()));
            }
        }
        if merges.len() > most {
            return Err(format!("its {} pieces can be put together in too many ways", pieces.len()));
        }
    }
    Ok(merges)
}
