//! How far something has come, in words.

use crate::app::State;
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
            let text = format!("downloading {} of {}", bytes(*done), bytes(*total));
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

/// A size for people.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_for_people() {
        let sizes = [0, 999, 1000, 548_105_171, 13_761_264_768, 999_999];
        assert_eq!(sizes.map(bytes), ["0 B", "999 B", "1.0 kB", "548.1 MB", "13.8 GB", "1.0 MB"]);
    }

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
            ("downloading 500 B of 2.0 kB".into(), Some("model.safetensors"), Some(0.25))
        );
        assert_eq!(progress(&LoadProgress::Weights { done: 0, total: 0 }).2, None);
    }
}
