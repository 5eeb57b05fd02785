//! Who looks into a pass while it runs.

use super::GpuError;
use super::copies::Rows;
use super::decoder::padded;
use super::launches::Launches;

/// Where in a pass somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// At what the heads of a layer took from the values, \[new, heads, head_dim\].
    Heads(usize),
    /// At the residual stream, \[new, hidden\], once attention of a layer was added.
    AfterAttention(usize),
    /// At the residual stream, \[new, hidden\], once the MLP of a layer was added.
    AfterMlp(usize),
}

/// Who looks into a pass while it runs, or ends it.
pub trait Observer<E: From<GpuError>> {
    /// Called before a layer is asked for.
    ///
    /// # Errors
    /// What ends the pass.
    fn before(&mut self, layer: usize) -> Result<(), E>;

    /// Whether there is something to see for it at a point: the pass waits there, and calls [`see`](Self::see). Who sees what
    /// is after the last MLP sees it of all tokens; else it is computed of the last one only.
    fn looks_at(&self, point: Point) -> bool;

    /// What there is at a point. What is changed counts.
    ///
    /// # Errors
    /// What ends the pass.
    fn see(&mut self, point: Point, values: &mut Vec<f32>) -> Result<(), E>;

    /// The rows of a layer, \[new, layer_stride\], if they come to the host during the pass.
    ///
    /// # Errors
    /// What ends the pass.
    fn take_rows(&mut self, layer: usize, rows: &[f32]) -> Result<(), E>;
}

/// Waits, and lets an observer look.
pub(super) fn show<E: From<GpuError>>(
    ask: &Launches<'_>,
    observer: &mut impl Observer<E>,
    point: Point,
    (at, width): (Rows, usize),
    rows: usize,
) -> Result<(), E> {
    if !observer.looks_at(point) {
        return Ok(());
    }
    let (device, buffer) = (&ask.decoder.device, &ask.parts.work_buffer);
    let byte = (at.at - buffer.address()) as usize;
    let mut there = vec![0.0; (rows - 1) * at.stride + padded(width)];
    device.read_to(buffer, byte, &mut there)?;
    let mut values: Vec<f32> = there.chunks(at.stride).flat_map(|row| &row[..width]).copied().collect();
    observer.see(point, &mut values)?;
    let mut is_same = true;
    for (row, seen) in there.chunks_mut(at.stride).zip(values.chunks_exact(width)) {
        is_same &= row[..width].iter().map(|x| x.to_bits()).eq(seen.iter().map(|x| x.to_bits()));
        row[..width].copy_from_slice(seen);
    }
    if !is_same {
        device.write(buffer, byte, &there)?;
        device.wait()?;
    }
    Ok(())
}
