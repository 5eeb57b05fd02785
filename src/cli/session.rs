//! Loading models and running them, with progress, consent to large downloads, and a way to stop.

use std::sync::Arc;

use super::failure::Failure;
use super::interrupt::{self, at_once};
use super::reporter::{Reporter, describe};
use super::settings::Settings;
use crate::attention::repeated::DRAWS;
use crate::attention::{Ablation, Capture, ChatPrompt, ScoresByHead, Token, escape_controls};
use crate::export::{Input, Subject};
use crate::model::files::{self, DownloadPlan};
use crate::model::{
    Cancel, Control, LoadOptions, Model, ModelError, Reference, RepeatRun, ResidualStream, open_device,
};
use crate::vocabulary::{Instead, RowReading};

/// What the models of a command share.
#[derive(Debug)]
pub struct Session {
    options: LoadOptions,
    yes: bool,
    /// Raised by Ctrl-C, once [`listen`](Self::listen) was called.
    pub cancel: Cancel,
    listening: bool,
    /// Standard error.
    pub reporter: Reporter,
}

impl Session {
    /// One that goes by `settings`.
    pub fn new(settings: &Settings) -> Self {
        let (options, yes) = (settings.load.clone(), settings.yes);
        Self { options, yes, cancel: Cancel::new(), listening: false, reporter: Reporter::new() }
    }

    /// Whether a pass goes on from the one before it, where both begin alike.
    pub fn goes_on(&self) -> bool {
        !self.options.no_cache
    }

    /// From now on, Ctrl-C raises [`cancel`](Self::cancel), and no signal leaves a file half written.
    pub fn listen(&mut self) {
        if !std::mem::replace(&mut self.listening, true) {
            interrupt::listen(self.cancel.clone());
        }
    }

    /// Loads a model; asks before it downloads much.
    ///
    /// # Errors
    /// If somebody says no, or the model cannot be loaded.
    pub fn load(&mut self, reference: &Reference) -> Result<Model, Failure> {
        self.listen();
        self.consent(reference)?;
        let name = reference.to_string();
        let Self { options, cancel, reporter, .. } = self;
        let mut progress = |step| reporter.progress(&describe(&name, &step));
        let loaded =
            Model::load(reference, options, &mut Control { cancel: cancel.clone(), progress: &mut progress });
        reporter.clear();
        let model = loaded?;
        let info = model.info();
        info.notes.iter().for_each(|note| reporter.say(&escape_controls(note)));
        tracing::info!(model = %info.name, device = %info.device, precision = %info.precision, bytes = info.resident_bytes, "loaded");
        Ok(model)
    }

