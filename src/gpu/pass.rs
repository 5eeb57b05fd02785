//! A pass: kernels in the order in which they are asked for. One upload, one read.

use super::GpuError;
use super::arena::{Arena, Extent, Parts, Results};
use super::copies::{HostBuffer, Rows};
use super::decoder::{Decoder, Layer, Mlp, padded};
use super::device::MARKS;
use super::launches::{InputPlaces, Launches};
use super::linear::{Finish, linear};
use super::observer::{Observer, Point, show};
use super::passed::Passed;
use super::rows::KeptRows;
use crate::model::spec::Wiring;

/// New tokens up to which nobody waits for a layer: a pass of so few is over before it could be ended.
const FEW_TOKENS: usize = 32;

/// A prompt, for a pass.
pub struct Prompt<'a> {
    /// How much of it there is.
    pub extent: Extent,
    /// \[tokens\]
    pub ids: &'a [u32],
    /// \[tokens\]: a bit for each feature that chooses tokens.
    pub chosen: &'a [u32],
    /// \[new, hidden\]: the residual stream before the first layer.
    pub x: &'a [f32],
    /// For each rotary cos and sin, \[new, width / 2\].
    pub turns: &'a [[Vec<f32>; 2]],
    /// \[layers, heads\]: 1, or 0 of heads that are off.
    pub keep: &'a [f32],
    /// \[layers, heads, head_dim\]: what those give instead; or nothing.
    pub means: &'a [f32],
    /// Keys that queries behind them don't see.
    pub hidden: Option<(usize, usize)>,
    /// The layer that it begins at: `x` is before it. Of those below nothing is left.
    pub start: usize,
}

/// The memory that a pass writes to.
pub struct Memory<'a, 'r> {
    /// Kept from pass to pass.
    pub arena: &'a mut Arena,
    /// Holds the rows of the tokens that are known, and takes those of the new ones.
    pub rows: &'r KeptRows,
    /// Room on the host for the new rows of two layers, if they are to come there during the pass.
    pub by: Option<[&'r mut HostBuffer; MARKS]>,
}

/// Runs the new tokens of a prompt.
///
/// # Errors
/// If the device has no room or fails, or `observer` ends it.
pub fn run<'a, E: From<GpuError>>(
    decoder: &'a Decoder,
    Memory { arena, rows, by }: Memory<'a, '_>,
    prompt: &Prompt<'_>,
    observer: &mut impl Observer<E>,
) -> Result<Passed<'a>, E> {
    let (device, shape, extent) = (&*decoder.device, &decoder.shape, prompt.extent);
    let parts = arena.for_pass(device, shape, &extent)?;
    let results = Results::new(shape, &extent);
    let (inputs, places) = inputs(decoder, prompt);
    device.write(&parts.work_buffer, 4 * parts.work.inputs, &inputs)?;
    // Where the largest of each cell is looked for.
    device.clear(&mut parts.results, 4 * results.thumbnails, 4 * (results.end - results.thumbnails))?;
    let launches = Launches { decoder, parts, rows, extent, results, inputs: &places };
    if let Err(error) = ask(&launches, prompt.start, by, observer) {
        // Nothing may run on when the next pass takes the memory, or somebody reads what it has left.
        device.wait_for_all()?;
        return Err(error);
    }
    let Parts { results: buffer, host, .. } = parts;
    let values = device.read(buffer, 0, results.end, host)?;
    Ok(Passed { shape, extent, results, values })
}

/// What a pass is given, in one piece: the residual stream, and the rest behind it.
fn inputs(decoder: &Decoder, prompt: &Prompt<'_>) -> (Vec<f32>, InputPlaces) {
    let hidden = decoder.shape.hidden;
    let mut values = vec![0.0; prompt.extent.new_tokens() * padded(hidden)];
    for (row, x) in values.chunks_exact_mut(padded(hidden)).zip(prompt.x.chunks_exact(hidden)) {
        row[..hidden].copy_from_slice(x);
    }
    let mut add = |more: &[f32]| {
        let start = values.len();
        values.extend_from_slice(more);
        start
    };
    let bits = |bits: &[u32]| bits.iter().map(|bits| f32::from_bits(*bits)).collect::<Vec<f32>>();
    let places = InputPlaces {
        turns: prompt.turns.iter().map(|[cos, sin]| [add(cos), add(sin)]).collect(),
        keep: add(prompt.keep),
        means: (!prompt.means.is_empty()).then(|| add(prompt.means)),
        ids: add(&bits(prompt.ids)),
        chosen: add(&bits(prompt.chosen)),
        hidden: prompt.hidden,
    };
    (values, places)
}

fn ask<E: From<GpuError>>(
    launches: &Launches<'_>,
    start: usize,
    mut by: Option<[&mut HostBuffer; MARKS]>,
    observer: &mut impl Observer<E>,
) -> Result<(), E> {
    let (device, extent, layers) = (&launches.decoder.device, &launches.extent, &launches.decoder.layers);
    for (at, layer) in layers.iter().enumerate().skip(start) {
        observer.before(at)?;
        run_layer(launches, at, layer, observer)?;
        device.mark(at)?;
        if let Some(by) = &mut by {
            let new = extent.first..extent.tokens;
            launches.rows.begin_read(device, at, (at, new), by[at % MARKS])?;
        }
        if at > start {
            finish_layer(launches, at - 1, by.as_ref(), observer)?;
        }
    }
    unembed(launches)?;
    launches.fold()?;
    launches.lengths()?;
    finish_layer(launches, layers.len() - 1, by.as_ref(), observer)
}

