//! The edge to the `tokenizers` crate: what it makes of a hostile file may be a panic, which is an error here.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is waited for.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` of the crate. A panic in it is an error, and is not printed.
pub fn guarded<T, E: ToString>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                report(panic);
            }
        }));
    });
    GUARDED.set(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(false);
    match done {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the tokenizers library gave up on it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_the_next_call_works() {
        let gave_up = guarded(|| -> Result<(), String> { panic!("never seen") });
        assert!(gave_up.unwrap_err().contains("gave up"));
        assert_eq!(guarded(|| Ok::<_, String>(1)), Ok(1));
        assert_eq!(guarded(|| Err::<(), _>("said")), Err("said".to_owned()));
    }
}
