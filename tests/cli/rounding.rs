//! Models whose linear weights are rounded when they are loaded: `MODEL~q4_0`, `--quantise`.

use attnscope::kernels::blocks::{self, BlockType};
use half::bf16;
use safetensors::{Dtype, SafeTensors};

use crate::support::checkpoint::{Stored, copy, edit_weights};
use crate::support::numbers::{floats, largest_difference};
use crate::support::program::{Home, golden, text};

const TYPES: [(&str, BlockType); 3] =
    [("q8_0", BlockType::Q8_0), ("q4_0", BlockType::Q4_0), ("mxfp4", BlockType::Mxfp4)];

fn attentions(home: &Home, model: &str, engine: &str) -> Vec<f32> {
    let (ids, out) = ("1,2,3,5,8,13,21,34", home.path("out.safetensors"));
    let arguments = [
        "export",
        "--model",
        model,
        "--ids",
        ids,
        "--view",
        "all",
        "--format",
        "safetensors",
        "--engine",
        engine,
    ];
    let ended = home.run(arguments.into_iter().chain(["--out", text(&out)]));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let bytes = std::fs::read(out).unwrap();
    floats(&SafeTensors::deserialize(&bytes).unwrap(), "attentions")
}

/// The linear weights of a layer, rounded and widened again, as a checkpoint of its own.
fn round(stored: &mut Stored, kind: BlockType) {
    let values: Vec<f32> = stored
        .bytes
        .chunks_exact(2)
        .map(|bytes| bf16::from_le_bytes([bytes[0], bytes[1]]).to_f32())
        .collect();
    let values = blocks::decode_all(kind, &blocks::encode(kind, &values).unwrap());
    stored.bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    stored.dtype = Dtype::F32;
}

#[test]
fn a_rounded_model_is_one_whose_weights_were_rounded() {
    let home = Home::new();
    let model = golden("families/llama-3");
    let exact = attentions(&home, text(&model), "auto");
    for (name, kind) in TYPES {
        let folder = copy(&model, home.path(name));
        edit_weights(&folder, |tensors| {
            for (tensor, stored) in tensors.iter_mut() {
                if tensor.contains("_proj") && stored.shape[1].is_multiple_of(32) {
                    round(stored, kind);
                }
            }
        });
        let expected = attentions(&home, text(&folder), "auto");
        assert!(largest_difference(&exact, &expected) > 1e-3, "{name} rounds");
        for engine in ["auto", "generic"] {
            let rounded = attentions(&home, &format!("{}~{name}", model.display()), engine);
            assert!(largest_difference(&rounded, &expected) < 1e-5, "{name} {engine}");
        }
    }
}

/// GPT-2 has its weights the other way round.
#[test]
fn a_model_stands_beside_itself_rounded() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let named = |arguments: &[&str]| {
        let ended = home.run(["print", "--ids", "1,2,3"].into_iter().chain(arguments.iter().copied()));
        ended.text().lines().filter(|line| line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, other) = (format!("# {}", model.display()), format!("# {}~q4_0", model.display()));
    assert_eq!(named(&["--model", text(&model), "--quantise", "q4_0"]), [one, other]);
    home.run(["print", "--ids", "1", "--model", "demo:gpt2~q8_0~q4_0"]).failed(2, &["is rounded twice"]);
    home.run(["print", "--ids", "1", "--model", "demo:gpt2~nope"])
        .failed(2, &["'nope' is no rounding", "q4_0"]);
    home.run(["print", "--ids", "1", "--pair", "demo", "--quantise", "q8_0"])
        .failed(2, &["one model", "--model A --model B~q8_0"]);
    let packed = format!("{}~q8_0", golden("gpt-oss-tiny").display());
    home.run(["print", "--ids", "1", "--model", &packed]).failed(1, &["quantised already", "bf16"]);
}

/// A GGUF file of dense weights is rounded, one whose experts lie in one tensor is not.
#[test]
fn a_gguf_file_is_rounded_where_all_of_it_can_be() {
    let home = Home::new();
    let run = |name: &str| {
        let model = format!("{}~q8_0", golden(&format!("gguf/{name}/model.gguf")).display());
        home.run(["print", "--ids", "1,2", "--model", &model])
    };
    let dense = run("qwen2");
    assert_eq!(dense.code, 0, "{}", dense.stderr);
    run("mixtral").failed(1, &["quantised already"]);
}
