//! What the hub is asked for.

use std::fmt;

/// A model of the hub, as it is asked for: `org/name[@revision][:file.gguf]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubModel<'a> {
    /// `org/name`
    pub repository: &'a str,
    /// A branch, a tag or a commit; `None` is `main`.
    pub revision: Option<&'a str>,
    /// A file of a GGUF model, by its path in the repository; `None` is a model of safetensors.
    pub file: Option<&'a str>,
}

impl fmt::Display for HubModel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.repository)?;
        self.revision.iter().try_for_each(|revision| write!(f, "@{revision}"))?;
        self.file.iter().try_for_each(|file| write!(f, ":{file}"))
    }
}
