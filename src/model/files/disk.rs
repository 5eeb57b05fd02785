//! Free space on a disk, and sizes for people.

use std::path::Path;

/// Bytes that may still be written where `path` is or will be; `None` where the system doesn't tell.
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|ancestor| ancestor.exists())?;
    free_bytes_of(existing)
}

#[cfg(unix)]
fn free_bytes_of(path: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(path).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes_of(_path: &Path) -> Option<u64> {
    None
}

/// As people write it: `13.8 GB`, powers of ten, as the hub shows sizes.
pub fn human_bytes(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = "bytes";
    for larger in units {
        // 999.95 would be shown as 1000.0.
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_the_hub_writes_them() {
        let shown = [0, 999, 1000, 548_105_171, 999_950_000, 13_761_000_000, u64::MAX].map(human_bytes);
        let wanted = ["0 bytes", "999 bytes", "1.0 kB", "548.1 MB", "1.0 GB", "13.8 GB", "18446744.1 TB"];
        assert_eq!(shown, wanted);
    }

    #[test]
    #[cfg(unix)]
    fn room_is_known_for_a_folder_that_is_yet_to_be_made() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&folder.path().join("not/yet")).is_some_and(|bytes| bytes > 0));
    }
}
