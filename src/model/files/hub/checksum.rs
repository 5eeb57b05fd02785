//! Whether bytes are those that the hub's name for them promises.

use std::path::Path;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// What a hub calls the content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checksum {
    /// A large file's: the sha256 of its bytes.
    Sha256(String),
    /// A small file's: what git calls it, the sha1 of `blob {length}\0` and its bytes. A mirror may use the sha1 of
    /// the bytes alone.
    Git(String),
    /// Another server's own, which says nothing.
    None,
}

impl Checksum {
    /// What an etag, or the name of a blob, promises.
    pub(super) fn of(etag: &str) -> Self {
        let is_hex = etag.bytes().all(|b| b.is_ascii_hexdigit());
        match etag.len() {
            64 if is_hex => Self::Sha256(etag.to_ascii_lowercase()),
            40 if is_hex => Self::Git(etag.to_ascii_lowercase()),
            _ => Self::None,
        }
    }

    /// Something to feed the bytes of a file of `size` to.
    pub(super) fn hasher(&self, size: u64) -> Hasher {
        match self {
            Self::Sha256(_) => Hasher::Sha256(Sha256::new()),
            Self::Git(_) => {
                Hasher::Git { git: Sha1::new_with_prefix(format!("blob {size}\0")), plain: Sha1::new() }
            }
            Self::None => Hasher::None,
        }
    }

    /// Whether what was fed is what is promised; what is wrong otherwise.
    pub(super) fn check(&self, hasher: Hasher) -> Result<(), String> {
        match (self, hasher) {
            (Self::Sha256(wanted), Hasher::Sha256(hasher)) => {
                let found = hex(&hasher.finalize());
                if found == *wanted { Ok(()) } else { Err(format!("its sha256 is {found}, not {wanted}")) }
            }
            (Self::Git(wanted), Hasher::Git { git, plain }) => {
                let found = hex(&git.finalize());
                let is_right = found == *wanted || hex(&plain.finalize()) == *wanted;
                if is_right { Ok(()) } else { Err(format!("its git hash is {found}, not {wanted}")) }
            }
            _ => Ok(()),
        }
    }

    /// Whether a file is what is promised; of large files this takes a while.
    pub(super) fn check_file(&self, path: &Path) -> Result<(), String> {
        if *self == Self::None {
            return Ok(());
        }
        let bytes = std::fs::read(path).map_err(|error| format!("it can't be read: {error}"))?;
        let mut hasher = self.hasher(bytes.len() as u64);
        hasher.update(&bytes);
        self.check(hasher)
    }
}

/// Takes bytes and computes their checksum.
pub(super) enum Hasher {
    /// Of a large file.
    Sha256(Sha256),
    /// Of a small file, computed in both ways.
    Git {
        /// With git's header.
        git: Sha1,
        /// Without git's header.
        plain: Sha1,
    },
    /// No checksum is known.
    None,
}

impl Hasher {
    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Git { git, plain } => {
                git.update(bytes);
                plain.update(bytes);
            }
            Self::None => {}
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, bytes: &[u8]) -> Result<(), String> {
        let checksum = Checksum::of(name);
        let mut hasher = checksum.hasher(bytes.len() as u64);
        hasher.update(bytes);
        checksum.check(hasher)
    }

    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    /// `printf abc | git hash-object --stdin`
    const GIT: &str = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
    /// `printf abc | sha1sum`
    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    #[test]
    fn names_of_hubs_and_mirrors_are_held_against_the_bytes() {
        for name in [SHA256, GIT, SHA1, &SHA256.to_uppercase()] {
            assert_eq!(check(name, b"abc"), Ok(()), "{name}");
            let message = check(name, b"abd").unwrap_err();
            assert!(message.contains(&name.to_lowercase()), "{message}");
            assert!(check(name, b"abcd").is_err() && check(name, b"").is_err());
        }
    }

    #[test]
    fn other_names_promise_nothing() {
        for name in ["", "abc", "900150983cd24fb0d6963f7d28e17f72", &format!("{GIT}-gzip"), &"g".repeat(40)] {
            assert_eq!(Checksum::of(name), Checksum::None);
            assert_eq!(check(name, b"anything"), Ok(()));
        }
    }

    #[test]
    fn a_file_is_read_and_held_against_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(GIT);
        assert!(Checksum::of(GIT).check_file(&path).unwrap_err().contains("can't be read"));
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(Checksum::of(GIT).check_file(&path), Ok(()));
        std::fs::write(&path, "ab").unwrap();
        assert!(Checksum::of(GIT).check_file(&path).is_err());
    }
}
