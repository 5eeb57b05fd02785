//! The files of an adapter that is added to a model, and what its settings say.

use std::fmt;

use fancy_regex::Regex;
use serde_json::Value;

use super::{LONGEST_CONFIG, ModelFile};
use crate::model::ModelError;
use crate::model::json::{Ordered, literal, without_literals};

/// The files of an adapter: `adapter_config.json`, and its tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoraFiles {
    /// `adapter_config.json`
    pub config: ModelFile,
    /// `adapter_model.safetensors`
    pub weights: ModelFile,
}

/// What an adapter's matrices are multiplied by.
#[derive(Debug)]
pub struct AdapterSettings {
    alpha: f64,
    /// By the square root of the rank, not by the rank.
    is_rank_stabilised: bool,
    /// Modules with another alpha, the first that fits counts.
    alphas: Vec<(Regex, f64)>,
}

/// Settings of kinds of LoRA that are more than W + s · B A, if they are set.
const OTHER_KINDS: [&str; 10] = [
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
];
/// Ways to begin a training that change the base model's weights.
const CHANGING: [&str; 5] = ["pissa", "corda", "olora", "loftq", "lora_ga"];
/// What to do about an adapter that isn't added.
const MERGE: &str = "merge it into its base model with peft (merge_and_unload, then save_pretrained)";

impl LoraFiles {
    /// Reads the settings.
    ///
    /// # Errors
    /// If they aren't JSON, or of another kind than plain LoRA.
    pub fn settings(&self) -> Result<AdapterSettings, ModelError> {
        let bytes = self.config.read(LONGEST_CONFIG)?;
        let values: Ordered = serde_json::from_slice(&without_literals(&bytes))
            .map_err(|error| self.invalid(format_args!("not the JSON that it should be: {error}")))?;
        let kind = values.get("peft_type").and_then(Value::as_str).unwrap_or("LORA");
        if !kind.eq_ignore_ascii_case("LORA") {
            return Err(
                self.invalid(format_args!("peft_type {kind:?} is no LORA, which alone is added: {MERGE}"))
            );
        }
        for key in OTHER_KINDS {
            if values.get(key).is_some_and(is_set) {
                return Err(
                    self.invalid(format_args!("{key} is set, and plain LoRA alone is added: {MERGE}"))
                );
            }
        }
        if let Some(way) = values.get("init_lora_weights").and_then(Value::as_str)
            && CHANGING.iter().any(|known| way.to_ascii_lowercase().starts_with(known))
        {
            return Err(self.invalid(format_args!(
                "init_lora_weights {way:?} changes the base model, too: convert it to plain LoRA with peft \
                 (save_pretrained with path_initial_model_for_weight_conversion)"
            )));
        }
        let alpha = match values.get("lora_alpha") {
            None => 8.0,
            Some(value) => self.number("lora_alpha", value)?,
        };
        let patterns = values.get("alpha_pattern").cloned().unwrap_or(Value::Null);
        let patterns: Ordered = match patterns {
            Value::Null => Ordered::default(),
            patterns => self.ordered(&bytes, &patterns)?,
        };
        let alphas = patterns.0.iter().map(|(key, value)| {
            let wrong = |_| self.invalid(format_args!("alpha_pattern: {key:?} is no pattern"));
            let pattern = Regex::new(&format!(r"\A(?:.*\.)?(?:{key})\z")).map_err(wrong)?;
            Ok((pattern, self.number("alpha_pattern", value)?))
        });
        let is_rank_stabilised = values.get("use_rslora").is_some_and(is_set);
        Ok(AdapterSettings { alpha, is_rank_stabilised, alphas: alphas.collect::<Result<_, ModelError>>()? })
    }

    /// The patterns of alpha in the order of the file.
    fn ordered(&self, bytes: &[u8], found: &Value) -> Result<Ordered, ModelError> {
        #[derive(serde::Deserialize)]
        struct Patterns {
            alpha_pattern: Ordered,
        }
        let read: Result<Patterns, _> = serde_json::from_slice(&without_literals(bytes));
        let wrong = |_| self.invalid(format_args!("alpha_pattern {found} is no object"));
        read.map(|read| read.alpha_pattern).map_err(wrong)
    }

