//! The logit lens of a side: a pass that keeps what flows between the layers, and then any of its tokens at once.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::protocol::{Event, LensQuestion};
use super::resident::guarded;
use crate::attention::Capture;
use crate::attention::lens::Lens;
use crate::model::{Cancel, Model, ModelError, ResidualStream};

/// Tokens that are listed of a layer.
const LISTED: usize = 1;

/// A question, and a way to stop.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What is asked.
    pub question: LensQuestion,
    /// Raised to stop.
    pub cancel: Cancel,
}

/// What flows between the layers, for what each pane shows.
#[derive(Debug, Default)]
pub struct Lenses {
    asked: [Option<Asked>; 2],
    kept: Vec<(Arc<Capture>, ResidualStream)>,
}

impl Lenses {
    /// Takes a question, in place of an older one of the same pane.
    pub fn ask(&mut self, asked: Asked) {
        let pane = asked.question.pane.index();
        self.asked[pane] = Some(asked);
    }

    /// Keeps nothing any more. Who still asks is answered.
    pub fn forget(&mut self) {
        self.kept.clear();
    }

    /// Whether there is something to answer.
    pub fn is_due(&self) -> bool {
        self.asked.iter().any(Option::is_some)
    }

    /// Answers a question.
    pub fn step(&mut self, model: Option<&Model>, events: &mpsc::Sender<Event>) {
        let Some(Asked { question, cancel }) = self.asked.iter_mut().find_map(Option::take) else { return };
        let found = match guarded(|| self.answer(&question, model, &cancel, events)) {
            Ok(lens) => Ok(Arc::new(lens)),
            Err(ModelError::Cancelled) => Err("stopped".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let _ = events.blocking_send(Event::Lens { question, found });
    }

    fn answer(
        &mut self,
        question: &LensQuestion,
        model: Option<&Model>,
        cancel: &Cancel,
        events: &mpsc::Sender<Event>,
    ) -> Result<Lens, ModelError> {
        let capture = &question.capture;
        let Some(model) = model.filter(|model| *model.info() == capture.model) else {
            return Err(ModelError::Invalid(format!("{} is not here any more", capture.model.name)));
        };
        cancel.check()?;
        let is_it = |kept: &(Arc<Capture>, ResidualStream)| Arc::ptr_eq(&kept.0, capture);
        if !self.kept.iter().any(is_it) {
            // What both panes show at most.
            self.kept.drain(..self.kept.len().saturating_sub(1));
            let layers = capture.model.layers;
            let pane = question.pane;
            let mut report = |layer| {
                let _ = events.try_send(Event::LensRunning { pane, layer, layers });
            };
            let tokens = capture.tokens.clone();
            let (_, stream) = model.run_keeping(tokens, &capture.ablation, cancel, &mut report)?;
            self.kept.push((capture.clone(), stream));
        }
        cancel.check()?;
        let (_, stream) = self.kept.iter().find(|kept| is_it(kept)).ok_or(ModelError::Cancelled)?;
        model.lens(stream, question.query, LISTED)
    }
}
