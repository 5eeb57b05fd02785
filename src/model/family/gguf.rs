//! Models in GGUF files: the same families, read from a config.json that was made of the file's keys, with the names and
//! the layout that llama.cpp's converter gives to tensors.

use super::Read;
use super::layout::{ExpertNames, Layout, MlpNames, ProjectionNames};
use crate::model::ModelError;
use crate::model::decoder::QkvOrder;
use crate::model::gguf::{Described, Parts};
use crate::model::spec::{Pairs, RotaryScaling};

/// The names that all architectures share. Norms are stored as they are used, and matrices as \[out, in\].
const LAYOUT: Layout = Layout {
    prefixes: &[],
    layers: "blk.",
    embedding: "token_embd",
    embedding_norm: "token_embd_norm",
    embedding_projections: ["", ""],
    positions: "position_embd",
    attention_norm: "attn_norm",
    mlp_norm: "ffn_norm",
    after_attention_norm: "post_attention_norm",
    after_mlp_norm: "post_ffw_norm",
    projections: ProjectionNames::Separate(["attn_q", "attn_k", "attn_v"]),
    qk_norms: ["attn_q_norm", "attn_k_norm"],
    sinks: "attn_sinks.weight",
    output: "attn_output",
    mlp: MlpNames::Gated(["ffn_gate", "ffn_up", "ffn_down"]),
    experts: ExpertNames::Stacks {
        router: "ffn_gate_inp",
        matrices: ["ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"],
    },
    norm: "output_norm",
    head: "output",
    in_out: false,
    norm_offset: 0.0,
};

/// Experts of files from before those of a layer were stacked.
const EACH_EXPERT: ExpertNames =
    ExpertNames::Each { router: "ffn_gate_inp", matrices: ["ffn_gate.{}", "ffn_up.{}", "ffn_down.{}"] };

/// Reads what a file says of its model; `name` is for messages.
///
/// # Errors
/// If a key isn't what it may be.
pub fn read_gguf(described: &Described, parts: &Parts<'_>, name: &str) -> Result<Read, ModelError> {
    let Read { mut spec, layout } = super::read(described.config.to_string().as_bytes(), name)?;
    for rotary in &mut spec.rotaries {
        if described.neighbours {
            rotary.pairs = Pairs::Neighbours;
        }
        if let Some(factors) = &described.divisors {
            if factors.len() != rotary.width / 2 {
                let (there, pairs) = (factors.len(), rotary.width / 2);
                return Err(ModelError::Invalid(format!(
                    "{name}: tensor rope_freqs.weight has {there} factors; {pairs} pairs are turned"
                )));
            }
            rotary.scaling = RotaryScaling::Each { factors: factors.clone() };
        }
    }
    Ok(Read { spec, layout: named(described.architecture, &layout, parts) })
}

