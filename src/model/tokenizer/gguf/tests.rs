//! Every golden file gives the ids that its tokenizer gives.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::gguf::Parts;
use crate::model::tokenizer::{Opened, PromptTokenizer};

#[derive(Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
}

fn golden() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gguf");
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.is_dir()).collect()
}

#[test]
fn texts_become_the_ids_of_the_reference() {
    let folders = golden();
    assert_eq!(folders.len(), 13);
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(folder.join("model.gguf")).unwrap();
        let parts = Parts::parse(&[&bytes]).unwrap();
        let Opened::Ready(tokenizer) = PromptTokenizer::from_gguf(&parts, &name).unwrap() else {
            panic!("{name} has no tokenizer")
        };
        let cases = std::fs::read(folder.join("tokenize.json")).unwrap();
        let cases: Vec<Case> = serde_json::from_slice(&cases).unwrap();
        assert!(cases.len() > 3, "{name} has cases");
        for Case { text, ids } in cases {
            let tokens = tokenizer.encode(&text).unwrap();
            let found: Vec<u32> = tokens.iter().map(|token| token.id).collect();
            assert_eq!(found, ids, "{name}: {text:?}");
        }
    }
}
