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
    Layout { mlp, projections, attention_norm, mlp_norm, ..LAYOUT }
}
