//! A pass: kernels in the order in which they are asked for. One upload, one read.

use super::GpuError;
use super::arena::{Arena, Extent, Parts, Results};
use super::decoder::{Decoder, Layer, Mlp, padded};
use super::launches::{InputPlaces, Launches};
use super::linear::{Finish, Rows, linear};
use super::passed::Passed;
use crate::model::spec::Wiring;

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
    /// What is kept of the tokens that are known, if it isn't on the device: \[first, layers, layer_stride\].
    pub known: Option<&'a [f32]>,
}

/// Runs the new tokens of a prompt. `go_on` is asked before each layer, and may end it. Returns nothing if `arena` had to
/// grow, and so lost the tokens that are known: then they have to be brought along.
///
/// # Errors
/// If the device has no room or fails, or `go_on` says so.
pub fn run<'a, E: From<GpuError>>(
    decoder: &'a Decoder,
    arena: &'a mut Arena,
    prompt: &Prompt<'_>,
    mut go_on: impl FnMut(usize) -> Result<(), E>,
) -> Result<Option<Passed<'a>>, E> {
    let (device, shape, layers, extent) =
        (&decoder.device, &decoder.shape, decoder.layers.len(), prompt.extent);
    let (parts, is_new) = arena.for_pass(device, shape, layers, &extent)?;
    if is_new && prompt.known.is_none() && extent.first > 0 {
        return Ok(None);
    }
    let results = Results::new(shape, layers, &extent);
    let (inputs, places) = inputs(decoder, prompt);
    upload(decoder, parts, prompt, &inputs, &results)?;
    let launches = Launches { decoder, parts, extent, results, inputs: &places };
    if let Err(error) = ask(&launches, &mut go_on) {
        // Nothing may run on when the next pass takes the memory.
        device.wait()?;
        return Err(error);
    }
    let first = extent.first * layers * shape.layer_stride();
    let Parts { kept, host, .. } = parts;
    let values = device.read(kept, 4 * first, results.end - first, host)?;
    Ok(Some(Passed { shape, layers, extent, results, values }))
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

fn upload(
    decoder: &Decoder,
    parts: &mut Parts,
    prompt: &Prompt<'_>,
    inputs: &[f32],
    results: &Results,
) -> Result<(), GpuError> {
    let device = &decoder.device;
    if let Some(known) = prompt.known {
        device.write(&mut parts.kept, 0, known)?;
    }
    device.write(&mut parts.work_buffer, 4 * parts.work.inputs, inputs)?;
    // Where the largest of each cell is looked for.
    device.clear(&mut parts.kept, 4 * results.thumbnails, 4 * (results.end - results.thumbnails))
}

fn ask<E: From<GpuError>>(
    launches: &Launches<'_>,
    go_on: &mut impl FnMut(usize) -> Result<(), E>,
) -> Result<(), E> {
    let layers = &launches.decoder.layers;
    for (at, layer) in layers.iter().enumerate() {
        go_on(at)?;
        run_layer(launches, at, layer, at + 1 == layers.len())?;
    }
    unembed(launches)?;
    launches.fold()?;
    Ok(launches.lengths()?)
}

/// Of the last layer only the last token's residual stream is needed after attention.
fn run_layer(ask: &Launches<'_>, at: usize, layer: &Layer, is_last: bool) -> Result<(), GpuError> {
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
        (start, ask.kept(ask.extent.first, at)),
        rows,
        Finish::PLAIN,
    )?;
    ask.turn(at)?;
    ask.attend(at, context)?;

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
    Ok(())
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
    let logits = Rows { at: ask.parts.kept_at(ask.results.logits), stride: 0 };
    linear(device, &head.linear, (last, logits), 1, Finish::PLAIN)
}
