//! The architectures that llama.cpp names, and what the same model's config.json would say.

use serde_json::{Map, Value, json};

use super::GgufError;
use super::common::{Made, base};
use super::keys::Keys;

/// What of the keys is made into a config.json.
type Make = fn(&Keys<'_, '_>) -> Result<Made, GgufError>;

/// One architecture.
pub(super) struct Architecture {
    /// As llama.cpp names it.
    pub name: &'static str,
    pub make: Make,
    /// Whether q and k have their rows in the order in which neighbours are turned, where the hub's have halves.
    pub neighbours: bool,
}

/// All of them.
#[rustfmt::skip]
const ARCHITECTURES: [Architecture; 22] = [
    Architecture { name: "bloom", make: bloom, neighbours: false },
    Architecture { name: "cohere2", make: cohere2, neighbours: false },
    Architecture { name: "command-r", make: command_r, neighbours: false },
    Architecture { name: "falcon", make: falcon, neighbours: false },
    Architecture { name: "gemma", make: gemma, neighbours: false },
    Architecture { name: "gemma2", make: gemma2, neighbours: false },
    Architecture { name: "gemma3", make: gemma3, neighbours: false },
    Architecture { name: "gpt-oss", make: gpt_oss, neighbours: false },
    Architecture { name: "gpt2", make: gpt2, neighbours: false },
    Architecture { name: "gptneox", make: gptneox, neighbours: false },
    Architecture { name: "granite", make: granite, neighbours: true },
    Architecture { name: "llama", make: llama, neighbours: true },
    Architecture { name: "olmo", make: olmo, neighbours: true },
    Architecture { name: "olmo2", make: olmo2, neighbours: false },
    Architecture { name: "phi2", make: phi2, neighbours: false },
    Architecture { name: "phi3", make: phi3, neighbours: false },
    Architecture { name: "qwen2", make: qwen2, neighbours: false },
    Architecture { name: "qwen3", make: qwen3, neighbours: false },
    Architecture { name: "qwen3moe", make: qwen3moe, neighbours: false },
    Architecture { name: "smollm3", make: smollm3, neighbours: true },
    Architecture { name: "stablelm", make: stablelm, neighbours: false },
    Architecture { name: "starcoder2", make: starcoder2, neighbours: false },
];

/// The names of all.
pub fn names() -> impl Iterator<Item = &'static str> {
    ARCHITECTURES.iter().map(|known| known.name)
}

/// The architecture of a name.
pub(super) fn named(name: &str) -> Option<&'static Architecture> {
    const ALL: &[Architecture] = &ARCHITECTURES;
    ALL.iter().find(|known| known.name == name)
}

/// A config.json of a family, without notes.
fn plain(kind: &str, values: Map<String, Value>, more: Value) -> Made {
    noted(kind, values, more, &[])
}

fn noted(kind: &str, mut values: Map<String, Value>, more: Value, notes: &[&str]) -> Made {
    values.insert("model_type".to_owned(), kind.into());
    if let Value::Object(more) = more {
        values.extend(more);
    }
    Made { values, notes: notes.iter().map(|note| (*note).to_owned()).collect() }
}

/// Whether the first layer has a tensor of biases.
fn has_bias(keys: &Keys<'_, '_>, module: &str) -> bool {
    keys.parts.has(&format!("blk.0.{module}.bias"))
}

/// Llama, SmolLM2, TinyLlama, Yi; and Mistral and Mixtral, which llama.cpp takes for the same.
fn llama(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let values = base(keys, "rms_norm_eps")?;
    let window = keys.whole("attention.sliding_window")?.filter(|window| *window > 0);
    if let Some(experts) = keys.whole("expert_count")?.filter(|count| *count > 0) {
        let more = json!({
            "num_local_experts": experts, "num_experts_per_tok": keys.needed_whole("expert_used_count")?,
            "sliding_window": window,
        });
        return Ok(plain("mixtral", values, more));
    }
    if window.is_some() {
        return Ok(plain("mistral", values, json!({"sliding_window": window})));
    }
    let of = ["general.name", "general.basename", "general.base_model.0.name"];
    let of = of.iter().filter_map(|key| keys.parts.get(key)?.as_str());
    let is_mistral = of.map(str::to_lowercase).any(|name| name.contains("mistral"));
    let note = "a GGUF of Mistral stores no sliding window: all layers see the whole prompt, those of Mistral 7B v0.1 \
                see 4096 tokens on the hub";
    let biases =
        json!({"attention_bias": has_bias(keys, "attn_output"), "mlp_bias": has_bias(keys, "ffn_up")});
    let notes: &[&str] = if is_mistral { &[note] } else { &[] };
    Ok(noted("llama", values, biases, notes))
}

fn smollm3(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let note =
        "that every fourth layer has no rotary positions is no key of the file: taken from the architecture";
    let more = json!({"no_rope_layer_interval": 4, "use_sliding_window": false});
    Ok(noted("smollm3", base(keys, "rms_norm_eps")?, more, &[note]))
}

