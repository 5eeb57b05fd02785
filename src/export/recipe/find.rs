//! The recipe in an exported file, or in a file of its own.

use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::Recipe;
use super::read::KeyError;
use crate::bounded;
use crate::export::{figure, html, npz, safetensors};

/// Bytes of a file that are read in search of a recipe, and of the recipe itself, unpacked. The longest are those of
/// long prompts, with the tokens of these in the header of a safetensors file.
const MOST: u64 = 16 << 20;

/// Why a file gives no recipe.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct RecipeError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}: name a file that can be read")]
    Read(#[from] io::Error),
    #[error("not JSON: {0}: {ADVICE}")]
    Json(serde_json::Error),
    #[error("its recipe is longer than {} MB, more than is read: {ADVICE}", MOST >> 20)]
    Long,
    #[error("has no recipe: {ADVICE}")]
    None,
    #[error("{0}")]
    Key(#[from] KeyError),
}

const ADVICE: &str =
    "name a file that attnscope has exported (csv, json, npz, safetensors, svg, png, html), or a recipe";

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        match error.io_error_kind() {
            Some(io::ErrorKind::FileTooLarge) => Self::Long,
            Some(_) => Self::Read(error.into()),
            None => Self::Json(error),
        }
    }
}

/// A reader that fails after [`MOST`] bytes.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R> Limited<R> {
    fn new(inner: R) -> Self {
        Self { inner, left: MOST }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

impl Recipe {
    /// Reads the recipe of an exported file, or one that is a file of its own.
    ///
    /// # Errors
    /// If the file cannot be read or has no recipe, or if something is wrong with that.
    pub fn of_file(path: &Path) -> Result<Self, RecipeError> {
        let recipe = find(path).and_then(|value| Ok(Self::from_json(&value)?));
        recipe.map_err(|problem| RecipeError { path: path.to_owned(), problem })
    }
}

/// The recipe as JSON, by what the file begins with.
fn find(path: &Path) -> Result<Value, Problem> {
    let mut file = BufReader::new(bounded::open(path)?);
    let start = {
        let start = file.fill_buf()?;
        start[..start.len().min(64)].to_vec()
    };
    let text = String::from_utf8_lossy(&start).trim_start().to_lowercase();
    match &text {
        _ if start.starts_with(b"\x89PNG") => Ok(serde_json::from_str(&of_png(file)?)?),
        _ if start.starts_with(b"PK") => Ok(serde_json::from_str(&of_npz(file)?)?),
        text if text.starts_with("<svg") => {
            Ok(serde_json::from_str(&figure::unescape(&between(file, "<metadata>", "</metadata>")?))?)
        }
        text if text.starts_with("<!doctype html") => {
            Ok(serde_json::from_str(&between(file, html::RECIPE, "</script>")?)?)
        }
        text if text.starts_with('#') => {
            let mut line = Vec::new();
            file.take(MOST).read_until(b'\n', &mut line)?;
            if line.len() as u64 == MOST {
                return Err(Problem::Long);
            }
            Ok(serde_json::from_slice(line.trim_ascii_start().strip_prefix(b"#").unwrap_or(&line))?)
        }
        text if text.starts_with('{') => of_json(file),
        _ => of_safetensors(file),
    }
}

fn of_png(file: impl BufRead + Seek) -> Result<String, Problem> {
    let mut decoder = png::Decoder::new_with_limits(file, png::Limits { bytes: MOST as usize });
    decoder.set_ignore_iccp_chunk(true);
    let reader = decoder.read_info().map_err(|error| match error {
        png::DecodingError::LimitsExceeded => Problem::Long,
        _ => Problem::None,
    })?;
    let chunk = reader.info().utf8_text.iter().find(|chunk| chunk.keyword == figure::RECIPE);
    // What is packed may be a thousand times as long.
    let mut chunk = chunk.ok_or(Problem::None)?.clone();
    chunk.decompress_text_with_limit(MOST as usize).map_err(|_| Problem::Long)?;
    chunk.get_text().map_err(|_| Problem::None)
}

fn of_npz(file: impl Read + Seek) -> Result<String, Problem> {
    let mut zip = zip::ZipArchive::new(file).map_err(|_| Problem::None)?;
    let mut array = Vec::new();
    let recipe = zip.by_name(npz::RECIPE).map_err(|_| Problem::None)?;
    if recipe.size() > MOST {
        return Err(Problem::Long);
    }
    recipe.take(MOST).read_to_end(&mut array)?;
    npz::text(&array).ok_or(Problem::None)
}

/// What stands between two texts, the second of which comes among the first [`MOST`] bytes.
fn between(file: impl Read, start: &str, end: &str) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let Some((_, rest)) = text.split_once(start) else { return Err(Problem::None) };
    match rest.split_once(end) {
        Some((inner, _)) => Ok(inner.to_owned()),
        None if bytes.len() as u64 == MOST => Err(Problem::Long),
        None => Err(Problem::None),
    }
}

/// A recipe, or an export that begins with one: of that no more is read.
fn of_json(mut file: impl BufRead) -> Result<Value, Problem> {
    const EXPORT: &[u8] = b"{\"recipe\":";
    if file.fill_buf()?.starts_with(EXPORT) {
        file.consume(EXPORT.len());
        return Ok(Value::deserialize(&mut serde_json::Deserializer::from_reader(Limited::new(file)))?);
    }
    let mut value: Value = serde_json::from_reader(Limited::new(file))?;
    Ok(match value.get_mut("recipe") {
        Some(recipe) => recipe.take(),
        None => value,
    })
}

/// The metadata of safetensors are texts: of what is JSON in them only objects are.
fn of_safetensors(mut file: impl Read) -> Result<Value, Problem> {
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| Problem::None)?;
    let length = u64::from_le_bytes(length);
    if length > MOST {
        return Err(Problem::None);
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    let header: Value = serde_json::from_slice(&header).map_err(|_| Problem::None)?;
    let Some(fields) = header.get("__metadata__").and_then(Value::as_object) else {
        return Err(Problem::None);
    };
    let value = |text: &Value| match text.as_str() {
        Some(object) if object.starts_with('{') => {
            serde_json::from_str(object).unwrap_or_else(|_| text.clone())
        }
        _ => text.clone(),
    };
    let is_recipe = |(key, _): &(&String, &Value)| !safetensors::TOKENS.contains(&key.as_str());
    let fields: Map<String, Value> =
        fields.iter().filter(is_recipe).map(|(key, text)| (key.clone(), value(text))).collect();
    // Anybody may have written metadata.
    if fields.contains_key("program") { Ok(Value::Object(fields)) } else { Err(Problem::None) }
}
