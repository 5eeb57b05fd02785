//! `attnscope bench`: how long a pass with everything captured takes, beside what the machine could do at best.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::args::BenchArgs;
use super::failure::Failure;
use super::session::Session;
use super::settings::Settings;
use crate::attention::{ModelInfo, escape_controls};
use crate::export::printable::write_json;
use crate::model::{Hooks, Model, ModelError, ProcessMemory, Profile, Roofline};
use crate::vocabulary::human_bytes;

/// How often memory is looked at while a model runs.
const LOOK: Duration = Duration::from_millis(2);

/// What is printed of a model.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    threads: usize,
    device: String,
    /// What the device does; unknown of one with our CUDA kernels.
    bandwidth_bytes_s: Option<f64>,
    gemm_flops_s: Option<f64>,
    lengths: Vec<Length>,
    peak_anon_bytes: Option<u64>,
    peak_file_bytes: Option<u64>,
}

/// Passes over so many tokens.
#[derive(Debug, Serialize)]
struct Length {
    tokens: usize,
    median_s: f64,
    min_s: f64,
    max_s: f64,
    /// The bytes of weights that are read.
    weight_bytes: u64,
    /// Floating-point operations of their products.
    operations: u64,
    /// What reading the weights or multiplying with them takes at least, whichever is longer, where that is
    /// known.
    floor_s: Option<f64>,
    /// Where parts are told apart.
    share: Option<Share>,
    /// What each token took that the model wrote behind these, if it wrote some.
    #[serde(skip_serializing_if = "Option::is_none")]
    generated: Option<Generated>,
}

/// Passes of one token each, with the attention of all tokens captured.
#[derive(Debug, Serialize)]
struct Generated {
    tokens: usize,
    median_s: f64,
    min_s: f64,
    max_s: f64,
    /// What reading the weights takes at least.
    floor_s: Option<f64>,
}

/// Parts of the time of one more pass, which waits for a GPU after each; the rest is norms and copies.
#[derive(Debug, Serialize)]
struct Share {
    linear: f64,
    attention: f64,
    record: f64,
}

/// Measures each model at each length.
///
/// # Errors
/// If a model cannot be had, reads less than a length, or Ctrl-C was pressed.
pub fn run(args: &BenchArgs, settings: &Settings, session: &mut Session) -> Result<(), Failure> {
    let models = settings.models_of(&args.models)?;
    let mut roofline = None;
    for reference in &models {
        // First, for it may not be one.
        let model = session.load(reference)?;
        let lengths = lengths_of(args, model.info())?;
        let roofline = match roofline {
            Some(roofline) => roofline,
            None => {
                session.reporter.progress("measuring this machine");
                *roofline.insert(Roofline::measure(&settings.load)?)
            }
        };
        let report = measure(&model, (args, &lengths), roofline, session)?;
        let mut out = io::stdout().lock();
        if args.json {
            write_json(&mut out, &report)?;
            writeln!(out)?;
        } else {
            out.write_all(table(&report, model.info()).as_bytes())?;
        }
    }
    Ok(())
}

fn measure(
    model: &Model,
    (args, of_tokens): (&BenchArgs, &[usize]),
    roofline: Option<Roofline>,
    session: &mut Session,
) -> Result<Report, Failure> {
    let info = model.info();
    let mut peak = ProcessMemory::default();
    let mut lengths = Vec::new();
    for &tokens in of_tokens {
        let ids = random_ids(info.vocabulary, tokens);
        let mut seconds = Vec::new();
        for pass in 0..=args.repeats {
            session
                .reporter
                .progress(&format!("{}: {tokens} tokens, pass {pass} of {}", info.name, args.repeats));
            let tokens = model.tokens_from_ids(&ids)?;
            let (mut hooks, mut profile) = (Hooks::default(), Profile::default());
            let run = || model.run_hooked(tokens, &mut hooks, &mut profile, &session.cancel, &mut |_| ());
            // The first one brings weights in.
            match pass {
                0 => peak = peak.max(watch(run)?.1),
                _ => seconds.push(time(run)?.1),
            }
        }
        let read = model.tokens_from_ids(&ids)?;
        let ((_, profile), took) = time(|| model.profile(read, &session.cancel, &mut |_| ()))?;
        let generated = generate(model, ids, args.generate, roofline, session)?;
        lengths.push(Length { generated, ..summary(tokens, seconds, (took, &profile), roofline) });
    }
    session.reporter.clear();
    session.say_gpu_failure(model);
    Ok(Report {
        model: info.name.clone(),
        threads: rayon::current_num_threads(),
        device: info.device.clone(),
        bandwidth_bytes_s: roofline.map(|roofline| roofline.bytes_s),
        gemm_flops_s: roofline.map(|roofline| roofline.operations_s),
        lengths,
        peak_anon_bytes: peak.anon,
        peak_file_bytes: peak.file,
    })
}

