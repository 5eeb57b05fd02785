//! Adapters (LoRA) added to a model, against what PEFT makes of both (`tests/lora/generate.py`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::checkpoint::{Stored, copy, edit_weights};
use crate::support::numbers::{floats, ids, largest, largest_difference};
use crate::support::program::{Home, golden, text};

fn adapter(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lora").join(name)
}

/// The adapters that are there.
fn names() -> Vec<String> {
    let entries = fs::read_dir(adapter("")).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// The model that an adapter is of.
fn base(name: &str) -> PathBuf {
    golden(match name {
        "llama" => "families/llama-3",
        "fused" => "families/phi3",
        "parallel" => "families/pythia",
        _ => "gpt2-tiny",
    })
}

/// The name of that model with the adapter.
fn adapted(name: &str) -> String {
    format!("{}+{}", text(&base(name)), text(&adapter(name)))
}

/// Asserts that a model gives PEFT's numbers with an adapter.
fn gives(home: &Home, model: &str, name: &str, engine: &str) {
    let expected = fs::read(adapter(name).join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&expected).unwrap();
    let list: Vec<String> = ids(&expected, "input_ids").iter().map(i64::to_string).collect();
    assert!(list.len() >= 5, "{name}");
    let (list, out) = (list.join(","), home.path("out.safetensors"));
    let asked = ["export", "--model", model, "--ids", &list, "--view", "all", "--format", "safetensors"];
    home.run(asked.into_iter().chain(["--out", text(&out), "--engine", engine])).text();
    let found = fs::read(&out).unwrap();
    let found = SafeTensors::deserialize(&found).unwrap();
    let attentions = largest_difference(&floats(&found, "attentions"), &floats(&expected, "attentions"));
    assert!(attentions < 2e-5, "{name} {engine}: attention differs by {attentions}");
    let (logits, wanted) = (floats(&found, "logits"), floats(&expected, "logits"));
    let differ = largest_difference(&logits, &wanted);
    assert!(differ < 1e-4 * largest(&wanted), "{name} {engine}: logits differ by {differ}");
}

#[test]
fn a_base_with_an_adapter_gives_pefts_numbers() {
    let home = Home::new();
    let names = names();
    for name in &names {
        for engine in ["auto", "generic"] {
            gives(&home, &adapted(name), name, engine);
        }
    }
    assert!(names.len() >= 9, "{names:?}");
}

#[test]
fn an_adapter_beside_the_weights_is_added() {
    let home = Home::new();
    let folder = copy(&golden("gpt2-tiny"), home.path("both"));
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
        fs::copy(adapter("patterns").join(file), folder.join(file)).unwrap();
    }
    gives(&home, text(&folder), "patterns", "auto");
    let plain = golden("gpt2-tiny");
    let asked =
        ["compare", "--json", "--prompt", "the cat", "--model", text(&plain), "--model", text(&folder)];
    let compare = home.run(asked);
    let document: Value = serde_json::from_str(compare.text()).unwrap();
    assert!(document["mean_divergence"].as_f64().unwrap() > 0.001, "base beside adapted");
    fs::remove_file(folder.join("adapter_model.safetensors")).unwrap();
    let ended = home.run(["print", "--model", text(&folder), "--ids", "1,2"]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (0, 1));
    assert!(ended.stderr.contains("LORA adapter of org/base is not applied"), "{}", ended.stderr);
}

