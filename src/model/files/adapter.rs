//! An adapter beside a model's weights, or instead of them: `adapter_config.json`, as PEFT writes it.

use std::path::Path;

use serde_json::Value;

use super::formats::is_adapter;
use super::{LoraFiles, ModelFile};
use crate::model::json::without_literals;

/// The file of an adapter's settings.
pub const ADAPTER_CONFIG: &str = "adapter_config.json";
/// The file of its tensors.
pub const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";

/// What an adapter's folder says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// The file that shows that there is one.
    pub file: String,
    /// `LORA`, if it says so.
    pub kind: Option<String>,
    /// The model that it changes, if it says so.
    pub base: Option<String>,
    /// Its files, if they are those that can be added to a model.
    pub lora: Option<LoraFiles>,
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
            return Some(Self { file, kind: None, base: None, lora: None });
        }
        // What can't be read is an adapter all the same: its name says so.
        let values: Value = crate::bounded::read(&config, super::LONGEST_CONFIG)
            .ok()
            .and_then(|text| serde_json::from_slice(&without_literals(&text)).ok())
            .unwrap_or_default();
        let text = |key: &str| values.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let (kind, base) = (text("peft_type"), text("base_model_name_or_path"));
        let weights = folder.join(ADAPTER_WEIGHTS);
        let files = || LoraFiles {
            config: ModelFile::Path(config.clone()),
            weights: ModelFile::Path(weights.clone()),
        };
        let lora = weights.is_file().then(files);
        Some(Self { file: config.display().to_string(), kind, base, lora })
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
        let what = self.description();
        format!("{}: {what} is not applied: this is the model without it; BASE+ADAPTER adds one", self.file)
    }

    /// The same, which is not to be added to the weights beside it.
    pub(super) fn left_alone(self) -> Self {
        Self { lora: None, ..self }
    }

    /// The message where there are no weights beside it.
    pub fn instead_of_weights(&self) -> String {
        let base = self.base.as_deref().unwrap_or("BASE");
        let folder = Path::new(&self.file).parent().map(|folder| folder.display().to_string());
        format!(
            "{}: {}, and no model's weights beside it: name its base model, too, as {base}+{}",
            self.file,
            self.description(),
            folder.as_deref().unwrap_or("ADAPTER")
        )
    }
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
        let fix = format!("name its base model, too, as a/b+{}", folder.path().display());
        assert!(named.instead_of_weights().ends_with(&fix));
        assert_eq!(named.lora, None, "there is only adapter_model.bin");
        std::fs::write(folder.path().join(ADAPTER_WEIGHTS), "").unwrap();
        assert!(Adapter::beside(folder.path()).unwrap().lora.is_some());
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
}
