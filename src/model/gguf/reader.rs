//! Numbers and texts from bytes, none beyond the end.

use super::error::{GgufError, shown};

/// A place in a file.
pub(super) struct Reader<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a [u8]) -> Self {
        Self { file, at: 0 }
    }

    /// One that starts here and leaves this one where it is.
    pub fn ahead(&self) -> Self {
        Self { file: self.file, at: self.at }
    }

    /// Bytes from the start of the file.
    pub fn position(&self) -> usize {
        self.at
    }

    /// So many bytes; `what` names the part of the file for the error.
    pub fn bytes(&mut self, count: usize, what: &str) -> Result<&'a [u8], GgufError> {
        let rest = &self.file[self.at..];
        let Some(bytes) = rest.get(..count) else {
            return Err(GgufError::Cut { what: shown(what), at: self.file.len() });
        };
        self.at += count;
        Ok(bytes)
    }

    pub fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N, what)?);
        Ok(array)
    }

    pub fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A text with its length in front.
    pub fn string(&mut self, what: &str) -> Result<&'a str, GgufError> {
        let length = self.u64(what)?;
        self.allows(length, 1, u64::MAX, what)?;
        let at = self.at;
        let bytes = self.bytes(length as usize, what)?;
        std::str::from_utf8(bytes)
            .map_err(|error| GgufError::Text { what: shown(what), at: at + error.valid_up_to() })
    }

    /// Checks that so many things of at least so many bytes can still follow, and that they are not more than `most`.
    pub fn allows(&self, count: u64, least_bytes: u64, most: u64, what: &str) -> Result<(), GgufError> {
        let rest = (self.file.len() - self.at) as u64;
        if count > most || count > rest / least_bytes {
            return Err(GgufError::Count { what: shown(what), count });
        }
        Ok(())
    }
}
