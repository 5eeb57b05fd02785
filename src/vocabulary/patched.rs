//! What patching takes from another pass.

use strum::{EnumCount, EnumMessage, IntoStaticStr, VariantArray};

use super::names::names;

/// What patching takes from another pass.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Patched {
    /// What a head gives at all tokens, one head at a time: layers × heads.
    #[default]
    Heads,
    /// The residual stream after a layer at one token: layers × tokens.
    Residual,
}
names!(Patched, "thing to patch");

impl Patched {
    /// What a column of the map is.
    pub fn column(self) -> &'static str {
        match self {
            Self::Heads => "head",
            Self::Residual => "token",
        }
    }

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Heads => "heads at all tokens",
            Self::Residual => "the residual stream after a layer, at one token",
        }
    }
}
