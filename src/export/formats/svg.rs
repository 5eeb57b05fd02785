//! A figure as vectors, with its recipe in `<metadata>`. [`figure`](crate::export::figure) draws it.

use super::entry::{Format, Writer};
use super::problem::between;
use crate::export::figure::Figure;
use crate::export::omissions::Omissions;
use crate::vocabulary::xml;

pub const FORMAT: Format = Format {
    write: Writer::Figure(|out, captures, recipe| {
        out.write_all(Figure::new(captures, recipe)?.svg().as_bytes())?;
        Ok(Omissions::default())
    }),
    begins: |start| start.starts_with(b"<svg"),
    recipe: |file| Ok(serde_json::from_str(&xml::unescape(&between(file, "<metadata>", "</metadata>")?))?),
};
