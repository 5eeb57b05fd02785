//! Many small cells as an image: PNG with a palette, one colour of which is transparent.

use base64::Engine as _;
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

use crate::theme::Ramp;

/// Pixels of an image, along each axis, at least: viewers that smooth what they enlarge then blur no cell.
const FINE: usize = 1024;

/// An image of so many cells, transparent where nothing was put.
pub struct Pixels<'a> {
    ramp: &'a Ramp,
    width: usize,
    height: usize,
    /// The step of each cell on the ramp, and one more for what is transparent.
    cells: Vec<u8>,
}

impl<'a> Pixels<'a> {
    /// An empty image. A ramp of 256 colours gives up one of them for the background: its last two are nearly the same.
    pub fn new(ramp: &'a Ramp, width: usize, height: usize) -> Self {
        Self { ramp, width, height, cells: vec![u8::MAX; width * height] }
    }

    /// Gives a cell the colour of a level.
    pub fn put(&mut self, x: usize, y: usize, level: f32) {
        self.cells[y * self.width + x] = self.ramp.step(level).min(usize::from(u8::MAX) - 1) as u8;
    }

    /// As the address of an image that holds it.
    pub fn data_url(&self) -> String {
        // Memory takes whatever is written.
        let png = self.png().unwrap_or_default();
        format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(png))
    }

    fn png(&self) -> Result<Vec<u8>, EncodingError> {
        let scale = FINE.div_ceil(self.width.max(self.height).max(1));
        let (width, height) = (self.width * scale, self.height * scale);
        let mut cells = Vec::with_capacity(width * height);
        for row in self.cells.chunks(self.width.max(1)) {
            let line: Vec<u8> = row.iter().flat_map(|cell| std::iter::repeat_n(*cell, scale)).collect();
            (0..scale).for_each(|_| cells.extend_from_slice(&line));
        }
        let mut palette: Vec<u8> = self.ramp.colors().iter().flat_map(|rgb| [rgb.0, rgb.1, rgb.2]).collect();
        palette.resize(3 * 256, 0);
        let mut opacity = vec![u8::MAX; 256];
        opacity[255] = 0;
        let mut png = Vec::new();
        let mut encoder = Encoder::new(&mut png, width as u32, height as u32);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::High);
        encoder.set_palette(palette);
        encoder.set_trns(opacity);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&cells)?;
        writer.finish()?;
        Ok(png)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::ColorMap;

    #[test]
    fn cells_are_large_and_nothing_is_transparent() {
        let ramp = Ramp::of_values(ColorMap::Blues);
        let mut pixels = Pixels::new(&ramp, 2, 2);
        pixels.put(0, 0, 0.0);
        pixels.put(0, 1, 0.5);
        pixels.put(1, 1, 1.0);
        let png = pixels.png().unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(&png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut image = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut image).unwrap();
        assert_eq!((frame.width, frame.height), (FINE as u32, FINE as u32));
        let at = |x: usize, y: usize| &image[4 * (y * FINE + x)..][..4];
        let opaque = |level: f32| {
            let rgb = ramp.color(level);
            [rgb.0, rgb.1, rgb.2, 255]
        };
        assert_eq!((at(0, 0), at(511, 511)), (&opaque(0.0)[..], &opaque(0.0)[..]));
        assert_eq!((at(511, 512), at(1023, 0)[3]), (&opaque(0.5)[..], 0));
        assert!(png.len() < 5_000, "{} bytes", png.len());
    }
}
