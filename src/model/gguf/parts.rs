//! The headers of all files of a model, as one.

use super::error::{GgufError, shown};
use super::header::{Header, TensorInfo};
use super::value::Value;

/// The files of a model: one, or the parts of one that was split.
#[derive(Debug)]
pub struct Parts<'a> {
    files: Vec<&'a [u8]>,
    headers: Vec<Header<'a>>,
}

/// Numbers that a small tensor may have: no head is wider.
const MOST_NUMBERS: usize = 1 << 16;

impl<'a> Parts<'a> {
    /// Reads the headers of all files, in the order of their numbers.
    ///
    /// # Errors
    /// Which of the files is wrong, and what is wrong with it.
    pub fn parse(files: &[&'a [u8]]) -> Result<Self, (usize, GgufError)> {
        let mut headers: Vec<Header<'a>> = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let header = Header::parse(file).map_err(|error| (at, error))?;
            check_number(&header, at, files.len()).map_err(|error| (at, error))?;
            let is_known = |name: &str| headers.iter().any(|known| known.tensor(name).is_some());
            if let Some((name, _)) = header.tensors().find(|(name, _)| is_known(name)) {
                return Err((at, GgufError::Twice { what: "tensor", name: shown(name) }));
            }
            headers.push(header);
        }
        Ok(Self { files: files.to_vec(), headers })
    }

    /// What a key holds: the first file has all that describe the model.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.headers.first()?.get(key)
    }

    /// The tensors, each with the number of its file.
    pub fn tensors(&self) -> impl Iterator<Item = (usize, &'a str, &TensorInfo)> {
        let each = self.headers.iter().enumerate();
        each.flat_map(|(at, header)| header.tensors().map(move |(name, tensor)| (at, name, tensor)))
    }

    /// A tensor, with the number of its file.
    pub fn tensor(&self, name: &str) -> Option<(usize, &TensorInfo)> {
        let mut each = self.headers.iter().enumerate();
        each.find_map(|(at, header)| Some((at, header.tensor(name)?)))
    }

    /// The numbers of a small tensor, if it is there.
    ///
    /// # Errors
    /// If it is no small one, or holds something else.
    pub fn numbers(&self, name: &str) -> Result<Option<Vec<f32>>, GgufError> {
        let Some((file, info)) = self.tensor(name) else { return Ok(None) };
        let invalid = |why: &str| Err(GgufError::Tensor { name: name.to_owned(), why: why.to_owned() });
        let count = info.shape.iter().product();
        if count > MOST_NUMBERS {
            return invalid("is too large for a list of factors");
        }
        let mut values = vec![0.0; count];
        info.kind.decode(&self.files[file][info.bytes.clone()], &mut values);
        if values.iter().any(|value| !value.is_finite()) {
            return invalid("holds what is no number: the file is broken, fetch it again");
        }
        Ok(Some(values))
    }

    /// Whether there is a tensor.
    pub fn has(&self, name: &str) -> bool {
        self.tensor(name).is_some()
    }
}

/// A file knows how many it is one of, and which.
fn check_number(header: &Header<'_>, at: usize, files: usize) -> Result<(), GgufError> {
    let number = |key: &str, absent: u64| match header.get(key) {
        None => Ok(absent),
        Some(value) => value.as_u64().ok_or_else(|| GgufError::value(key, value, "a whole number")),
    };
    let count = number("split.count", 1)?.max(1);
    if count != files as u64 {
        return Err(GgufError::Parts { count, files });
    }
    let no = number("split.no", at as u64)?;
    if no != at as u64 {
        let wanted = format!("{at}, as its name says");
        return Err(GgufError::Value { key: "split.no".to_owned(), value: no.to_string(), wanted });
    }
    Ok(())
}