fn granite(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let more = json!({
        "attention_bias": has_bias(keys, "attn_output"), "mlp_bias": has_bias(keys, "ffn_up"),
        "embedding_multiplier": keys.real("embedding_scale")?.unwrap_or(1.0),
        "attention_multiplier": keys.real("attention.scale")?.unwrap_or(1.0),
        "residual_multiplier": keys.real("residual_scale")?.unwrap_or(1.0),
        "logits_scaling": keys.real("logit_scale")?.unwrap_or(1.0),
    });
    Ok(plain("granite", base(keys, "rms_norm_eps")?, more))
}

fn qwen2(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    Ok(plain("qwen2", base(keys, "rms_norm_eps")?, json!({"use_sliding_window": false})))
}

fn qwen3(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let more = json!({"use_sliding_window": false, "attention_bias": has_bias(keys, "attn_q")});
    Ok(plain("qwen3", base(keys, "rms_norm_eps")?, more))
}

fn qwen3moe(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let stored = keys.flag("expert_weights_norm")?;
    let note = "whether the weights of experts are brought to a sum of 1 (norm_topk_prob) is no key of the file: they \
                are, as the architecture says";
    let more = json!({
        "use_sliding_window": false, "attention_bias": has_bias(keys, "attn_q"),
        "num_experts": keys.needed_whole("expert_count")?,
        "num_experts_per_tok": keys.needed_whole("expert_used_count")?,
        "moe_intermediate_size": keys.needed_whole("expert_feed_forward_length")?,
        "norm_topk_prob": stored.unwrap_or(true), "decoder_sparse_step": 1, "mlp_only_layers": [],
    });
    let notes: &[&str] = if stored.is_some() { &[] } else { &[note] };
    Ok(noted("qwen3_moe", base(keys, "rms_norm_eps")?, more, notes))
}

fn gpt_oss(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let mut values = base(keys, "rms_norm_eps")?;
    if let Some(scaling) = values.get_mut("rope_scaling").and_then(Value::as_object_mut) {
        scaling.insert("truncate".to_owned(), false.into());
    }
    let note = "that the range of YaRN is not rounded, and that every second layer slides, are no keys of the file: \
                taken from the architecture";
    let more = json!({
        "num_local_experts": keys.needed_whole("expert_count")?,
        "num_experts_per_tok": keys.needed_whole("expert_used_count")?,
        "intermediate_size": keys.needed_whole("expert_feed_forward_length")?,
        "sliding_window": keys.needed_whole("attention.sliding_window")?, "attention_bias": true,
    });
    Ok(noted("gpt_oss", values, more, &[note]))
}

fn gemma(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    Ok(plain("gemma", base(keys, "rms_norm_eps")?, json!({})))
}

/// What scores are multiplied by, as its root: the width of a head, but in the 27B models, of so many layers.
fn query_scalar(keys: &Keys<'_, '_>, values: &Map<String, Value>, wide: u64) -> Result<u64, GgufError> {
    let heads = keys.needed_whole("attention.head_count")?.max(1);
    Ok(match keys.needed_whole("block_count")? == wide {
        true => keys.needed_whole("embedding_length")? / heads,
        false => values.get("head_dim").and_then(Value::as_u64).unwrap_or(256),
    })
}

const GEMMA_SCALE: &str = "what scores are multiplied by (query_pre_attn_scalar) is no key of the file: taken from the \
                           architecture";

fn gemma2(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let values = base(keys, "rms_norm_eps")?;
    let more = json!({
        "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": query_scalar(keys, &values, 46)?,
        "sliding_window": keys.whole("attention.sliding_window")?.unwrap_or(4096),
        "attn_logit_softcapping": keys.real("attn_logit_softcapping")?.unwrap_or(50.0),
        "final_logit_softcapping": keys.real("final_logit_softcapping")?.unwrap_or(30.0),
    });
    Ok(noted("gemma2", values, more, &[GEMMA_SCALE]))
}

fn gemma3(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let values = base(keys, "rms_norm_eps")?;
    let local = keys.real("rope.freq_base_swa")?;
    let more = json!({
        "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": query_scalar(keys, &values, 62)?,
        "sliding_window": keys.whole("attention.sliding_window")?.unwrap_or(4096), "sliding_window_pattern": 6,
        "rope_local_base_freq": local.unwrap_or(10_000.0),
        "final_logit_softcapping": keys.real("final_logit_softcapping")?,
    });
    let pattern =
        "that every sixth layer sees the whole prompt is no key of the file: taken from the architecture";
    let base_of_local = "the base of rotary positions in layers that slide is no key of the file: 10000, as the \
                         architecture says";
    let notes: &[&str] =
        if local.is_some() { &[GEMMA_SCALE, pattern] } else { &[GEMMA_SCALE, pattern, base_of_local] };
    Ok(noted("gemma3_text", values, more, notes))
}

fn phi2(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    Ok(plain("phi", base(keys, "layer_norm_eps")?, json!({"hidden_act": "gelu_new"})))
}

