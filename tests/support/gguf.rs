//! A GGUF file taken apart, and put together again.

use std::path::Path;

/// A key: its name, the type of its value, and the value as it lies in the file.
pub type Key = (String, u32, Vec<u8>);

/// A tensor: its name, its sizes with the row's length first, its type and its bytes.
pub type Tensor = (String, Vec<u64>, u32, Vec<u8>);

/// A file.
#[derive(Clone)]
pub struct Gguf {
    pub version: u32,
    pub keys: Vec<Key>,
    pub tensors: Vec<Tensor>,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> &[u8] {
        self.at += count;
        &self.bytes[self.at - count..self.at]
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().unwrap())
    }

    fn text(&mut self) -> String {
        let length = self.u64() as usize;
        String::from_utf8(self.take(length).to_vec()).unwrap()
    }

    fn skip(&mut self, kind: u32) {
        match kind {
            0 | 1 | 7 => drop(self.take(1).len()),
            2 | 3 => drop(self.take(2).len()),
            4..=6 => drop(self.take(4).len()),
            8 => drop(self.text()),
            9 => {
                let (kind, count) = (self.u32(), self.u64());
                (0..count).for_each(|_| self.skip(kind));
            }
            _ => drop(self.take(8).len()),
        }
    }
}

/// A text as a file holds it.
pub fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

impl Gguf {
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let mut reader = Reader { bytes: &bytes, at: 4 };
        let (version, tensors, keys) = (reader.u32(), reader.u64(), reader.u64());
        let key = |reader: &mut Reader<'_>| {
            let (name, kind) = (reader.text(), reader.u32());
            let start = reader.at;
            reader.skip(kind);
            (name, kind, bytes[start..reader.at].to_vec())
        };
        let keys = (0..keys).map(|_| key(&mut reader)).collect();
        let tensor = |reader: &mut Reader<'_>| {
            let (name, axes) = (reader.text(), reader.u32());
            let sizes: Vec<u64> = (0..axes).map(|_| reader.u64()).collect();
            (name, sizes, reader.u32(), reader.u64() as usize)
        };
        let tensors: Vec<_> = (0..tensors).map(|_| tensor(&mut reader)).collect();
        let data = &bytes[reader.at.next_multiple_of(32)..];
        let mut ends: Vec<usize> = tensors.iter().map(|(.., offset)| *offset).chain([data.len()]).collect();
        ends.sort_unstable();
        let with_data = tensors.into_iter().map(|(name, sizes, kind, offset)| {
            let end = *ends.iter().find(|end| **end > offset).unwrap();
            (name, sizes, kind, data[offset..end].to_vec())
        });
        Self { version, keys, tensors: with_data.collect() }
    }

    /// With a key of another value.
    pub fn set(mut self, name: &str, kind: u32, value: &[u8]) -> Self {
        self.keys.retain(|key| key.0 != name);
        self.keys.push((name.to_owned(), kind, value.to_vec()));
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut header = [&b"GGUF"[..], &self.version.to_le_bytes()].concat();
        header.extend((self.tensors.len() as u64).to_le_bytes());
        header.extend((self.keys.len() as u64).to_le_bytes());
        for (name, kind, value) in &self.keys {
            header.extend([&text(name), &kind.to_le_bytes()[..], value].concat());
        }
        let mut data = Vec::new();
        for (name, sizes, kind, bytes) in &self.tensors {
            header.extend([&text(name), &(sizes.len() as u32).to_le_bytes()[..]].concat());
            sizes.iter().for_each(|size| header.extend(size.to_le_bytes()));
            header.extend(kind.to_le_bytes());
            header.extend((data.len() as u64).to_le_bytes());
            data.extend(bytes);
            data.resize(data.len().next_multiple_of(32), 0);
        }
        header.resize(header.len().next_multiple_of(32), 0);
        [header, data].concat()
    }
}
