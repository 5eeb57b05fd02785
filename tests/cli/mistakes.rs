//! What goes wrong, and what is said about it: where, what, and what to do.

use std::fs;
use std::path::PathBuf;

use crate::support::checkpoint::{copy, edit_config, edit_weights};
use crate::support::program::{Ended, Home, golden, text};

/// A copy of a golden checkpoint in `home`, to break.
fn checkpoint(home: &Home, name: &str) -> PathBuf {
    copy(&golden(name), home.path(name))
}

fn print(home: &Home, model: &str) -> Ended {
    home.run(["print", "--model", model, "--ids", "1,2,0"])
}

#[test]
fn a_folder_that_is_not_there() {
    let home = Home::new();
    print(&home, "./nowhere").failed(1, &["nowhere"]);
}

#[test]
fn a_model_that_is_not_in_the_cache() {
    print(&Home::new(), "openai/gpt-oss-20b").failed(1, &["openai/gpt-oss-20b"]);
}

#[test]
fn an_architecture_we_do_not_know() {
    let home = Home::new();
    let model = checkpoint(&home, "gpt2-tiny");
    edit_config(&model, |config| {
        config.insert("model_type".to_owned(), "mamba".into());
        config.insert("architectures".to_owned(), serde_json::json!(["MambaForCausalLM"]));
    });
    print(&home, text(&model)).failed(1, &["mamba", "gpt2", "gpt_oss"]);
}

/// Nothing says the family; all other keys have transformers' defaults.
#[test]
fn a_config_that_lacks_a_key() {
    for name in ["gpt2-tiny", "gpt-oss-tiny"] {
        let home = Home::new();
        let model = checkpoint(&home, name);
        edit_config(&model, |config| {
            ["model_type", "architectures"].iter().for_each(|key| drop(config.remove(*key)))
        });
        print(&home, text(&model)).failed(1, &["config.json", "model_type", "gpt2"]);
    }
}

#[test]
fn a_config_that_is_no_json() {
    let home = Home::new();
    let model = checkpoint(&home, "gpt2-tiny");
    fs::write(model.join("config.json"), "{").unwrap();
    print(&home, text(&model)).failed(1, &["config.json"]);
}

#[test]
fn a_file_that_was_cut_off() {
    for keep in [0, 7, 100, 5000] {
        let home = Home::new();
        let model = checkpoint(&home, "gpt2-tiny");
        let path = model.join("model.safetensors");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..keep]).unwrap();
        print(&home, text(&model)).failed(1, &["model.safetensors"]);
    }
}

#[test]
fn a_file_of_something_else() {
    let home = Home::new();
    let model = checkpoint(&home, "gpt2-tiny");
    let mut bytes = fs::read(model.join("model.safetensors")).unwrap();
    bytes[8..40].fill(b'x');
    fs::write(model.join("model.safetensors"), bytes).unwrap();
    print(&home, text(&model)).failed(1, &["model.safetensors"]);
}

#[test]
fn a_tensor_that_is_missing() {
    let home = Home::new();
    let model = checkpoint(&home, "gpt2-tiny");
    edit_weights(&model, |tensors| drop(tensors.remove("h.1.ln_2.weight")));
    print(&home, text(&model)).failed(1, &["h.1.ln_2.weight"]);
}

#[test]
fn a_tensor_of_another_shape() {
    for (name, tensor, wanted) in [
        ("gpt2-tiny", "h.0.attn.c_attn.weight", "[48, 144]"),
        ("gpt-oss-tiny", "model.layers.1.mlp.experts.gate_up_proj_blocks", "[8, 192, 2, 16]"),
    ] {
        let home = Home::new();
        let model = checkpoint(&home, name);
        let mut found = String::new();
        edit_weights(&model, |tensors| {
            let stored = tensors.get_mut(tensor).unwrap();
            let count = stored.shape.iter().product();
            stored.shape = vec![count];
            found = format!("[{count}]");
        });
        print(&home, text(&model)).failed(1, &[tensor, wanted, &found]);
    }
}

#[test]
fn weights_that_are_no_numbers() {
    for (value, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let home = Home::new();
        let model = checkpoint(&home, "gpt2-tiny");
        edit_weights(&model, |tensors| {
            let stored = tensors.get_mut("h.2.mlp.c_fc.bias").unwrap();
            stored.bytes[8..12].copy_from_slice(&value.to_le_bytes());
        });
        print(&home, text(&model)).failed(1, &["h.2.mlp.c_fc.bias", name]);
    }
}

