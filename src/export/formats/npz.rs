//! NPZ, numpy's archive of arrays: a ZIP file without compression, an array per [tensor](super::tensors), each
//! written as it is computed. `recipe` is an array without axes that holds the recipe as JSON:
//! `json.loads(str(numpy.load(file)["recipe"]))`. `tokens` and `raw_tokens` are arrays of text, \[S\]: what each token
//! stands for, and how the vocabulary spells it. Where rows are named by what is predicted from them, `predicting` has the
//! text of that for each row.

use std::fs::File;
use std::io::{BufReader, Read, Seek, Write};

use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::entry::{Export, Format, Writer};
use super::problem::{MOST, Problem};
use super::tensors::{Element, Tensor, write as write_tensors};
use crate::export::error::ExportError;
use crate::export::printable::json;
use crate::export::row_names;
use crate::vocabulary::RowReading;

/// The array with the recipe.
pub(super) const RECIPE: &str = "recipe.npy";
/// What headers of arrays are padded to a multiple of.
const ALIGNMENT: usize = 64;
/// What every array begins with: a mark, and the version of the format.
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

pub const FORMAT: Format =
    Format { write: Writer::Numbers(write), begins: |start| start.starts_with(b"PK\x03\x04"), recipe };

fn recipe(file: BufReader<File>) -> Result<Value, Problem> {
    read_recipe(&mut ZipArchive::new(file).map_err(|_| Problem::None)?, RECIPE)
}

fn write(out: &mut dyn Write, export: &Export<'_>) -> Result<(), ExportError> {
    let mut zip = ZipWriter::new_stream(out);
    add(&mut zip, "", export)?;
    zip.finish().map_err(refused)?;
    Ok(())
}

/// Writes the arrays of a pass, each under its name behind `prefix`.
pub(super) fn add<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    prefix: &str,
    export: &Export<'_>,
) -> Result<(), ExportError> {
    let recipe = json(export.recipe)?;
    write_texts(zip, &format!("{prefix}{RECIPE}"), &[&recipe], &[])?;
    let tokens = &export.capture.tokens;
    let texts: Vec<String> = tokens.iter().map(|token| with_visible_end(&token.text)).collect();
    let raw: Vec<String> = tokens.iter().map(|token| with_visible_end(&token.raw)).collect();
    write_texts(zip, &format!("{prefix}tokens.npy"), &texts, &[texts.len()])?;
    write_texts(zip, &format!("{prefix}raw_tokens.npy"), &raw, &[raw.len()])?;
    if export.recipe.rows == RowReading::Predicting {
        let texts = row_names::of_tokens(export.capture, export.recipe.rows, |token| token.text.clone());
        let texts: Vec<String> = texts.iter().map(|text| with_visible_end(text)).collect();
        write_texts(zip, &format!("{prefix}predicting.npy"), &texts, &[texts.len()])?;
    }
    write_tensors(zip, export, |zip, tensor| {
        zip.start_file(format!("{prefix}{}.npy", tensor.name), options(tensor.bytes())).map_err(refused)?;
        Ok(zip.write_all(&header(element(tensor), &tensor.shape))?)
    })
}

/// Writes an array of texts: each takes as many characters as the longest, the rest of them zeros.
pub(super) fn write_texts<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    name: &str,
    texts: &[impl AsRef<str>],
    shape: &[usize],
) -> Result<(), ExportError> {
    let width = texts.iter().map(|text| text.as_ref().chars().count()).max().unwrap_or(0).max(1);
    zip.start_file(name, options(texts.len() * width * size_of::<char>())).map_err(refused)?;
    zip.write_all(&header(&format!("<U{width}"), shape))?;
    for text in texts {
        let characters = text.as_ref().chars().map(u32::from).chain(std::iter::repeat(0));
        zip.write_all(&characters.take(width).flat_map(u32::to_le_bytes).collect::<Vec<u8>>())?;
    }
    Ok(())
}

/// A text that does not end with NUL, which numpy drops: it is spelled like other bytes that are no text.
pub(super) fn with_visible_end(text: &str) -> String {
    let shown = text.trim_end_matches('\0');
    format!("{shown}{}", "\\x00".repeat(text.len() - shown.len()))
}

/// How an array is stored: without a time, so that the same arrays are the same bytes, and with room for a long
/// length where the length may be long.
pub(super) fn options(bytes: usize) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(bytes >= u32::MAX as usize / 2)
}

/// The error of a writer of archives.
pub(super) fn refused(error: zip::result::ZipError) -> ExportError {
    ExportError::Write(error.into())
}

fn element(tensor: &Tensor) -> &'static str {
    match tensor.element {
        Element::I64 => "<i8",
        Element::F32 => "<f4",
    }
}

/// What is before the values of an array: a Python dictionary, padded with blanks to a multiple of 64 bytes.
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if axes.len() == 1 { "," } else { "" };
    let axes = axes.join(", ");
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({axes}{comma}), }}");
    let before = MAGIC.len() + size_of::<u16>();
    let length = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    text = format!("{text:<width$}\n", width = length - 1);
    [MAGIC, &(length as u16).to_le_bytes(), text.as_bytes()].concat()
}

