//! What a model would take, known before it is loaded.

use super::weights::{Placement, Weights};
use super::{Cancel, Control, LoadOptions, ModelError, Reference, files};

/// Size of a model that is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Number of its weights.
    pub parameters: u64,
    /// Bytes of its files.
    pub disk_bytes: u64,
    /// Bytes its weights take once placed.
    pub resident_bytes: u64,
}

impl Footprint {
    /// Reads it off the headers of the model's files; nothing is downloaded or loaded.
    ///
    /// # Errors
    /// If the model is not here or broken, or this machine hasn't the device.
    pub fn of(reference: &Reference, options: &LoadOptions) -> Result<Self, ModelError> {
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
        let files = files::locate(reference, true, &mut control)?;
        let weights = Weights::open(&files.weights, Placement::new(options)?, &mut control)?;
        let disk_bytes = files.all().map(files::ModelFile::size).sum::<Result<u64, _>>()?;
        Ok(Self { parameters: weights.parameters(), disk_bytes, resident_bytes: weights.resident_bytes() })
    }
}