/// Waits for a layer while the next one runs: so that a pass which is ended ends soon, and rows go to the host meanwhile.
fn finish_layer<E: From<GpuError>>(
    ask: &Launches<'_>,
    layer: usize,
    by: Option<&[&mut HostBuffer; MARKS]>,
    observer: &mut impl Observer<E>,
) -> Result<(), E> {
    let (device, new) = (&ask.decoder.device, ask.extent.new_tokens());
    if let Some(by) = by {
        let count = new * ask.decoder.shape.layer_stride();
        observer.take_rows(layer, device.end_read(layer, count, by[layer % MARKS])?)?;
    } else if new > FEW_TOKENS {
        device.wait_for(layer)?;
    }
    Ok(())
}

/// Of the last layer only the last token's residual stream is needed after attention, unless somebody looks at all.
fn run_layer<E: From<GpuError>>(
    ask: &Launches<'_>,
    at: usize,
    layer: &Layer,
    observer: &mut impl Observer<E>,
) -> Result<(), E> {
    let is_last = at + 1 == ask.decoder.layers.len() && !observer.looks_at(Point::AfterMlp(at));
    let (hidden, of_heads) = (ask.decoder.shape.hidden, ask.decoder.shape.heads * ask.decoder.shape.head_dim);
    let rows = ask.extent.new_tokens();
    let [x, normed, beside, context] = ask.streams();
    let is_of_sum = layer.wiring == Wiring::NormOfSum;
    let is_parallel = matches!(layer.wiring, Wiring::Parallel { .. });
    let is_residual = layer.wiring == Wiring::ResidualOfNorm;
    let router = Some(&layer.mlp).filter(|mlp| matches!(mlp, Mlp::Experts { .. }));
    let before = |norm: &'_ Option<_>| !is_of_sum && norm.is_some();

    let start = match &layer.attention_norm {
        Some(norm) if !is_of_sum => ask.norm(norm, (x, normed), rows, None)?,
        _ => x,
    };
    let mut for_mlp = match &layer.mlp_norm {
        Some(norm) if is_parallel => ask.norm(norm, (x, beside), rows, router)?,
        _ => start,
    };
    linear(
        &ask.decoder.device,
        &layer.attention.qkv,
        (start, ask.rows.at(at, ask.extent.first)),
        rows,
        Finish::PLAIN,
    )?;
    ask.turn(at)?;
    ask.attend(at, context)?;
    show(ask, observer, Point::Heads(at), (context, of_heads), rows)?;

    let skipped = if is_last { rows - 1 } else { 0 };
    let rows = rows - skipped;
    let rest = |part: Rows| Rows { at: part.at + 4 * (skipped * part.stride) as u64, ..part };
    let [x, normed, start, context] = [x, normed, start, context].map(rest);
    for_mlp = rest(for_mlp);
    if is_residual && before(&layer.attention_norm) {
        ask.copy(start, x, rows)?;
    }
    ask.add_linear(&layer.attention.output, (context, x), rows, &layer.attention_addition)?;
    if let (Some(norm), true) = (&layer.attention_norm, is_of_sum) {
        ask.norm(norm, (x, x), rows, None)?;
    }
    show(ask, observer, Point::AfterAttention(at), (x, hidden), rows)?;
    if !is_parallel {
        for_mlp = match &layer.mlp_norm {
            Some(norm) if !is_of_sum => ask.norm(norm, (x, normed), rows, router)?,
            _ => x,
        };
    }
    if is_residual && before(&layer.mlp_norm) {
        ask.copy(for_mlp, x, rows)?;
    }
    match &layer.mlp {
        Mlp::Dense { up, activated, down } => {
            let [between, _] = ask.mlp_streams();
            linear(&ask.decoder.device, up, (for_mlp, between), rows, Finish::activated(*activated))?;
            ask.add_linear(down, (between, x), rows, &layer.mlp_addition)?;
        }
        experts => ask.add_experts(experts, (for_mlp, x), rows, &layer.mlp_addition)?,
    }
    if let (Some(norm), true) = (&layer.mlp_norm, is_of_sum) {
        ask.norm(norm, (x, x), rows, None)?;
    }
    show(ask, observer, Point::AfterMlp(at), (x, hidden), rows)
}

/// The logits of the last token.
fn unembed(ask: &Launches<'_>) -> Result<(), GpuError> {
    let Some(head) = &ask.decoder.head else { return Ok(()) };
    let (device, [x, normed, beside, _]) = (&ask.decoder.device, ask.streams());
    let mut last = Rows { at: x.at + 4 * ((ask.extent.new_tokens() - 1) * x.stride) as u64, ..x };
    if let Some(norm) = &head.norm {
        last = ask.norm(norm, (last, normed), 1, None)?;
    }
    if let Some(projection) = &head.projection {
        let narrow = Rows { stride: padded(projection.matrix.to), ..beside };
        linear(device, projection, (last, narrow), 1, Finish::PLAIN)?;
        last = narrow;
    }
    let logits = Rows { at: ask.parts.result_at(ask.results.logits), stride: 0 };
    linear(device, &head.linear, (last, logits), 1, Finish::PLAIN)
}