#[test]
fn an_adapter_alone_says_how_its_base_is_named() {
    let home = Home::new();
    let alone = home.path("alone");
    fs::create_dir_all(&alone).unwrap();
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
        fs::copy(adapter("attention").join(file), alone.join(file)).unwrap();
    }
    let fix = format!("name its base model, too, as org/base+{}", text(&alone));
    home.run(["print", "--model", text(&alone), "--ids", "1,2"])
        .failed(1, &["LORA adapter of org/base", &fix]);
    let model = base("attention");
    let with = |adapter: &str| {
        let both = format!("{}+{adapter}", text(&model));
        home.run(["print", "--model", &both, "--ids", "1,2"])
    };
    // Whatever else PEFT, or somebody, has saved beside it.
    fs::write(alone.join("optimizer.safetensors"), "").unwrap();
    home.run(["print", "--model", text(&alone), "--ids", "1,2"])
        .failed(1, &["LORA adapter of org/base", &fix]);
    with(text(&model)).failed(1, &["no adapter in it"]);
    with("./nowhere").failed(1, &["nowhere: no such folder"]);
    with("demo:gpt2").failed(1, &["demo:gpt2: is no adapter"]);
    with("org/adapter").failed(1, &["org/adapter"]);
}

#[test]
fn what_does_not_belong_to_the_base_is_named() {
    let home = Home::new();
    let changed = |name: &str, edit: fn(&mut BTreeMap<String, Stored>)| {
        let folder = home.path(name);
        fs::create_dir_all(&folder).unwrap();
        let from = adapter("attention");
        fs::copy(from.join("adapter_config.json"), folder.join("adapter_config.json")).unwrap();
        fs::copy(from.join("adapter_model.safetensors"), folder.join("model.safetensors")).unwrap();
        edit_weights(&folder, edit);
        fs::rename(folder.join("model.safetensors"), folder.join("adapter_model.safetensors")).unwrap();
        folder
    };
    let ask = |folder: &Path| {
        let model = format!("{}+{}", text(&golden("gpt2-tiny")), text(folder));
        home.run(["print", "--model", &model, "--ids", "1,2"])
    };
    let renamed = changed("renamed", |tensors| {
        let rename = |name: &str| name.replace("attn.c_attn", "attn.q_proj");
        *tensors =
            std::mem::take(tensors).into_iter().map(|(name, stored)| (rename(&name), stored)).collect();
    });
    ask(&renamed).failed(1, &["h.0.attn.q_proj", "the base model hasn't got"]);
    let half = changed("half", |tensors| tensors.retain(|name, _| !name.contains("h.1.attn.c_attn.lora_B")));
    ask(&half).failed(1, &["h.1.attn.c_attn has a lora_A and no lora_B"]);
    let dora = changed("dora", |_| ());
    let path = dora.join("adapter_config.json");
    let config = fs::read_to_string(&path).unwrap().replace("\"use_dora\": false", "\"use_dora\": true");
    fs::write(&path, config).unwrap();
    ask(&dora).failed(1, &["adapter_config.json: use_dora is set", "merge_and_unload"]);
    for (rank, words) in
        [("7", ["c_attn", "rank (r) of 7"]), ("0", ["adapter_config.json: r: 0 is no rank", "r"])]
    {
        let ranked = changed(&format!("rank {rank}"), |_| ());
        let path = ranked.join("adapter_config.json");
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        config["r"] = rank.parse::<u64>().unwrap().into();
        fs::write(path, config.to_string()).unwrap();
        ask(&ranked).failed(1, &words);
    }
    let broken = changed("broken", |_| ());
    fs::write(broken.join("adapter_model.safetensors"), "none").unwrap();
    ask(&broken).failed(1, &["adapter_model.safetensors: truncated, corrupt or no safetensors file"]);
    let model = format!("{}+{}", text(&golden("gpt-oss-tiny")), text(&adapter("attention")));
    home.run(["print", "--model", &model, "--ids", "1,2"]).failed(1, &["the base model hasn't got"]);
}

#[test]
fn a_recipe_names_both() {
    let home = Home::new();
    let (first, again) = (home.path("first.csv"), home.path("again.csv"));
    let model = adapted("attention");
    home.run(["export", "--model", &model, "--prompt", "a b", "--format", "csv", "--out", text(&first)])
        .text();
    home.run(["render", text(&first), "--out", text(&again)]).text();
    assert!(fs::read(&first).unwrap() == fs::read(&again).unwrap());
}
