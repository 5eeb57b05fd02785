//! A resident model: how it is loaded, and what it is.

use std::sync::Arc;

use super::chat::ChatTemplate;
use super::compute::Threads;
use super::cuda::{CudaDecoder, Placed};
use super::decoder::Decoder;
use super::described::Described;
use super::device::Place;
use super::files::{self, ModelFiles};
use super::kept::KeptPasses;
use super::tokenizer::PromptTokenizer;
use super::weights::{Placement, Watch, Weights};
use super::{Control, Engine, LoadOptions, ModelError, Reference};
use crate::attention::{ModelInfo, NO_OUTPUT_HEAD};
use crate::vocabulary::human_bytes;

/// A resident model.
pub struct Model {
    pub(super) info: Arc<ModelInfo>,
    pub(super) engine: Engine,
    /// `Err` says why there is none.
    pub(super) tokenizer: Result<Box<PromptTokenizer>, String>,
    /// `Err` says why there is none.
    pub(super) chat: Result<ChatTemplate, String>,
    /// The tokens that end a text: whoever writes one of them is done.
    pub(super) ends: Vec<u32>,
    pub(super) decoder: Decoder,
    /// The same on a GPU, if that computes.
    pub(super) cuda: Option<CudaDecoder>,
    /// Watches the mapped files that the decoder reads.
    pub(super) watch: Watch,
    /// Threads of this model alone. A thread of a shared pool that waits for a part of this pass might take up the
    /// pass of another model.
    pub(super) threads: Threads,
    /// What a prompt goes on from.
    pub(super) kept: KeptPasses,
}

impl Model {
    /// Finds, checks and places a model.
    ///
    /// # Errors
    /// If a file is missing or broken, the model is unsupported or too large, or `control` was cancelled.
    pub fn load(
        reference: &Reference,
        options: &LoadOptions,
        control: &mut Control<'_>,
    ) -> Result<Self, ModelError> {
        let files = files::locate(reference, options.offline, &options.consent, control)?;
        Self::from_files(&files, options, control)
    }

    fn from_files(
        files: &ModelFiles,
        options: &LoadOptions,
        control: &mut Control<'_>,
    ) -> Result<Self, ModelError> {
        let Described { read, tokenizer, chat, ends, notes } = Described::of(files)?;
        let spec = &read.spec;
        let (place, placement) = (Placement::place_of(options)?, Placement::new(options)?);
        let mut weights = Weights::open(&files.weights, placement, control)?;
        weights.expect(read.expected());
        if let Some(adapter) = files.lora() {
            weights.add(adapter, read.layout.in_out)?;
        }
        if let Some(rounding) = files.rounding {
            weights.round_to(rounding)?;
        }
        check_memory(&files.name, weights.resident_bytes(), &place)?;
        let decoder = read.build(&mut weights)?;
        let watch = weights.watch();
        let mut info = ModelInfo {
            name: files.name.clone(),
            revision: files.revision.clone(),
            family: spec.family.to_owned(),
            layers: spec.layers.len(),
            heads: spec.heads,
            kv_heads: spec.kv_heads,
            windows: spec.layers.iter().map(|layer| layer.sliding_window).collect(),
            has_sinks: spec.sinks,
            has_output_head: decoder.head.is_some(),
            context: spec.context,
            vocabulary: spec.vocabulary,
            parameters: weights.parameters(),
            precision: weights.precision(),
            device: place.label(),
            resident_bytes: weights.resident_bytes(),
            notes: [notes, without_effect(files, tokenizer.as_deref().ok())].concat(),
        };
        let cuda = Placed::new(place, &files.name, &decoder, options.checked_gpus.as_deref(), control)?;
        info.device = cuda.place.label();
        info.notes.extend(cuda.note);
        // While all of it is still mapped, and before anything relies on what was read.
        watch.check()?;
        let threads = Threads::new()?;
        let (info, engine, kept) = (Arc::new(info), options.engine, KeptPasses::new(!options.no_cache));
        Ok(Self { info, engine, tokenizer, chat, ends, decoder, cuda: cuda.decoder, watch, threads, kept })
    }

    /// Why its GPU was given up, in a sentence, if it was since this was asked the last time.
    pub fn take_gpu_failure(&self) -> Option<String> {
        let error = self.cuda.as_ref()?.take_failure()?;
        Some(format!("{}: {error}: computed on the CPU", self.info.name))
    }

    /// What it is: its name, shape and precision.
    pub fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    /// Checks that it predicts anything.
    ///
    /// # Errors
    /// If it has no output head.
    pub fn check_output_head(&self) -> Result<(), ModelError> {
        if self.info.has_output_head {
            return Ok(());
        }
        Err(ModelError::Invalid(format!(
            "{}: {NO_OUTPUT_HEAD}: the checkpoint has no lm_head.weight, and config.json ties it to nothing",
            self.info.name
        )))
    }
}

/// What in the model's files has no effect here.
fn without_effect(files: &ModelFiles, tokenizer: Option<&PromptTokenizer>) -> Vec<String> {
    let adapter = files.adapter.iter().filter(|adapter| adapter.lora.is_none());
    let adapter = adapter.map(files::Adapter::not_applied);
    adapter.chain(tokenizer.into_iter().flat_map(|tokenizer| tokenizer.notes().to_vec())).collect()
}

/// Refuses a model before gigabytes are read, and before the system's out-of-memory killer ends the program.
fn check_memory(name: &str, needed: u64, place: &Place) -> Result<(), ModelError> {
    match place.free_bytes() {
        Some(free) if needed > free => Err(ModelError::OutOfMemory(format!(
            "{name}: not enough memory: the weights take {}, {} are free: {}",
            human_bytes(needed),
            human_bytes(free),
            place.way_out()
        ))),
        _ => Ok(()),
    }
}
