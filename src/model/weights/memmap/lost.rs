//! Pages that a file has lost while it is mapped: looked at, they are zeros instead of the end of the program.
//!
//! The system answers such a look with SIGBUS. The handler here puts zeros in the place of what is lost, and the look
//! goes on. Whoever computes with them asks [`Watch::check`](super::Watch::check) before anybody hears of the result.
//! A SIGBUS that is not about a mapping of ours goes on to whoever handled it before.

#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Mappings that are guarded at a time; of more, some end the program as before.
const MOST: usize = 512;

/// Where a mapping is; an end of 0 is none. A handler may take no lock, so these are numbers.
struct Place {
    start: AtomicUsize,
    end: AtomicUsize,
}

static PLACES: [Place; MOST] =
    [const { Place { start: AtomicUsize::new(0), end: AtomicUsize::new(0) } }; MOST];
static PAGE: AtomicUsize = AtomicUsize::new(0);
/// What handled the signal before.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(std::ptr::null_mut());

/// A mapping that is guarded as long as this is there; to be dropped before the mapping is.
#[derive(Debug)]
pub struct Guard {
    place: Option<usize>,
}

impl Guard {
    /// Guards the mapping of these bytes.
    pub fn new(mapped: &[u8]) -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(install);
        let start = mapped.as_ptr() as usize;
        let free = |place: &Place| {
            place.start.compare_exchange(0, start, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        let place = (!mapped.is_empty()).then(|| PLACES.iter().position(free)).flatten();
        if let Some(place) = place {
            PLACES[place].end.store(start + mapped.len(), Ordering::Release);
        }
        Self { place }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            PLACES[place].end.store(0, Ordering::Release);
            PLACES[place].start.store(0, Ordering::Release);
        }
    }
}

fn install() {
    // SAFETY: plain questions and settings of the system, with structures that it fills or that are filled here.
    // Neither the handler nor what it reads is ever taken away.
    unsafe {
        let Ok(page) = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)) else { return };
        PAGE.store(page, Ordering::Release);
        let mut before: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut before) != 0 {
            return;
        }
        BEFORE.store(Box::into_raw(Box::new(before)), Ordering::Release);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_lost_page as *const () as usize;
        // On the stack for signals, where a thread has one: its own may be what is used up.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut action.sa_mask);
        if libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) != 0 {
            tracing::debug!("weights that are cut while they are read will end the program");
        }
    }
}

/// Only what is allowed in a handler: reads of atomics, and system calls.
extern "C" fn on_lost_page(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system hands over an info that tells the address of the look.
    let address = unsafe { (*info).si_addr() } as usize;
    if !put_zeros(address) {
        pass_on(signal, info, context);
    }
}

/// Puts zeros where the mapping around an address has lost its file, from there to its end.
fn put_zeros(address: usize) -> bool {
    let around = |place: &&Place| {
        let (start, end) = (place.start.load(Ordering::Acquire), place.end.load(Ordering::Acquire));
        (start..end).contains(&address)
    };
    let (Some(place), page) = (PLACES.iter().find(around), PAGE.load(Ordering::Acquire)) else {
        return false;
    };
    let (first, end) = (address - address % page, place.end.load(Ordering::Acquire));
    if end <= first {
        return false;
    }
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: inside a mapping of ours, which is only ever read, and whose pages from here on are gone: a file is cut
    // from its end. Whoever looks at them meanwhile sees zeros, where it would have seen the end of the program.
    let put = unsafe { libc::mmap(first as *mut libc::c_void, end - first, libc::PROT_READ, flags, -1, 0) };
    put != libc::MAP_FAILED
}

/// What would have happened without this handler.
fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let before = BEFORE.load(Ordering::Acquire);
    // SAFETY: it was filled by the system and is never freed. A handler that was there takes the arguments that its
    // flags say; where there was none, the default comes back, and the look that is repeated ends the program.
    unsafe {
        let handler = if before.is_null() { libc::SIG_DFL } else { (*before).sa_sigaction };
        if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
            libc::signal(signal, libc::SIG_DFL);
        } else if (*before).sa_flags & libc::SA_SIGINFO != 0 {
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                std::mem::transmute(handler);
            handler(signal, info, context);
        } else {
            let handler: extern "C" fn(libc::c_int) = std::mem::transmute(handler);
            handler(signal);
        }
    }
}
