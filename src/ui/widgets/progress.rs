//! How far something has come, in words.

use crate::app::State;
use crate::vocabulary::human_bytes;
use crate::worker::protocol::LoadProgress;

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// A sign that something moves.
pub fn spinner(state: &State) -> &'static str {
    SPINNER[state.ticks % SPINNER.len()]
}

/// How far a load has come: in words, of which file, and as a share if that is known.
pub fn progress(progress: &LoadProgress) -> (String, Option<&str>, Option<f64>) {
    match progress {
        LoadProgress::Resolving => ("asking the hub which files there are".to_owned(), None, None),
        LoadProgress::Waiting { seconds } => (format!("waiting for the hub, {seconds} s"), None, None),
        LoadProgress::Downloading { file, done, total } => {
            let text = format!("downloading {} of {}", human_bytes(*done), human_bytes(*total));
            (text, Some(file), share(*done as f64, *total as f64))
        }
        LoadProgress::Weights { done, total } => {
            (format!("weights: {done} of {total} tensors"), None, share(*done as f64, *total as f64))
        }
    }
}

/// How much of it is done, if it is anything; never more than all.
pub fn share(done: f64, total: f64) -> Option<f64> {
    (total > 0.0).then(|| (done / total).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_more_than_done() {
        assert_eq!([share(8.0, 3.0), share(1.0, 4.0), share(0.0, 0.0)], [Some(1.0), Some(0.25), None]);
    }

    #[test]
    fn a_share_is_known_when_a_total_is() {
        assert_eq!(progress(&LoadProgress::Resolving).2, None);
        let step = LoadProgress::Downloading { file: "model.safetensors".into(), done: 500, total: 2000 };
        assert_eq!(
            progress(&step),
            ("downloading 500 bytes of 2.0 kB".into(), Some("model.safetensors"), Some(0.25))
        );
        assert_eq!(progress(&LoadProgress::Weights { done: 0, total: 0 }).2, None);
    }
}
