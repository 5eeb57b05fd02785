//! The words of the program: what can be chosen by name, each declared once, for the command line, the settings, the
//! viewer, exports and recipes.
//!
//! A word is an enum with a variant for each choice. `strum` derives its names and its help: the name is what people
//! type and what files say, and the doc comment of a variant is its line in `--help`. `names` adds what all words
//! share: the list of choices, reading with one kind of error, and serde. To add a choice, add a variant; to add a
//! word, add an enum and a line `names!`. What a word does stays in the room that does it: `Normalisation` divides rows
//! in [`attention`](crate::attention), `ColorMap` has its colours in [`theme`](crate::theme).
//!
//! Spellings that several rooms need are here as well: [`human_bytes`], [`nats`], [`signed`] numbers and the text of [`xml`];
//! and a [`Conversation`], which is a prompt of the command line, the viewer, and recipes.

mod bytes;
mod colors;
mod compute;
mod conversation;
mod display;
mod format;
mod names;
mod nats;
mod patched;
mod segment_rule;
mod signed;
mod view;
pub mod xml;

pub use bytes::human_bytes;
pub use colors::{Background, ColorDepth, ColorMap};
pub use compute::{DeviceChoice, Engine, Instead, ParseDeviceError, Precision, Rounding};
pub use conversation::Conversation;
pub use display::{
    ColorRange, ColorScale, Granularity, LongPrompts, Normalisation, ParseColorRangeError, Pooling,
    RowReading, TextColoring,
};
pub use format::ExportFormat;
pub use names::UnknownName;
pub(crate) use names::serde_as_text;
pub use nats::nats;
pub use patched::Patched;
pub use segment_rule::SegmentRule;
pub use signed::{signed, with_minus};
pub use view::{LayerKind, ParseViewError, View, Weighted};