/// The texts of an array of them, or the one of an array without axes.
fn texts(array: &[u8]) -> Option<Vec<String>> {
    let rest = array.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk()?;
    let (header, values) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let header = str::from_utf8(header).ok()?;
    let width = header.split_once("'<U")?.1.split_once('\'')?.0;
    let width: usize = width.parse().ok().filter(|width| *width > 0)?;
    let text = |characters: &[[u8; 4]]| -> Option<String> {
        let text: Option<String> =
            characters.iter().map(|c| char::from_u32(u32::from_le_bytes(*c))).collect();
        Some(text?.trim_end_matches('\0').to_owned())
    };
    values.as_chunks().0.chunks(width).map(text).collect()
}

/// The texts of an array in an archive; nothing if there is no such array.
pub(super) fn read_texts<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    name: &str,
) -> Result<Option<Vec<String>>, Problem> {
    let mut array = Vec::new();
    let Ok(entry) = zip.by_name(name) else { return Ok(None) };
    if entry.size() > MOST {
        return Err(Problem::Long);
    }
    entry.take(MOST).read_to_end(&mut array)?;
    Ok(texts(&array))
}

/// The recipe in an archive, under its name.
pub(super) fn read_recipe<R: Read + Seek>(zip: &mut ZipArchive<R>, name: &str) -> Result<Value, Problem> {
    let recipe = read_texts(zip, name)?.and_then(|texts| texts.into_iter().next());
    Ok(serde_json::from_str(&recipe.ok_or(Problem::None)?)?)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::attention::View;
    use crate::export::{Selection, example};

    /// The header and the values of an array.
    fn array(file: &[u8], name: &str) -> (String, Vec<u8>) {
        let mut zip = zip::ZipArchive::new(Cursor::new(file)).unwrap();
        let mut entry = zip.by_name(&format!("{name}.npy")).unwrap();
        assert_eq!(
            (entry.compression(), entry.last_modified()),
            (CompressionMethod::Stored, Some(DateTime::default()))
        );
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        assert!(bytes.starts_with(MAGIC));
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % ALIGNMENT, 0);
        let header = String::from_utf8(bytes[10..10 + length].to_vec()).unwrap();
        assert!(header.ends_with('\n'));
        (header.trim_end().to_owned(), bytes[10 + length..].to_vec())
    }

    fn written(selection: Selection) -> Vec<u8> {
        let mut out = Vec::new();
        example::export(selection, |export| write(&mut out, export).unwrap());
        out
    }

    #[test]
    fn arrays_have_their_shapes_and_values() {
        let file = written(Selection::One(View::Mean));
        let f32s = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let (header, values) = array(&file, "attentions");
        assert_eq!(header, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }");
        assert_eq!(values, f32s(&[0.25, 0.0, 0.5, 0.125]));
        assert_eq!(array(&file, "sink").1, f32s(&[0.75, 0.375]));
        let (header, values) = array(&file, "input_ids");
        assert!(header.contains("'<i8'") && header.contains("(2,)"), "{header}");
        assert_eq!(values, [7i64, 8].map(i64::to_le_bytes).as_flattened());
        let (header, _) = array(&written(Selection::All), "attentions");
        assert!(header.contains("(2, 2, 2, 2)"), "{header}");
    }

    #[test]
    fn the_recipe_is_an_array_of_text() {
        let file = written(Selection::One(View::Mean));
        let mut bytes = Vec::new();
        let mut zip = zip::ZipArchive::new(Cursor::new(&file)).unwrap();
        zip.by_name(RECIPE).unwrap().read_to_end(&mut bytes).unwrap();
        let [text] = &texts(&bytes).unwrap()[..] else { panic!("one text") };
        let (header, _) = array(&file, "recipe");
        assert!(
            header.contains(&format!("'<U{}'", text.chars().count())) && header.contains("'shape': ()"),
            "{header}"
        );
        let recipe: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!((&recipe["view"], &recipe["model"]), (&"mean".into(), &"example".into()));
    }

    #[test]
    fn tokens_are_arrays_of_texts() {
        let file = written(Selection::All);
        let utf32 = |texts: [&str; 2], width: usize| {
            let padded = texts.map(|text| format!("{text:\0<width$}"));
            padded
                .iter()
                .flat_map(|text| text.chars())
                .flat_map(|c| u32::from(c).to_le_bytes())
                .collect::<Vec<u8>>()
        };
        let (header, values) = array(&file, "tokens");
        assert!(header.contains("'<U2'") && header.contains("'shape': (2,)"), "{header}");
        assert_eq!(values, utf32(["it", " '"], 2));
        assert_eq!(array(&file, "raw_tokens").1, utf32(["it", "Ġ'"], 2));
        let mut zip = ZipArchive::new(Cursor::new(&file)).unwrap();
        assert_eq!(read_texts(&mut zip, "raw_tokens.npy").unwrap().unwrap(), ["it", "Ġ'"]);
        assert!(read_texts(&mut zip, "other.npy").unwrap().is_none());
        assert_eq!(with_visible_end("a\0b\0\0"), "a\0b\\x00\\x00");
    }

    #[test]
    fn what_may_be_long_has_room_for_its_length() {
        let mut zip = ZipWriter::new_stream(Vec::new());
        zip.start_file("a", options(5 << 30)).unwrap();
        zip.write_all(b"short all the same").unwrap();
        let file = zip.finish().unwrap().into_inner();
        let mut zip = zip::ZipArchive::new(Cursor::new(file)).unwrap();
        assert_eq!(zip.by_index(0).unwrap().size(), 18);
    }
}
