//! Which class of transformers reads a model's tokenizer files: some build everything but the vocabulary anew,
//! whatever tokenizer.json says.

use serde_json::Value;

use super::source::{Ordered, Source};
use crate::model::ModelError;
use crate::model::files::TOKENIZER_JSON;

/// Classes that are built from a vocabulary alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Albert,
    Bert,
    Camembert,
    CodeGen,
    CodeLlama,
    DebertaV2,
    Gemma,
    Gpt2,
    GptNeoX,
    Llama,
    OpenAiGpt,
    Qwen2,
    Reformer,
    Roberta,
    T5,
    Xglm,
    XlmRoberta,
    XlNet,
}

/// What a vocabulary must be like for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Pieces with ids, which are merged.
    Merges,
    /// Words and their parts.
    Words,
    /// Pieces with scores.
    Scores,
    /// Pieces with scores where the file has them.
    Any,
}

impl Kind {
    /// The kind of vocabulary it takes.
    pub fn needs(self) -> Needs {
        match self {
            Kind::Bert => Needs::Words,
            Kind::Albert | Kind::DebertaV2 | Kind::T5 | Kind::Xglm | Kind::XlmRoberta | Kind::XlNet => {
                Needs::Scores
            }
            Kind::Camembert => Needs::Any,
            _ => Needs::Merges,
        }
    }

    /// The file it reads where there is no tokenizer.json; a tokenizer.model goes first.
    pub fn vocabulary_file(self) -> Option<&'static str> {
        match self {
            Kind::Bert => Some("vocab.txt"),
            Kind::Albert | Kind::Reformer | Kind::T5 | Kind::XlNet => Some("spiece.model"),
            Kind::Camembert | Kind::XlmRoberta => Some("sentencepiece.bpe.model"),
            Kind::DebertaV2 => Some("spm.model"),
            Kind::Llama | Kind::CodeLlama => Some("tokenizer.model"),
            Kind::Gemma | Kind::Xglm => None,
            Kind::CodeGen | Kind::Gpt2 | Kind::GptNeoX | Kind::OpenAiGpt | Kind::Qwen2 | Kind::Roberta => {
                Some("vocab.json")
            }
        }
    }
}

/// How the files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// As tokenizer.json says, or SentencePiece's file.
    Backend,
    /// Built anew.
    Own(Kind),
    /// As tokenizer.json says if there is one, but with what the class adds around a prompt.
    Heir(Kind),
    /// Built anew in a way that isn't known here.
    Unknown,
}

/// Classes, without `Fast`, that are one of ours by another name.
const KINDS: [(&str, Kind); 35] = [
    ("AlbertTokenizer", Kind::Albert),
    ("BartTokenizer", Kind::Roberta),
    ("BertTokenizer", Kind::Bert),
    ("CamembertTokenizer", Kind::Camembert),
    ("CodeGenTokenizer", Kind::CodeGen),
    ("CodeLlamaTokenizer", Kind::CodeLlama),
    ("DPRContextEncoderTokenizer", Kind::Bert),
    ("DPRQuestionEncoderTokenizer", Kind::Bert),
    ("DPRReaderTokenizer", Kind::Bert),
    ("DebertaV2Tokenizer", Kind::DebertaV2),
    ("DistilBertTokenizer", Kind::Bert),
    ("ElectraTokenizer", Kind::Bert),
    ("GPT2Tokenizer", Kind::Gpt2),
    ("GPTNeoXTokenizer", Kind::GptNeoX),
    ("GemmaTokenizer", Kind::Gemma),
    ("LEDTokenizer", Kind::Roberta),
    ("LayoutLMTokenizer", Kind::Bert),
    ("LlamaTokenizer", Kind::Llama),
    ("LongformerTokenizer", Kind::Roberta),
    ("LxmertTokenizer", Kind::Bert),
    ("MT5Tokenizer", Kind::T5),
    ("MobileBertTokenizer", Kind::Bert),
    ("MvpTokenizer", Kind::Roberta),
    ("OpenAIGPTTokenizer", Kind::OpenAiGpt),
    ("Qwen2Tokenizer", Kind::Qwen2),
    ("RealmTokenizer", Kind::Bert),
    ("ReformerTokenizer", Kind::Reformer),
    ("RetriBertTokenizer", Kind::Bert),
    ("RobertaTokenizer", Kind::Roberta),
    ("SqueezeBertTokenizer", Kind::Bert),
    ("T5Tokenizer", Kind::T5),
    ("XGLMTokenizer", Kind::Xglm),
    ("XLMRobertaTokenizer", Kind::XlmRoberta),
    ("XLNetTokenizer", Kind::XlNet),
    ("XLMProphetNetTokenizer", Kind::XlmRoberta),
];

