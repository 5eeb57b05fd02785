//! An adapter beside a model's weights, or instead of them: `adapter_config.json`, as PEFT writes it.

use std::path::Path;

use serde_json::Value;

use crate::model::json::without_literals;

/// The file of an adapter's settings.
pub const ADAPTER_CONFIG: &str = "adapter_config.json";
/// The names of its files of weights begin so.
const WEIGHTS: &str = "adapter";

/// What an adapter's folder says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// The file that shows that there is one.
    pub file: String,
    /// `LORA`, if it says so.
    pub kind: Option<String>,
    /// The model that it changes, if it says so.
    pub base: Option<String>,
}

impl Adapter {
    /// The adapter in `folder`, if there is one.
    pub fn beside(folder: &Path) -> Option<Self> {
        let config = folder.join(ADAPTER_CONFIG);
        if !config.is_file() {
            let names = std::fs::read_dir(folder)
                .ok()?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            let mut weights: Vec<String> = names.filter(|name| is_adapter(name)).collect();
            weights.sort();
            let file = folder.join(weights.into_iter().next()?).display().to_string();
            return Some(Self { file, kind: None, base: None });
        }
        // What can't be read is an adapter all the same: its name says so.
        let values: Value = crate::bounded::read(&config, super::LONGEST_CONFIG)
            .ok()
            .and_then(|text| serde_json::from_slice(&without_literals(&text)).ok())
            .unwrap_or_default();
        let text = |key: &str| values.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let (kind, base) = (text("peft_type"), text("base_model_name_or_path"));
        Some(Self { file: config.display().to_string(), kind, base })
    }

    /// What it is: `a LORA adapter of openai-community/gpt2`.
    pub fn description(&self) -> String {
        let kind =
            self.kind.as_ref().map_or_else(|| "an adapter".to_owned(), |kind| format!("a {kind} adapter"));
        match &self.base {
            Some(base) => format!("{kind} of {base}"),
            None => format!("{kind} that names no base model"),
        }
    }

    /// The message where the weights beside it are loaded without it.
    pub fn not_applied(&self) -> String {
        format!("{}: {} is not applied: this is the model without it", self.file, self.description())
    }

    /// The message where there are no weights beside it.
    pub fn instead_of_weights(&self) -> String {
        let fix = "adapters aren't applied: merge it into its base model with peft (merge_and_unload, then save_pretrained)";
        format!("{}: {}, and no model's weights beside it; {fix}", self.file, self.description())
    }
}

/// Whether a file of this name holds an adapter's weights.
pub fn is_adapter(name: &str) -> bool {
    name.starts_with(WEIGHTS) && [".safetensors", ".bin"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_named_with_its_base() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Adapter::beside(folder.path()), None);
        std::fs::write(folder.path().join("adapter_model.bin"), "").unwrap();
        let nameless = Adapter::beside(folder.path()).unwrap();
        assert!(nameless.file.ends_with("adapter_model.bin"));
        assert_eq!(nameless.description(), "an adapter that names no base model");
        let config = folder.path().join(ADAPTER_CONFIG);
        std::fs::write(&config, r#"{"peft_type": "LORA", "base_model_name_or_path": "a/b"}"#).unwrap();
        let named = Adapter::beside(folder.path()).unwrap();
        assert_eq!(named.description(), "a LORA adapter of a/b");
        assert!(named.not_applied().starts_with(&config.display().to_string()));
        assert!(named.instead_of_weights().contains("merge_and_unload"));
        let with_nan = r#"{"lora_alpha": NaN, "base_model_name_or_path": "a/b"}"#;
        std::fs::write(&config, with_nan).unwrap();
        assert_eq!(
            Adapter::beside(folder.path()).unwrap().base.as_deref(),
            Some("a/b"),
            "as Python writes it"
        );
        std::fs::write(&config, "{").unwrap();
        assert_eq!(Adapter::beside(folder.path()).unwrap().base, None, "broken, and still an adapter");
    }

    #[test]
    fn files_of_adapters_go_by_their_names() {
        assert!(
            ["adapter_model.safetensors", "adapters.safetensors", "adapter_model.bin"].map(is_adapter)
                == [true; 3]
        );
        assert!(
            ["model.safetensors", "adapter_config.json", "my_adapter.safetensors"].map(is_adapter)
                == [false; 3]
        );
    }
}
