//! Safetensors: a header with the names and shapes of all [tensors](super::tensors), then their values.
//!
//! The recipe is in `__metadata__`, field by field. So are `tokens` and `raw_tokens`, each a JSON list of texts: what
//! the tokens stand for, and how the vocabulary spells them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};

use serde_json::{Map, Value, json as value};

use super::entry::{Export, Format, Writer};
use super::problem::{MOST, Problem};
use super::tensors::{Element, tensors, write as write_tensors};
use crate::export::error::ExportError;
use crate::export::printable::json;

/// Keys of the metadata that are no part of the recipe.
const TOKENS: [&str; 2] = ["tokens", "raw_tokens"];

/// The file begins with the length of its header, in eight bytes, then with the header.
pub const FORMAT: Format =
    Format { write: Writer::Numbers(write), begins: |start| start.get(8) == Some(&b'{'), recipe };

/// The metadata are texts: of what is JSON in them only objects are read as JSON, what is true or false, and numbers.
fn recipe(mut file: BufReader<File>) -> Result<Value, Problem> {
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
    let value = |(key, text): (&String, &Value)| match text.as_str() {
        Some(json) if json.starts_with('{') || matches!(key.as_str(), "pinned" | "generated") => {
            serde_json::from_str(json).unwrap_or_else(|_| text.clone())
        }
        _ => text.clone(),
    };
    let is_recipe = |(key, _): &(&String, &Value)| !TOKENS.contains(&key.as_str());
    let fields: Map<String, Value> =
        fields.iter().filter(is_recipe).map(|field| (field.0.clone(), value(field))).collect();
    // Anybody may have written metadata.
    if fields.contains_key("program") { Ok(Value::Object(fields)) } else { Err(Problem::None) }
}

fn write(out: &mut dyn Write, export: &Export<'_>) -> Result<(), ExportError> {
    out.write_all(&header(export)?)?;
    write_tensors(out, export, |_, _| Ok(()))
}

/// The length of the header, then the header: JSON, padded with spaces to a multiple of 8 bytes.
fn header(export: &Export<'_>) -> io::Result<Vec<u8>> {
    let mut fields = Map::new();
    fields.insert("__metadata__".to_owned(), value!(metadata(export)?));
    let mut end = 0;
    for tensor in tensors(export) {
        let start = end;
        end += tensor.bytes();
        let dtype = match tensor.element {
            Element::I64 => "I64",
            Element::F32 => "F32",
        };
        let field = value!({"dtype": dtype, "shape": tensor.shape, "data_offsets": [start, end]});
        fields.insert(tensor.name.to_owned(), field);
    }
    let mut text = json(&fields)?.into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    Ok([&(text.len() as u64).to_le_bytes(), text.as_slice()].concat())
}

/// The recipe and the tokens as safetensors wants them, texts by name: what is no text is written as JSON.
fn metadata(export: &Export<'_>) -> io::Result<BTreeMap<String, String>> {
    let Value::Object(mut fields) = serde_json::to_value(export.recipe)? else { return Ok(BTreeMap::new()) };
    let tokens = &export.capture.tokens;
    let texts = [
        tokens.iter().map(|token| token.text.as_str()).collect::<Vec<&str>>(),
        tokens.iter().map(|token| token.raw.as_str()).collect(),
    ];
    fields.extend(TOKENS.into_iter().zip(texts).map(|(name, texts)| (name.to_owned(), texts.into())));
    let text = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    Ok(fields.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::View;
    use crate::export::{Recipe, Selection, example};
    use safetensors::{Dtype, SafeTensors};

    fn written(selection: Selection) -> Vec<u8> {
        let mut out = Vec::new();
        example::export(selection, |export| write(&mut out, export).unwrap());
        out
    }

    fn floats(file: &SafeTensors<'_>, name: &str) -> (Vec<usize>, Vec<f32>) {
        let tensor = file.tensor(name).unwrap();
        assert_eq!(tensor.dtype(), Dtype::F32);
        let values =
            tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        (tensor.shape().to_vec(), values)
    }

    #[test]
    fn a_view_is_read_back() {
        let bytes = written(Selection::One(View::Mean));
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(floats(&file, "attentions"), (vec![2, 2], vec![0.25, 0.0, 0.5, 0.125]));
        assert_eq!(floats(&file, "sink"), (vec![2], vec![0.75, 0.375]));
        assert_eq!(floats(&file, "logits"), (vec![3], vec![0.0, 1.0, 2.0]));
        let ids = file.tensor("input_ids").unwrap();
        assert_eq!((ids.dtype(), ids.data()), (Dtype::I64, [7i64, 8].map(i64::to_le_bytes).as_flattened()));
    }

    #[test]
    fn all_heads_are_read_back_and_rows_sum_to_one_with_their_sink() {
        let bytes = written(Selection::All);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let (shape, attentions) = floats(&file, "attentions");
        assert_eq!(shape, [2, 2, 2, 2]);
        let (shape, sinks) = floats(&file, "sink");
        assert_eq!(shape, [2, 2, 2]);
        for (row, sink) in attentions.chunks(2).zip(sinks) {
            assert!((row.iter().sum::<f32>() + sink - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_model_without_sinks_has_no_such_tensor() {
        let capture = example::capture_without_sinks();
        let recipe = Recipe::new(example::source(&capture, Selection::All), None);
        let export = Export { capture: &capture, selection: Selection::All, recipe: &recipe };
        let names: Vec<&str> = tensors(&export).into_iter().map(|tensor| tensor.name).collect();
        assert_eq!(names, ["input_ids", "attentions", "logits"]);
    }

    #[test]
    fn the_recipe_is_in_the_metadata_and_data_is_aligned() {
        let bytes = written(Selection::One(View::Mean));
        let (length, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(length % 8, 0);
        let recipe = header.metadata().as_ref().unwrap();
        assert_eq!(recipe["view"], "mean");
        assert_eq!(recipe["input"], r#"{"prompt":"it '"}"#);
        assert!(!recipe.contains_key("revision"));
        assert_eq!(
            (recipe["tokens"].as_str(), recipe["raw_tokens"].as_str()),
            (r#"["it"," '"]"#, r#"["it","Ġ'"]"#)
        );
    }
}