#[test]
fn a_model_larger_than_the_memory() {
    let home = Home::new();
    let model = checkpoint(&home, "gpt2-tiny");
    // A hole in the file: it is 4 TB long and takes no room.
    let rows: u64 = 1 << 40;
    let header =
        format!(r#"{{"wte.weight":{{"dtype":"F32","shape":[{rows},1],"data_offsets":[0,{}]}}}}"#, 4 * rows);
    let padded = format!("{header:<width$}", width = header.len().next_multiple_of(8));
    let bytes = [&(padded.len() as u64).to_le_bytes(), padded.as_bytes()].concat();
    let path = model.join("model.safetensors");
    fs::write(&path, &bytes).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    if file.set_len(bytes.len() as u64 + 4 * rows).is_err() {
        return; // A file system without holes.
    }
    print(&home, text(&model)).failed(1, &["not enough memory", "4.4 TB"]);
}

#[test]
fn prompts_that_no_model_reads() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let read = |flag: &str, input: &str| home.run(["print", "--model", text(&model), flag, input]);
    read("--prompt", "").failed(1, &["the prompt is empty"]);
    read("--prompt", &"word ".repeat(200)).failed(1, &["at most 128"]);
    read("--ids", &vec!["1"; 129].join(",")).failed(1, &["129 tokens", "at most 128"]);
    read("--ids", "1,320").failed(1, &["320", "0 to 319"]);
    read("--ids", "1,x").failed(2, &["--ids"]);
    read("--prompt-file", "nowhere.txt").failed(1, &["nowhere.txt"]);
}

#[test]
fn the_longest_prompt_is_read_in_full() {
    let ended =
        Home::new().run(["print", "--model", text(&golden("gpt2-tiny")), "--ids", &vec!["1"; 128].join(",")]);
    assert_eq!(ended.text().lines().count(), 3 + 128);
}

#[test]
fn views_that_the_model_has_not() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let view = |view: &str| home.run(["print", "--model", text(&model), "--ids", "1", "--view", view]);
    view("layer:3").failed(1, &["layer:3", "layers 0 to 2"]);
    view("head:0.4").failed(1, &["head:0.4", "heads 0 to 3"]);
    view("all").failed(2, &["--view"]);
    view("sliding").failed(1, &["no sliding layers"]);
    view("group:0.9").failed(1, &["groups 0 to 3"]);
    view("head:1").failed(2, &["head:3.5"]);
}

#[test]
fn without_a_terminal_the_viewer_says_what_to_use() {
    Home::new().run([]).failed(1, &["terminal", "print"]);
}

#[test]
fn settings_that_are_none() {
    let home = Home::new();
    fs::write(home.path("my.toml"), "\ndevcie = 'cpu'").unwrap();
    home.run(["models", "--config", "my.toml"]).failed(1, &["my.toml:2", "devcie", "did you mean 'device'"]);
    home.run(["models", "--config", "none.toml"]).failed(1, &["none.toml"]);
    fs::create_dir_all(home.path("config/attnscope")).unwrap();
    fs::write(home.path("config/attnscope/config.toml"), "pair = 3").unwrap();
    home.run(["models"]).failed(1, &["config.toml:1", "string"]);
    let ended =
        home.command(["models", "--config", "/dev/null"]).env("ATTNSCOPE_THREADS", "0").output().unwrap();
    Ended::from(ended).failed(1, &["ATTNSCOPE_THREADS", "1 to 1024"]);
}

