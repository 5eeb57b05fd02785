//! A figure as PNG: its SVG, drawn. The embedded font makes it the same everywhere; only characters that it lacks
//! come from fonts of this machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, PixelDimensions, Unit};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, FaceInfo, ID, Style, Weight};
use resvg::usvg::{FontResolver, Options, Tree};
use skrifa::{FontRef, MetadataProvider as _};
use unicode_width::UnicodeWidthChar as _;

use super::contents::Figure;
use super::text::FONT;
use crate::export::error::ExportError;
use crate::export::omissions::MissingGlyphs;

/// The keyword of the chunk with the recipe.
pub const RECIPE: &str = "recipe";
/// Pixels of a figure to an inch, before it is scaled.
const PER_INCH: f32 = 96.0;
const INCHES_PER_METRE: f32 = 39.370_08;

/// A figure as PNG.
#[derive(Debug, Clone, PartialEq)]
pub struct Bitmap {
    /// The file.
    pub png: Vec<u8>,
    /// The characters that could not be drawn.
    pub missing: MissingGlyphs,
}

/// What stands for a character that no font has.
const BOX: &str = "□";

impl Figure {
    /// The figure in `scale` pixels for each of its own. The recipe is in a text chunk.
    ///
    /// # Errors
    /// If there is no room for so many pixels.
    pub fn png(&self, scale: f32) -> Result<Bitmap, ExportError> {
        let mut fonts = Database::new();
        fonts.load_font_data(FONT.to_vec());
        let mut svg = self.document("");
        let missing = missing_glyphs(&svg, &mut fonts);
        for c in &missing.0 {
            svg = svg.replace(*c, BOX);
        }
        let options = Options { fontdb: Arc::new(fonts), font_resolver: resolver(), ..Options::default() };
        let tree = Tree::from_str(&svg, &options).map_err(|error| ExportError::Draw(error.to_string()))?;
        let side = |length: f32| (length * scale).round().max(1.0) as u32;
        let (width, height) = (side(tree.size().width()), side(tree.size().height()));
        let mut pixmap = Pixmap::new(width, height).ok_or(ExportError::TooLarge(width, height))?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
        // The paper leaves nothing transparent.
        let pixels: Vec<u8> =
            pixmap.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        let png = encoded(&pixels, (width, height), scale, &self.metadata)
            .map_err(|error| ExportError::Draw(error.to_string()))?;
        Ok(Bitmap { png, missing })
    }
}

fn encoded(
    pixels: &[u8],
    (width, height): (u32, u32),
    scale: f32,
    metadata: &str,
) -> Result<Vec<u8>, EncodingError> {
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    let density = (PER_INCH * scale * INCHES_PER_METRE).round() as u32;
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: density, yppu: density, unit: Unit::Meter }));
    encoder.add_itxt_chunk(RECIPE.to_owned(), metadata.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(png)
}

/// The characters of a text that no font has. The fonts of this machine are read only where the embedded one lacks something.
fn missing_glyphs(text: &str, fonts: &mut Database) -> MissingGlyphs {
    // Joiners and marks of presentation draw nothing by themselves.
    let characters: BTreeSet<char> = text.chars().filter(|c| c.width().unwrap_or(0) > 0).collect();
    let lacking = |fonts: &Database, characters: BTreeSet<char>| -> BTreeSet<char> {
        characters.into_iter().filter(|c| fallback(*c, &[], fonts).is_none()).collect()
    };
    let missing = lacking(fonts, characters);
    if missing.is_empty() {
        return MissingGlyphs(missing);
    }
    fonts.load_system_fonts();
    MissingGlyphs(lacking(fonts, missing))
}

fn resolver() -> FontResolver<'static> {
    FontResolver {
        // The embedded one came first; a machine's own of the same name may be another version of it.
        select_font: Box::new(|_, fonts| fonts.faces().next().map(|face| face.id)),
        select_fallback: Box::new(|c: char, used: &[ID], fonts: &mut Arc<Database>| fallback(c, used, fonts)),
    }
}

/// The plainest face that has a character. It does not depend on the order in which faces were found.
fn fallback(c: char, used: &[ID], fonts: &Database) -> Option<ID> {
    let has = |face: &&FaceInfo| {
        let has = |data: &[u8], index| {
            FontRef::from_index(data, index).is_ok_and(|font| font.charmap().map(c).is_some())
        };
        !used.contains(&face.id) && fonts.with_face_data(face.id, has).unwrap_or(false)
    };
    let plainness = |face: &&FaceInfo| {
        let weight = face.weight.0.abs_diff(Weight::NORMAL.0);
        (
            face.style != Style::Normal,
            weight,
            face.stretch.to_number().abs_diff(5),
            face.post_script_name.clone(),
        )
    };
    fonts.faces().filter(has).min_by_key(plainness).map(|face| face.id)
}
