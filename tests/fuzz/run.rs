//! Runs a target over cases drawn at random, as many or as long as the environment says.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};

/// Cases between two looks at the clock.
const BATCH: u32 = 500;
/// Address space that a process of these tests may take: a size that was believed is larger.
#[cfg(target_os = "linux")]
const MOST_MEMORY: u64 = 16 << 30;
/// Memory that a process of these tests may have taken at any time, in bytes.
const MOST_RESIDENT: u64 = 1 << 30;
/// How long a case may take.
const SLOWEST: Duration = Duration::from_secs(1);

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}

/// Runs `cases` cases, or as the environment says: at least FUZZ_CASES and for FUZZ_SECONDS, drawn by FUZZ_SEED.
/// A case that fails is made smaller and printed.
pub fn run<S: Strategy>(
    name: &str,
    cases: u32,
    strategy: &S,
    test: impl Fn(&S::Value) -> TestCaseResult + std::panic::RefUnwindSafe,
) where
    S::Value: Debug,
{
    limit_memory();
    let (cases, seconds) = match (number("FUZZ_CASES"), number("FUZZ_SECONDS")) {
        (None, None) => (u64::from(cases), 0),
        (cases, seconds) => (cases.unwrap_or(0), seconds.unwrap_or(0)),
    };
    let first = number("FUZZ_SEED").unwrap_or(0);
    let started = Instant::now();
    let is_due = |done| done < cases || started.elapsed() < Duration::from_secs(seconds);
    let mut done = 0;
    while is_due(done) {
        let batch = BATCH.min(u32::try_from(cases.saturating_sub(done)).unwrap_or(BATCH));
        let batch = if batch == 0 { BATCH } else { batch };
        let config = Config { cases: batch, failure_persistence: None, ..Config::default() };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&first.to_le_bytes());
        seed[8..16].copy_from_slice(&done.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let result = TestRunner::new_with_rng(config, rng).run(strategy, |case| in_time(|| test(&case)));
        match result {
            Ok(()) => {
                done += u64::from(batch);
                let most = peak().unwrap_or(0);
                assert!(most < MOST_RESIDENT, "{name}, FUZZ_SEED={first}: {most} bytes within {done} cases");
            }
            Err(TestError::Fail(why, case)) => panic!("{name}, FUZZ_SEED={first}: {why}: {case:?}"),
            Err(TestError::Abort(why)) => panic!("{name}: {why}"),
        }
    }
    if cases > u64::from(BATCH) || seconds > 0 {
        let peak = peak().unwrap_or(0) as f64 / 1e6;
        println!("{name}: {done} cases in {:.0} s, {peak:.0} MB", started.elapsed().as_secs_f64());
    }
}

/// Fails what is too slow every time it is tried. What this process computes counts, not how long a machine that does
/// other things takes for it.
fn in_time(test: impl Fn() -> TestCaseResult) -> TestCaseResult {
    for _ in 0..3 {
        let (started, computed) = (Instant::now(), computed());
        test()?;
        let took = self::computed().zip(computed).map(|(now, before)| now.saturating_sub(before));
        if started.elapsed() < SLOWEST || took.is_some_and(|took| took < SLOWEST) {
            return Ok(());
        }
    }
    Err(TestCaseError::fail(format!("it takes longer than {SLOWEST:?}")))
}

/// How long this process has computed, in hundredths of a second; only Linux tells.
fn computed() -> Option<Duration> {
    let status = fs::read_to_string("/proc/self/stat").ok()?;
    // What comes after the program's name, which may hold anything.
    let mut fields = status.rsplit(')').next()?.split_whitespace().skip(11);
    let mut hundredths = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (hundredths()? + hundredths()?)))
}

/// Most bytes of memory that this process had at a time; only Linux tells.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?;
    Some(1024 * kilobytes.trim().parse::<u64>().ok()?)
}

/// Keeps what is about to be tried in a file of the folder FUZZ_KEEP, if it is set: an abort leaves no other trace.
pub fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("FUZZ_KEEP") {
        fs::write(PathBuf::from(folder).join(name), bytes).unwrap();
    }
}

/// A file of this repository.
pub fn file(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn limit_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{Resource, Rlimit, setrlimit};
            let limit = Rlimit { current: Some(MOST_MEMORY), maximum: Some(MOST_MEMORY) };
            setrlimit(Resource::As, limit).unwrap();
        }
    });
}
