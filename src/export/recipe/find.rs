//! The recipe in an exported file, or in a file of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::Recipe;
use super::read::KeyError;
use crate::export::{figure, html, npz};

/// Longest header of a safetensors file.
const LONGEST_HEADER: u64 = 100 << 20;

/// Why a file gives no recipe.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct RecipeError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Read(#[from] io::Error),
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(
        "has no recipe: name a file that attnscope has exported (csv, json, npz, safetensors, svg, png, html), or a \
         recipe"
    )]
    None,
    #[error("{0}")]
    Key(#[from] KeyError),
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
    let mut file = BufReader::new(File::open(path)?);
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
            let mut line = String::new();
            file.read_line(&mut line)?;
            Ok(serde_json::from_str(line.trim_start_matches('#'))?)
        }
        text if text.starts_with('{') => of_json(file),
        _ => of_safetensors(file),
    }
}

fn of_png(file: impl BufRead + Seek) -> Result<String, Problem> {
    let reader = png::Decoder::new(file).read_info().map_err(|_| Problem::None)?;
    let chunk = reader.info().utf8_text.iter().find(|chunk| chunk.keyword == figure::RECIPE);
    chunk.and_then(|chunk| chunk.get_text().ok()).ok_or(Problem::None)
}

fn of_npz(file: impl Read + Seek) -> Result<String, Problem> {
    let mut zip = zip::ZipArchive::new(file).map_err(|_| Problem::None)?;
    let mut array = Vec::new();
    zip.by_name(npz::RECIPE).map_err(|_| Problem::None)?.read_to_end(&mut array)?;
    npz::text(&array).ok_or(Problem::None)
}

fn between(mut file: impl Read, start: &str, end: &str) -> Result<String, Problem> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let inner = text.split_once(start).and_then(|(_, rest)| Some(rest.split_once(end)?.0));
    inner.map(str::to_owned).ok_or(Problem::None)
}

/// A recipe, or an export that begins with one: of that no more is read.
fn of_json(mut file: impl BufRead) -> Result<Value, Problem> {
    const EXPORT: &[u8] = b"{\"recipe\":";
    if file.fill_buf()?.starts_with(EXPORT) {
        file.consume(EXPORT.len());
        return Ok(Value::deserialize(&mut serde_json::Deserializer::from_reader(file))?);
    }
    let mut value: Value = serde_json::from_reader(file)?;
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
    if length > LONGEST_HEADER {
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
    let fields: Map<String, Value> = fields.iter().map(|(key, text)| (key.clone(), value(text))).collect();
    // Anybody may have written metadata.
    if fields.contains_key("program") { Ok(Value::Object(fields)) } else { Err(Problem::None) }
}
