//! What a model is called.

use std::path::PathBuf;

/// A model of the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DemoModel {
    /// `demo:gpt2`
    Gpt2,
    /// `demo:gpt-oss`
    GptOss,
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// `demo:gpt2` or `demo:gpt-oss`: in the binary.
    Demo(DemoModel),
    /// A folder in the hub's format.
    Folder(PathBuf),
    /// `org/name[@revision]` on the hub.
    Hub {
        /// `org/name`
        repository: String,
        /// Branch, tag or commit; `main` if none was named.
        revision: Option<String>,
    },
}
