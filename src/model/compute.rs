//! The threads that models compute on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder, Yield};

use super::ModelError;

/// Limits the shared pool to `threads`. To be called once, before anything is computed; without it the pool
/// has a thread per core.
///
/// # Errors
/// If the pool is running already, or the system gives no threads.
pub fn limit_threads(threads: usize) -> Result<(), ModelError> {
    ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(|error| unavailable(threads, &error))
}

/// The threads of one model.
pub struct Threads(ThreadPool);

impl Threads {
    /// As many as the shared pool has.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn new() -> Result<Self, ModelError> {
        let threads = rayon::current_num_threads();
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map(Self).map_err(|error| unavailable(threads, &error))
    }

    /// Does `work` on them.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.0.install(work)
    }

    /// As [`run`](Self::run), and no thread sleeps meanwhile: to wake one takes as long as a small product. For work
    /// that keeps all threads busy.
    pub fn run_awake<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        let over = &AtomicBool::new(false);
        self.0.scope(|scope| {
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