/// The layout of an architecture, of whose family the hub's is `hub`.
fn named(architecture: &str, hub: &Layout, parts: &Parts<'_>) -> Layout {
    let mlp = match hub.mlp {
        MlpNames::Plain(_) => MlpNames::Plain(["ffn_up", "ffn_down"]),
        MlpNames::Gated(_) => LAYOUT.mlp,
        MlpNames::GateUp(_) => MlpNames::GateUp(["ffn_up", "ffn_down"]),
    };
    let projections = match parts.has("blk.0.attn_qkv.weight") {
        true => ProjectionNames::Fused("attn_qkv", QkvOrder::Blocks),
        false => LAYOUT.projections,
    };
    let [attention_norm, mlp_norm] = match architecture {
        "gpt-oss" => ["attn_norm", "post_attention_norm"],
        "falcon" if parts.has("blk.0.attn_norm_2.weight") => ["attn_norm_2", "attn_norm"],
        _ => [LAYOUT.attention_norm, LAYOUT.mlp_norm],
    };
    let experts = match parts.has("blk.0.ffn_gate.0.weight") {
        true => EACH_EXPERT,
        false => LAYOUT.experts,
    };
    Layout { mlp, experts, projections, attention_norm, mlp_norm, ..LAYOUT }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gguf::fixture::{File, text};
    use crate::model::gguf::{architectures, config};
    use crate::model::spec::{DecoderSpec, MlpSpec};

    /// What is read of a small file of an architecture, with some tensors of one value each.
    fn read(architecture: &str, tensors: &[&str]) -> DecoderSpec {
        let key = |file: File, key: &str, value: u32| {
            file.key(&format!("{architecture}.{key}"), 4, &value.to_le_bytes())
        };
        let mut file = File { data: vec![0; 64 * 40], ..File::default() };
        file = file.key("general.architecture", 8, &text(architecture));
        for (name, value) in [
            ("context_length", 64),
            ("embedding_length", 64),
            ("block_count", 8),
            ("feed_forward_length", 96),
            ("attention.head_count", 4),
            ("attention.head_count_kv", 2),
            ("rope.dimension_count", 8),
            ("attention.sliding_window", 16),
            ("expert_used_count", 2),
            ("expert_feed_forward_length", 32),
        ] {
            file = key(file, name, value);
        }
        if ["qwen3moe", "gpt-oss"].contains(&architecture) {
            file = key(file, "expert_count", 4);
        }
        for name in ["attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon"] {
            file = file.key(&format!("{architecture}.{name}"), 6, &1e-5f32.to_le_bytes());
        }
        file = file.tensor("token_embd.weight", &[4, 10], 0, 0);
        for (at, name) in (0..).zip(tensors) {
            file = file.tensor(name, &[4], 0, 192 + 32 * at);
        }
        let bytes = file.bytes();
        let parts = Parts::parse(&[&bytes]).unwrap();
        let described = config(&parts).unwrap();
        read_gguf(&described, &parts, "small.gguf").unwrap().spec
    }

    #[test]
    fn every_architecture_is_read_by_its_family() {
        let families: Vec<(&str, &str)> =
            architectures().map(|name| (name, read(name, &[]).family)).collect();
        let expected = [
            ("bloom", "bloom"),
            ("cohere2", "cohere2"),
            ("command-r", "cohere"),
            ("falcon", "falcon"),
            ("gemma", "gemma"),
            ("gemma2", "gemma2"),
            ("gemma3", "gemma3_text"),
            ("gpt-oss", "gpt_oss"),
            ("gpt2", "gpt2"),
            ("gptneox", "gpt_neox"),
            ("granite", "granite"),
            ("llama", "mistral"),
            ("olmo", "olmo"),
            ("olmo2", "olmo3"),
            ("phi2", "phi"),
            ("phi3", "phi3"),
            ("qwen2", "qwen2"),
            ("qwen3", "qwen3"),
            ("qwen3moe", "qwen3_moe"),
            ("smollm3", "smollm3"),
            ("stablelm", "stablelm"),
            ("starcoder2", "starcoder2"),
        ];
        assert_eq!(families, expected);
    }

    #[test]
    fn sizes_are_those_of_the_keys() {
        for name in architectures() {
            let spec = read(name, &[]);
            let sizes = (spec.vocabulary, spec.hidden, spec.layers.len(), spec.heads, spec.head_dim);
            assert_eq!(sizes, (10, 64, 8, 4, 16), "{name}");
            assert_eq!(spec.context, 64, "{name}");
            if !["bloom", "gpt2"].contains(&name) {
                assert_eq!(spec.kv_heads, 2, "{name}");
                assert!(spec.rotaries.iter().all(|rotary| rotary.width == 8), "{name}: {:?}", spec.rotaries);
                let pairs = if ["llama", "granite", "olmo", "smollm3", "command-r", "cohere2"].contains(&name)
                {
                    Pairs::Neighbours
                } else {
                    Pairs::Halves
                };
                assert!(spec.rotaries.iter().all(|rotary| rotary.pairs == pairs), "{name}");
            }
            // Always four times as wide as the residual stream.
            if name == "bloom" {
                continue;
            }
            let width = match spec.layers[0].mlp {
                MlpSpec::Plain { intermediate_size, .. } | MlpSpec::Gated { intermediate_size, .. } => {
                    intermediate_size
                }
                MlpSpec::Experts(experts) => experts.intermediate_size,
            };
            assert_eq!(width, if ["qwen3moe", "gpt-oss"].contains(&name) { 32 } else { 96 }, "{name}");
        }
    }

    #[test]
    fn tensors_decide_what_no_key_says() {
        let biases = read("starcoder2", &["blk.0.attn_output.bias"]).biases;
        assert!(biases.qkv && biases.output && biases.mlp);
        let factors = read("llama", &["rope_freqs.weight"]).rotaries.remove(0).scaling;
        assert_eq!(factors, RotaryScaling::Each { factors: vec![0.0; 4] });
        assert!(read("stablelm", &["blk.0.attn_q_norm.weight"]).qk_norm.is_some());
    }
}
