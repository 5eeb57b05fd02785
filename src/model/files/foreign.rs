//! Files that are something else than their name says.

/// How the first bytes of other kinds of files are, and what to say about each after its name.
const KINDS: [(&[u8], &str); 6] = [
    (
        b"version https://git-lfs",
        "is a Git LFS pointer, not the file itself: run `git lfs pull` in its folder, or download the file",
    ),
    (b"GGUF", "is a GGUF file: give it a name that ends in .gguf, and name it as the model"),
    (b"PK\x03\x04", "is a pickle of PyTorch, which isn't read: take the model's safetensors"),
    (b"\x80\x02", "is a pickle of PyTorch, which isn't read: take the model's safetensors"),
    (b"\x89HDF", "is an HDF5 file, which isn't read: take the model's safetensors"),
    (b"<", "is a web page, not the file itself: download the file again"),
];

/// What a file is, if it begins as another kind of file does: the rest of a sentence that begins with its name.
pub fn foreign(bytes: &[u8]) -> Option<&'static str> {
    KINDS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what)
}

/// The same for Git LFS alone, of a file that may begin with anything else.
pub fn pointer(bytes: &[u8]) -> Option<&'static str> {
    let (start, what) = KINDS[0];
    bytes.starts_with(start).then_some(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        let pointer = foreign(b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n");
        assert!(pointer.is_some_and(|what| what.contains("Git LFS") && what.contains("git lfs pull")));
        assert!(foreign(b"GGUF\x03").is_some_and(|what| what.contains("GGUF")));
        assert!(foreign(b"<!DOCTYPE html>").is_some_and(|what| what.contains("web page")));
        for bytes in [b"".as_slice(), b"{}", b"version 1", b"\x40\0\0\0\0\0\0\0{}"] {
            assert_eq!(foreign(bytes), None);
        }
    }
}
