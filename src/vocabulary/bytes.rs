//! Sizes of files and memory.

/// A size as people write it: `13.8 GB`. Units are powers of 1000, as on the hub.
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
}
