//! What is said before a download, and when it must be agreed to.

use super::failure::Failure;
use crate::model::files::{DownloadPlan, human_bytes};

/// Bytes from which on somebody must agree.
const LARGE: u64 = 1_000_000_000;

/// Whether somebody must agree to it.
pub fn is_large(plan: &DownloadPlan) -> bool {
    plan.missing_bytes >= LARGE
}

/// What a download takes, of disk and then of memory. Before the tensors' headers are here, only the size of
/// the files is known, which is the least that they take: bf16 doubles on a CPU, MXFP4 does not.
///
/// # Errors
/// If the disk hasn't got the room.
pub fn statement(name: &str, plan: &DownloadPlan, free_memory: Option<u64>) -> Result<String, Failure> {
    let cache = plan.cache_dir.display();
    let missing = human_bytes(plan.missing_bytes);
    if let Some(free) = plan.free_disk_bytes.filter(|&free| free < plan.missing_bytes) {
        let free = human_bytes(free);
        return Err(Failure::Failed(format!(
            "{name}: {missing} to download, but {cache} has {free} free: make room, or set HF_HOME to another disk"
        )));
    }
    let of =
        |free: Option<u64>| free.map_or(String::new(), |bytes| format!(" of {} free", human_bytes(bytes)));
    Ok(format!(
        "{name}: {missing} to download to {cache}{}; takes at least {} of memory{}, more where a CPU widens it to f32",
        of(plan.free_disk_bytes),
        human_bytes(plan.total_bytes()),
        of(free_memory)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(missing_bytes: u64, free: u64) -> DownloadPlan {
        DownloadPlan {
            files: vec![("model.safetensors".to_owned(), 13_700_000_000)],
            missing_bytes,
            cache_dir: "/cache".into(),
            free_disk_bytes: Some(free),
        }
    }

    #[test]
    fn gigabytes_must_be_agreed_to() {
        assert!(is_large(&plan(13_700_000_000, 0)));
        assert!(!is_large(&plan(550_000_000, 0)));
    }

    #[test]
    fn disk_and_memory_are_stated() {
        let said = statement("a/b", &plan(13_700_000_000, 50_000_000_000), Some(24_000_000_000)).unwrap();
        assert_eq!(
            said,
            "a/b: 13.7 GB to download to /cache of 50.0 GB free; takes at least 13.7 GB of memory of 24.0 GB free, more \
             where a CPU widens it to f32"
        );
    }

    #[test]
    fn a_full_disk_is_told_before_anything_is_downloaded() {
        let error = statement("a/b", &plan(13_700_000_000, 1_000_000_000), None).unwrap_err();
        assert!(error.message().unwrap().contains("1.0 GB free: make room"));
    }
}
