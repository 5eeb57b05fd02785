//! The models in the binary.

use super::{ModelFile, ModelFiles, TOKENIZER_JSON, TokenizerFiles};
use crate::model::DemoModel;

/// Bytes that lie where numbers of eight bytes may, as those of a mapped file do.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

macro_rules! embedded {
    ($name:literal, $file:literal) => {{
        static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/demo/",
            $name,
            "/",
            $file
        )));
        ModelFile::Embedded { name: concat!("demo:", $name, "/", $file), bytes: &FILE.0 }
    }};
}

macro_rules! demo {
    ($name:literal) => {
        [
            embedded!($name, "config.json"),
            embedded!($name, "tokenizer.json"),
            embedded!($name, "model.safetensors"),
        ]
    };
}

/// The files of an embedded model.
pub(super) fn files(demo: DemoModel) -> ModelFiles {
    let [config, tokenizer, weights] = match demo {
        DemoModel::Gpt2 => demo!("gpt2"),
        DemoModel::GptOss => demo!("gpt-oss"),
    };
    let mut tokenizer = Some(tokenizer);
    let Ok(tokenizer) = TokenizerFiles::gather(|name| {
        Ok::<_, std::convert::Infallible>(if name == TOKENIZER_JSON { tokenizer.take() } else { None })
    });
    ModelFiles {
        name: format!("demo:{}", demo.name()),
        revision: None,
        config,
        tokenizer,
        weights: vec![weights],
        adapter: None,
        rounding: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::LONGEST_CONFIG;
    use super::*;

    #[test]
    fn every_demo_is_whole() {
        for demo in DemoModel::ALL {
            let files = files(demo);
            for file in files.all() {
                assert!(file.name().starts_with(&files.name), "{}", file.name());
                assert!(file.size().unwrap() > 0, "{}", file.name());
            }
            let ModelFile::Embedded { bytes, .. } = &files.weights[0] else { panic!("not embedded") };
            assert!(bytes.as_ptr().addr().is_multiple_of(8), "the kernels read them where they lie");
            let config = files.config.read(LONGEST_CONFIG).unwrap();
            let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
            assert!(config.get("model_type").is_some());
        }
    }
}