    /// As [`load`](Self::load), of a model that may be the one before: that is not read again.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_after(
        &mut self,
        reference: &Reference,
        before: &mut Option<(Reference, Arc<Model>)>,
    ) -> Result<Arc<Model>, Failure> {
        if let Some((_, model)) = before.as_ref().filter(|before| before.0 == *reference) {
            return Ok(model.clone());
        }
        // Of two models, the first one's memory is free before the second is read, if nobody else holds it.
        *before = None;
        let model = Arc::new(self.load(reference)?);
        *before = Some((reference.clone(), model.clone()));
        Ok(model)
    }

    /// Runs a model over what it is given.
    ///
    /// # Errors
    /// If the model cannot read it, or Ctrl-C was pressed.
    pub fn capture(&mut self, model: &Model, input: &Input) -> Result<Capture, Failure> {
        let (tokens, chat) = tokens(model, input)?;
        Ok(Capture { chat, ..self.run(model, tokens)? })
    }

    /// As [`capture`](Self::capture), without the heads of `ablation`.
    ///
    /// # Errors
    /// As [`capture`](Self::capture), or if the model hasn't got one of the heads.
    pub fn capture_without(
        &mut self,
        model: &Model,
        input: &Input,
        ablation: &Ablation,
    ) -> Result<Capture, Failure> {
        let (tokens, chat) = tokens(model, input)?;
        let capture =
            self.watch(model, |cancel, on_layer| model.run_without(tokens, ablation, cancel, on_layer))?;
        Ok(Capture { chat, ..capture })
    }

    /// As [`capture_without`](Self::capture_without), and keeps what flows between the layers.
    ///
    /// # Errors
    /// As [`capture_without`](Self::capture_without), or if there is no memory for it.
    pub fn capture_keeping(
        &mut self,
        model: &Model,
        input: &Input,
        ablation: &Ablation,
    ) -> Result<(Capture, ResidualStream), Failure> {
        let (tokens, chat) = tokens(model, input)?;
        let (capture, stream) =
            self.watch(model, |cancel, on_layer| model.run_keeping(tokens, ablation, cancel, on_layer))?;
        Ok((Capture { chat, ..capture }, stream))
    }

    /// What flows between the layers in a pass that was made: it is made again.
    ///
    /// # Errors
    /// If there is no memory for it, or Ctrl-C was pressed.
    pub fn stream(&mut self, model: &Model, capture: &Capture) -> Result<ResidualStream, Failure> {
        let tokens = capture.tokens.to_vec();
        let (_, stream) = self.watch(model, |cancel, on_layer| {
            model.run_keeping(tokens, &capture.ablation, cancel, on_layer)
        })?;
        Ok(stream)
    }

    /// Runs a model over tokens.
    ///
    /// # Errors
    /// As [`capture`](Self::capture).
    pub fn run(&mut self, model: &Model, tokens: Vec<Token>) -> Result<Capture, Failure> {
        self.watch(model, |cancel, on_layer| model.run(tokens, cancel, on_layer))
    }

    /// Does a pass, and says how far it is.
    fn watch<T>(
        &mut self,
        model: &Model,
        pass: impl FnOnce(&Cancel, &mut (dyn FnMut(usize) + Send)) -> Result<T, ModelError>,
    ) -> Result<T, Failure> {
        let (name, layers) = (&model.info().name, model.info().layers);
        let Self { cancel, reporter, .. } = self;
        let done = pass(cancel, &mut |layer| {
            reporter.progress(&format!("{name}: layer {layer} of {layers}"));
        });
        reporter.clear();
        tracing::info!(model = %name, "ran");
        let done = done?;
        self.say_gpu_failure(model);
        Ok(done)
    }

    /// Says that a model's GPU has failed, once.
    pub fn say_gpu_failure(&mut self, model: &Model) {
        if let Some(failure) = model.take_gpu_failure() {
            self.reporter.say(&escape_controls(&failure));
        }
    }

    /// As [`capture_without`](Self::capture_without), with everything that an export of `subject` needs whose rows are
    /// named so.
    ///
    /// # Errors
    /// As [`capture_without`](Self::capture_without), or if there is no token that the subject names.
    pub fn capture_for(
        &mut self,
        asked: (Subject, RowReading),
        model: &Model,
        input: &Input,
        ablation: &Ablation,
    ) -> Result<Capture, Failure> {
        let mut capture = self.capture_without(model, input, ablation)?;
        self.complete(&mut capture, asked, model)?;
        Ok(capture)
    }

    /// Adds to a capture what an export needs besides its pass.
    ///
    /// # Errors
    /// As [`capture_for`](Self::capture_for).
    pub fn complete(
        &mut self,
        capture: &mut Capture,
        (subject, rows): (Subject, RowReading),
        model: &Model,
    ) -> Result<(), Failure> {
        if subject.needs_scores() {
            self.score(model, capture)?;
        }
        if subject.needs_sweep() {
            self.sweep(model, capture, Instead::Zero)?;
        }
        if let Some(text) = subject.pushed() {
            let query = text.query(capture.tokens.len(), rows);
            capture.pushed = Some(Arc::new(self.push_at(model, capture, query, text.next)?));
        }
        Ok(())
    }

    /// Adds to a capture what its heads do on repeated random tokens.
    ///
    /// # Errors
    /// As [`capture`](Self::capture).
    pub fn score(&mut self, model: &Model, capture: &mut Capture) -> Result<(), Failure> {
        capture.repeated = Some(Arc::new(self.repeat_scores(model, &capture.ablation)?));
        Ok(())
    }

    /// Every head's scores on repeated random tokens, without some heads.
    ///
    /// # Errors
    /// As [`capture`](Self::capture).
    pub fn repeat_scores(&mut self, model: &Model, ablation: &Ablation) -> Result<ScoresByHead, Failure> {
        let mut run = RepeatRun::without(ablation.clone());
        loop {
            if let Some(scores) = run.scores() {
                self.reporter.clear();
                return Ok(scores);
            }
            let (name, draw) = (&model.info().name, run.done() + 1);
            self.reporter.progress(&format!("{name}: repeated random tokens, draw {draw} of {DRAWS}"));
            run.step(model, &self.cancel)?;
            self.say_gpu_failure(model);
        }
    }

    /// Whether loading a model needs no download, or one that was agreed to beforehand.
    pub fn may_load(&self, reference: &Reference) -> bool {
        !is_remote(reference) || self.yes || is_here(reference)
    }

    /// Says what a model would download, and asks if that is much.
    ///
    /// # Errors
    /// If the hub can't say how much it is, somebody says no or nobody can be asked, or the disk hasn't got the room.
    pub fn consent(&mut self, reference: &Reference) -> Result<(), Failure> {
        match self.plan(reference)? {
            Some(plan) => self.agree(reference, &plan),
            None => Ok(()),
        }
    }

    /// As [`consent`](Self::consent), for the viewer, which shows in the model's pane what keeps the hub from saying
    /// how much it is.
    ///
    /// # Errors
    /// If somebody says no or nobody can be asked, or the disk hasn't got the room.
    pub fn consent_to_show<'a>(
        &mut self,
        references: impl IntoIterator<Item = &'a Reference>,
    ) -> Result<(), Failure> {
        self.listen();
        for reference in references {
            match self.plan(reference) {
                Ok(Some(plan)) => self.agree(reference, &plan)?,
                Ok(None) => {}
                Err(ModelError::Cancelled) => return Err(Failure::Interrupted),
                Err(error) => self.options.consent.remember(reference, error),
            }
        }
        Ok(())
    }

    /// What a model would download, if it isn't here.
    fn plan(&mut self, reference: &Reference) -> Result<Option<DownloadPlan>, ModelError> {
        // An adapter is small: nobody is asked about it.
        let reference = reference.base();
        if !is_remote(reference) || is_here(reference) {
            return Ok(None);
        }
        let name = reference.to_string();
        let Self { options, cancel, reporter, .. } = self;
        let mut progress = |step| reporter.progress(&describe(&name, &step));
        let mut control = Control { cancel: cancel.clone(), progress: &mut progress };
        let plan = files::plan(reference, options.offline, &mut control);
        reporter.clear();
        plan.map(Some)
    }

    fn agree(&mut self, reference: &Reference, plan: &DownloadPlan) -> Result<(), Failure> {
        let memory = open_device(self.options.device).ok().and_then(|device| device.free_bytes());
        let statement = plan.statement(&reference.to_string(), memory)?;
        let agreed = if self.yes || !plan.is_large() {
            self.reporter.say(&statement);
            Some(true)
        } else {
            at_once(|| self.reporter.ask(&format!("{statement}. Download it?")))
        };
        match agreed {
            Some(true) => {
                self.options.consent.agree(reference.base(), plan.missing_bytes);
                Ok(())
            }
            Some(false) => Err(Failure::Failed(format!("{reference}: not downloaded"))),
            None => Err(Failure::Failed(format!("{statement}: say --yes to download it"))),
        }
    }
}

/// What a model reads, and the text of it if that is not the prompt itself.
fn tokens(model: &Model, input: &Input) -> Result<(Vec<Token>, Option<Arc<ChatPrompt>>), Failure> {
    Ok(match input {
        Input::Prompt(prompt) => (model.tokenize(prompt)?, None),
        Input::Chat(chat) => {
            let (tokens, chat) = model.tokenize_chat(chat)?;
            (tokens, Some(Arc::new(chat)))
        }
        Input::Ids(ids) => (model.tokens_from_ids(ids)?, None),
    })
}

fn is_here(reference: &Reference) -> bool {
    files::locate_here(reference).is_ok()
}

fn is_remote(reference: &Reference) -> bool {
    match reference {
        Reference::Adapted { base, adapter } => is_remote(base) || is_remote(adapter),
        Reference::Rounded { base, .. } => is_remote(base),
        other => matches!(other, Reference::Hub { .. }),
    }
}
