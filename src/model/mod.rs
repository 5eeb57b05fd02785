//! A model, from its name to a captured pass.
//!
//! `reference` names it, `files` finds it, `spec` says how it is built, `family` knows its config.json and
//! tensor names, `weights` reads them, `decoder` runs, `recorder` keeps what is looked at.

mod catalogue;
mod compute;
mod control;
mod decoder;
mod device;
mod error;
mod family;
mod footprint;
mod generate;
mod host;
mod json;
mod lens;
mod marks;
mod memory;
mod options;
mod profile;
mod prompt_limit;
mod recorder;
mod reference;
mod repeated;
mod spec;
mod tokenizer;
mod weights;

pub mod files;

pub use crate::vocabulary::{DeviceChoice, Engine, Precision};
pub use catalogue::{
    Catalogue, ConfiguredPair, Download, KnownModel, LoadEstimate, MemoryFit, Place, Published, catalogue,
    estimate,
};
pub use compute::limit_threads;
pub use control::{Cancel, Control, LoadProgress};
pub use decoder::{Hooks, ResidualPoint};
pub use device::{CudaDevice, cuda_devices, free_bytes, label as device_label, open as open_device};
pub use error::ModelError;
pub use footprint::Footprint;
pub use generate::{Sampling, greedy};
pub use lens::ResidualStream;
pub use marks::Marks;
pub use memory::ProcessMemory;
pub use options::LoadOptions;
pub use profile::Profile;
pub use reference::{DemoModel, Reference, ReferenceError};
pub use repeated::RepeatRun;

use std::sync::Arc;

use crate::attention::{Ablation, Cached, Capture, ModelInfo, NO_OUTPUT_HEAD, NextToken, Token, log_sum_exp};
use compute::Threads;
use decoder::Decoder;
use files::ModelFiles;
use prompt_limit::TooLong;
use recorder::Recorder;
use tokenizer::{Opened, PromptTokenizer};
use weights::{Placement, Watch, Weights};

/// Likeliest next tokens that a capture lists.
const NEXT_TOKENS: usize = 10;

