//! Whether a device computes what the CPU computes: both embedded models, before anybody relies on a card and a driver that
//! our kernels haven't met. A pass of each takes less than a second; what passed is remembered.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use super::decoder::CudaDecoder;
use crate::attention::{LayerCapture, Token};
use crate::bounded::read_text;
use crate::gpu::{self, GpuError};
use crate::model::decoder::{Decoder, Hooks, Past};
use crate::model::described::Described;
use crate::model::files::locate_here;
use crate::model::weights::{Placement, Weights};
use crate::model::{
    Cancel, Control, DemoModel, DeviceChoice, Engine, LoadOptions, ModelError, Profile, Reference,
};

/// Tokens of the prompt: more than a tile has.
const TOKENS: u32 = 70;
/// How far attention may be off, and logits, of the largest.
const TOLERANCE: f32 = 1e-4;
/// Bytes of the file of devices, at most.
const LONGEST: u64 = 1 << 16;

/// Checks that a device has passed, now or earlier.
///
/// # Errors
/// If it computes something else, or can't compute.
pub fn passed(ordinal: usize, remembered: Option<&Path>) -> Result<(), ModelError> {
    // One model at a time: the second finds what the first has found.
    static FOUND: Mutex<Option<Result<(), GpuError>>> = Mutex::new(None);
    let mut found = FOUND.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(found) = &*found {
        return Ok(found.clone()?);
    }
    let result = match check_or_remember(ordinal, remembered) {
        Ok(()) => Ok(()),
        Err(ModelError::Gpu(error)) => Err(error),
        Err(error) => return Err(error),
    };
    // Room there may be another time.
    if !matches!(result, Err(GpuError::OutOfMemory | GpuError::Driver(_))) {
        *found = Some(result.clone());
    }
    Ok(result?)
}

fn check_or_remember(ordinal: usize, remembered: Option<&Path>) -> Result<(), ModelError> {
    let line =
        format!("attnscope {}: {}", env!("CARGO_PKG_VERSION"), gpu::Device::open(ordinal)?.identity()?);
    let known = remembered.and_then(|path| read_text(path, LONGEST).ok()).unwrap_or_default();
    if known.lines().any(|known| known == line) {
        return Ok(());
    }
    for demo in DemoModel::ALL {
        let off = difference(demo, ordinal)?;
        // Not a number is not below it.
        if !off.is_some_and(|off| off <= TOLERANCE) {
            let off = off.map_or("something else".to_owned(), |off| format!("values that are off by {off}"));
            return Err(GpuError::Wrong(off).into());
        }
    }
    if let Some(path) = remembered {
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
            writeln!(file, "{line}")
        });
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "can't remember that the GPU was checked");
        }
    }
    Ok(())
}

/// How far a pass on the device is off from one on the CPU, in attention, in log-sum-exps and in logits; `None` if they
/// have different shapes.
fn difference(demo: DemoModel, ordinal: usize) -> Result<Option<f32>, ModelError> {
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    let host = host(demo, &mut control)?;
    let device = CudaDecoder::new(&host, ordinal, &mut control)?;
    let tokens: Vec<Token> = (0..TOKENS).map(|at| Token::from_id(at * at % 97)).collect();
    let (cancel, watch) = (Cancel::new(), crate::model::weights::Watch::default());
    let run = |on_device: bool| {
        let (mut layers, past) = (Vec::new(), Past::default());
        let mut on_layer = |layer: LayerCapture| layers.push(layer);
        let (mut hooks, stop) = (Hooks::default(), (&cancel, &watch));
        let logits = match on_device {
            true => device.run(&host, (&tokens, past), &mut hooks, stop, &mut on_layer)?,
            false => {
                let profile = &mut Profile::default();
                host.run((&tokens, past), Engine::Auto, &mut hooks, profile, stop, &mut on_layer)?
            }
        };
        Ok::<_, ModelError>((layers, logits))
    };
    let ((found, found_logits), (expected, logits)) = (run(true)?, run(false)?);
    let mut off = furthest(&found_logits, &logits, logits.iter().fold(1.0, |most, x| most.max(x.abs())));
    for (found, expected) in found.iter().zip(&expected) {
        let all = |layer: &LayerCapture| {
            let sums = layer.log_sum_exp.rows().flatten().copied();
            layer.mean.cells().into_iter().chain(sums).collect::<Vec<f32>>()
        };
        let layer = furthest(&all(found), &all(expected), 1.0);
        off = off.zip(layer).map(|(a, b)| if a > b { a } else { b });
    }
    Ok(off.filter(|_| found.len() == expected.len()))
}

fn furthest(found: &[f32], expected: &[f32], scale: f32) -> Option<f32> {
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs() / scale);
    // A number that is none stays.
    let most = off.fold(0.0, |most: f32, off| if off <= most { most } else { off });
    (found.len() == expected.len()).then_some(most)
}

/// The CPU's decoder of an embedded model.
fn host(demo: DemoModel, control: &mut Control<'_>) -> Result<Decoder, ModelError> {
    let files = locate_here(&Reference::Demo(demo))?;
    let read = Described::of(&files)?.read;
    let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    let mut weights = Weights::open(&files.weights, Placement::new(&options)?, control)?;
    weights.expect(read.expected());
    read.build(&mut weights)
}
