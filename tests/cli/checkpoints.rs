//! Checkpoints as people save them: other names, other types, with and without an output head, with an adapter beside.
//! What transformers loads gives its numbers; what it doesn't is refused with the cause.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

use crate::support::checkpoint::{Stored, copy, edit_config, edit_weights};
use crate::support::numbers::{floats, ids, largest, largest_difference};
use crate::support::program::{Ended, Home, golden, text};

/// A copy of a golden checkpoint in `home`, its tensors changed.
fn changed(home: &Home, name: &str, edit: impl FnOnce(&mut BTreeMap<String, Stored>)) -> PathBuf {
    let folder = copy(&golden(name), home.path(name));
    edit_weights(&folder, edit);
    folder
}

fn rename(tensors: &mut BTreeMap<String, Stored>, name: impl Fn(&str) -> String) {
    *tensors = std::mem::take(tensors).into_iter().map(|(old, stored)| (name(&old), stored)).collect();
}

/// Attention of all heads and the logits, if there are any, over the first golden case; and the expected ones.
fn numbers(home: &Home, name: &str, folder: &Path, engine: &str) -> [(Vec<f32>, Option<Vec<f32>>); 2] {
    let expected = fs::read(golden(name).join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&expected).unwrap();
    let list: Vec<String> = ids(&expected, "case0.input_ids").iter().map(i64::to_string).collect();
    let (list, out) = (list.join(","), home.path("out.safetensors"));
    let fixed = ["--view", "all", "--format", "safetensors", "--out", text(&out), "--engine", engine];
    let named = ["export", "--model", text(folder), "--ids", &list];
    let ended = home.run(named.into_iter().chain(fixed));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let found = fs::read(&out).unwrap();
    let found = SafeTensors::deserialize(&found).unwrap();
    let logits = found.tensor("logits").is_ok().then(|| floats(&found, "logits"));
    let wanted = (floats(&expected, "case0.attentions"), Some(floats(&expected, "case0.logits_last")));
    [(floats(&found, "attentions"), logits), wanted]
}

/// Asserts that a checkpoint gives transformers' numbers on both engines, its logits `times` as large, or none.
fn gives(home: &Home, name: &str, folder: &Path, times: Option<f32>) {
    for engine in ["auto", "generic"] {
        let [found, wanted] = numbers(home, name, folder, engine);
        assert!(largest_difference(&found.0, &wanted.0) < 2e-5, "{name} {engine}: attention");
        assert_eq!(found.1.is_some(), times.is_some(), "{name} {engine}: logits are there, or not");
        if let (Some(found), Some(wanted), Some(times)) = (found.1, wanted.1, times) {
            let wanted: Vec<f32> = wanted.iter().map(|logit| times * logit).collect();
            assert!(largest_difference(&found, &wanted) < 1e-4 * largest(&wanted), "{name} {engine}: logits");
        }
    }
}

fn print(home: &Home, folder: &Path) -> Ended {
    home.run(["print", "--model", text(folder), "--ids", "1,2,0"])
}

/// A gpt-oss without an output head: a bare model, as `GptOssModel` saves it.
fn bare(home: &Home) -> PathBuf {
    changed(home, "gpt-oss-tiny", |tensors| {
        tensors.remove("lm_head.weight");
        rename(tensors, |name| name.replacen("model.", "", 1));
    })
}

#[test]
fn names_with_and_without_the_prefix_of_their_family() {
    let home = Home::new();
    let with = |name: &str| format!("transformer.{name}");
    gives(&home, "gpt2-tiny", &changed(&home, "gpt2-tiny", |tensors| rename(tensors, with)), Some(1.0));
    // As shards of two savings.
    let half = |name: &str| {
        if name.starts_with("h.1") || name.starts_with("ln_f") { with(name) } else { name.to_owned() }
    };
    gives(&home, "gpt2-tiny", &changed(&home, "gpt2-tiny", |tensors| rename(tensors, half)), Some(1.0));
    let without = |name: &str| name.replacen("model.", "", 1);
    gives(
        &home,
        "gpt-oss-tiny",
        &changed(&home, "gpt-oss-tiny", |tensors| rename(tensors, without)),
        Some(1.0),
    );
}