/// Classes, without `Fast`, that build the pipeline anew, or in Python, as nothing here does.
const UNKNOWN: &str = "Barthez Bartpho BertGeneration BertJapanese BertTokenizerLegacy Bertweet BigBird BioGpt \
    Blenderbot BlenderbotSmall ByT5 CLIP CTRL Canine Clvp Cohere Cpm CpmAnt Deberta Dia Esm Esmc FSMT \
    FastSpeech2Conformer Flaubert Funnel GPTNeoXJapanese GPTSw3 Herbert Lasr LayoutLMv2 LayoutLMv3 LayoutXLM Luke \
    M2M100 MBart MBart50 MLuke MPNet Marian MarkupLM Mgpstr MyT5 Nllb Nougat PLBart Pegasus Perceiver Phobert \
    ProphetNet Qwen3_5 RemBert RoCBert RoFormer SeamlessM4T Siglip Siglip2 Speech2Text SpeechT5 Splinter Tapas \
    Tipsv2 Udop VideoPrism Vits Wav2Vec2CTC Wav2Vec2PhonemeCTC Whisper XLM";

/// The class that is chosen, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub class: Class,
    /// For messages.
    pub name: String,
}

/// The class of a name.
fn by_name(name: &str) -> Class {
    let name = name.strip_suffix("Fast").unwrap_or(name);
    let is_name = |other: &&str| format!("{other}Tokenizer") == name || *other == name;
    match name {
        "ConvBertTokenizer" => Class::Heir(Kind::Bert),
        "FNetTokenizer" => Class::Heir(Kind::Albert),
        _ if UNKNOWN.split_whitespace().any(|other| is_name(&other)) => Class::Unknown,
        _ => KINDS
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(Class::Backend, |(_, kind)| Class::Own(*kind)),
    }
}

/// Chooses by tokenizer_config.json, else by config.json's `tokenizer_class`, else by the family.
pub fn choose(source: &Source<'_>, config_class: Option<&str>, family: &str) -> Result<Choice, ModelError> {
    let config: Ordered = source.json("tokenizer_config.json")?.unwrap_or_default();
    let declared = config.get("tokenizer_class").and_then(Value::as_str).filter(|name| !name.is_empty());
    let Some(name) = declared.or(config_class) else {
        return Ok(match family {
            "gpt2" => Choice { class: Class::Own(Kind::Gpt2), name: "GPT2Tokenizer".to_owned() },
            _ => Choice { class: Class::Backend, name: "PreTrainedTokenizerFast".to_owned() },
        });
    };
    let class = match by_name(name) {
        // It would spell spaces in its own way.
        Class::Own(Kind::Llama) if is_byte_level(source)? => Class::Backend,
        class => class,
    };
    Ok(Choice { class, name: name.to_owned() })
}

/// Whether the repository has a class of its own, which is never run.
pub fn has_own_code(source: &Source<'_>) -> Result<bool, ModelError> {
    let config: Ordered = source.json("tokenizer_config.json")?.unwrap_or_default();
    let map = config.get("auto_map");
    Ok(map.is_some_and(|map| map.is_array() || map.get("AutoTokenizer").is_some_and(|code| !code.is_null())))
}

fn is_byte_level(source: &Source<'_>) -> Result<bool, ModelError> {
    Ok(source.text(TOKENIZER_JSON)?.is_some_and(|text| text.contains("\"ByteLevel\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_goes_by_its_name_fast_or_not() {
        for name in ["GPT2Tokenizer", "GPT2TokenizerFast"] {
            assert_eq!(by_name(name), Class::Own(Kind::Gpt2));
        }
        for name in ["PreTrainedTokenizerFast", "PreTrainedTokenizer", "TokenizersBackend", "Unheard0f"] {
            assert_eq!(by_name(name), Class::Backend, "{name}");
        }
        for name in ["GPTSw3Tokenizer", "BertJapaneseTokenizer", "MBartTokenizerFast", "BertTokenizerLegacy"]
        {
            assert_eq!(by_name(name), Class::Unknown, "{name}");
        }
        assert_eq!(by_name("ConvBertTokenizer"), Class::Heir(Kind::Bert));
    }
}
