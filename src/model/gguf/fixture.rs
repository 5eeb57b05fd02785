//! Small files for tests.

use super::MAGIC;

/// A file of some keys and tensors.
#[derive(Default)]
pub struct File {
    pub keys: Vec<Vec<u8>>,
    pub tensors: Vec<Vec<u8>>,
    pub data: Vec<u8>,
}

/// A text as a file holds it.
pub fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

impl File {
    /// With a key.
    pub fn key(mut self, name: &str, kind: u32, value: &[u8]) -> Self {
        self.keys.push([&text(name), &kind.to_le_bytes()[..], value].concat());
        self
    }

    /// With a tensor, its row's length first.
    pub fn tensor(mut self, name: &str, sizes: &[u64], kind: u32, offset: u64) -> Self {
        let mut bytes = [&text(name), &(sizes.len() as u32).to_le_bytes()[..]].concat();
        sizes.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
        bytes.extend(kind.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        self.tensors.push(bytes);
        self
    }

    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &3u32.to_le_bytes()].concat();
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.keys.len() as u64).to_le_bytes());
        bytes.extend(self.keys.concat());
        bytes.extend(self.tensors.concat());
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(&self.data);
        bytes
    }
}
