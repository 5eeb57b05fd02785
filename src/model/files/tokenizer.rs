//! Which files a tokenizer is made of.

use super::ModelFile;

/// What a vocabulary is read from if it is there.
pub const TOKENIZER_JSON: &str = "tokenizer.json";

/// How a model that chats writes turns of a conversation.
pub const CHAT_TEMPLATE: &str = "chat_template.jinja";

/// How texts are generated: among others, which tokens end one.
pub const GENERATION_CONFIG: &str = "generation_config.json";

/// Files that stand beside a vocabulary, whatever it is read from.
const BESIDE: [&str; 5] = [
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    CHAT_TEMPLATE,
    GENERATION_CONFIG,
];

/// What a vocabulary is read from without a tokenizer.json.
const VOCABULARIES: [&str; 7] = [
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spm.model",
];

/// The files of a tokenizer that a model has, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenizerFiles(Vec<(&'static str, ModelFile)>);

impl TokenizerFiles {
    /// Asks for one file after the other, and for nothing that isn't needed.
    pub(in crate::model) fn gather<E>(
        mut find: impl FnMut(&'static str) -> Result<Option<ModelFile>, E>,
    ) -> Result<Self, E> {
        let mut found = Vec::new();
        let first = find(TOKENIZER_JSON)?;
        let others: &[&str] = if first.is_some() { &[] } else { &VOCABULARIES };
        found.extend(first.map(|file| (TOKENIZER_JSON, file)));
        for name in BESIDE.iter().chain(others) {
            found.extend(find(name)?.map(|file| (*name, file)));
        }
        Ok(Self(found))
    }

    /// The file of this name, if the model has it.
    pub fn get(&self, name: &str) -> Option<&ModelFile> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, file)| file)
    }

    /// Names and files.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &ModelFile)> {
        self.0.iter().map(|(name, file)| (*name, file))
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of those that hold a vocabulary, or a part of one.
    pub fn vocabularies(&self) -> Vec<&'static str> {
        self.iter().map(|(name, _)| name).filter(|name| !BESIDE.contains(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(there: &[&str]) -> (Vec<&'static str>, Vec<&'static str>) {
        let mut asked = Vec::new();
        let files = TokenizerFiles::gather(|name| {
            asked.push(name);
            let file = ModelFile::Embedded { name: "x", bytes: b"" };
            Ok::<_, std::convert::Infallible>(there.contains(&name).then_some(file))
        });
        (files.unwrap().iter().map(|(name, _)| name).collect(), asked)
    }

    #[test]
    fn beside_a_tokenizer_json_no_other_vocabulary_is_asked_for() {
        let (found, asked) = gathered(&["tokenizer.json", "vocab.json", "spiece.model", "added_tokens.json"]);
        assert_eq!(found, ["tokenizer.json", "added_tokens.json"]);
        assert_eq!(asked.len(), 6);
    }

    #[test]
    fn without_one_every_vocabulary_is_looked_for() {
        let (found, asked) = gathered(&["vocab.json", "merges.txt", "tokenizer_config.json"]);
        assert_eq!(found, ["tokenizer_config.json", "vocab.json", "merges.txt"]);
        assert_eq!(asked.len(), 13);
        assert!(gathered(&[]).0.is_empty());
    }
}
