//! The size of a model, known before it is loaded.

use super::weights::{Placement, Weights};
use super::{Cancel, Control, LoadOptions, ModelError, Reference, described, files};

/// Size of a model that is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Number of its weights.
    pub parameters: u64,
    /// Bytes of its files.
    pub disk_bytes: u64,
    /// Bytes its weights take once placed.
    pub resident_bytes: u64,
    /// Bytes that are kept of a prompt of 1,000 tokens, or of as many as it reads; 0 of a model that can't be
    /// run.
    pub prompt_bytes: u64,
}

/// Tokens of the prompt that memory is estimated for.
pub const PROMPT_TOKENS: usize = 1000;

impl Footprint {
    /// Bytes that it takes with its prompt.
    pub fn needed_bytes(&self) -> u64 {
        self.resident_bytes + self.prompt_bytes
    }

    /// Reads the headers of the model's files. Nothing is downloaded or loaded.
    ///
    /// # Errors
    /// If the model is not here or broken, or this machine hasn't the device.
    pub fn of(reference: &Reference, options: &LoadOptions) -> Result<Self, ModelError> {
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
        let files = files::locate_here(reference)?;
        let mut weights = Weights::open(&files.weights, Placement::new(options)?, &mut control)?;
        // Of a model that can't be run, what its files hold is all that can be told.
        let mut prompt_bytes = 0;
        if let Ok(read) = described::read(&files) {
            prompt_bytes = read.spec.capture_bytes(read.spec.context.min(PROMPT_TOKENS));
            weights.expect(read.expected());
            let _ = files.rounding.map(|rounding| weights.round_to(rounding));
        }
        let disk_bytes = files.all().map(files::ModelFile::size).sum::<Result<u64, _>>()?;
        let (parameters, resident_bytes) = (weights.parameters(), weights.resident_bytes());
        Ok(Self { parameters, disk_bytes, resident_bytes, prompt_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DemoModel, Model, family};
    use candle_core::{DType, Device};

    /// What a GPU does with `--dtype bf16` and without, on the CPU, that holds bf16, too.
    #[test]
    fn unpacked_experts_take_two_bytes_a_weight() {
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
        let files = files::locate_here(&Reference::Demo(DemoModel::GptOss)).unwrap();
        let read =
            family::read(&files.config.read(files::LONGEST_CONFIG).unwrap(), &files.config.name()).unwrap();
        let mut take = |unpacked| {
            let placement = Placement { device: Device::Cpu, dtype: DType::BF16, mapped: false, unpacked };
            let mut weights = Weights::open(&files.weights, placement, &mut control).unwrap();
            read.build(&mut weights).unwrap();
            (weights.precision(), weights.parameters(), weights.resident_bytes())
        };
        let (packed, unpacked) = (take(false), take(true));
        assert_eq!((packed.0.as_str(), unpacked.0.as_str()), ("mxfp4", "bf16"));
        assert_eq!((packed.1, 2 * unpacked.1), (unpacked.1, unpacked.2));
        assert!(packed.2 < unpacked.2, "{packed:?} {unpacked:?}");
    }

    /// What `models` says of a model is what it says of itself once it is loaded, whatever its weights become: f16 that is
    /// packed for the kernels, rounded, or left where it is.
    #[test]
    fn what_is_foretold_is_what_is_taken() {
        let golden = |name: &str| format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
        let options = LoadOptions::default();
        for name in [
            "demo:gpt2".to_owned(),
            "demo:gpt2~q8_0".to_owned(),
            "demo:gpt-oss".to_owned(),
            golden("families/llama-3"),
            golden("families/llama-3") + "~q4_0",
            golden("gguf/gpt2/model.gguf"),
        ] {
            let reference: Reference = name.parse().unwrap();
            let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
            let foretold = Footprint::of(&reference, &options).unwrap();
            let model = Model::load(&reference, &options, &mut control).unwrap();
            let taken = model.info.resident_bytes;
            assert_eq!(foretold.resident_bytes, taken, "{name}");
            if name == "demo:gpt2" {
                // The embedding stays in f16, and all else is of f32.
                let embedding = model.decoder.embedding.tokens.weights() as u64;
                assert_eq!(taken, 4 * model.info.parameters - 2 * embedding);
            }
        }
    }

    /// On the CPU blocks stay in their file; elsewhere each becomes numbers.
    #[test]
    fn a_gguf_file_takes_what_it_holds() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gguf/mixtral");
        let files = files::locate_here(&Reference::Folder(folder)).unwrap();
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
        let mut take = |mapped| {
            let placement = Placement { device: Device::Cpu, dtype: DType::F32, mapped, unpacked: false };
            let weights = Weights::open(&files.weights, placement, &mut control).unwrap();
            (weights.precision(), weights.parameters(), weights.resident_bytes())
        };
        let (stays, decoded) = (take(true), take(false));
        assert_eq!((stays.0.as_str(), decoded.0.as_str()), ("q8_0", "f32"));
        assert_eq!((stays.1, decoded.2), (decoded.1, 4 * decoded.1));
        let held = files.weights[0].size().unwrap();
        assert!(stays.2 < held && 2 * stays.2 > held, "{} of {held}", stays.2);
        assert_eq!(files.all().count(), 1, "config, tokenizer and weights are one file");
    }
}
