//! The smallest models that are still models.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;

const VOCABULARY: usize = 512;

/// A folder with the files of a model.
pub struct Checkpoint {
    pub folder: tempfile::TempDir,
    pub config: Vec<u8>,
    pub weights: Vec<u8>,
}

impl Checkpoint {
    fn new(config: &serde_json::Value, tensors: &[(String, Dtype, Vec<usize>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stored: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = tensors
            .iter()
            .map(|(name, dtype, shape)| {
                let values: usize = shape.iter().product();
                let bytes = match dtype {
                    Dtype::F32 => (0..values)
                        .flat_map(|at| (((at * 37) % 19) as f32 / 19.0 - 0.5).to_le_bytes())
                        .collect(),
                    Dtype::BF16 => {
                        (0..values).flat_map(|at| [0, if at % 3 == 0 { 0x3e } else { 0xbe }]).collect()
                    }
                    _ => (0..values).map(|at| (at * 7 % 120) as u8).collect(),
                };
                (name.as_str(), *dtype, shape.clone(), bytes)
            })
            .collect();
        let views = stored.iter().map(|(name, dtype, shape, bytes)| {
            (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        let weights = safetensors::serialize(views, None).unwrap();
        let checkpoint = Self { folder, config: serde_json::to_vec(config).unwrap(), weights };
        checkpoint.restore();
        checkpoint
    }

    /// A GPT-2 of one layer.
    pub fn gpt2() -> Self {
        const HIDDEN: usize = 8;
        let config = json!({
            "model_type": "gpt2", "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "n_ctx": 32, "n_embd": HIDDEN,
            "n_head": 2, "n_layer": 1, "n_positions": 32, "n_inner": null, "vocab_size": VOCABULARY, "tie_word_embeddings": true,
            "scale_attn_weights": true, "scale_attn_by_inverse_layer_idx": false
        });
        let shapes: [(&str, &[usize]); 16] = [
            ("wte.weight", &[VOCABULARY, HIDDEN]),
            ("wpe.weight", &[32, HIDDEN]),
            ("h.0.ln_1.weight", &[HIDDEN]),
            ("h.0.ln_1.bias", &[HIDDEN]),
            ("h.0.attn.c_attn.weight", &[HIDDEN, 3 * HIDDEN]),
            ("h.0.attn.c_attn.bias", &[3 * HIDDEN]),
            ("h.0.attn.c_proj.weight", &[HIDDEN, HIDDEN]),
            ("h.0.attn.c_proj.bias", &[HIDDEN]),
            ("h.0.ln_2.weight", &[HIDDEN]),
            ("h.0.ln_2.bias", &[HIDDEN]),
            ("h.0.mlp.c_fc.weight", &[HIDDEN, 4 * HIDDEN]),
            ("h.0.mlp.c_fc.bias", &[4 * HIDDEN]),
            ("h.0.mlp.c_proj.weight", &[4 * HIDDEN, HIDDEN]),
            ("h.0.mlp.c_proj.bias", &[HIDDEN]),
            ("ln_f.weight", &[HIDDEN]),
            ("ln_f.bias", &[HIDDEN]),
        ];
        Self::new(&config, &shapes.map(|(name, shape)| (name.to_owned(), Dtype::F32, shape.to_vec())))
    }

    /// A gpt-oss of one layer and two experts.
    pub fn gpt_oss() -> Self {
        const HIDDEN: usize = 32;
        let config = json!({
            "model_type": "gpt_oss", "hidden_act": "silu", "hidden_size": HIDDEN, "intermediate_size": HIDDEN, "head_dim": 8,
            "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 1, "num_local_experts": 2, "num_experts_per_tok": 1,
            "experts_per_token": 1, "layer_types": ["sliding_attention"], "sliding_window": 4, "max_position_embeddings": 32,
            "initial_context_length": 16, "rms_norm_eps": 1e-5, "swiglu_limit": 7.0, "rope_theta": 150000, "attention_bias": true,
            "tie_word_embeddings": false, "vocab_size": VOCABULARY, "quantization_config": {"quant_method": "mxfp4"},
            "rope_scaling": {"rope_type": "yarn", "beta_fast": 32.0, "beta_slow": 1.0, "factor": 2.0, "original_max_position_embeddings": 16, "truncate": false}
        });
        let layer: [(&str, Dtype, &[usize]); 19] = [
            ("input_layernorm.weight", Dtype::BF16, &[HIDDEN]),
            ("post_attention_layernorm.weight", Dtype::BF16, &[HIDDEN]),
            ("self_attn.q_proj.weight", Dtype::BF16, &[16, HIDDEN]),
            ("self_attn.q_proj.bias", Dtype::BF16, &[16]),
            ("self_attn.k_proj.weight", Dtype::BF16, &[8, HIDDEN]),
            ("self_attn.k_proj.bias", Dtype::BF16, &[8]),
            ("self_attn.v_proj.weight", Dtype::BF16, &[8, HIDDEN]),
            ("self_attn.v_proj.bias", Dtype::BF16, &[8]),
            ("self_attn.o_proj.weight", Dtype::BF16, &[HIDDEN, 16]),
            ("self_attn.o_proj.bias", Dtype::BF16, &[HIDDEN]),
            ("self_attn.sinks", Dtype::BF16, &[2]),
            ("mlp.router.weight", Dtype::BF16, &[2, HIDDEN]),
            ("mlp.router.bias", Dtype::BF16, &[2]),
            ("mlp.experts.gate_up_proj_blocks", Dtype::U8, &[2, 2 * HIDDEN, 1, 16]),
            ("mlp.experts.gate_up_proj_scales", Dtype::U8, &[2, 2 * HIDDEN, 1]),
            ("mlp.experts.gate_up_proj_bias", Dtype::BF16, &[2, 2 * HIDDEN]),
            ("mlp.experts.down_proj_blocks", Dtype::U8, &[2, HIDDEN, 1, 16]),
            ("mlp.experts.down_proj_scales", Dtype::U8, &[2, HIDDEN, 1]),
            ("mlp.experts.down_proj_bias", Dtype::BF16, &[2, HIDDEN]),
        ];
        let mut tensors: Vec<(String, Dtype, Vec<usize>)> = layer
            .map(|(name, dtype, shape)| (format!("model.layers.0.{name}"), dtype, shape.to_vec()))
            .into();
        tensors.push(("model.embed_tokens.weight".into(), Dtype::BF16, vec![VOCABULARY, HIDDEN]));
        tensors.push(("lm_head.weight".into(), Dtype::BF16, vec![VOCABULARY, HIDDEN]));
        tensors.push(("model.norm.weight".into(), Dtype::BF16, vec![HIDDEN]));
        Self::new(&config, &tensors)
    }

    /// Puts every file there as it is to be.
    pub fn restore(&self) {
        self.write("config.json", &self.config);
        self.write("model.safetensors", &self.weights);
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.file(name), bytes).unwrap();
    }
}
