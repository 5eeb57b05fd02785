//! What answers a request when the work for it failed in a way that nobody foresaw.

use super::protocol::{Event, Request, Side};
use crate::attention::View;

impl Request {
    /// The events that tell whoever asked that the answer won't come. None for a request that has no answer.
    pub fn failed(self, error: &str) -> Vec<Event> {
        let error = error.to_owned();
        match self {
            Self::Load { side, .. } => vec![Event::LoadFailed { side, error }],
            Self::Run { job, .. } => {
                Side::BOTH.map(|side| Event::RunFailed { side, job, error: error.clone() }).into()
            }
            Self::View { capture, view } => vec![Event::ViewFailed { capture, view, error }],
            Self::Layer { capture, layer, .. } => {
                vec![Event::ViewFailed { capture, view: View::Layer(layer), error }]
            }
            Self::Score { side, .. } => vec![Event::ScoringFailed { side, error }],
            Self::Similar { captures, side, head } => {
                vec![Event::Similar { captures, side, head, found: Err(error) }]
            }
            Self::Lens(question) => vec![Event::Lens { question, found: Err(error) }],
            Self::List { .. } => vec![Event::Listed { models: Err(error) }],
            Self::Estimate { name } => vec![Event::Estimated { name, estimate: Err(error) }],
            Self::ForgetLens | Self::Agree { .. } | Self::Cancel | Self::CancelPasses => vec![],
        }
    }
}
