//! How much the segments of a prompt give each other: rows of a view, one after another.

use std::sync::Arc;

use crate::attention::segments::{SegmentShares, Segments, lookback};
use crate::model::{Cancel, LoadOptions};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, SegmentsFound, SegmentsJob};

/// Of the keys of these jobs.
pub const KIND: &str = "segments";

impl Job for SegmentsJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: KIND, asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Segments { question: Box::new(self.clone()), found: Err(error) }
    }
}

impl PoolJob for SegmentsJob {
    fn run(&self, _: &LoadOptions, cancel: &Cancel) -> Result<Event, WorkerError> {
        let is_stopped = || cancel.is_cancelled();
        let (segments, of_heads) = match &self.known {
            Some(known) => (known.shares.segments.clone(), known.lookback.clone()),
            None => {
                let segments = Segments::new(&self.capture, &self.prompt, &self.cut)
                    .map_err(|error| WorkerError::Refused(error.to_string()))?;
                let of_heads = lookback(&self.capture, &segments, &is_stopped)?;
                (Arc::new(segments), of_heads.map(Arc::new))
            }
        };
        let shares = SegmentShares::new(&self.capture, segments, self.view, &is_stopped)?;
        let found = Ok(Arc::new(SegmentsFound { shares, lookback: of_heads }));
        Ok(Event::Segments { question: Box::new(self.clone()), found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::segments::Cut;
    use crate::model::{Control, Model};
    use crate::vocabulary::{SegmentRule, View};
    use crate::worker::protocol::Asker;

    #[test]
    fn a_job_measures_stops_and_refuses() {
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        let model =
            Model::load(&"demo:gpt2".parse().unwrap(), &LoadOptions::default(), &mut control).unwrap();
        let prompt = "One day. Then another.";
        let tokens = model.tokenize(prompt).unwrap();
        let capture = Arc::new(model.run(tokens, &Cancel::new(), &mut |_| ()).unwrap());
        let job = |rule, view| SegmentsJob {
            asker: Asker(0),
            capture: capture.clone(),
            prompt: prompt.into(),
            cut: Cut::Rule(rule),
            view,
            known: None,
        };
        let run = |job: &SegmentsJob, cancel: &Cancel| job.run(&LoadOptions::default(), cancel);
        let found = |event| match event {
            Event::Segments { found: Ok(found), .. } => found,
            other => panic!("unexpected {other:?}"),
        };
        let first = found(run(&job(SegmentRule::Auto, View::Mean), &Cancel::new()).unwrap());
        assert_eq!(first.shares.segments.names(), ["1 One day.", "2 Then another."]);
        let known = SegmentsJob { known: Some(first.clone()), ..job(SegmentRule::Auto, View::Layer(1)) };
        let second = found(run(&known, &Cancel::new()).unwrap());
        assert!(Arc::ptr_eq(&first.shares.segments, &second.shares.segments), "it is not cut again");
        assert_eq!(first.lookback, second.lookback);
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(run(&job(SegmentRule::Auto, View::Mean), &cancel).unwrap_err(), WorkerError::Cancelled);
        let error = run(&job(SegmentRule::Chat, View::Mean), &Cancel::new()).unwrap_err().to_string();
        assert!(error.contains("--chat"), "{error}");
        let head = View::Head { layer: 99, head: 0 };
        assert!(run(&job(SegmentRule::Auto, head), &Cancel::new()).is_err());
    }
}
