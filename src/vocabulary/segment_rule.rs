//! What a prompt is cut into segments by.

use strum::{EnumCount, EnumMessage, IntoStaticStr, VariantArray};

use super::names::names;

/// What a prompt is cut into segments by.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum SegmentRule {
    /// The chat template if there is one, else blank lines if there are some, else sentences.
    #[default]
    Auto,
    /// The turns of the chat template, and the channels of an answer.
    Chat,
    /// Blank lines.
    Paragraphs,
    /// Sentences, as Unicode finds them (UAX 29).
    Sentences,
}
names!(SegmentRule, "rule for segments");
