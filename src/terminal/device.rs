//! Where keys come from: the terminal itself, even where standard input is something else.

#[cfg(unix)]
pub use unix::Device;
#[cfg(not(unix))]
pub use windows::Device;

#[cfg(unix)]
mod unix {
    use std::ffi::OsString;
    use std::fs::File;
    use std::io::{self, IsTerminal as _};
    use std::os::fd::{AsFd as _, OwnedFd};
    use std::os::unix::ffi::OsStringExt as _;
    use std::time::Instant;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::super::parse::Parser;
    use super::super::report::Report;

    /// Bytes of one read.
    const PIECE: usize = 16 * 1024;

    /// What keys are read from.
    pub struct Device(OwnedFd);

    impl Device {
        /// Standard input if it is a terminal, else the terminal that is written to: by its own name first, for not
        /// every system can wait for `/dev/tty`.
        pub fn open() -> io::Result<Self> {
            let input = io::stdin();
            if input.is_terminal() {
                return Ok(Self(input.as_fd().try_clone_to_owned()?));
            }
            let named = rustix::termios::ttyname(io::stdout(), Vec::new())
                .map_err(io::Error::from)
                .and_then(|name| File::open(OsString::from_vec(name.into_bytes())));
            named.or_else(|_| File::open("/dev/tty")).map(|file| Self(file.into()))
        }

        /// Reads until the terminal is gone, or `take` returns false. It is given what was read as reports, and once
        /// nothing before them. `awaits_answer` says whether the terminal still has to answer; `is_ours` whether what there
        /// is to read is ours, after it has waited until it is.
        pub fn read(
            &self,
            awaits_answer: impl Fn() -> bool,
            is_ours: impl Fn() -> bool,
            mut take: impl FnMut(Option<Report>) -> bool,
        ) {
            let (mut parser, mut bytes, mut goes_on) = (Parser::default(), vec![0; PIECE], true);
            while goes_on {
                parser.awaits_answer(awaits_answer());
                let deadline = parser.deadline();
                let count = match self.wait(deadline) {
                    // Whoever had it meanwhile has read what there was.
                    Ok(true) if !is_ours() => continue,
                    Ok(true) => rustix::io::read(&self.0, &mut bytes),
                    Ok(false) => {
                        parser.expire(&mut |report| goes_on &= take(Some(report)));
                        continue;
                    }
                    Err(error) => Err(error),
                };
                let now = Instant::now();
                match count {
                    Ok(count @ 1..) => {
                        goes_on &= take(None);
                        let mut report = |report| goes_on = goes_on && take(Some(report));
                        parser.feed(&bytes[..count], now, &mut report);
                        // What came may be reports that a paste doesn't wait for.
                        if parser.deadline().is_some_and(|deadline| deadline <= now) {
                            parser.expire(&mut report);
                        }
                    }
                    Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                    // No more comes: the terminal is gone.
                    Ok(0) | Err(_) => return,
                }
            }
        }

        /// Waits until there is something to read, or the terminal is gone; returns false if there is nothing until
        /// `deadline`.
        fn wait(&self, deadline: Option<Instant>) -> rustix::io::Result<bool> {
            let patience = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
            Ok(poll(&mut [PollFd::new(&self.0, PollFlags::IN)], patience.as_ref())? > 0)
        }
    }
}

#[cfg(not(unix))]
mod windows {
    use std::io;

    use super::super::report::Report;

    /// What keys are read from.
    pub struct Device;

    impl Device {
        /// The console.
        pub fn open() -> io::Result<Self> {
            Ok(Self)
        }

        /// Reads until the terminal is gone, or `take` returns false. It is given what was read as reports, and once
        /// nothing before them. Nothing is asked of a console.
        pub fn read(
            &self,
            _: impl Fn() -> bool,
            is_ours: impl Fn() -> bool,
            mut take: impl FnMut(Option<Report>) -> bool,
        ) {
            loop {
                is_ours();
                let Ok(event) = crossterm::event::read() else { return };
                if !take(None) || !take(Some(Report::Event(event))) {
                    return;
                }
            }
        }
    }
}
