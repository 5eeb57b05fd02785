//! A figure as pixels, with its recipe in a text chunk. [`figure`](crate::export::figure) draws it.

use std::fs::File;
use std::io::BufReader;

use serde_json::Value;

use super::entry::{Format, Writer};
use super::problem::{MOST, Problem};
use crate::export::figure::{Bitmap, Figure, RECIPE};
use crate::export::omissions::Omissions;

pub const FORMAT: Format = Format {
    write: Writer::Figure(|out, captures, recipe| {
        let scale = recipe.style.unwrap_or_default().scale;
        let Bitmap { png, missing } = Figure::new(captures, recipe)?.png(scale)?;
        out.write_all(&png)?;
        Ok(Omissions { missing, ..Omissions::default() })
    }),
    begins: |start| start.starts_with(b"\x89PNG"),
    recipe,
};

fn recipe(file: BufReader<File>) -> Result<Value, Problem> {
    let mut decoder = png::Decoder::new_with_limits(file, png::Limits { bytes: MOST as usize });
    decoder.set_ignore_iccp_chunk(true);
    let reader = decoder.read_info().map_err(|error| match error {
        png::DecodingError::LimitsExceeded => Problem::Long,
        _ => Problem::None,
    })?;
    let chunk = reader.info().utf8_text.iter().find(|chunk| chunk.keyword == RECIPE);
    // What is packed may be a thousand times as long.
    let mut chunk = chunk.ok_or(Problem::None)?.clone();
    chunk.decompress_text_with_limit(MOST as usize).map_err(|_| Problem::Long)?;
    Ok(serde_json::from_str(&chunk.get_text().map_err(|_| Problem::None)?)?)
}
