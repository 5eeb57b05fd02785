//! Memory that this process takes.

use std::fs;

/// Bytes in memory now; `None` where the system doesn't say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessMemory {
    /// Its own: what it allocated.
    pub anon: Option<u64>,
    /// Pages of mapped files, which the system can take back.
    pub file: Option<u64>,
}

impl ProcessMemory {
    /// Measures it now; only Linux tells.
    pub fn now() -> Self {
        fs::read_to_string("/proc/self/status").map(|status| Self::parse(&status)).unwrap_or_default()
    }

    /// The larger of each.
    pub fn max(self, other: Self) -> Self {
        Self { anon: self.anon.max(other.anon), file: self.file.max(other.file) }
    }

    fn parse(status: &str) -> Self {
        let bytes = |key: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(key))?.trim().strip_suffix("kB")?;
            Some(1024 * value.trim().parse::<u64>().ok()?)
        };
        Self { anon: bytes("RssAnon:"), file: bytes("RssFile:") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        let status = "VmRSS:\t    1500 kB\nRssAnon:\t    1000 kB\nRssFile:\t     500 kB\n";
        assert_eq!(
            ProcessMemory::parse(status),
            ProcessMemory { anon: Some(1_024_000), file: Some(512_000) }
        );
        assert_eq!(ProcessMemory::parse(""), ProcessMemory::default());
    }
}
