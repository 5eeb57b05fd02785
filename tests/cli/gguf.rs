//! GGUF files: one or several parts, old and new, in a folder and by name; and those that are broken.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::gguf::{Gguf, Tensor, text as stored};
use crate::support::program::{Ended, Home, golden, text};

fn whole(name: &str) -> Gguf {
    Gguf::read(&golden("gguf").join(name).join("model.gguf"))
}

fn print(home: &Home, model: &Path) -> Ended {
    home.run(["print", "--model", text(model), "--ids", "1,2,5"])
}

fn write(home: &Home, name: &str, bytes: &[u8]) -> PathBuf {
    let path = home.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// The printout, and what was said besides.
fn printed(home: &Home, model: &Path) -> String {
    let ended = print(home, model);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    // It begins with the model's name.
    let all = String::from_utf8(ended.stdout).unwrap();
    all.replace(text(model), "MODEL")
}

#[test]
fn versions_parts_and_folders_give_the_same() {
    let home = Home::new();
    let file = whole("llama-spm");
    assert_eq!(file.version, 3);
    let expected = printed(&home, &write(&home, "one/model.gguf", &file.bytes()));
    let old = Gguf { version: 2, ..file.clone() };
    assert_eq!(printed(&home, &write(&home, "two/model.gguf", &old.bytes())), expected);
    assert_eq!(printed(&home, &home.path("two")), expected, "the only one of its folder");
    let count = file.tensors.len() / 2;
    let part = |no: u16, keys: &Gguf, tensors: &[_]| {
        let part = Gguf { version: 3, keys: keys.keys.clone(), tensors: tensors.to_vec() };
        let part = part.set("split.no", 2, &no.to_le_bytes()).set("split.count", 2, &2u16.to_le_bytes());
        write(&home, &format!("parts/m-{:05}-of-00002.gguf", no + 1), &part.bytes())
    };
    let bare = Gguf { keys: Vec::new(), ..file.clone() };
    let first = part(0, &file, &file.tensors[..count]);
    let second = part(1, &bare, &file.tensors[count..]);
    for model in [&first, &second, &home.path("parts")] {
        assert_eq!(printed(&home, model), expected);
    }
    let twice = part(1, &bare, &file.tensors[count - 1..]);
    print(&home, &first).failed(1, &["00002-of-00002.gguf has the tensor", "twice"]);
    fs::remove_file(twice).unwrap();
    print(&home, &first).failed(1, &["m-00002-of-00002.gguf: this part is missing"]);
    let alone = write(&home, "alone.gguf", &fs::read(&first).unwrap());
    print(&home, &alone).failed(1, &["alone.gguf is one of 2 files"]);
}

#[test]
fn of_several_in_a_folder_one_is_to_be_named() {
    let home = Home::new();
    let bytes = whole("gpt2").bytes();
    write(&home, "all/a.gguf", &bytes);
    write(&home, "all/b.Q4_K_M.gguf", &bytes);
    write(&home, "all/mmproj-b.gguf", b"GGUF");
    print(&home, &home.path("all"))
        .failed(1, &["there are 2 GGUF models in it", "a.gguf, ", "b.Q4_K_M.gguf"]);
    printed(&home, &home.path("all/b.Q4_K_M.gguf"));
    print(&home, &home.path("all/c.gguf")).failed(1, &["c.gguf"]);
}

/// What a key or a tensor is made to be, and what is said of it.
#[test]
fn what_is_wrong_is_said_in_a_line() {
    let home = Home::new();
    let said = |file: &[u8], words: &[&str]| {
        print(&home, &write(&home, "bad.gguf", file)).failed(1, &[&["bad.gguf"], words].concat());
    };
    let file = || whole("llama-bpe");
    let name = |name: &str| stored(name);
    said(b"", &["bad.gguf"]);
    said(b"GGML", &["is no GGUF file"]);
    said(b"version https://git-lfs.github.com/spec/v1\noid", &["git lfs pull"]);
    said(&Gguf { version: 1, ..file() }.bytes(), &["is GGUF version 1: versions 2 and 3"]);
    said(&Gguf { version: 0x0300_0000, ..file() }.bytes(), &["big-endian"]);
    said(
        &file().set("general.architecture", 8, &name("mamba")).bytes(),
        &["architecture \"mamba\"", "not supported", "gpt-oss, gpt2", "qwen3moe"],
    );
    said(
        &file().set("tokenizer.ggml.pre", 8, &name("chatglm-bpe")).bytes(),
        &["tokenizer.ggml.pre \"chatglm-bpe\"", "known are", "llama-bpe"],
    );
    said(
        &file().set("tokenizer.ggml.model", 8, &name("t5")).bytes(),
        &["tokenizer.ggml.model \"t5\"", "gpt2, llama"],
    );
    said(&file().set("general.alignment", 4, &[0; 4]).bytes(), &["general.alignment is 0", "power of two"]);
    said(
        &file().set("llama.block_count", 4, &u32::MAX.to_le_bytes()).bytes(),
        &["num_hidden_layers", "4294967295"],
    );
    said(&file().set("llama.attention.head_count", 4, &[0; 4]).bytes(), &["num_attention_heads"]);
    said(
        &file().set("llama.embedding_length", 8, &name("wide")).bytes(),
        &["llama.embedding_length is \"wide\""],
    );
    let mut missing = file();
    missing.keys.retain(|key| key.0 != "llama.context_length");
    said(&missing.bytes(), &["has no key llama.context_length"]);
    let mut twice = file();
    twice.keys.push(twice.keys[0].clone());
    said(&twice.bytes(), &["has the key", "twice"]);
    let mut twice = file();
    twice.tensors.push(twice.tensors[0].clone());
    said(&twice.bytes(), &["has the tensor", "twice"]);
    let mut of_other_type = file();
    of_other_type.tensors[0].2 = 99;
    said(&of_other_type.bytes(), &["has type 99, which is not supported", "Q4_K"]);
    let mut gone = file();
    gone.tensors.retain(|tensor| tensor.0 != "blk.1.ffn_up.weight");
    said(&gone.bytes(), &["no tensor \"blk.1.ffn_up.weight\""]);
    let mut short = file();
    short.tensors.iter_mut().for_each(|tensor| {
        if tensor.0 == "output_norm.weight" {
            tensor.1[0] /= 2;
        }
    });
    said(&short.bytes(), &["\"output_norm.weight\" has shape", "its keys want"]);
    // Counts, where a file has them, and an end anywhere.
    for at in [8, 16] {
        let mut many = file().bytes();
        many[at..at + 8].copy_from_slice(&(1u64 << 63).to_le_bytes());
        said(&many, &["claims 9223372036854775808"]);
    }
    let bytes = file().bytes();
    for length in [3, 7, 20, 100, bytes.len() / 3, bytes.len() - 40] {
        said(&bytes[..length], &[]);
    }
}

/// A scale that is no number makes a whole block of weights that.
#[test]
fn broken_scales_are_found() {
    let home = Home::new();
    let mut file = whole("llama-spm");
    let tensor = file.tensors.iter_mut().find(|tensor| tensor.2 == 2).unwrap();
    tensor.3[18..20].copy_from_slice(&[0xff, 0x7f]);
    let name = tensor.0.clone();
    let words = [name.as_str(), "a scale that is no number, in block 1"];
    print(&home, &write(&home, "bad.gguf", &file.bytes())).failed(1, &words);
}

/// Before those of a layer were stacked, each expert's matrices were tensors of their own.
#[test]
fn experts_that_are_not_stacked_are_the_same() {
    let home = Home::new();
    let file = whole("mixtral");
    let expected = printed(&home, &write(&home, "stacked.gguf", &file.bytes()));
    let apart = |(name, sizes, kind, data): &Tensor| {
        let Some((start, end)) = name.split_once("_exps.") else {
            return vec![(name.clone(), sizes.clone(), *kind, data.clone())];
        };
        let [rows @ .., count] = &sizes[..] else { panic!("{sizes:?}") };
        let size = data.len() / *count as usize;
        let expert = |at: usize| {
            (format!("{start}.{at}.{end}"), rows.to_vec(), *kind, data[at * size..][..size].to_vec())
        };
        (0..*count as usize).map(expert).collect()
    };
    let tensors: Vec<Tensor> = file.tensors.iter().flat_map(apart).collect();
    assert!(tensors.len() > file.tensors.len());
    let old = write(&home, "old.gguf", &Gguf { tensors: tensors.clone(), ..file.clone() }.bytes());
    assert_eq!(printed(&home, &old), expected);
    let without = tensors.into_iter().filter(|tensor| tensor.0 != "blk.1.ffn_up.3.weight").collect();
    let broken = write(&home, "broken.gguf", &Gguf { tensors: without, ..file }.bytes());
    print(&home, &broken).failed(1, &["blk.1.ffn_up.3.weight"]);
}