/// Lets the model write `count` tokens behind `ids`, the likeliest each time.
fn generate(
    model: &Model,
    mut ids: Vec<u32>,
    count: usize,
    roofline: Option<Roofline>,
    session: &mut Session,
) -> Result<Option<Generated>, Failure> {
    if count == 0 {
        return Ok(None);
    }
    let name = &model.info().name;
    let mut capture = model.run(model.tokens_from_ids(&ids)?, &session.cancel, &mut |_| ())?;
    let mut seconds = Vec::with_capacity(count);
    for written in 0..count {
        session.reporter.progress(&format!("{name}: {written} of {count} tokens written"));
        let Some(next) = capture.next.first() else { break };
        ids.push(next.token.id);
        let tokens = model.tokens_from_ids(&ids)?;
        let took;
        (capture, took) = time(|| model.run(tokens, &session.cancel, &mut |_| ()))?;
        seconds.push(took);
    }
    let one = model.tokens_from_ids(&ids[..1])?;
    let (_, profile) = model.profile(one, &session.cancel, &mut |_| ())?;
    seconds.sort_by(f64::total_cmp);
    Ok((!seconds.is_empty()).then(|| Generated {
        tokens: seconds.len(),
        median_s: seconds[seconds.len() / 2],
        min_s: seconds[0],
        max_s: seconds[seconds.len() - 1],
        floor_s: roofline.map(|roofline| profile.weight_bytes as f64 / roofline.bytes_s),
    }))
}

/// Lengths that are measured where none are named.
const LENGTHS: [usize; 5] = [5, 32, 128, 512, 1024];

/// The lengths that a model is to read, all of which it can.
fn lengths_of(args: &BenchArgs, info: &ModelInfo) -> Result<Vec<usize>, Failure> {
    let ModelInfo { name, context, .. } = info;
    let most = context.saturating_sub(args.generate);
    if most == 0 {
        return Err(Failure::Failed(format!(
            "--generate {}: {name} reads at most {context} tokens: use 0 to {}",
            args.generate,
            context.saturating_sub(1)
        )));
    }
    let Some(named) = &args.lengths else {
        let fitting: Vec<usize> = LENGTHS.into_iter().filter(|tokens| *tokens <= most).collect();
        return Ok(if fitting.is_empty() { vec![most] } else { fitting });
    };
    let generate = match args.generate {
        0 => String::new(),
        count => format!(" with --generate {count}"),
    };
    match named.iter().find(|tokens| **tokens > most) {
        Some(tokens) => Err(Failure::Failed(format!(
            "--lengths {tokens}{generate}: {name} reads at most {context} tokens: use lengths of 1 to {most}"
        ))),
        None => Ok(named.clone()),
    }
}

/// What a pass gives, and the most memory it took; looking at that makes it slower.
fn watch<R>(pass: impl FnOnce() -> Result<R, ModelError>) -> Result<(R, ProcessMemory), ModelError> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak = ProcessMemory::now();
            while !over.load(Ordering::Relaxed) {
                thread::sleep(LOOK);
                peak = peak.max(ProcessMemory::now());
            }
            peak
        });
        let result = pass();
        over.store(true, Ordering::Relaxed);
        let peak = watch.join().unwrap_or_default();
        result.map(|result| (result, peak))
    })
}

/// What a pass gives, and its seconds.
fn time<R>(pass: impl FnOnce() -> Result<R, ModelError>) -> Result<(R, f64), ModelError> {
    let start = Instant::now();
    let result = pass()?;
    Ok((result, start.elapsed().as_secs_f64()))
}

fn random_ids(vocabulary: usize, count: usize) -> Vec<u32> {
    let mut random = fastrand::Rng::with_seed(count as u64);
    std::iter::repeat_with(|| random.u32(0..vocabulary as u32)).take(count).collect()
}

