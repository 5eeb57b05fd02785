//! How text is split before bytes are put together: a file names the way, as llama.cpp does.

use serde_json::{Value, json};

use crate::model::gguf::GgufError;

/// One way, under all its names.
struct Way {
    names: &'static [&'static str],
    steps: Steps,
    /// Whether a word that is a token is taken as it is, however it would be put together; such models begin a text with
    /// a token of their own.
    whole_words: bool,
}

enum Steps {
    /// As GPT-2.
    Plain,
    /// Digits one by one, then as GPT-2.
    SingleDigits,
    /// Punctuation, then as GPT-2, then digits by three.
    Falcon,
    /// By an expression.
    Expression(&'static str),
}

/// `$front`: contractions and letters; `$digits`: how many belong together; `$marks`: what may follow punctuation.
macro_rules! words {
    ($front:expr, $digits:literal, $marks:literal) => {
        concat!($front, r"|\p{N}", $digits, r"| ?[^\s\p{L}\p{N}]+[", $marks, r"]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    };
}

const LLAMA: &str = words!(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+", "{1,3}", r"\r\n");
const QWEN: &str = words!(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+", "", r"\r\n");
const GPT_4O: &str = words!(
    concat!(
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    ),
    "{1,3}",
    r"\r\n/"
);
const TEKKEN: &str = words!(
    concat!(
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    ),
    "",
    r"\r\n/"
);
const BLOOM: &str = r" ?[^(\s|[.,!?…。，、।۔،])]+";

#[rustfmt::skip]
const WAYS: [Way; 9] = [
    Way { names: &["gpt-2", "gpt2", "phi-2", "olmo", "mpt", "jais"], steps: Steps::Plain, whole_words: false },
    Way { names: &["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone"], steps: Steps::SingleDigits, whole_words: false },
    Way { names: &["llama-bpe", "llama3", "llama-v3"], steps: Steps::Expression(LLAMA), whole_words: true },
    Way { names: &["smaug-bpe", "dbrx"], steps: Steps::Expression(LLAMA), whole_words: false },
    Way { names: &["qwen2", "stablelm2", "deepseek-r1-qwen"], steps: Steps::Expression(QWEN), whole_words: false },
    Way { names: &["gpt-4o"], steps: Steps::Expression(GPT_4O), whole_words: false },
    Way { names: &["tekken"], steps: Steps::Expression(TEKKEN), whole_words: true },
    Way { names: &["bloom"], steps: Steps::Expression(BLOOM), whole_words: false },
    Way { names: &["falcon"], steps: Steps::Falcon, whole_words: false },
];

fn way(name: &str) -> Option<&'static Way> {
    const ALL: &[Way] = &WAYS;
    ALL.iter().find(|way| way.names.contains(&name))
}

/// Whether a word that is a token is taken as it is.
pub fn takes_whole_words(name: &str) -> bool {
    way(name).is_some_and(|way| way.whole_words)
}

/// The part of a tokenizer.json that splits.
///
/// # Errors
/// If no way has that name.
pub fn pre_tokenizer(name: &str) -> Result<Value, GgufError> {
    let Some(way) = way(name) else {
        let known: Vec<&str> = WAYS.iter().flat_map(|way| way.names).copied().collect();
        return Err(GgufError::unknown_tokenizer("tokenizer.ggml.pre", name, &known));
    };
    let bytes = |use_regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": use_regex});
    let digits = |individual: bool| json!({"type": "Digits", "individual_digits": individual});
    let split = |expression: &str| json!({"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": false});
    let steps = match way.steps {
        Steps::Plain => vec![bytes(true)],
        Steps::SingleDigits => vec![digits(true), bytes(true)],
        Steps::Falcon => {
            let punctuation = json!({"type": "Punctuation", "behavior": "Contiguous"});
            vec![punctuation, bytes(true), digits(false), split("[0-9][0-9][0-9]")]
        }
        Steps::Expression(expression) => vec![split(expression), bytes(false)],
    };
    Ok(json!({"type": "Sequence", "pretokenizers": steps}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_one_that_the_library_knows_and_names_are_their_own() {
        let names: Vec<&str> = WAYS.iter().flat_map(|way| way.names).copied().collect();
        for name in &names {
            let json = pre_tokenizer(name).unwrap();
            serde_json::from_value::<tokenizers::PreTokenizerWrapper>(json).unwrap();
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
        let message = pre_tokenizer("default").unwrap_err().to_string();
        assert!(message.contains("\"default\"") && message.contains("llama-bpe, llama3"), "{message}");
    }
}