#[test]
fn wrong_usage_ends_with_two() {
    let home = Home::new();
    for arguments in [
        vec!["--threads", "0", "models"],
        vec!["--threads", "100000", "models"],
        vec!["--device", "tpu", "models"],
        vec!["--dtype", "f8", "models"],
        vec!["--engine", "fast", "models"],
        vec!["print", "--pair", "nobodys"],
        vec!["print", "--model", "demo:llama"],
        vec!["--prompt", "x", "print"],
        vec!["export", "--pair", "demo", "--format", "json", "--out", "-"],
        vec!["export", "--model", "demo:gpt2", "--format", "xlsx", "--out", "x"],
        vec!["benchmark"],
    ] {
        let ended = home.run(arguments.iter().copied());
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_place_that_cannot_be_written_to() {
    let home = Home::new();
    let export = |model: &str, out: &str| {
        home.run(["export", "--model", model, "--ids", "1", "--format", "csv", "--out", out])
    };
    // Told before a model is loaded, so the model need not be there.
    export("./nowhere", "missing/x.csv").failed(1, &["missing", "no such folder", "another place"]);
    export("demo:gpt2", ".").failed(1, &["another place"]);
    let before = fs::read_dir(home.folder.path()).unwrap().count();
    export("./nowhere", "x.csv").failed(1, &["nowhere"]);
    assert_eq!(fs::read_dir(home.folder.path()).unwrap().count(), before, "a failed export leaves nothing");
}

#[test]
fn a_device_that_this_build_has_not() {
    if cfg!(not(feature = "metal")) {
        let ended = Home::new().run(["print", "--model", "demo:gpt2", "--device", "metal"]);
        ended.failed(1, &["metal"]);
    }
}

/// What is typed wrongly is told in one line that names the option, what is wrong with it, and what it can be.
#[test]
fn numbers_and_lists_say_what_is_wanted() {
    let home = Home::new();
    for (line, words) in [
        ("lens --token=-1", &["--token: '-1'", "a whole number from 0 up", "attnscope lens --help"][..]),
        ("lens --token -1", &["--token: '-1'"]),
        ("print --ids 1,x", &["--ids: 'x' is no token id", "from 0 to 4294967295"]),
        ("print --ids 1,,2", &["--ids: ''"]),
        ("bench --lengths 5,0", &["--lengths: '0'", "from 1 to"]),
        ("ablate --heads 0.0,x", &["--heads: 'x' is no head", "5.1,6.9"]),
        ("heads --top few", &["--top: 'few'", "from 0 up"]),
        ("screenshot --out - --width 70000", &["--width: '70000'", "from 1 to 1000"]),
        ("export --format png --out a.png --scale 9", &["--scale: '9'", "from 0.25 to 8"]),
        ("--threads many", &["--threads: 'many'", "from 1 to 1024, or auto"]),
        ("--seed x", &["--seed: 'x'", "from 0 up"]),
        ("--temperature hot", &["--temperature: 'hot'", "from 0 up"]),
        ("bnech", &["'bnech': a similar subcommand exists: 'bench'"]),
    ] {
        let ended = home.run(line.split(' '));
        ended.failed(2, words);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn prompts_that_are_no_texts_are_named_before_a_model_is_loaded() {
    let home = Home::new();
    fs::write(home.path("latin.txt"), b"two\nlines \xe9\n").unwrap();
    fs::write(home.path("empty.txt"), "").unwrap();
    fs::create_dir(home.path("folder")).unwrap();
    for (file, words) in [
        ("latin.txt", "latin.txt:2: this is no UTF-8"),
        ("empty.txt", "empty.txt: the prompt is empty"),
        ("folder", "folder: Is a directory: --prompt-file"),
        ("nowhere.txt", "nowhere.txt: No such file or directory: --prompt-file"),
    ] {
        for command in ["print", "heads", "lens", "compare"] {
            let ended = home.run([command, "--model", "./no", "--model", "./no", "--prompt-file", file]);
            ended.failed(1, &[words]);
            assert!(!ended.stderr.contains("os error"), "{}", ended.stderr);
        }
    }
}

#[test]
fn filters_that_leave_no_head_say_so() {
    let home = Home::new();
    home.run(["heads", "--model", "demo:gpt2", "--kv-group", "99"])
        .failed(1, &["--kv-group 99", "demo:gpt2 has", "0 to"]);
    home.run(["heads", "--model", "demo:gpt2", "--layers", "sliding"]).failed(1, &["--layers", "no model"]);
}

#[test]
fn a_screenshot_of_a_model_that_failed_is_none() {
    let home = Home::new();
    let ended = home.run(["screenshot", "--left", "./nowhere", "--out", "a.svg"]);
    ended.failed(1, &["./nowhere: no such folder"]);
    assert!(!home.path("a.svg").exists());
    let long = "word ".repeat(3000);
    home.run(["screenshot", "--right", "demo:gpt2", "--prompt", &long, "--out", "-"])
        .failed(1, &["demo:gpt2", "at most 1024"]);
    let good = home.run(["screenshot", "--width", "80", "--height", "24", "--out", "-"]);
    assert!(good.text().starts_with("<svg"));
}