/// Lines about what passes took, and about a profile with what its pass took.
fn summary(
    tokens: usize,
    mut seconds: Vec<f64>,
    profiled: (f64, &Profile),
    roofline: Option<Roofline>,
) -> Length {
    seconds.sort_by(f64::total_cmp);
    let (profiled_s, profile) = profiled;
    let share = |part: Duration| part.as_secs_f64() / profiled_s;
    let floor = |roofline: Roofline| {
        let read = profile.weight_bytes as f64 / roofline.bytes_s;
        read.max(profile.operations as f64 / roofline.operations_s)
    };
    Length {
        tokens,
        median_s: seconds[seconds.len() / 2],
        min_s: seconds[0],
        max_s: seconds[seconds.len() - 1],
        weight_bytes: profile.weight_bytes,
        operations: profile.operations,
        floor_s: roofline.map(floor),
        share: roofline.map(|_| Share {
            linear: share(profile.linear),
            attention: share(profile.attention),
            record: share(profile.record),
        }),
        generated: None,
    }
}

fn table(report: &Report, info: &ModelInfo) -> String {
    let rates = report.bandwidth_bytes_s.zip(report.gemm_flops_s).map(|(bytes, operations)| {
        format!("; reads {}/s, multiplies {:.0} GFLOP/s", human_bytes(bytes as u64), operations / 1e9)
    });
    let mut text = format!(
        "{}: {} layers × {} heads, {}, {} on {} threads{}\n",
        escape_controls(&report.model),
        info.layers,
        info.heads,
        info.precision,
        report.device,
        report.threads,
        rates.unwrap_or_default()
    );
    text += "tokens   median ms      min      max  tokens/s  floor ms  ×floor  linear attention record\n";
    for length in &report.lengths {
        let Length { tokens, median_s, min_s, max_s, floor_s, share, .. } = length;
        let percent = |part: fn(&Share) -> f64| {
            share.as_ref().map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * part(share)))
        };
        let floor =
            |text: fn(f64, f64) -> String| floor_s.map_or("–".to_owned(), |floor| text(floor, *median_s));
        text += &format!(
            "{tokens:>6} {:>11.1} {:>8.1} {:>8.1} {:>9.0} {:>9} {:>7} {:>7} {:>9} {:>6}\n",
            1e3 * median_s,
            1e3 * min_s,
            1e3 * max_s,
            *tokens as f64 / median_s,
            floor(|floor, _| format!("{:.1}", 1e3 * floor)),
            floor(|floor, median| format!("{:.2}", median / floor)),
            percent(|share| share.linear),
            percent(|share| share.attention),
            percent(|share| share.record),
        );
        if let Some(Generated { tokens, median_s, min_s, max_s, floor_s }) = &length.generated {
            text += &format!(
                "  then {tokens} tokens written: median {:.1} ms each, {:.1} to {:.1}{}\n",
                1e3 * median_s,
                1e3 * min_s,
                1e3 * max_s,
                floor_s
                    .map(|floor| format!("; floor {:.1} ms, ×{:.2}", 1e3 * floor, median_s / floor))
                    .unwrap_or_default()
            );
        }
    }
    if let (Some(anon), Some(file)) = (report.peak_anon_bytes, report.peak_file_bytes) {
        text +=
            &format!("at most {} of memory, and {} of mapped files\n", human_bytes(anon), human_bytes(file));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_the_longer_of_reading_and_multiplying() {
        let roofline = Some(Roofline { bytes_s: 10.0, operations_s: 100.0 });
        let linear = Duration::from_secs(1);
        let profile = |operations| Profile { weight_bytes: 40, operations, linear, ..Profile::default() };
        let length = summary(7, vec![9.0, 2.0, 4.0], (5.0, &profile(100)), roofline);
        assert_eq!((length.median_s, length.min_s, length.max_s, length.floor_s), (4.0, 2.0, 9.0, Some(4.0)));
        assert_eq!((length.weight_bytes, length.operations), (40, 100));
        assert_eq!(length.share.unwrap().linear, 0.2);
        assert_eq!(summary(7, vec![2.0], (2.0, &profile(900)), roofline).floor_s, Some(9.0));
        // Of a GPU with our kernels.
        let length = summary(7, vec![2.0], (2.0, &profile(900)), None);
        assert!(length.floor_s.is_none() && length.share.is_none());
    }
}
