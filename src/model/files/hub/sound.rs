//! Whether a file of the cache is what it was when it came: what can be told without reading gigabytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use super::checksum::Checksum;
use crate::model::gguf::{GgufError, Header};

/// Files up to this are read and held against their name whenever they are used, which takes milliseconds.
pub(super) const SMALL: u64 = 64 << 20;
/// So much of a GGUF file is read for its header, and then so much, which holds any.
const STARTS: [u64; 2] = [4 << 20, 128 << 20];
/// No header of safetensors is longer.
const LONGEST_HEADER: u64 = 100_000_000;

/// # Errors
/// What is wrong with the file, in a clause.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("it can't be read: {error}");
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if path.extension().is_some_and(|extension| extension == "safetensors") {
        return length(File::open(path).map_err(unreadable)?, size);
    }
    let is_gguf = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    if size > SMALL {
        return if is_gguf { gguf_length(File::open(path).map_err(unreadable)?, size) } else { Ok(()) };
    }
    let checksum = name_of_blob(path).map_or(Checksum::None, |name| Checksum::of(&name));
    if checksum != Checksum::None {
        return checksum.check_file(path);
    }
    if is_gguf {
        return gguf_length(File::open(path).map_err(unreadable)?, size);
    }
    if path.extension().is_some_and(|extension| extension == "json") {
        let text = std::fs::read(path).map_err(unreadable)?;
        let end = text.iter().rfind(|byte| !byte.is_ascii_whitespace());
        if !matches!(end, Some(b'}' | b']')) {
            return Err(format!("it breaks off after {size} bytes"));
        }
    }
    Ok(())
}

/// What the content of a link is called.
fn name_of_blob(path: &Path) -> Option<String> {
    let blob = path.canonicalize().ok()?;
    let is_blob = blob.parent()?.file_name()? == "blobs";
    is_blob.then(|| blob.file_name()?.to_str().map(str::to_owned))?
}

#[derive(Deserialize)]
struct Entry {
    data_offsets: Option<(u64, u64)>,
}

/// Whether a file of safetensors is as long as its header says.
fn length(mut file: File, size: u64) -> Result<(), String> {
    let broken = || format!("it is no safetensors file, of {size} bytes");
    let mut prefix = [0; 8];
    file.read_exact(&mut prefix).map_err(|_| broken())?;
    let header = u64::from_le_bytes(prefix);
    if header > LONGEST_HEADER.min(size.saturating_sub(8)) {
        return Err(broken());
    }
    file.seek(SeekFrom::Start(8)).map_err(|_| broken())?;
    let mut text = Vec::new();
    file.take(header).read_to_end(&mut text).map_err(|_| broken())?;
    let entries: BTreeMap<String, Entry> = serde_json::from_slice(&text).map_err(|_| broken())?;
    let end = entries.values().filter_map(|entry| entry.data_offsets).map(|(_, end)| end).max();
    let wanted = end.unwrap_or_default().saturating_add(header + 8);
    if wanted == size { Ok(()) } else { Err(format!("it has {size} bytes of {wanted}")) }
}

/// Whether a GGUF file is as long as its header says. What else may be wrong with it is said by whoever reads it: it
/// would come from the hub once more as it is.
fn gguf_length(file: File, size: u64) -> Result<(), String> {
    let mut file = file.take(0);
    let mut start = Vec::new();
    for wanted in STARTS {
        file.set_limit(wanted - start.len() as u64);
        file.read_to_end(&mut start).map_err(|error| format!("it can't be read: {error}"))?;
        let is_whole = start.len() as u64 == size;
        match Header::of_start(&start, size) {
            Err(error @ (GgufError::OtherFormat | GgufError::TensorCut { .. })) => {
                return Err(format!("it {error}"));
            }
            Err(error @ (GgufError::Cut { .. } | GgufError::Count { .. })) if is_whole => {
                return Err(format!("it {error}"));
            }
            Err(GgufError::Cut { .. } | GgufError::Count { .. }) => {}
            _ => break,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safetensors() -> Vec<u8> {
        let header =
            br#"{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#;
        [&(header.len() as u64).to_le_bytes()[..], header, b"abc"].concat()
    }

    fn checked(name: &str, bytes: &[u8]) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        check(&path)
    }

    #[test]
    fn weights_are_as_long_as_their_header_says() {
        let whole = safetensors();
        assert_eq!(checked("a.safetensors", &whole), Ok(()));
        for length in 0..whole.len() {
            assert!(checked("a.safetensors", &whole[..length]).is_err(), "{length}");
        }
        let few = checked("a.safetensors", &whole[..whole.len() - 1]).unwrap_err();
        assert_eq!(few, format!("it has {} bytes of {}", whole.len() - 1, whole.len()));
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n";
        assert!(checked("a.safetensors", pointer).unwrap_err().contains("no safetensors"));
    }

    #[test]
    fn gguf_files_are_as_long_as_their_header_says() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gguf/gpt2/model.gguf");
        let whole = std::fs::read(file).unwrap();
        assert_eq!(checked("a.gguf", &whole), Ok(()));
        for length in [0, 3, 4, 23, 24, 1000, whole.len() / 2, whole.len() - 100] {
            assert!(checked("a.GGUF", &whole[..length]).is_err(), "{length}");
        }
        let few = checked("a.gguf", &whole[..whole.len() - 100]).unwrap_err();
        assert!(few.contains("it was cut") && !few.contains("it it"), "{few}");
        // Of another version: to fetch it again would not help.
        let other = [&whole[..4], &9u32.to_le_bytes(), &whole[8..]].concat();
        assert_eq!(checked("a.gguf", &other), Ok(()));
    }

    #[test]
    fn files_that_are_no_links_end_as_json_does() {
        assert_eq!(checked("config.json", b"{\"eps\": NaN}\n"), Ok(()));
        assert!(checked("config.json", b"{\"eps\": 1").is_err());
        assert!(checked("config.json", b"").is_err());
        assert_eq!(checked("merges.txt", b"a b\n"), Ok(()));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_held_against_the_name_of_its_blob() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = folder.path().join("blobs");
        std::fs::create_dir(&blobs).unwrap();
        let (link, blob) =
            (folder.path().join("x.json"), blobs.join("f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"));
        std::fs::write(&blob, "abc").unwrap();
        std::os::unix::fs::symlink(&blob, &link).unwrap();
        assert_eq!(check(&link), Ok(()));
        std::fs::write(&blob, "abd").unwrap();
        assert!(check(&link).unwrap_err().contains("git hash"));
    }
}