#[test]
fn the_head_in_the_file_counts_whatever_config_json_ties() {
    for tied in [json!(true), json!(false), Value::Null] {
        let home = Home::new();
        let folder = changed(&home, "gpt2-tiny", |tensors| {
            let mut head = tensors["wte.weight"].clone();
            for value in head.bytes.chunks_exact_mut(4) {
                let doubled = 2.0 * f32::from_le_bytes(value.try_into().unwrap());
                value.copy_from_slice(&doubled.to_le_bytes());
            }
            tensors.insert("lm_head.weight".to_owned(), head);
        });
        edit_config(&folder, |config| match tied.is_null() {
            true => drop(config.remove("tie_word_embeddings")),
            false => drop(config.insert("tie_word_embeddings".to_owned(), tied.clone())),
        });
        gives(&home, "gpt2-tiny", &folder, Some(2.0));
    }
}

#[test]
fn of_two_tied_tensors_one_is_enough_whichever() {
    let home = Home::new();
    let copied = changed(&home, "gpt2-tiny", |tensors| {
        tensors.insert("lm_head.weight".to_owned(), tensors["wte.weight"].clone());
    });
    gives(&home, "gpt2-tiny", &copied, Some(1.0));
    let only_head = changed(&home, "gpt2-tiny", |tensors| {
        rename(tensors, |name| if name == "wte.weight" { "lm_head.weight" } else { name }.to_owned());
    });
    gives(&home, "gpt2-tiny", &only_head, Some(1.0));
    // Nothing ties them: there is no embedding.
    edit_config(&only_head, |config| drop(config.insert("tie_word_embeddings".to_owned(), json!(false))));
    print(&home, &only_head).failed(1, &["no tensor \"wte.weight\" [320, 48]", "model.safetensors"]);
}

#[test]
fn a_checkpoint_without_an_output_head_gives_attention() {
    let home = Home::new();
    gives(&home, "gpt-oss-tiny", &bare(&home), None);
    let classifier = changed(&home, "gpt-oss-tiny", |tensors| {
        let head = tensors.remove("lm_head.weight").unwrap();
        let score =
            Stored { shape: vec![1, head.shape[1]], bytes: vec![0; 2 * head.shape[1]], dtype: Dtype::BF16 };
        tensors.insert("score.weight".to_owned(), score);
    });
    gives(&home, "gpt-oss-tiny", &classifier, None);
    let untied = changed(&home, "gpt2-tiny", |_| ());
    edit_config(&untied, |config| drop(config.insert("tie_word_embeddings".to_owned(), json!(false))));
    gives(&home, "gpt2-tiny", &untied, None);
}

#[test]
fn without_an_output_head_every_command_says_so() {
    let home = Home::new();
    let folder = bare(&home);
    let model = text(&folder);
    let prompt = ["--prompt", "write a story"];
    home.run(["lens", "--model", model].into_iter().chain(prompt))
        .failed(1, &["no output head", "lm_head.weight"]);
    let compared = |flags: &[&'static str]| {
        let both = ["compare", "--model", model, "--model", "demo:gpt2"].into_iter().chain(prompt);
        home.run(both.chain(flags.iter().copied())).text().to_owned()
    };
    let line = compared(&[]).lines().find(|line| line.starts_with("next token")).unwrap().to_owned();
    assert!(line.contains("no output head") && line.contains('%'), "{line}");
    let document: Value = serde_json::from_str(&compared(&["--json"])).unwrap();
    assert!(document["models"][0]["next"].is_null() && document["models"][1]["next"].is_array());
    let page = home.path("page.html");
    let both = ["compare", "--model", model, "--model", "demo:gpt2", "--report", text(&page)];
    assert_eq!(home.run(both.into_iter().chain(prompt)).code, 0);
    assert!(fs::read_to_string(&page).unwrap().contains("no output head"));

    let ablated = |flags: &[&'static str]| {
        let ended = home.run(
            ["ablate", "--model", model, "--heads", "0.1"]
                .into_iter()
                .chain(prompt)
                .chain(flags.iter().copied()),
        );
        ended.text().to_owned()
    };
    let table = ablated(&[]);
    assert!(table.contains("next token: no output head") && !table.contains("KL divergence"), "{table}");
    let document: Value = serde_json::from_str(&ablated(&["--json"])).unwrap();
    let first = &document["models"][0];
    assert!(first["next"].is_null() && first["kl_divergence"].is_null() && first["heads"].is_array());

    for format in ["json", "npz", "csv", "html", "svg"] {
        let out = home.path(&format!("out.{format}"));
        let named = ["export", "--model", model, "--format", format, "--out", text(&out)];
        assert_eq!(home.run(named.into_iter().chain(prompt)).code, 0, "{format}");
    }
    let document: Value = serde_json::from_slice(&fs::read(home.path("out.json")).unwrap()).unwrap();
    assert!(document["next"].is_null());
    assert_eq!(home.run(["heads", "--model", model]).code, 0);
}