fn phi3(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let values = base(keys, "rms_norm_eps")?;
    let original = keys.whole("rope.scaling.original_context_length")?;
    let mut more = json!({
        "sliding_window": keys.whole("attention.sliding_window")?.filter(|window| *window > 0),
        "original_max_position_embeddings": original.unwrap_or(keys.needed_whole("context_length")?),
    });
    let factors = |kind: &str| keys.parts.numbers(&format!("rope_factors_{kind}.weight"));
    if let (Some(long), Some(short)) = (factors("long")?, factors("short")?) {
        more["rope_scaling"] = json!({
            "type": "longrope", "long_factor": long, "short_factor": short,
            "attention_factor": keys.real("rope.scaling.attn_factor")?,
        });
    }
    Ok(plain("phi3", values, more))
}

fn gpt2(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let mut values = base(keys, "layer_norm_epsilon")?;
    let inner = values.remove("intermediate_size").unwrap_or_default();
    // The head is a copy of the embedding, and may be stored in another way.
    Ok(plain("gpt2", values, json!({"n_inner": inner, "activation_function": "gelu_new"})))
}

fn gptneox(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let mut values = base(keys, "layer_norm_eps")?;
    let theta = values.remove("rope_theta").unwrap_or_default();
    let share = values.remove("partial_rotary_factor").unwrap_or_else(|| 1.0.into());
    let note = "the activation is no key of the file: GELU with the error function, as Pythia has it; llama.cpp takes \
                its tanh form";
    let more = json!({
        "rotary_emb_base": theta, "rotary_pct": share, "hidden_act": "gelu",
        "use_parallel_residual": keys.flag("use_parallel_residual")?.unwrap_or(true),
    });
    Ok(noted("gpt_neox", values, more, &[note]))
}

fn bloom(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let more = json!({"seq_length": keys.needed_whole("context_length")?});
    Ok(plain("bloom", base(keys, "layer_norm_epsilon")?, more))
}

fn falcon(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let values = base(keys, "layer_norm_epsilon")?;
    let kv_heads = keys.whole("attention.head_count_kv")?.unwrap_or(1);
    let two_norms = keys.parts.has("blk.0.attn_norm_2.weight");
    let more = json!({
        "new_decoder_architecture": two_norms || kv_heads > 1, "num_kv_heads": kv_heads,
        "multi_query": kv_heads == 1, "num_ln_in_parallel_attn": if two_norms { 2 } else { 1 },
        "ffn_hidden_size": keys.whole("feed_forward_length")?, "parallel_attn": true, "bias": has_bias(keys, "attn_output"), "alibi": false,
    });
    Ok(plain("falcon", values, more))
}

fn starcoder2(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let window = keys.whole("attention.sliding_window")?.filter(|window| *window > 0);
    let note = "a GGUF of StarCoder 2 stores no sliding window: all layers see the whole prompt, those of the hub's \
                models see 4096 tokens";
    let more = json!({
        "use_bias": has_bias(keys, "attn_output"), "hidden_act": "gelu_pytorch_tanh", "sliding_window": window,
    });
    let notes: &[&str] = if window.is_some() { &[] } else { &[note] };
    Ok(noted("starcoder2", base(keys, "norm_epsilon")?, more, notes))
}

fn stablelm(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let parallel = !keys.parts.has("blk.0.ffn_norm.weight");
    let more = json!({
        "use_parallel_residual": keys.flag("use_parallel_residual")?.unwrap_or(true) && parallel,
        "use_qkv_bias": has_bias(keys, "attn_q"), "qk_layernorm": keys.parts.has("blk.0.attn_q_norm.weight"),
    });
    Ok(plain("stablelm", base(keys, "layer_norm_eps")?, more))
}

fn olmo(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let clip = keys.real("attention.clamp_kqv")?.filter(|clip| *clip > 0.0);
    Ok(plain("olmo", base(keys, "layer_norm_eps")?, json!({"clip_qkv": clip})))
}

/// With a window it is OLMo 3.
fn olmo2(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let values = base(keys, "rms_norm_eps")?;
    let Some(window) = keys.whole("attention.sliding_window")?.filter(|window| *window > 0) else {
        return Ok(plain("olmo2", values, json!({})));
    };
    let note = "that every fourth layer sees the whole prompt is taken from the architecture";
    Ok(noted("olmo3", values, json!({"sliding_window": window}), &[note]))
}

fn command_r(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let more = json!({
        "logit_scale": keys.real("logit_scale")?.unwrap_or(0.0625),
        "use_qk_norm": keys.parts.has("blk.0.attn_q_norm.weight"), "attention_bias": has_bias(keys, "attn_q"),
    });
    Ok(plain("cohere", base(keys, "layer_norm_eps")?, more))
}

fn cohere2(keys: &Keys<'_, '_>) -> Result<Made, GgufError> {
    let note = "that every fourth layer sees the whole prompt, without rotary positions, is no key of the file: taken \
                from the architecture";
    let more = json!({
        "logit_scale": keys.real("logit_scale")?.unwrap_or(0.0625), "attention_bias": has_bias(keys, "attn_q"),
        "sliding_window": keys.needed_whole("attention.sliding_window")?, "sliding_window_pattern": 4,
    });
    Ok(noted("cohere2", base(keys, "layer_norm_eps")?, more, &[note]))
}