/// A resident model.
pub struct Model {
    info: Arc<ModelInfo>,
    engine: Engine,
    /// Or why there is none.
    tokenizer: Result<Box<PromptTokenizer>, String>,
    decoder: Decoder,
    /// Of files that the decoder looks at where they lie.
    watch: Watch,
    /// A pass runs on threads of its own: one of a shared pool might take up the pass of another model while it
    /// waits for a part of this one.
    threads: Threads,
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
        let spec = family::read_spec(&files.config.read()?, &files.config.name())?;
        let tokenizer = match PromptTokenizer::open(&files.tokenizer, &files.config, spec.family.name())? {
            Opened::Ready(tokenizer) => Ok(tokenizer),
            Opened::Missing(why) => Err(why),
        };
        let placement = Placement::new(options)?;
        let device = placement.device.clone();
        let mut weights = Weights::open(&files.weights, placement, control)?;
        check_memory(&files.name, weights.resident_bytes(), device::free_bytes(&device))?;
        let decoder = family::assemble(&spec, &mut weights)?;
        let watch = weights.watch();
        let info = ModelInfo {
            name: files.name.clone(),
            revision: files.revision.clone(),
            family: spec.family.name().to_owned(),
            layers: spec.layers.len(),
            heads: spec.heads,
            kv_heads: spec.kv_heads,
            windows: spec.layers.iter().map(|layer| layer.window).collect(),
            has_sinks: spec.sinks,
            has_output_head: decoder.head.is_some(),
            context: spec.context,
            vocabulary: spec.vocabulary,
            parameters: weights.parameters(),
            precision: weights.precision(),
            device: device::label(&device),
            resident_bytes: weights.resident_bytes(),
            notes: notes(files, tokenizer.as_deref().ok()),
        };
        // Before anybody trusts what was read, while all of it is still mapped.
        watch.check()?;
        let threads = Threads::new()?;
        Ok(Self { info: Arc::new(info), engine: options.engine, tokenizer, decoder, watch, threads })
    }

    /// What it is.
    pub fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    /// A prompt as this model reads it: encoded as Hugging Face does, special tokens included, never trimmed.
    ///
    /// # Errors
    /// If the prompt is empty, too long, or the model came without a tokenizer.
    pub fn tokenize(&self, prompt: &str) -> Result<Vec<Token>, ModelError> {
        let tokenizer = self.tokenizer.as_ref().map_err(|why| {
            let name = &self.info.name;
            ModelError::Invalid(format!(
                "{name}: no tokenizer to read a prompt with: {why}; or give token ids with --ids"
            ))
        })?;
        if prompt.is_empty() {
            return Err(ModelError::Invalid("the prompt is empty: type something to look at".to_owned()));
        }
        let ModelInfo { name, context, .. } = &*self.info;
        tokenizer.check_length(prompt, *context).map_err(|why| {
            let size = prompt.len().div_ceil(1000);
            ModelError::Invalid(match why {
                TooLong::Tokens => format!(
                    "the prompt of {size} kB is more tokens than {name} reads, at most {context}: shorten it"
                ),
                TooLong::Bytes => format!(
                    "the prompt of {size} kB is too long, at most {} kB are read: shorten it",
                    prompt_limit::MOST_BYTES / 1000
                ),
            })
        })?;
        let tokens = tokenizer.encode(prompt)?;
        self.check_tokens(&tokens)?;
        Ok(tokens)
    }

    /// Tokens given by number; no tokenizer is needed, but is used to name them where there is one.
    ///
    /// # Errors
    /// If there are none, too many, or one is beyond the vocabulary.
    pub fn tokens_from_ids(&self, ids: &[u32]) -> Result<Vec<Token>, ModelError> {
        self.check_count(ids.len())?;
        let tokens: Vec<Token> = ids.iter().map(|&id| self.token(id)).collect();
        self.check_tokens(&tokens)?;
        Ok(tokens)
    }

    /// The token of an id, by number where there is no tokenizer.
    pub fn token(&self, id: u32) -> Token {
        self.tokenizer.as_ref().map_or_else(|_| Token::from_id(id), |tokenizer| tokenizer.token(id))
    }

    /// Runs tokens through the model. Reports finished layers and stops between layers when cancelled.
    ///
    /// # Errors
    /// If the tokens are none, too many or beyond the vocabulary, `cancel` was raised or the device failed.
    pub fn run(
        &self,
        tokens: Vec<Token>,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Capture, ModelError> {
        self.run_without(tokens, &Ablation::default(), cancel, on_layer)
    }

    /// As [`run`](Self::run), with some heads off.
    ///
    /// # Errors
    /// As [`run`](Self::run), or if the model hasn't got one of the heads.
    pub fn run_without(
        &self,
        tokens: Vec<Token>,
        ablation: &Ablation,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Capture, ModelError> {
        let mut hooks = Hooks { head_mask: ablation.clone(), ..Hooks::default() };
        self.run_hooked(tokens, &mut hooks, &mut Profile::default(), cancel, on_layer)
    }

    /// As [`run`](Self::run), and says what it cost; on a GPU it waits for each part, and takes longer.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn profile(
        &self,
        tokens: Vec<Token>,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<(Capture, Profile), ModelError> {
        let device = Some(self.decoder.embedding.device().clone());
        let mut profile = Profile { device, ..Profile::default() };
        let capture = self.run_hooked(tokens, &mut Hooks::default(), &mut profile, cancel, on_layer)?;
        Ok((capture, profile))
    }

    /// As [`run`](Self::run), with `hooks` in the pass, and adds what it costs to `profile`.
    ///
    /// # Errors
    /// As [`run_without`](Self::run_without), or if a hook fails.
    pub fn run_hooked(
        &self,
        tokens: Vec<Token>,
        hooks: &mut Hooks<'_>,
        profile: &mut Profile,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Capture, ModelError> {
        self.check_tokens(&tokens)?;
        self.check_heads(&hooks.head_mask)?;
        let mut recorder = Recorder::new(tokens.len(), self.info.layers, self.info.has_sinks);
        let run = || {
            let stop = (cancel, &self.watch);
            let mut on_layer = |layer| on_layer(recorder.add(layer));
            let logits = self.decoder.run(&tokens, self.engine, hooks, profile, stop, &mut on_layer)?;
            let next = self.likeliest(&logits, NEXT_TOKENS);
            Ok::<_, ModelError>((logits, next))
        };
        let (logits, next) = match self.decoder.embedding.device().is_cpu() {
            true => self.threads.run_awake(run)?,
            false => self.threads.run(run)?,
        };
        let (layers, mean) = recorder.finish();
        let (model, ablation) = (Arc::clone(&self.info), hooks.head_mask.clone());
        Ok(Capture {
            model,
            tokens,
            ablation,
            before: None,
            layers,
            mean,
            logits,
            next,
            drawn: None,
            digest: Cached::default(),
        })
    }

    /// Whether it predicts anything.
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

    fn check_heads(&self, ablation: &Ablation) -> Result<(), ModelError> {
        let ModelInfo { name, layers, heads, .. } = &*self.info;
        match ablation.beyond(&self.info) {
            None => Ok(()),
            Some(view) => Err(ModelError::Invalid(format!(
                "{view} can't be switched off: {name} has layers 0 to {} and heads 0 to {}",
                layers - 1,
                heads - 1
            ))),
        }
    }

    fn check_count(&self, tokens: usize) -> Result<(), ModelError> {
        let ModelInfo { name, context, .. } = &*self.info;
        if tokens == 0 {
            return Err(ModelError::Invalid("there are no tokens to run".to_owned()));
        }
        if tokens > *context {
            return Err(ModelError::Invalid(format!(
                "the prompt is {tokens} tokens long, {name} reads at most {context}: shorten it"
            )));
        }
        Ok(())
    }

    fn check_tokens(&self, tokens: &[Token]) -> Result<(), ModelError> {
        self.check_count(tokens.len())?;
        let ModelInfo { name, vocabulary, .. } = &*self.info;
        if let Some(token) = tokens.iter().find(|token| token.id as usize >= *vocabulary) {
            return Err(ModelError::Invalid(format!(
                "token id {} is beyond the vocabulary of {name}: ids go from 0 to {}",
                token.id,
                vocabulary - 1
            )));
        }
        Ok(())
    }

    fn likeliest(&self, logits: &[f32], count: usize) -> Vec<NextToken> {
        let mut order: Vec<u32> = (0..logits.len() as u32).collect();
        let likelier = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
        if order.is_empty() {
            return Vec::new();
        }
        let count = count.clamp(1, order.len());
        order.select_nth_unstable_by(count - 1, likelier);
        order.truncate(count);
        order.sort_by(likelier);
        let sum = log_sum_exp(logits);
        let probability = |id: u32| (f64::from(logits[id as usize]) - sum).exp() as f32;
        let next = |id: u32| NextToken { token: self.token(id), probability: probability(id) };
        order.into_iter().map(next).collect()
    }
}

/// What of a model's files is not honoured.
fn notes(files: &ModelFiles, tokenizer: Option<&PromptTokenizer>) -> Vec<String> {
    let adapter = files.adapter.iter().map(files::Adapter::not_applied);
    adapter.chain(tokenizer.into_iter().flat_map(|tokenizer| tokenizer.notes().to_vec())).collect()
}

/// Better said before gigabytes are read than by the system's out-of-memory killer.
fn check_memory(name: &str, needed: u64, free: Option<u64>) -> Result<(), ModelError> {
    match free {
        Some(free) if needed > free => Err(ModelError::Invalid(format!(
            "{name}: not enough memory: the weights take {:.1} GB, {:.1} GB are free: choose a smaller model, or close something",
            needed as f64 / 1e9,
            free as f64 / 1e9
        ))),
        _ => Ok(()),
    }
}
