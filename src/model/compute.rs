//! The threads that models compute on.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder, Yield};

use super::ModelError;

/// Threads that share a core, at most: more only take each other's time.
const PER_CORE: usize = 4;

/// Limits the shared pool to `threads`, or to a few per core if these are more. To be called once, before anything is
/// computed; without it the pool has a thread per core.
///
/// # Errors
/// If the pool is running already, or the system gives no threads.
pub fn limit_threads(threads: usize) -> Result<(), ModelError> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = threads.min(PER_CORE * cores);
    ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|error| unavailable(threads, &error))
}

/// The threads of one model.
pub struct Threads {
    pool: ThreadPool,
    /// Whether each has a core of its own: those that wait awake keep others from working where they share them.
    have_cores: bool,
}

impl Threads {
    /// As many as the shared pool has.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn new() -> Result<Self, ModelError> {
        let threads = rayon::current_num_threads();
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let have_cores = thread::available_parallelism().is_ok_and(|cores| threads <= cores.get());
        pool.map(|pool| Self { pool, have_cores }).map_err(|error| unavailable(threads, &error))
    }

    /// Does `work` on them.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }

    /// As [`run`](Self::run), and no thread that has a core sleeps meanwhile: to wake one takes as long as a small
    /// product. For work that keeps all threads busy.
    pub fn run_awake<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        if !self.have_cores {
            return self.run(work);
        }
        let over = &AtomicBool::new(false);
        self.pool.scope(|scope| {
            let first = rayon::current_thread_index();
            scope.spawn_broadcast(move |_, thread| {
                if first != Some(thread.index()) {
                    help_until(over);
                }
            });
            let _set_at_the_end = SetOnDrop(over);
            work()
        })
    }
}

/// Takes part in whatever work there is; without any, lets other programs run.
fn help_until(over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        if rayon::yield_now() != Some(Yield::Executed) {
            thread::yield_now();
        }
    }
}

/// Sets a flag when it is dropped, even by a panic.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn unavailable(threads: usize, error: &rayon::ThreadPoolBuildError) -> ModelError {
    ModelError::Invalid(format!("can't compute with {threads} threads: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn work_is_shared_and_its_panic_ends_it() {
        let threads = Threads::new().unwrap();
        let sum = || (0..1_000u32).into_par_iter().with_max_len(1).sum::<u32>();
        assert_eq!(threads.run_awake(sum), 499_500);
        assert_eq!(threads.run_awake(|| threads.run_awake(sum)), 499_500, "within itself");
        let panics = std::panic::AssertUnwindSafe(|| threads.run_awake(|| panic!("on purpose")));
        let panicked = std::panic::catch_unwind(panics);
        assert!(panicked.is_err());
        assert_eq!(threads.run_awake(sum), 499_500);
    }
}
