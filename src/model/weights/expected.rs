//! What is known of the tensors that will be asked for, before they are.

use super::stored::Stored;

/// What config.json and the family's layout say of a checkpoint's tensors.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// What the names of all but the output head begin with, in some files; the usual one first.
    pub prefixes: &'static [&'static str],
    /// What the names of a layer's tensors begin with behind that, up to its number.
    pub layers: &'static str,
    /// The module of learned positions; empty if there are none.
    pub positions: &'static str,
    /// Whether linear weights of a layer are \[in, out\] rather than \[out, in\].
    pub in_out: bool,
    /// What config.json says they are packed with.
    pub quantization: Option<String>,
    /// Layers that config.json says.
    pub count: usize,
}

impl Expected {
    /// Whether a tensor is the weight of a linear map in a layer: there, no other is a matrix but those of norms.
    pub fn is_linear(&self, name: &str, stored: &Stored) -> bool {
        stored.shape.len() == 2
            && self.inner(name).starts_with(self.layers)
            && name.ends_with(".weight")
            && !name.contains("norm")
    }

    /// Whether a tensor is the table of learned positions.
    pub fn is_positions(&self, name: &str) -> bool {
        !self.positions.is_empty() && self.inner(name).strip_suffix(".weight") == Some(self.positions)
    }

    /// A name without prefix, however often it has one.
    fn inner<'n>(&self, mut name: &'n str) -> &'n str {
        let prefixes = self.prefixes.iter().filter(|prefix| !prefix.is_empty());
        while let Some(inner) = prefixes.clone().find_map(|prefix| name.strip_prefix(prefix)) {
            name = inner;
        }
        name
    }
}
