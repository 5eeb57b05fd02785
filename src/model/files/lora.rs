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
    /// Rows of A and columns of B, if the file says it.
    rank: Option<usize>,
    /// By the square root of the rank, not by the rank.
    is_rank_stabilised: bool,
    /// Modules with another alpha, the first that fits counts.
    alphas: Vec<(Regex, f64)>,
    /// Modules with another rank, likewise.
    ranks: Vec<(Regex, usize)>,
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
        // Patterns in the order of the file.
        #[derive(serde::Deserialize)]
        struct Patterns {
            #[serde(default)]
            alpha_pattern: Option<Ordered>,
            #[serde(default)]
            rank_pattern: Option<Ordered>,
        }
        for key in ["alpha_pattern", "rank_pattern"] {
            if let Some(found) = values.get(key).filter(|found| !found.is_object() && !found.is_null()) {
                return Err(self.invalid(format_args!("{key} {found} is no object")));
            }
        }
        let patterns: Patterns = serde_json::from_slice(&without_literals(&bytes))
            .map_err(|error| self.invalid(format_args!("not the JSON that it should be: {error}")))?;
        Ok(AdapterSettings {
            alpha,
            rank: values.get("r").map(|value| self.rank("r", value)).transpose()?,
            is_rank_stabilised: values.get("use_rslora").is_some_and(is_set),
            alphas: self.patterns("alpha_pattern", patterns.alpha_pattern, Self::number)?,
            ranks: self.patterns("rank_pattern", patterns.rank_pattern, Self::rank)?,
        })
    }

    /// What modules have instead, each by a pattern.
    fn patterns<T>(
        &self,
        key: &str,
        patterns: Option<Ordered>,
        read: fn(&Self, &str, &Value) -> Result<T, ModelError>,
    ) -> Result<Vec<(Regex, T)>, ModelError> {
        let patterns = patterns.unwrap_or_default().0;
        let one = |(module, value): &(String, Value)| {
            let wrong = |_| self.invalid(format_args!("{key}: {module:?} is no pattern"));
            let pattern = Regex::new(&format!(r"\A(?:.*\.)?(?:{module})\z")).map_err(wrong)?;
            Ok((pattern, read(self, key, value)?))
        };
        patterns.iter().map(one).collect()
    }

    fn rank(&self, key: &str, value: &Value) -> Result<usize, ModelError> {
        let rank = value.as_u64().filter(|rank| *rank > 0).and_then(|rank| usize::try_from(rank).ok());
        rank.ok_or_else(|| self.invalid(format_args!("{key}: {value} is no rank, a whole number from 1 on")))
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
        let alpha = of_module(&self.alphas, module).unwrap_or(self.alpha);
        let rank = rank as f64;
        (alpha / if self.is_rank_stabilised { rank.sqrt() } else { rank }) as f32
    }

    /// The rank that a module's matrices are to have, if the file says it.
    pub fn rank(&self, module: &str) -> Option<usize> {
        of_module(&self.ranks, module).or(self.rank)
    }
}

/// What a module has instead, if a pattern fits it.
fn of_module<T: Copy>(patterns: &[(Regex, T)], module: &str) -> Option<T> {
    let fits = |(pattern, _): &&(Regex, T)| pattern.is_match(module).unwrap_or(false);
    patterns.iter().find(fits).map(|(_, value)| *value)
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
    fn a_module_may_have_a_rank_of_its_own() {
        let ranks = settings(r#"{"r": 4, "rank_pattern": {"layers.1.q": 2, "q": 8}}"#).unwrap();
        let of = ["model.layers.1.q", "model.layers.0.q", "model.layers.1.k"].map(|it| ranks.rank(it));
        assert_eq!(of, [Some(2), Some(8), Some(4)]);
        assert_eq!(settings("{}").unwrap().rank("q"), None);
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
            (r#"{"r": 0}"#, ["r: 0 is no rank", ""]),
            (r#"{"r": -4}"#, ["r: -4 is no rank", ""]),
            (r#"{"r": 2.5}"#, ["r: 2.5 is no rank", ""]),
            (r#"{"rank_pattern": {"q": 0}}"#, ["rank_pattern: 0 is no rank", ""]),
            (r#"{"rank_pattern": []}"#, ["rank_pattern [] is no object", ""]),
            (r#"{"alpha_pattern": {"(": 7}}"#, ["alpha_pattern: \"(\" is no pattern", ""]),
            ("{", ["not the JSON", ""]),
        ] {
            let message = settings(text).unwrap_err();
            assert!(words.iter().all(|word| message.contains(word)), "{message}");
        }
    }
}