    fn number(&self, key: &str, value: &Value) -> Result<f64, ModelError> {
        let wrong = || {
            let shown = value.as_str().and_then(literal).map_or_else(|| value.to_string(), str::to_owned);
            self.invalid(format_args!("{key}: {shown} is no number that matrices can be multiplied by"))
        };
        value.as_f64().filter(|number| (*number as f32).is_finite()).ok_or_else(wrong)
    }

    fn invalid(&self, what: impl fmt::Display) -> ModelError {
        ModelError::Invalid(format!("{}: {what}", self.config.name()))
    }
}

impl AdapterSettings {
    /// What a module's matrices of that rank are multiplied by.
    pub fn scale(&self, module: &str, rank: usize) -> f32 {
        let fits = |(pattern, _): &&(Regex, f64)| pattern.is_match(module).unwrap_or(false);
        let alpha = self.alphas.iter().find(fits).map_or(self.alpha, |(_, alpha)| *alpha);
        let rank = rank as f64;
        (alpha / if self.is_rank_stabilised { rank.sqrt() } else { rank }) as f32
    }
}

/// Whether a setting says something: neither null, false, nor an empty list.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_set) => *is_set,
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<AdapterSettings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adapter_config.json");
        std::fs::write(&path, text).unwrap();
        let files = LoraFiles { config: ModelFile::Path(path.clone()), weights: ModelFile::Path(path) };
        files.settings().map_err(|error| error.to_string())
    }

    #[test]
    fn matrices_are_multiplied_by_alpha_over_the_rank() {
        let plain = settings(r#"{"lora_alpha": 16, "r": 4, "x": NaN}"#).unwrap();
        assert_eq!(plain.scale("h.0.attn.c_attn", 4), 4.0);
        assert_eq!(settings("{}").unwrap().scale("q", 8), 1.0);
        let text = r#"{"peft_type": "lora", "lora_alpha": 16, "use_rslora": true,
            "alpha_pattern": {"layers.1.*q_proj": 2, "q_proj": 4, "^lm_head": 1}}"#;
        let patterned = settings(text).unwrap();
        for (module, scale) in [
            ("model.layers.1.self_attn.q_proj", 1.0),
            ("model.layers.0.self_attn.q_proj", 2.0),
            ("q_proj", 2.0),
            ("model.layers.0.mlp.up_proj", 8.0),
            ("model.layers.0.self_attn.q_projector", 8.0),
        ] {
            assert_eq!(patterned.scale(module, 4), scale, "{module}");
        }
    }

    #[test]
    fn what_is_no_plain_lora_is_refused_by_name() {
        for (text, words) in [
            (r#"{"peft_type": "IA3"}"#, ["peft_type \"IA3\"", "merge_and_unload"]),
            (r#"{"use_dora": true}"#, ["use_dora is set", "merge_and_unload"]),
            (r#"{"layer_replication": [[0, 1]]}"#, ["layer_replication", "merge_and_unload"]),
            (r#"{"target_parameters": ["a"]}"#, ["target_parameters", "merge_and_unload"]),
            (r#"{"init_lora_weights": "pissa_niter_4"}"#, ["\"pissa_niter_4\" changes", "convert it"]),
            (r#"{"lora_alpha": NaN}"#, ["lora_alpha: NaN is no number", ""]),
            (r#"{"lora_alpha": 1e99}"#, ["lora_alpha", "is no number"]),
            (r#"{"alpha_pattern": 7}"#, ["alpha_pattern 7 is no object", ""]),
            (r#"{"alpha_pattern": {"(": 7}}"#, ["alpha_pattern: \"(\" is no pattern", ""]),
            ("{", ["not the JSON", ""]),
        ] {
            let message = settings(text).unwrap_err();
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
        }
    }
}