#[test]
fn floats_of_64_bits() {
    for name in ["gpt2-tiny", "gpt-oss-tiny"] {
        let home = Home::new();
        let folder = changed(&home, name, |tensors| {
            for stored in tensors.values_mut() {
                let widened: Vec<f64> = match stored.dtype {
                    Dtype::F32 => {
                        let values = stored.bytes.chunks_exact(4);
                        values.map(|v| f64::from(f32::from_le_bytes(v.try_into().unwrap()))).collect()
                    }
                    Dtype::BF16 => {
                        let values = stored.bytes.chunks_exact(2);
                        values.map(|v| f64::from(f32::from_le_bytes([0, 0, v[0], v[1]]))).collect()
                    }
                    _ => continue,
                };
                stored.dtype = Dtype::F64;
                stored.bytes = widened.iter().flat_map(|value| value.to_le_bytes()).collect();
            }
        });
        gives(&home, name, &folder, Some(1.0));
    }
    let home = Home::new();
    let folder = changed(&home, "gpt2-tiny", |tensors| {
        let bias = tensors.get_mut("ln_f.bias").unwrap();
        (bias.dtype, bias.bytes) =
            (Dtype::F64, [1e300f64; 48].iter().flat_map(|v| v.to_le_bytes()).collect());
    });
    print(&home, &folder).failed(1, &["\"ln_f.bias\" holds inf"]);
}

#[test]
fn cross_attention_does_nothing_without_an_encoder() {
    let home = Home::new();
    let folder = changed(&home, "gpt2-tiny", |tensors| {
        for layer in 0..3 {
            let cross = |part: &str| format!("h.{layer}.{part}");
            tensors.insert(cross("crossattention.q_attn.weight"), tensors["h.0.attn.c_proj.weight"].clone());
            tensors.insert(cross("ln_cross_attn.bias"), tensors["ln_f.bias"].clone());
        }
    });
    edit_config(&folder, |config| drop(config.insert("add_cross_attention".to_owned(), json!(true))));
    gives(&home, "gpt2-tiny", &folder, Some(1.0));
}

#[test]
fn every_activation_runs_alike_on_both_engines() {
    for name in [
        "quick_gelu",
        "gelu_python",
        "gelu_10",
        "hardswish",
        "laplace",
        "leaky_relu",
        "mish",
        "relu2",
        "tanh",
    ] {
        let home = Home::new();
        let folder = changed(&home, "gpt2-tiny", |_| ());
        edit_config(&folder, |config| drop(config.insert("activation_function".to_owned(), name.into())));
        let [auto, generic] = ["auto", "generic"].map(|engine| {
            let [found, wanted] = numbers(&home, "gpt2-tiny", &folder, engine);
            assert!(found.1 != wanted.1, "{name} is another function");
            found
        });
        assert!(largest_difference(&auto.0, &generic.0) < 2e-5, "{name}");
        assert!(largest_difference(&auto.1.unwrap(), &generic.1.unwrap()) < 1e-3, "{name}");
    }
    for name in ["prelu", "xielu", "gelu_\u{1b}[31m"] {
        let home = Home::new();
        let folder = changed(&home, "gpt2-tiny", |_| ());
        edit_config(&folder, |config| drop(config.insert("activation_function".to_owned(), name.into())));
        let ended = print(&home, &folder);
        ended.failed(1, &["activation_function", &name[..5], "quick_gelu"]);
        assert!(!ended.stderr.contains('\u{1b}'));
    }
}

#[test]
fn an_adapter_in_another_format_is_named() {
    let home = Home::new();
    let folder = changed(&home, "gpt2-tiny", |_| ());
    let adapter = r#"{"peft_type": "LORA", "base_model_name_or_path": "openai-community/gpt2"}"#;
    fs::write(folder.join("adapter_config.json"), adapter).unwrap();
    fs::write(folder.join("adapter_model.bin"), "no weights").unwrap();
    let ended = print(&home, &folder);
    assert_eq!(ended.code, 0);
    for word in ["adapter_config.json", "LORA adapter of openai-community/gpt2", "not applied"] {
        assert!(ended.stderr.contains(word), "{}", ended.stderr);
    }
    assert_eq!(ended.stderr.lines().count(), 1);
    gives(&home, "gpt2-tiny", &folder, Some(1.0));
    fs::remove_file(folder.join("model.safetensors")).unwrap();
    print(&home, &folder).failed(1, &["LORA adapter of openai-community/gpt2", "name its base model, too"]);
    fs::remove_file(folder.join("config.json")).unwrap();
    print(&home, &folder).failed(1, &["LORA adapter of openai-community/gpt2", "name its base model, too"]);
}

