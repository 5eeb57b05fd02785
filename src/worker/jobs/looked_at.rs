//! How much each token of a long prompt is looked at, from all rows of a view. The matrix on screen has cells of several tokens.

use std::sync::Arc;

use crate::attention::LookedAt;
use crate::model::{Cancel, LoadOptions};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, LookedAtJob};

/// Of the keys of these jobs.
pub const KIND: &str = "looked at";

impl Job for LookedAtJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: KIND, asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::LookedAt { question: Box::new(self.clone()), found: Err(error) }
    }
}

impl PoolJob for LookedAtJob {
    fn run(&self, _: &LoadOptions, cancel: &Cancel) -> Result<Event, WorkerError> {
        let Self { capture, view, normalisation, .. } = self;
        let found = LookedAt::of_view(capture, *view, *normalisation, &|| cancel.is_cancelled());
        Ok(Event::LookedAt { question: Box::new(self.clone()), found: Ok(Arc::new(found?)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::CausalMatrix;
    use crate::model::{Control, Model};
    use crate::vocabulary::{Normalisation, View};
    use crate::worker::protocol::Asker;

    /// Cells of several tokens say nothing of one: it is what the rows say, until somebody stops it.
    #[test]
    fn rows_are_read_and_the_reading_stops() {
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        let options = LoadOptions::default();
        let model = Model::load(&"demo:gpt2".parse().unwrap(), &options, &mut control).unwrap();
        let tokens = model.tokenize("The cat sat on the mat.").unwrap();
        let mut capture = model.run(tokens, &Cancel::new(), &mut |_| ()).unwrap();
        let of_matrix = LookedAt::new(&capture.mean, Normalisation::Raw, capture.tokens.len());
        capture.mean = CausalMatrix::zeros(capture.tokens.len(), 2, false);
        let (view, normalisation) = (View::Mean, Normalisation::Raw);
        let job = LookedAtJob { asker: Asker(1), capture: Arc::new(capture), view, normalisation };
        let Ok(Event::LookedAt { found: Ok(found), .. }) = job.run(&options, &Cancel::new()) else {
            panic!()
        };
        assert_eq!(found.values.len(), job.capture.tokens.len());
        for (of_rows, of_matrix) in found.values.iter().zip(&of_matrix.values) {
            assert!(
                (of_rows.unwrap_or(9.0) - of_matrix.unwrap_or(9.0)).abs() < 1e-5,
                "{found:?} {of_matrix:?}"
            );
        }
        let other = LookedAtJob { view: View::Layer(0), ..job.clone() };
        assert_eq!(other.key(), job.key(), "another view of the same pane takes its place");
        assert_ne!(LookedAtJob { asker: Asker(0), ..other }.key(), job.key());
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(job.run(&options, &cancel).unwrap_err(), WorkerError::Cancelled);
    }
}
