use super::*;
use crate::model::gguf::fixture::{File, text};

fn small() -> File {
    let array = [&8u32.to_le_bytes()[..], &2u64.to_le_bytes(), &text("a"), &text("Ġb")].concat();
    let file = File { data: vec![7; 96], ..File::default() };
    file.key("general.architecture", 8, &text("gpt2"))
        .key("gpt2.block_count", 4, &12u32.to_le_bytes())
        .key("gpt2.epsilon", 6, &1e-5f32.to_le_bytes())
        .key("tokenizer.ggml.tokens", 9, &array)
        .tensor("token_embd.weight", &[4, 3], 0, 0)
        .tensor("output_norm.weight", &[4], 0, 64)
}

#[test]
fn a_header_is_read() {
    let bytes = small().bytes();
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(header.get("general.architecture").unwrap().as_str(), Some("gpt2"));
    assert_eq!(header.get("gpt2.block_count").unwrap().as_u64(), Some(12));
    assert_eq!(header.get("gpt2.epsilon").unwrap().as_f64(), Some(f64::from(1e-5f32)));
    let tokens = header.get("tokenizer.ggml.tokens").unwrap().as_array().unwrap();
    assert_eq!(tokens.texts().unwrap().collect::<Vec<_>>(), ["a", "Ġb"]);
    let (name, embedding) = header.tensors().last().unwrap();
    assert_eq!(
        (name, &embedding.shape[..], embedding.kind),
        ("token_embd.weight", &[3, 4][..], BlockType::F32)
    );
    assert_eq!(embedding.bytes.len(), 48);
    assert!(bytes[embedding.bytes.clone()].iter().all(|byte| *byte == 7));
}

#[test]
fn a_file_that_is_cut_anywhere_is_an_error() {
    let bytes = small().bytes();
    for length in 0..bytes.len() - 16 {
        assert!(Header::parse(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_byte_that_is_changed_anywhere_is_an_error_or_another_value() {
    let bytes = small().bytes();
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] = value;
            if let Ok(header) = Header::parse(&changed) {
                assert!(header.tensors().all(|(_, tensor)| tensor.bytes.end <= bytes.len()));
                header.keys.values().for_each(|value| drop(value.to_string()));
            }
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let error = |file: File| Header::parse(&file.bytes()).unwrap_err().to_string();
    let empty = File::default;
    assert!(error(empty().tensor("w", &[31], 8, 0)).contains("rows of 31 values, but Q8_0"));
    assert!(error(empty().tensor("w", &[32], 99, 0)).contains("type 99"));
    assert!(error(empty().tensor("w", &[1 << 40, 1 << 40], 0, 0)).contains("beyond any file"));
    assert!(error(empty().tensor("w", &[8], 0, 0)).contains("cut"));
    assert!(error(empty().tensor("w", &[8], 0, 1)).contains("no multiple of 32"));
    assert!(error(empty().tensor("w", &[], 0, 0)).contains("0 axes"));
    assert!(error(empty().key("k", 4, &[0; 4]).key("k", 4, &[0; 4])).contains("key k twice"));
    assert!(error(empty().key("k", 13, &[])).contains("type 13"));
    assert!(error(empty().key("general.alignment", 4, &[3, 0, 0, 0])).contains("power of two"));
    let mut over = empty().tensor("v", &[8], 0, 0).tensor("w", &[8], 0, 0);
    over.data = vec![0; 64];
    assert!(error(over).contains("tensor w lies over tensor v"));
    let many = [&0u32.to_le_bytes()[..], &(1u64 << 63).to_le_bytes()].concat();
    assert!(error(empty().key("k", 9, &many)).contains("more than such a file can hold"));
    assert_eq!(Header::parse(b"GGML").unwrap_err(), GgufError::OtherFormat);
    assert_eq!(Header::parse(&[&MAGIC[..], &[9, 0, 0, 0]].concat()).unwrap_err(), GgufError::Version(9));
}