#[test]
fn keys_that_nobody_reads_may_be_no_numbers() {
    let home = Home::new();
    let folder = changed(&home, "gpt2-tiny", |_| ());
    let path = folder.join("config.json");
    let config = fs::read_to_string(&path).unwrap();
    let with =
        |more: &str| fs::write(&path, config.trim_end().replacen('{', &format!("{{{more},"), 1)).unwrap();
    with(r#""foo": NaN, "bar": [Infinity, -Infinity], "baz": "NaN""#);
    gives(&home, "gpt2-tiny", &folder, Some(1.0));
    for (literal, key) in [("NaN", "hidden_size"), ("-Infinity", "num_hidden_layers")] {
        with(&format!("\"{key}\": {literal}"));
        print(&home, &folder)
            .failed(1, &["config.json", &format!("\"{key}\" is {literal}"), "whole numbers from 1"]);
    }
}

#[test]
fn keys_that_are_absent_have_transformers_defaults() {
    let home = Home::new();
    let folder = changed(&home, "gpt2-tiny", |_| ());
    let default =
        ["activation_function", "layer_norm_epsilon", "n_inner", "scale_attn_weights", "tie_word_embeddings"];
    edit_config(&folder, |config| default.iter().for_each(|key| drop(config.remove(*key))));
    gives(&home, "gpt2-tiny", &folder, Some(1.0));
    // The architecture says the family, too.
    edit_config(&folder, |config| drop(config.remove("model_type")));
    gives(&home, "gpt2-tiny", &folder, Some(1.0));
    edit_config(&folder, |config| drop(config.remove("vocab_size")));
    print(&home, &folder).failed(1, &["\"wte.weight\" has shape [320, 48], config.json wants [50257, 48]"]);
    edit_config(&folder, |config| drop(config.insert("vocab_size".to_owned(), Value::Null)));
    print(&home, &folder).failed(1, &["\"vocab_size\" is null"]);
}

/// A key of config.json, its value, and what is said of it; nothing where transformers runs it.
const HOSTILE: [(&str, &str, &str, &str); 23] = [
    ("gpt2-tiny", "n_layer", "4294967296", "whole numbers from 1 to 10000"),
    ("gpt2-tiny", "n_layer", "18446744073709551615", "whole numbers from 1 to 10000"),
    ("gpt2-tiny", "n_layer", "9999", "config.json says 9999 layers, there are 3"),
    ("gpt2-tiny", "n_embd", "9223372036854775808", "whole numbers from 1"),
    ("gpt2-tiny", "n_head", "0", "whole numbers from 1"),
    ("gpt2-tiny", "n_inner", "0", "or null"),
    ("gpt2-tiny", "n_positions", "1e400000", "config.json"),
    ("gpt2-tiny", "layer_norm_epsilon", "-1e+30", "numbers from 0 to 1"),
    ("gpt2-tiny", "model_type", "\"gpt2\\u001b]0;x\\u0007\"", "not supported"),
    ("gpt-oss-tiny", "num_hidden_layers", "100000000", "whole numbers from 1 to 10000"),
    ("gpt-oss-tiny", "max_position_embeddings", "9223372036854775808", "4294967295"),
    ("gpt-oss-tiny", "sliding_window", "9223372036854775808", "4294967295"),
    ("gpt-oss-tiny", "swiglu_limit", "-7.0", "numbers from 0"),
    ("gpt-oss-tiny", "swiglu_limit", "0.0", ""),
    ("gpt-oss-tiny", "swiglu_alpha", "1e300", "numbers from 0"),
    ("gpt-oss-tiny", "rms_norm_eps", "-1e30", "numbers from 0 to 1"),
    ("gpt-oss-tiny", "rope_theta", "0", "numbers from 1 to 1e30"),
    ("gpt-oss-tiny", "rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 0.0}", "\"factor\" is 0.0"),
    ("gpt-oss-tiny", "rope_scaling", "{\"a\": 1}", "\"rope_type\" is missing"),
    ("families/llama-2", "rope_scaling", "{\"factor\": 8}", "without which \"factor\" says nothing"),
    (
        "gpt-oss-tiny",
        "rope_scaling",
        "{\"rope_type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 0}",
        "numbers from 1 to 4294967295",
    ),
    ("gpt-oss-tiny", "num_experts_per_tok", "9", "whole numbers from 1 to 8"),
    ("gpt-oss-tiny", "num_key_value_heads", "3", "can't be shared out"),
];

#[test]
fn no_size_of_a_config_is_believed() {
    for (name, key, value, said) in HOSTILE {
        let home = Home::new();
        let folder = changed(&home, name, |_| ());
        let path = folder.join("config.json");
        edit_config(&folder, |config| drop(config.remove(key)));
        let config = fs::read_to_string(&path).unwrap();
        fs::write(&path, config.replacen('{', &format!("{{\"{key}\": {value},"), 1)).unwrap();
        let ended = print(&home, &folder);
        if said.is_empty() {
            assert_eq!(ended.code, 0, "{key} {value}: {}", ended.stderr);
            continue;
        }
        ended.failed(1, &["config.json", said]);
        assert!(!ended.stderr.contains(['\u{1b}', '\u{7}']), "{key}: {:?}", ended.stderr);
    }
}

#[test]
fn a_missing_tensor_says_what_is_there_and_why() {
    let said = |name: &str, edit: fn(&mut BTreeMap<String, Stored>), words: &[&str]| {
        let home = Home::new();
        let folder = changed(&home, name, edit);
        print(&home, &folder).failed(1, &[&["model.safetensors"], words].concat());
    };
    let wrapped =
        |tensors: &mut BTreeMap<String, Stored>| rename(tensors, |name| format!("module.transformer.{name}"));
    let words = ["no tensor \"wte.weight\" [320, 48]", "\"module.transformer.wte.weight\"", "DataParallel"];
    said("gpt2-tiny", wrapped, &words);
    let quantized = |tensors: &mut BTreeMap<String, Stored>| {
        let bytes = Stored { dtype: Dtype::U8, shape: vec![4, 1], bytes: vec![0; 4] };
        tensors.insert("h.0.attn.c_attn.weight.quant_map".to_owned(), bytes.clone());
        tensors.insert("h.0.attn.c_attn.weight".to_owned(), bytes);
    };
    said("gpt2-tiny", quantized, &["[4, 1]", "bitsandbytes"]);
    let transposed = |tensors: &mut BTreeMap<String, Stored>| {
        tensors.get_mut("h.0.attn.c_attn.weight").unwrap().shape.reverse();
    };
    said("gpt2-tiny", transposed, &["[144, 48]", "nanoGPT"]);
    let integers = |tensors: &mut BTreeMap<String, Stored>| {
        tensors.get_mut("h.0.ln_1.bias").unwrap().dtype = Dtype::I32;
    };
    said("gpt2-tiny", integers, &["holds I32", "F64, F32, F16 and BF16"]);
    let fp8 = |tensors: &mut BTreeMap<String, Stored>| {
        let bias = tensors.get_mut("h.0.ln_1.bias").unwrap();
        (bias.dtype, bias.bytes) = (Dtype::F8_E4M3, vec![0; 48]);
    };
    said("gpt2-tiny", fp8, &["holds F8_E4M3", "quantized with fp8"]);
    let original = |tensors: &mut BTreeMap<String, Stored>| {
        rename(tensors, |name| {
            name.replace("model.embed_tokens", "embedding").replace("lm_head", "unembedding")
        });
    };
    said("gpt-oss-tiny", original, &["embed_tokens.weight", "OpenAI's own layout"]);

    let home = Home::new();
    let folder = changed(&home, "gpt2-tiny", |tensors| drop(tensors.remove("h.1.ln_2.weight")));
    let quantization = json!({ "quant_method": "awq" });
    edit_config(&folder, |config| drop(config.insert("quantization_config".to_owned(), quantization)));
    print(&home, &folder).failed(1, &["config.json says", "awq"]);
    for (bytes, what) in
        [("version https://git-lfs.github.com/spec/v1\noid", "Git LFS"), ("GGUF\u{3}", "GGUF")]
    {
        fs::write(folder.join("model.safetensors"), bytes).unwrap();
        print(&home, &folder).failed(1, &["model.safetensors", what]);
    }
    fs::remove_file(folder.join("model.safetensors")).unwrap();
    fs::write(folder.join("model.safetensors.index.json"), "version https://git-lfs.github.com/spec/v1")
        .unwrap();
    print(&home, &folder).failed(1, &["model.safetensors.index.json", "git lfs pull"]);
}
