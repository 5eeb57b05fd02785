//! The tensors of an export, for formats that hold several: named, with shapes known beforehand, and written row by
//! row, so that every head of a long prompt never is in memory at once.
//!
//! | tensor | | for a view | for all heads |
//! |---|---|---|---|
//! | `input_ids` | i64 | \[S\] | \[S\] |
//! | `attentions` | f32, zeros for the future | \[S, S\] | \[L, H, S, S\] |
//! | `sink` | f32, only of models with sinks | \[S\] | \[L, H, S\] |
//! | `shares` | f32, only where a model wrote: of each of its tokens, what that gave to the sink, the first token, the rest of the prompt, what was written; of the mean, for all heads | \[G, 4\] | \[G, 4\] |
//! | `logits` | f32, after the last token; only of models with an output head | \[V\] | \[V\] |

use std::io::{self, Write};

use super::entry::Export;
use crate::attention::RowShares;
use crate::export::error::ExportError;
use crate::export::rows::{heads, rows};
use crate::export::selection::Selection;
use crate::vocabulary::View;

/// The type of the values of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// 64 bits, signed.
    I64,
    /// 32 bits, IEEE.
    F32,
}

/// A tensor before its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// The name of the tensor in a file.
    pub name: &'static str,
    /// The type of its values.
    pub element: Element,
    /// How many values it has along each axis.
    pub shape: Vec<usize>,
}

impl Tensor {
    /// Bytes of its values.
    pub fn bytes(&self) -> usize {
        let each = match self.element {
            Element::I64 => 8,
            Element::F32 => 4,
        };
        each * self.shape.iter().product::<usize>()
    }
}

/// The tensors of an export, in the order in which they are written.
pub fn tensors(export: &Export<'_>) -> Vec<Tensor> {
    let (capture, size) = (export.capture, export.capture.tokens.len());
    let outer = match export.selection {
        Selection::One(_) => vec![],
        Selection::All => vec![capture.model.layers, capture.model.heads],
    };
    let f32s = |name, shape| Tensor { name, element: Element::F32, shape };
    let mut tensors = vec![Tensor { name: "input_ids", element: Element::I64, shape: vec![size] }];
    tensors.push(f32s("attentions", [outer.as_slice(), &[size, size]].concat()));
    if export.selection.has_sinks(capture) {
        tensors.push(f32s("sink", [outer.as_slice(), &[size]].concat()));
    }
    let generated = size - capture.prompt_tokens();
    if generated > 0 {
        tensors.push(f32s("shares", vec![generated, RowShares::NAMES.len()]));
    }
    if capture.model.has_output_head {
        tensors.push(f32s("logits", vec![capture.logits.len()]));
    }
    tensors
}

/// The shares of each token that a model wrote, one after the other.
fn shares(export: &Export<'_>) -> Result<Vec<f32>, ExportError> {
    let capture = export.capture;
    let view = match export.selection {
        Selection::One(view) => view,
        Selection::All => View::Mean,
    };
    let shares = capture.generated_shares(view, export.recipe.rows)?;
    Ok(shares.into_iter().flat_map(RowShares::values).collect())
}

/// Writes the values of all tensors, each after whatever `begin` writes before it.
///
/// # Errors
/// If the model has no such view, or `out` refuses.
pub fn write<W: Write + ?Sized>(
    out: &mut W,
    export: &Export<'_>,
    mut begin: impl FnMut(&mut W, &Tensor) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let capture = export.capture;
    let mut sinks = Vec::new();
    for tensor in tensors(export) {
        begin(out, &tensor)?;
        match tensor.name {
            "input_ids" => {
                let ids = capture.tokens.iter().flat_map(|token| i64::from(token.id).to_le_bytes());
                out.write_all(&ids.collect::<Vec<u8>>())?;
            }
            "attentions" => {
                let views: Vec<View> = match export.selection {
                    Selection::One(view) => vec![view],
                    Selection::All => heads(capture).collect(),
                };
                for row in views.into_iter().flat_map(|view| rows(capture, view)) {
                    let row = row?;
                    write_f32s(out, &row.weights)?;
                    sinks.extend(row.sink);
                }
            }
            "sink" => write_f32s(out, &sinks)?,
            "shares" => write_f32s(out, &shares(export)?)?,
            _ => write_f32s(out, &capture.logits)?,
        }
    }
    Ok(())
}

fn write_f32s(out: &mut (impl Write + ?Sized), values: &[f32]) -> io::Result<()> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    out.write_all(&bytes)
}
