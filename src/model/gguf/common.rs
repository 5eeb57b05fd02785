//! What most architectures have: the keys that they share, as config.json has them.

use serde_json::{Map, Value, json};

use super::GgufError;
use super::keys::Keys;

/// What an architecture makes of its keys.
pub(super) struct Made {
    pub values: Map<String, Value>,
    pub notes: Vec<String>,
}

/// The keys that most architectures have. `epsilon` is what the hub calls that of norms.
pub(super) fn base(keys: &Keys<'_, '_>, epsilon: &str) -> Result<Map<String, Value>, GgufError> {
    let heads = keys.needed_whole("attention.head_count")?;
    let hidden = keys.needed_whole("embedding_length")?;
    let head_dim = keys.whole("attention.key_length")?.or(hidden.checked_div(heads)).unwrap_or(0);
    let vocabulary = keys.size("token_embd.weight", 1);
    let vocabulary = vocabulary.ok_or_else(|| GgufError::Tensor {
        name: "token_embd.weight".to_owned(),
        why: "is not there, or no matrix: the file holds no whole model".to_owned(),
    })?;
    let stored_epsilon = match epsilon {
        "rms_norm_eps" => keys.needed_real("attention.layer_norm_rms_epsilon")?,
        _ => keys.needed_real("attention.layer_norm_epsilon")?,
    };
    let mut values = Map::new();
    let mut set = |key: &str, value: Value| values.insert(key.to_owned(), value);
    set("hidden_size", hidden.into());
    set("num_hidden_layers", keys.needed_whole("block_count")?.into());
    set("intermediate_size", keys.whole("feed_forward_length")?.into());
    set("num_attention_heads", heads.into());
    set("num_key_value_heads", keys.whole("attention.head_count_kv")?.unwrap_or(heads).into());
    set("head_dim", head_dim.into());
    set(epsilon, stored_epsilon.into());
    set("rope_theta", keys.real("rope.freq_base")?.unwrap_or(10_000.0).into());
    set("max_position_embeddings", keys.needed_whole("context_length")?.into());
    set("vocab_size", vocabulary.into());
    set("tie_word_embeddings", (!keys.parts.has("output.weight")).into());
    set("rope_scaling", rope_scaling(keys)?);
    if values.get("intermediate_size").is_some_and(Value::is_null) {
        values.remove("intermediate_size");
    }
    turned_share(keys, &mut values)?;
    Ok(values)
}

/// The share of a head that is turned, so that whoever cuts the product finds the very width.
fn turned_share(keys: &Keys<'_, '_>, values: &mut Map<String, Value>) -> Result<(), GgufError> {
    let head_dim = values.get("head_dim").and_then(Value::as_u64).unwrap_or(0);
    if let Some(width) = keys.whole("rope.dimension_count")?.filter(|width| *width != head_dim) {
        let share = (width as f64 + 0.5) / head_dim.max(1) as f64;
        values.insert("partial_rotary_factor".to_owned(), share.into());
    }
    Ok(())
}

fn rope_scaling(keys: &Keys<'_, '_>) -> Result<Value, GgufError> {
    let factor = keys.real("rope.scaling.factor")?;
    // What files had before there were types.
    let old = keys.real("rope.scale_linear")?.filter(|factor| *factor != 1.0 && *factor != 0.0);
    Ok(match keys.text("rope.scaling.type")? {
        Some("linear") => json!({"rope_type": "linear", "factor": factor.or(old)}),
        Some("yarn") => json!({
            "rope_type": "yarn", "factor": factor,
            "original_max_position_embeddings": keys.whole("rope.scaling.original_context_length")?,
            "beta_fast": keys.real("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
            "beta_slow": keys.real("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
        }),
        // Its factors are tensors.
        Some("none" | "longrope") => Value::Null,
        Some(kind) => {
            let key = format!("{}.rope.scaling.type", keys.prefix);
            let wanted = "none, linear, yarn or longrope".to_owned();
            return Err(GgufError::Value {
                key,
                value: format!("{:?}", kind.chars().take(60).collect::<String>()),
                wanted,
            });
        }
        None => old.map_or(Value::Null, |factor| json!({"rope_type": "linear", "factor": factor})),
    })
}
